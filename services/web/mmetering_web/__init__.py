"""The web: what the meters say, for the people of the house."""
