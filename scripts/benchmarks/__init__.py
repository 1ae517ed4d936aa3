"""What `scripts/benchmark.py` measures: one file per part, and each compares ours with the plain way."""
