"""The language model: loading, adapters, tokens, training, scoring, generation.

Knows token ids and tensors; knows nothing of corpora, prompts or retrieval. B rows, T tokens, L labels, V words of
the vocabulary are the letters of its shapes.
"""
