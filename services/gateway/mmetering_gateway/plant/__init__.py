"""Which buses there are, and which meters hang on them: as a file or the broker says."""
