"""Larger language models are asked many questions, once each: through a server or on this machine, resumably."""
