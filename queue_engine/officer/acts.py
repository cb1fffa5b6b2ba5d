"""Officers' acts as commands: done at once, or kept for their day (decision 1.24)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import insert

from queue_engine.errors import WrongUsage
from queue_engine.store import applications
from queue_engine.store import tables as t
from queue_engine.store.acts import ActKind, perform
from queue_engine.store.engine import Database
from queue_engine.store.records import Ledger, Locality, locality_of, new_change


def act(database: Database, kind: ActKind, application_id: str, reason: str, day: date | None = None) -> str:
    """Do what the officer asks, or keep it for the night of its day; the sentence to tell.

    Raises: RuleBroken if the rules do not allow it; WrongUsage for an unknown application or an unknown day.
    """
    with database.write() as connection:
        application = applications.find(connection, application_id)
        locality = locality_of(connection, application)
        day = _day(locality, day)
        if locality.open_day is not None and day > locality.open_day:
            connection.execute(
                insert(t.waiting_act).values(
                    kind=kind.value,
                    application_row=application.application_row,
                    locality_id=locality.locality_id,
                    on_day=day,
                    reason=reason,
                )
            )
            return f"Kept for its day: {kind.value} of application {application_id} takes effect in the night of {day}."
        ledger = Ledger(connection, new_change(connection, kind.value, day))
        told = perform(connection, ledger, locality, kind, application_id, day, reason)
        ledger.write()
    return told


def _day(locality: Locality, day: date | None) -> date:
    """The day of an act: as given, or the open day (decision 1.24); never the machine's clock (rule F1)."""
    if day is not None:
        return day
    if locality.open_day is None:
        raise WrongUsage(
            "act.day",
            f"{locality.locality} has had no run yet, so the day of the act is not known.",
            next_step="Give it with --date.",
        )
    return locality.open_day
