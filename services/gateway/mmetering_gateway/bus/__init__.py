"""The wire to the meters: a question goes out over a serial port or TCP, and its answer comes back."""
