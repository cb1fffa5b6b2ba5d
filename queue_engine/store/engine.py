"""Opening the database: durable, one writer at a time, reads beside it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError

from queue_engine.errors import LocalityHeld, WrongUsage

SCHEMA = "0001"
BUSY_SECONDS = 60
# Pages of the write-ahead log before it is folded into the file: a locality's night touches thousands, and folding
# them together is far cheaper than one night at a time.
CHECKPOINT = "wal_autocheckpoint=16000"


class Database:
    """One database: `write()` for a transaction that changes records, `read()` for a steady view of them.

    SQLite before 3.51.3 can damage a file when two connections write and checkpoint at once, so every
    transaction that writes holds a lock file from begin to commit. The lock goes when the process goes.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
        except ArgumentError:
            raise WrongUsage(
                "database.url", "the database address cannot be read.", next_step="Use sqlite:///FILE."
            ) from None
        if self.url.get_backend_name() != "sqlite" or self.url.database in (None, "", ":memory:"):
            raise WrongUsage("database.url", "only a SQLite file is supported so far.", next_step="Use sqlite:///FILE.")
        self.path = Path(self.url.database or "")
        self.engine = _engine(url)

    def exists(self) -> bool:
        """Whether `kezek init` has made it."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return False
        with self.engine.connect() as connection:
            return inspect(connection).has_table("alembic_version")

    def is_foreign(self) -> bool:
        """Whether the file is something else than a database of Kezek."""
        try:
            return self.path.exists() and self.path.stat().st_size > 0 and not self.exists()
        except (DatabaseError, OSError):
            return True

    def require(self) -> Database:
        """Return self if the database is there and of this release; WrongUsage otherwise."""
        try:
            if not self.exists():
                raise WrongUsage(
                    "database.missing", "there is no database here.", next_step="Make one with `kezek init`."
                )
            with self.read() as connection:
                version = connection.execute(text("select version_num from alembic_version")).scalar()
        except DatabaseError:
            raise WrongUsage(
                "database.unreadable",
                "the file is not a database of Kezek, or cannot be opened.",
                next_step="Check --database and the rights on the file.",
            ) from None
        if version != SCHEMA:
            raise WrongUsage(
                "database.version",
                f"the database has schema {version}, this release needs {SCHEMA}.",
                next_step="An older one is upgraded by `kezek init`; a newer one needs the release that made it.",
            )
        return self

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write: committed whole at the end, or not at all."""
        with _locked(self.path, "writer", wait=True), self.engine.connect() as connection:
            connection.info["writes"] = True
            try:
                with connection.begin():
                    yield connection
            finally:
                connection.info["writes"] = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A steady view of the records, beside any writer."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def run_lock(self) -> Iterator[None]:
        """Hold the right to run nights; LocalityHeld (exit 75) if another process has it."""
        with _locked(self.path, "run", wait=False):
            yield


def _engine(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _connected(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None
        for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on", "cache_size=-65536", CHECKPOINT):
            dbapi.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A deferred BEGIN that reads and then writes fails under load instead of waiting.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writes") else "BEGIN")

    return engine


@contextmanager
def _locked(path: Path, name: str, *, wait: bool) -> Iterator[None]:
    lock = os.open(f"{path}-{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise LocalityHeld(
                "run.held", "another run holds the locality.", rule="F1", next_step="Wait until it ends."
            ) from None
        yield
    finally:
        os.close(lock)
