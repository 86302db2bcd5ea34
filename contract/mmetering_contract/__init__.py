"""What the services agree on: quantities, topics and payloads. Imports no service and does no I/O."""
