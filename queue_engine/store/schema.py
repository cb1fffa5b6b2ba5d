"""Making and upgrading the schema, by Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from queue_engine.store import engine

SCRIPTS = str(Path(__file__).with_name("migrations"))


def upgrade(connection: Connection) -> str | None:
    """Bring the schema to that of this release, inside the caller's transaction.

    Returns the revision found if this release does not know it, and changes nothing then; else None.
    """
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    present = MigrationContext.configure(connection).get_current_revision()
    if present is not None and present not in revisions():
        return present
    command.upgrade(config, engine.SCHEMA)
    return None


def revisions() -> set[str]:
    """Every schema that this release knows."""
    return {script.revision for script in ScriptDirectory(SCRIPTS).walk_revisions()}
