"""Guards taken off, one at a time, for the twins: what each holds back must be seen by the simulation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, event

from concurrency.unguarded import split_write
from queue_engine.night import run as night_run
from queue_engine.night import serve as night_serve
from queue_engine.night.steps import lapse_vouchers
from queue_engine.store.engine import Database
from queue_engine.store.queues import FreePlaces, read_free_places


def without_lapse() -> None:
    """Vouchers never lapse."""
    night_run.STEPS = tuple(step for step in night_run.STEPS if step is not lapse_vouchers)


def without_counting() -> None:
    """The first free vacancy of a night is thought to have one place more; the schema's own guard is off as well."""

    def counts_one_twice(*arguments: Any) -> FreePlaces:
        free = read_free_places(*arguments)
        more = free.free.copy()
        more[:1] += 1
        return replace(free, free=more)

    night_serve.read_free_places = counts_one_twice
    event.listen(Engine, "connect", lambda dbapi, _record: dbapi.execute("pragma ignore_check_constraints = on"))


def without_rollback() -> None:
    """What a night had done when it was broken off stays; all else is whole."""
    whole = Database.write

    def write(database: Database, locality: str | None = None) -> AbstractContextManager[Connection]:
        return split_write(database, locality) if locality else whole(database)

    Database.write = write


def without_dates() -> None:
    """A decline dated ahead gives its place back at once (against decision 1.2)."""
    night_serve.held_until_later = lambda _night: []


GUARDS: dict[str, Callable[[], None]] = {
    "lapse": without_lapse,
    "counting": without_counting,
    "rollback": without_rollback,
    "dates": without_dates,
}
