"""Retrieval only: a vote of the most similar training utterances."""
