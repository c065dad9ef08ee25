"""What Alembic runs: the migrations, on the connection that `dubkit.web.database.migrate` gives."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
