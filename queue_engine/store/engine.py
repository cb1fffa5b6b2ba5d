"""Opening the database: durable, changes one after another, reads beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError

from queue_engine.errors import WrongUsage, disk_error
from queue_engine.store.held import Held
from queue_engine.store.sqlite import SqliteFile

SCHEMA = "0002"
# Classes of SQLSTATE whose messages name tables, constraints and resources alone: connection, broken constraint,
# transaction state and rollback, resources, operator, system.
WITHOUT_VALUES = ("08", "23", "25", "40", "53", "55", "57", "58")
# By SQLite's names of its errors and PostgreSQL's SQLSTATE.
DISK = (
    ("the disk is full", "SQLITE_FULL", ("53100",)),
    ("the disk fails (input/output error)", "SQLITE_IOERR", ("58030",)),
    ("the records may not be written to", "SQLITE_READONLY", ("25006",)),
)
ADDRESSES = "Use sqlite:///FILE or postgresql://USER@HOST/DATABASE."


class Store(Protocol):
    """What SQLite and PostgreSQL each do in their own way; see `Database`."""

    engine: Engine
    side_by_side: bool

    @property
    def path(self) -> Path | None: ...

    def is_there(self) -> bool: ...
    def write(self, locality: str | None, /) -> AbstractContextManager[Connection]: ...
    def note(self) -> AbstractContextManager[Connection]: ...
    def read(self) -> AbstractContextManager[Connection]: ...
    def run_lock(self) -> AbstractContextManager[None]: ...
    def locality_lock(self, locality: str, patience_ms: int, /) -> AbstractContextManager[None]: ...
    def back_up(self, target: Path, made_at: datetime, /) -> Held: ...
    def restore(self, backup: Path, /) -> tuple[str, Held]: ...
    def clear(self) -> None: ...


class Database:
    """One database: `write()` for a transaction that changes records, `read()` for a steady view of them."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
        except ArgumentError:
            raise WrongUsage("database.url", "the database address cannot be read.", next_step=ADDRESSES) from None
        self.store = _store(self.url)
        self.engine = self.store.engine

    @property
    def path(self) -> Path | None:
        """The file of the records; None if a server keeps them."""
        return self.store.path

    @property
    def side_by_side(self) -> bool:
        """Whether nights of different localities may run at the same time."""
        return self.store.side_by_side

    @property
    def address(self) -> str:
        """The whole address, for another process of ours; it may hold a password."""
        return self.url.render_as_string(hide_password=False)

    def __str__(self) -> str:
        """Where the records are, to be shown."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    def is_there(self) -> bool:
        """Whether the file, or any table of the server's database, is there."""
        return self.store.is_there()

    def is_foreign(self) -> bool:
        """Whether what is there is something else than a database of Kezek, or cannot be opened."""
        try:
            return self.is_there() and not self.exists()
        except (DatabaseError, OSError):
            return True

    def exists(self) -> bool:
        """Whether `kezek init` has made it."""
        if not self.is_there():
            return False
        with self.engine.connect() as connection:
            return inspect(connection).has_table("alembic_version")

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
            raise self.unreadable() from None
        if version != SCHEMA:
            raise WrongUsage(
                "database.version",
                f"the database has schema {version}, this release needs {SCHEMA}.",
                next_step="An older one is upgraded by `kezek init`; a newer one needs the release that made it.",
            )
        return self

    def unreadable(self) -> WrongUsage:
        """What to say of a database that cannot be opened."""
        if self.path is None:
            return WrongUsage(
                "database.unreadable",
                "the server does not let us in, or its database is not there or not one of Kezek.",
                next_step="Check --database, the server, and the rights of its user.",
            )
        return WrongUsage(
            "database.unreadable",
            "the file is not a database of Kezek, or cannot be opened.",
            next_step="Check --database and the rights on the file.",
        )

    @contextmanager
    def write(self, locality: str | None = None) -> Iterator[Connection]:
        """A transaction that may write: committed whole at the end, or not at all.

        locality: it changes the records of this locality alone, and allots no row ids of applications and vacancies
        (a night); None = it may change anything. Others wait as decision 7 says.
        """
        with _disk_told(), self.store.write(locality) as connection:
            yield connection

    @contextmanager
    def note(self) -> Iterator[Connection]:
        """A transaction for what is no record of the queue (heartbeat, outcomes); on a server it waits for no night."""
        with self.store.note() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A steady view of the records, beside any writer."""
        with _disk_told(), self.store.read() as connection:
            yield connection

    @contextmanager
    def run_lock(self) -> Iterator[None]:
        """Hold the right to run nights, where one run excludes all others; LocalityHeld (exit 75) if it is taken."""
        with self.store.run_lock():
            yield

    @contextmanager
    def locality_lock(self, locality: str, patience_ms: int = 0) -> Iterator[None]:
        """Hold the right to run a locality's nights; LocalityHeld (exit 75) if another run keeps it so long."""
        with self.store.locality_lock(locality, patience_ms):
            yield


def _store(url: URL) -> Store:
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return SqliteFile(url)
    if backend == "postgresql":
        try:
            from queue_engine.store.postgresql import PostgresServer
        except ImportError:
            raise WrongUsage(
                "database.driver",
                "the driver of PostgreSQL is not installed.",
                next_step="Install it with `pip install 'kezek[postgres]'`.",
            ) from None
        return PostgresServer(url)
    raise WrongUsage("database.url", "records are kept in a SQLite file or in PostgreSQL.", next_step=ADDRESSES)


def driver_words(error: DBAPIError) -> str:
    """What the driver says of itself and of the disk, never of a row: PostgreSQL may quote the values of one."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is None:
        return str(error.orig)
    if str(diagnosis.sqlstate)[:2] in WITHOUT_VALUES:
        return str(diagnosis.message_primary)
    return type(error.orig).__name__


@contextmanager
def _disk_told() -> Iterator[None]:
    """Errors of the database that come from its disk, in words; any other goes on as it is."""
    try:
        yield
    except DBAPIError as error:
        name = str(getattr(error.orig, "sqlite_errorname", ""))
        state = str(getattr(error.orig, "sqlstate", ""))
        for words, begin, states in DISK:
            if name.startswith(begin) or state in states:
                raise disk_error(words) from None
        raise
