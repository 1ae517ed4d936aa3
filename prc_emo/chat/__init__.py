"""Conversations as they happen: each turn's emotion is recognised, kept with its evidence, and answered. See the README."""
