"""A SQLite file copied while it is written to, checked, and put in the place of another.

A file in WAL mode cannot be copied as it lies: its last changes are in `-wal`, and a copy made while these are folded
into the file mixes pages of two moments. Nor can it be replaced while anybody has it open: who closes it last folds and
deletes `-wal` by name, which would be that of the new file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from queue_engine.store.held import check_version, damaged, foreign, in_use

MAGIC = b"SQLite format 3\x00"
HEADER = 100
# Byte 19 of the header: 2 if readers must look into `-wal`.
READ_VERSION, WAL_MODE = 19, 2
MADE_AT = "backup.made_at"
# The bytes that SQLite itself locks, of every connection that has a file open in WAL mode (sqlite.org/fileformat).
SHARED_FIRST, SHARED_SIZE = 0x40000000 + 2, 510
ENDED = b"replaced by kezek restore".ljust(HEADER, b"\x00")


def copy_out(connection: Connection, target: Path, made_at: datetime) -> None:
    """Copy the connection's view of the records into `target`, an empty file, beside any writer, and sync it.

    All pages go in one step: with more, a writer in between would make SQLite begin anew.
    """
    source: Any = connection.connection.driver_connection
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        copy.execute("pragma synchronous=off")  # synced as a whole below
        source.backup(copy)
        copy.execute("pragma journal_mode=delete")
        copy.execute("insert or replace into settings values (?, ?)", (MADE_AT, made_at.isoformat(timespec="seconds")))
    sync(target)


def check(backup: Path) -> str:
    """When the backup was made, if it is whole, ours, and of a schema that this release knows.

    Raises: InputRefused otherwise. The file is not changed, nor is anything made beside it.
    """
    _check_header(backup)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(backup))}?mode=ro&immutable=1", uri=True)) as connection:
            verdict = connection.execute("pragma integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                raise damaged("its pages do not fit together")
            if not connection.execute("select 1 from sqlite_master where name = 'alembic_version'").fetchone():
                raise foreign("the file is a SQLite database, but not one of Kezek.")
            check_version(connection.execute("select version_num from alembic_version").fetchone()[0])
            made = connection.execute("select value from settings where name = ?", (MADE_AT,)).fetchone()
    except sqlite3.DatabaseError:
        raise damaged("it cannot be read as a database") from None
    return made[0] if made else "a moment that it does not tell"


def _check_header(backup: Path) -> None:
    with backup.open("rb") as file:
        header = file.read(HEADER)
    if header.startswith(b"PGDMP"):
        raise foreign("the file is a backup of a PostgreSQL database.", "Restore it with --database postgresql://...")
    if len(header) < HEADER or not header.startswith(MAGIC):
        raise foreign("the file is no backup.")
    wal = Path(f"{backup}-wal")
    if header[READ_VERSION] == WAL_MODE or (wal.exists() and wal.stat().st_size):
        raise foreign(
            "the file is a plain copy of a database, not a backup: its last changes may be missing.",
            "Take a file that `kezek backup` has made; or, if this is all there is, open it with its -wal beside it: "
            "`kezek --database sqlite:///FILE backup NEW`, and restore NEW.",
        )


def copy_in(backup: Path, path: Path) -> tuple[Path, str]:
    """A checked copy of the backup under a temporary name beside `path`, synced, to be handed to `put_in_place`.

    Returns: the copy, and when the backup was made.
    """
    _check_header(backup)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    os.close(descriptor)
    part = Path(name)
    try:
        shutil.copyfile(backup, part)
        made_at = check(part)
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute("delete from settings where name = ?", (MADE_AT,))
        sync(part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part, made_at


def put_in_place(part: Path, path: Path) -> None:
    """Make `part` the file at `path`, in one moment. The caller holds the locks of runs and of writers.

    Raises: LocalityHeld if any program has the present file open; nothing is touched then.
    """
    with _alone(path) as present:
        # A log of the present file would be taken for one of the new file. By now it is folded in, unless the present
        # file is damaged.
        for suffix in ("-wal", "-shm", "-journal"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        sync(path.parent)
        os.replace(part, path)
        sync(path.parent)
        if present is not None:
            # Who has opened the old file meanwhile, and waits for its lock, must not go on with it: the logs it would
            # find by name are those of the new file.
            os.pwrite(present, ENDED, 0)


@contextmanager
def _alone(path: Path) -> Iterator[int | None]:
    """The present file, folded and locked against every program that would open it; None if there is none."""
    if not path.exists():
        yield None
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=0)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    present = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.lockf(present, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
            raise in_use("another program has the database open") from None
        yield present
    finally:
        os.close(present)


def sync(path: Path) -> None:
    """Have the disk keep what a file or a folder holds."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
