"""Alembic's entry: runs the migrations on the connection that `syncd.store.migrations.upgrade` hands over."""

from alembic import context

from syncd.store.migrations import migrate

migrate(context.config.attributes["connection"])
