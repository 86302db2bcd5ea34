"""From the meter to the topic: reads meters over Modbus, keeps every reading until it is receipted, publishes it."""
