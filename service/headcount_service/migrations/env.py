"""Alembic's entry point: runs the migrations on the connection that `upgrade.py` has opened."""

from alembic import context

from headcount_service.game.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by recreating it
)
context.run_migrations()
