"""The store without its guards, for the twins of the tests: what a guard holds back must show when it is off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from queue_engine.store.engine import Database


@contextmanager
def split_write(database: Database, _locality: str | None = None) -> Iterator[Connection]:
    """In place of `Database.write`: no transaction around the statements, so each one is committed by itself."""
    with database.engine.connect() as connection:
        if database.path is None:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")
            return
        connection.info["writes"] = True
        driver = connection.connection.dbapi_connection
        assert driver is not None
        connection.begin()
        driver.execute("commit")  # SQLAlchemy goes on as if the transaction were open; SQLite commits each statement
        yield connection


@contextmanager
def deferred_write(database: Database, _locality: str | None = None) -> Iterator[Connection]:
    """In place of `Database.write`: no lock file, and a transaction that begins to write only when it must."""
    with database.engine.connect() as connection, connection.begin():
        yield connection
