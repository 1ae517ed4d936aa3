"""Ablation studies: arms x seeds from one file, run, compared and reported."""
