"""SQLite as the store: one file, durable, one writer at a time, reads beside it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from queue_engine.errors import LocalityHeld

BUSY_SECONDS = 60
# Pages of the write-ahead log before it is folded into the file: a locality's night touches thousands, and folding
# them together is far cheaper than one night at a time.
CHECKPOINT = "wal_autocheckpoint=16000"


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

    def clear(self) -> None:
        """Take the file away."""
        self.engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


def _engine(url: URL) -> Engine:
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
