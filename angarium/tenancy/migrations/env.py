"""Run by Alembic, on the connection that ``database.migrate`` gives."""

from alembic import context

from angarium.tenancy.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
