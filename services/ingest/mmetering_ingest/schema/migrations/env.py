"""Alembic asks this file how to run: on the connection that `mmetering_ingest.schema.migrate` has opened and locked."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
