"""Alembic's entry: migrations run on the connection that `queue_engine.store.schema` hands over."""

from __future__ import annotations

from alembic import context

from queue_engine.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
