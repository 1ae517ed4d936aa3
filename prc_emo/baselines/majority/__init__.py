"""Always the most frequent training label."""
