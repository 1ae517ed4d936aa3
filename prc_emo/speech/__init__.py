"""Voices: recordings, units or features in, frames by utterance id out. Described in the README beside this file."""
