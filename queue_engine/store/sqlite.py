"""SQLite as the store: one file, durable, one writer at a time, reads beside it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from queue_engine.errors import LocalityHeld, disk_error
from queue_engine.store import sqlite_backup
from queue_engine.store.held import Held, held, in_use

BUSY_SECONDS = 60
# Readers go on beside a writer.
JOURNAL = "journal_mode=wal"
# Pages of the write-ahead log before it is folded into the file: a locality's night touches thousands, and folding
# them together is far cheaper than one night at a time.
CHECKPOINT = "wal_autocheckpoint=16000"

OURS_OR_EMPTY = "select count(*) = 0 or max(name = 'alembic_version') from sqlite_master"


class SqliteFile:
    """SQLite before 3.51.3 can damage a file when two connections write and checkpoint at once, so every
    transaction that writes holds a lock file from begin to commit. The lock goes when the process goes.
    """

    side_by_side = False
    """Nights of different localities wait for each other."""

    def __init__(self, url: URL) -> None:
        self.path = Path(url.database or "")
        self.engine = _engine(url)

    def is_there(self) -> bool:
        """Whether there is a file with something in it."""
        return self.path.exists() and self.path.stat().st_size > 0

    @contextmanager
    def write(self, _locality: str | None) -> Iterator[Connection]:
        """A transaction that may write, alone on the file."""
        with _locked(self.path, "writer", wait=True), self.engine.connect() as connection:
            connection.info["writes"] = True
            try:
                with connection.begin():
                    yield connection
            finally:
                connection.info["writes"] = False

    def note(self) -> AbstractContextManager[Connection]:
        """As any transaction that writes: a file has one writer at a time."""
        return self.write(None)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A steady view of the file."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def run_lock(self) -> AbstractContextManager[None]:
        """The right to run nights on this file; LocalityHeld if another process has it."""
        return _locked(self.path, "run", wait=False)

    def locality_lock(self, _locality: str, _patience_ms: int) -> AbstractContextManager[None]:
        """Nothing to hold: the lock of the run covers every locality of the file."""
        return nullcontext()

    def back_up(self, target: Path, made_at: datetime) -> Held:
        """Write a steady copy of the records into an empty file, beside a running night, and check it."""
        with self.read() as connection:
            held_here = held(connection)  # from here on the view does not change
            sqlite_backup.copy_out(connection, target, made_at)
        sqlite_backup.check(target)
        return held_here

    def restore(self, backup: Path) -> tuple[str, Held]:
        """Put a backup in the place of the records; when it was made, and how far it goes.

        Raises: InputRefused for a file that is no whole backup, LocalityHeld if anybody uses the records.
        """
        self.engine.dispose()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _to_be_replaced(self.path):
            part, made_at = sqlite_backup.copy_in(backup, self.path)
            try:
                sqlite_backup.put_in_place(part, self.path)
            finally:
                part.unlink(missing_ok=True)
            with self.read() as connection:
                return made_at, held(connection)

    def clear(self) -> None:
        """Take the file away."""
        self.engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


def _engine(url: URL) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "do_connect")
    def _opened(_dialect: Any, _record: Any, _arguments: Any, keywords: dict[str, Any]) -> sqlite3.Connection | None:
        # Reading in WAL mode makes files beside the database. Where none can be made, nothing changes either.
        path = Path(url.database or "")
        if not _is_frozen(path):
            return None
        frozen: sqlite3.Connection = sqlite3.connect(f"file:{quote(str(path))}?immutable=1", uri=True, **keywords)
        return frozen

    @event.listens_for(engine, "connect")
    def _connected(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None
        # The journal's kind is kept in the file: one that is not ours stays as it is.
        kind = (JOURNAL,) if dbapi.execute(OURS_OR_EMPTY).fetchone()[0] else ()
        for pragma in (*kind, "synchronous=full", "foreign_keys=on", "cache_size=-65536", CHECKPOINT):
            dbapi.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A deferred BEGIN that reads and then writes fails under load instead of waiting.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writes") else "BEGIN")

    return engine


def _is_frozen(path: Path) -> bool:
    """Whether the file lies on a file system that is mounted read only, with no changes waiting in its log."""
    log = Path(f"{path}-wal")
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY) and not (log.exists() and log.stat().st_size)
    except OSError:
        return False


@contextmanager
def _to_be_replaced(path: Path) -> Iterator[None]:
    """Neither a run nor a writer is under way, and none begins."""
    with ExitStack() as locks:
        for name, what in (("run", "a run is under way"), ("writer", "the records are being changed")):
            try:
                locks.enter_context(_locked(path, name, wait=False))
            except LocalityHeld:
                raise in_use(what) from None
        yield


@contextmanager
def _locked(path: Path, name: str, *, wait: bool) -> Iterator[None]:
    try:
        lock = os.open(f"{path}-{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise disk_error(error.strerror or "the disk failed") from None
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
