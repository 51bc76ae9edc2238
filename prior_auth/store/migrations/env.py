"""Runs migrations on the connection that `prior_auth.store.migrate` gives, inside its transaction."""

from alembic import context

from prior_auth.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
