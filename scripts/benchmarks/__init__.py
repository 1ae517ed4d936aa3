"""What `scripts/benchmark.py` measures, one file per part; every part compares ours with the plain way, side by side."""
