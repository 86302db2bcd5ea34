"""What is asked of the meters of a bus, when, and how much of its time that takes. Pure."""
