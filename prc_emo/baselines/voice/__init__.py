"""Voices without a language model: frames, pooled by their mean or by a Q-Former, and a linear head."""
