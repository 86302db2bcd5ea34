"""All rows of all tables as one file, and back again."""
