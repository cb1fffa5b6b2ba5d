"""What a backup holds, and what is said of one that cannot be used."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from queue_engine.errors import InputRefused, LocalityHeld
from queue_engine.store import tables as t

NOTHING_TOUCHED = "Nothing was touched."


class Held(NamedTuple):
    """How far records go.

    change_id, kind, on_day: the last change on record; 0 and empty if there is none.
    last_night: the latest night of any locality.
    """

    change_id: int
    kind: str
    on_day: date | None
    last_night: date | None

    def __str__(self) -> str:
        night = f"the last night is that of {self.last_night}" if self.last_night else "no night is on record"
        if not self.change_id:
            return f"{night}; nothing was ever taken in"
        day = f" of {self.on_day}" if self.on_day else ""
        return f"{night}; the last change is number {self.change_id}, {self.kind}{day}"


def held(connection: Connection) -> Held:
    """How far the records of a database go."""
    last_night = connection.execute(select(func.max(t.locality.c.last_run_on))).scalar()
    change = t.change.c
    row = connection.execute(
        select(change.change_id, change.kind, change.on_day).order_by(change.change_id.desc()).limit(1)
    ).one_or_none()
    return Held(row.change_id, row.kind, row.on_day, last_night) if row else Held(0, "", None, last_night)


def damaged(what: str) -> InputRefused:
    """A backup that lacks something or was changed."""
    return InputRefused(
        "backup.damaged", f"the backup is damaged: {what}. {NOTHING_TOUCHED}", next_step="Take an earlier backup."
    )


def foreign(what: str, next_step: str = "Name a file that `kezek backup` has made.") -> InputRefused:
    """A file that is no backup of the store in question."""
    return InputRefused("backup.foreign", f"{what} {NOTHING_TOUCHED}", next_step=next_step)


def check_version(found: str) -> None:
    """InputRefused if a backup has a schema that this release does not know: one of a later release."""
    from queue_engine.store.schema import revisions  # Alembic is slow to import, and needed only here

    if found not in revisions():
        raise InputRefused(
            "backup.newer",
            f"the backup has schema {found}, which this release does not know. {NOTHING_TOUCHED}",
            next_step="Use the release that made it, or a later one.",
        )


def in_use(what: str) -> LocalityHeld:
    """The database to be replaced is held by somebody."""
    return LocalityHeld(
        "restore.held", f"{what}. {NOTHING_TOUCHED}", next_step="Wait until it ends, or stop it, and restore again."
    )
