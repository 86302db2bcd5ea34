"""What every service runs on: settings from the environment, log lines, one MQTT session, a heartbeat."""
