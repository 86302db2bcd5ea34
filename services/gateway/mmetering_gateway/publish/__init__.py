"""What the gateway tells the broker: the record from the spool, and the live state beside it."""
