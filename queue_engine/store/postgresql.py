"""PostgreSQL as the store: nights of different localities side by side; see decision 7 for the locks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Cursor, Error
from psycopg.types.string import TextLoader
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from queue_engine.errors import LocalityHeld, WrongUsage
from queue_engine.store import postgresql_backup
from queue_engine.store.held import Held, held, in_use
from queue_engine.store.tables import metadata

# The first half of an advisory lock's key: what is locked. The second half is a locality's id, or 0.
RECORDS, NIGHT, RUN = 20_254_001, 20_254_002, 20_254_003
LOCK_NOT_AVAILABLE = "55P03"
AT_CONNECT = (
    # What is told to be done must be on the disk, whatever the server's own habit.
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
    # Locks of a process that was killed go within seconds, not when its statement ends or its machine answers.
    "set client_connection_check_interval = '2s'",
    "set tcp_keepalives_idle = 30",
    "set tcp_keepalives_interval = 10",
    "set tcp_keepalives_count = 3",
    "set datestyle = 'ISO'",
)


class PostgresServer:
    """One database of a server. Its tables are made by `kezek init`, the database itself by whoever keeps the server.

    A transaction that writes begins with its locks, so what it reads afterwards nobody else changes; reading
    transactions take none and see one moment (repeatable read).
    """

    side_by_side = True
    """Nights of different localities need not wait for each other."""

    path = None

    def __init__(self, url: URL) -> None:
        if url.drivername not in ("postgresql", "postgresql+psycopg"):
            raise WrongUsage(
                "database.url",
                "PostgreSQL is spoken to by psycopg 3 alone.",
                next_step="Use postgresql://USER@HOST/DATABASE.",
            )
        self.engine = _engine(url)

    def is_there(self) -> bool:
        """Whether there is any table."""
        with self.engine.connect() as connection:
            return bool(inspect(connection).get_table_names())

    @contextmanager
    def write(self, locality: str | None) -> Iterator[Connection]:
        """A transaction that may write: alone, or for a locality's night beside those of other localities."""
        with self.engine.connect() as connection, connection.begin():
            if locality is None:
                connection.execute(text("select pg_advisory_xact_lock(:records, 0)"), {"records": RECORDS})
            else:
                connection.execute(text("select pg_advisory_xact_lock_shared(:records, 0)"), {"records": RECORDS})
                connection.execute(
                    text("select pg_advisory_xact_lock(:night, locality_id) from locality where locality = :code"),
                    {"night": NIGHT, "code": locality},
                )
            yield connection

    @contextmanager
    def note(self) -> Iterator[Connection]:
        """A transaction that writes no record, and so takes none of the locks on records."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A steady view of the records."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def run_lock(self) -> AbstractContextManager[None]:
        """Nothing to hold: runs exclude each other locality by locality."""
        return nullcontext()

    @contextmanager
    def locality_lock(self, locality: str, patience_ms: int) -> Iterator[None]:
        """The right to run a locality's nights, held by a connection of its own: it goes when the process goes.

        patience_ms: how long to wait for it; 0 = not at all.
        Raises: LocalityHeld if another run has it all that time.
        """
        key = {"run": RUN, "code": locality}
        with self.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            if not _held(connection, key, patience_ms):
                raise LocalityHeld(
                    "run.held", "another run holds the locality.", rule="F1", next_step="Wait until it ends."
                )
            try:
                yield
            finally:
                # Of this session alone, which holds nothing else; a session that breaks is unlocked by the server.
                connection.execute(text("select pg_advisory_unlock_all()"))

    def back_up(self, target: Path, _made_at: datetime) -> Held:
        """Write a steady copy of the records into a file by pg_dump, beside running nights, and check it."""
        with self.read() as connection:
            snapshot = connection.execute(text("select pg_export_snapshot()")).scalar_one()
            postgresql_backup.dump(self.engine, target, str(snapshot))
            held_here = held(connection)
        postgresql_backup.check(target)
        return held_here

    def restore(self, backup: Path) -> tuple[str, Held]:
        """Put a backup in the place of the records by pg_restore, in one transaction.

        Raises: InputRefused for a file that is no whole backup or of another schema than the present records,
        LocalityHeld if anybody changes these.
        """
        archive = postgresql_backup.check(backup)
        there = self.is_there()
        with self.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                if there:
                    _hold_everything(connection)
                    archive.require_schema(connection)
                postgresql_backup.put_back(self.engine, backup, clean=there)
                return archive.made_at, held(connection)
            finally:
                connection.execute(text("select pg_advisory_unlock_all()"))

    def clear(self) -> None:
        """Take the tables away."""
        with self.engine.begin() as connection:
            metadata.drop_all(connection)
            connection.execute(text("drop table if exists alembic_version"))


def _hold_everything(connection: Connection) -> None:
    """Take the locks of every run and of the records, until they are given back; LocalityHeld if one is not free.

    They belong to the session, for a transaction of ours would stand in the way of the one that replaces the tables.
    """
    keys = [(RECORDS, 0, "the records are being changed")]
    for locality_id in connection.execute(text("select locality_id from locality")).scalars():
        keys.append((RUN, int(locality_id), "a run is under way"))
    for first, second, what in keys:
        taken = connection.execute(text("select pg_try_advisory_lock(:one, :two)"), {"one": first, "two": second})
        if not taken.scalar_one():
            raise in_use(what)


def _held(connection: Connection, key: dict[str, object], patience_ms: int) -> bool:
    """Take the lock of a locality's run; whether it was to be had."""
    if not patience_ms:
        asked = text("select pg_try_advisory_lock(:run, locality_id) from locality where locality = :code")
        return bool(connection.execute(asked, key).scalar_one())
    connection.execute(text("select set_config('lock_timeout', :ms, false)"), {"ms": f"{patience_ms}ms"})
    try:
        connection.execute(text("select pg_advisory_lock(:run, locality_id) from locality where locality = :code"), key)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    finally:
        connection.execute(text("reset lock_timeout"))
    return True


def _engine(url: URL) -> Engine:
    engine = create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connected(dbapi: Any, _record: Any) -> None:
        dbapi.autocommit = True
        for statement in AT_CONNECT:
            dbapi.execute(statement)
        dbapi.autocommit = False

    return engine


@contextmanager
def _cursor(connection: Connection, statement: str) -> Iterator[Cursor[tuple[Any, ...]]]:
    """The driver's own cursor inside the connection's transaction; its errors as SQLAlchemy tells them."""
    driver: Any = connection.connection.driver_connection
    try:
        with Cursor(driver) as cursor:
            # As SQLite has them.
            cursor.adapters.register_loader("date", TextLoader)
            yield cursor
    except Error as error:
        raise DBAPIError.instance(
            statement, None, error, Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _in_its_dialect(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")


def copy_rows(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows by COPY."""
    statement = f"copy {table} ({', '.join(columns)}) from stdin"
    with _cursor(connection, statement) as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def execute_many(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run one statement with `?` for each row of parameters."""
    with _cursor(connection, statement) as cursor:
        cursor.executemany(_in_its_dialect(statement), rows)


def rows_of(connection: Connection, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """All rows of a query with `?`; dates as ISO text."""
    with _cursor(connection, statement) as cursor:
        return cursor.execute(_in_its_dialect(statement), parameters).fetchall()
