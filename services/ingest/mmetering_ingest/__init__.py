"""From the topic into the table: every reading once. Owner of the schema and its migrations."""
