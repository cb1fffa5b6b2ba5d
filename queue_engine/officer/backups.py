"""Backups of the records, and restoring them (decision 10)."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from queue_engine.errors import KezekError, WrongUsage
from queue_engine.settings import Clock
from queue_engine.store.engine import Database
from queue_engine.store.held import Held, held
from queue_engine.store.sqlite_backup import sync


def back_up(database: Database, file: Path, clock: Clock, *, overwrite: bool = False) -> str:
    """Write a checked backup of the records, beside a running night; the sentence to tell.

    The file is there whole, readable by its owner alone, or not at all.
    Raises: WrongUsage if it is there already (without `overwrite`) or cannot be written.
    """
    _must_not_be_the_records(database, file)
    if file.exists() and not overwrite:
        raise WrongUsage(
            "backup.there", f"{file} is there already.", next_step="Name another file, or say --overwrite."
        )
    made_at = clock()
    with _files_told(file), _written_beside(file) as part:
        there = database.store.back_up(part, made_at)
        size = part.stat().st_size
    return (
        f"{file}: a backup of {size / 1e6:,.1f} MB, checked, made at {made_at.isoformat(timespec='seconds')}. "
        f"In it {there}."
    )


def restore(database: Database, file: Path, *, overwrite: bool = False) -> str:
    """Put a backup where no records are, or in the place of the present ones (`overwrite`); the sentences to tell.

    All or nothing; refused while a run is under way or somebody changes the records.
    Raises: WrongUsage if records are there (without `overwrite`); InputRefused for a file that is no whole backup;
    LocalityHeld if the records are held.
    """
    _must_not_be_the_records(database, file)
    if not file.is_file():
        raise WrongUsage(
            "restore.file",
            f"there is no file {file}.",
            next_step="Name a backup; an application comes back from the archive by --reason.",
        )
    if database.is_there() and not overwrite:
        raise WrongUsage(
            "restore.there",
            "there is a database here already.",
            next_step="Name another by --database, or say --overwrite to lose what it holds.",
        )
    replaced = _present(database)
    with _files_told(file):
        made_at, there = database.store.restore(file)
    return (
        f"The records are those of the backup made at {made_at}. In it {there}. "
        f"{_loss(replaced, there)}What came later is to be taken in again, and missed nights to be run."
    )


def _must_not_be_the_records(database: Database, file: Path) -> None:
    path = database.path
    if path is not None and file.resolve() in {Path(f"{path.resolve()}{end}") for end in ("", "-wal", "-shm")}:
        raise WrongUsage("backup.same", f"{file} is the database itself.", next_step="Name another file.")


def _present(database: Database) -> Held | None:
    """How far the records to be replaced go; None if there are none that can be read.

    Raises: WrongUsage if what is there is whole but something else than a database of Kezek.
    """
    present: Held | None = None
    try:
        if not database.is_there():
            return None
        ours = database.exists()
        if ours:
            with database.read() as connection:
                present = held(connection)
    except (DatabaseError, KezekError):
        if database.path is None:
            raise database.unreadable() from None
        return None
    finally:
        database.engine.dispose()
    if not ours:
        raise WrongUsage(
            "restore.foreign",
            "what is there is not a database of Kezek, and is not replaced.",
            next_step="Check --database.",
        )
    return present


def _loss(replaced: Held | None, there: Held) -> str:
    if replaced is None:
        return ""
    lost = replaced.change_id - there.change_id
    if lost > 0:
        return f"Lost: {lost:,} changes made after it; in the records replaced {replaced}. "
    return f"In the records replaced {replaced}. "


@contextmanager
def _written_beside(file: Path) -> Iterator[Path]:
    """An empty file, its owner's alone, that takes the name `file` at the end; nothing is left of it after an error."""
    descriptor, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f"{file.name}.", suffix=".part")
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        sync(part)
        os.replace(part, file)
        sync(file.absolute().parent)
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            Path(f"{part}{end}").unlink(missing_ok=True)


@contextmanager
def _files_told(file: Path) -> Iterator[None]:
    """What the disk or SQLite refuses, told in words."""
    try:
        yield
    except OSError as error:
        raise _failed(file, error.strerror or type(error).__name__) from None
    except sqlite3.Error as error:
        raise _failed(file, str(error)) from None


def _failed(file: Path, why: str) -> KezekError:
    return WrongUsage(
        "backup.disk", f"{file}: {why}. Nothing was touched.", next_step="Look after the disk and the rights on it."
    )
