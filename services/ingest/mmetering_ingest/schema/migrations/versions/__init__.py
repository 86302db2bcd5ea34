"""The steps, each with the version that it follows."""
