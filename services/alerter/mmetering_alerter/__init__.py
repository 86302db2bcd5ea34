"""Watches the topics and mails people when something fails, and when it is over."""
