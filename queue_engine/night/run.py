"""The night: one run per locality and day, in day order, all or nothing, repeatable (rules F)."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import bindparam, insert, select, update

from queue_engine.domain.moments import end_of
from queue_engine.errors import KezekError, RuleBroken
from queue_engine.night.context import Night, NightReport
from queue_engine.night.sanity import check_records
from queue_engine.night.serve import serve
from queue_engine.night.steps import (
    archive_over_age,
    begin_terms,
    cancel_unconfirmed,
    end_stays,
    lapse_vouchers,
    reclassify,
    renew_rounds,
    return_from_stop_list,
    take_acts,
    take_withdrawals,
)
from queue_engine.store import tables as t
from queue_engine.store.engine import Database
from queue_engine.store.records import (
    Ledger,
    Locality,
    calendar,
    find_locality,
    localities,
    new_change,
    rulebook,
)

STEPS: tuple[Callable[[Night], None], ...] = (
    reclassify,
    take_acts,
    take_withdrawals,
    begin_terms,
    cancel_unconfirmed,
    lapse_vouchers,
    return_from_stop_list,
    end_stays,
    archive_over_age,
    renew_rounds,
    serve,
    check_records,
)
"""The order of rule F2, and the check of what was done; the bulletins of the day are closed with the run itself."""

# Built once, as those of `due`.
OPEN = insert(t.run)
GO_ON = (
    update(t.locality)
    .where(t.locality.c.locality_id == bindparam("here"))
    .values(last_run_on=bindparam("last_run_on"), first_run_on=bindparam("first_run_on"))
)
CLOSE = update(t.run).where(t.run.c.run_id == bindparam("night")).values(report=bindparam("report"))

PACKAGE = str(Path(__file__).parents[1])
DayOf = Callable[[Locality], date]


class Due(NamedTuple):
    """A locality whose nights are to be run, up to and including the day."""

    locality: str
    day: date


def run_nights(database: Database, day_of: DayOf, locality: str | None = None) -> Iterator[NightReport]:
    """Run every night that is due, locality by locality, and yield what each did.

    Args:
        day_of: the day asked for in a locality; missed days before it are caught up first (rule F1).
        locality: only this one.

    A night that is on record changes nothing and is yielded with `repeated` set (rule F3). A locality that fails is
    yielded with `failure` set, and the others are run all the same.
    Raises: LocalityHeld if another process runs nights of this file; WrongUsage for an unknown locality.
    """
    with database.run_lock():
        for due in nights_due(database, day_of, locality):
            yield from run_locality(database, due)


def nights_due(database: Database, day_of: DayOf, locality: str | None = None) -> list[Due]:
    """What a run is to do, by locality code; WrongUsage for an unknown locality."""
    with database.read() as connection:
        wanted = [find_locality(connection, locality)] if locality else localities(connection)
    return [Due(entry.locality, day_of(entry)) for entry in wanted]


def run_locality(database: Database, due: Due, patience_ms: int = 0) -> Iterator[NightReport]:
    """Run the nights of one locality up to a day, alone; what fails is yielded as `failure`, never raised.

    patience_ms: how long to wait for another run that holds the locality.
    """
    try:
        with database.locality_lock(due.locality, patience_ms):
            with database.read() as connection:
                entry = find_locality(connection, due.locality)
            yield from _run_locality(database, entry, due.day)
    except KezekError as error:
        yield NightReport(*due, failure=error)
    except Exception as error:  # records that cannot be read may say anything; the other localities go on
        yield NightReport(*due, failure=night_failed(error))


def night_failed(error: BaseException) -> KezekError:
    """What to tell of a night that broke off: the kind of the error and the place, never its words (they may quote)."""
    return KezekError(
        "run.failed",
        f"the night could not be run ({type(error).__name__}{_place(error)}); nothing of it was kept.",
        rule="F3",
        next_step="Run it again; if it fails again, keep the file and ask for help.",
    )


def _place(error: BaseException) -> str:
    """Where of our own code it happened, for whoever is asked for help."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if PACKAGE in frame.filename]
    return f" in {Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""


def _run_locality(database: Database, locality: Locality, day: date) -> Iterator[NightReport]:
    if locality.first_run_on is not None and day < locality.first_run_on:
        raise RuleBroken(
            "run.before_first",
            f"the records of {locality.locality} start with the run of {locality.first_run_on}; {day} lies before.",
            rule="F1",
            next_step="Ask for that day or a later one.",
        )
    next_day = locality.open_day or day
    if day < next_day:
        yield NightReport(locality.locality, day, repeated=True)
    while next_day <= day:
        yield run_night(database, locality.locality, next_day)
        next_day += timedelta(days=1)


def run_night(database: Database, code: str, day: date) -> NightReport:
    """One night of one locality, in one transaction; nothing if it is on record already."""
    with database.write(code) as connection:
        locality = find_locality(connection, code)
        report = NightReport(code, day)
        if locality.last_run_on is not None and day <= locality.last_run_on:
            report.repeated = True
            return report
        rules = rulebook(connection)
        change_id = new_change(connection, "night", day)
        today = rules.on(day, code)
        working_days = calendar(connection, today.country)
        run_id = connection.execute(
            OPEN,
            {
                "locality_id": locality.locality_id,
                "on_day": day,
                "change_id": change_id,
                "calendar": working_days.fingerprint,
                "suspended": today.is_suspended(day),
                "rules": today.as_json(),
                "report": "{}",
            },
        ).inserted_primary_key
        assert run_id is not None
        night = Night(
            connection=connection,
            locality=locality,
            day=day,
            cutoff_us=end_of(day, locality.timezone),
            rules=today,
            rulebook=rules,
            calendar=working_days,
            run_id=int(run_id[0]),
            ledger=Ledger(connection, change_id),
            report=report,
        )
        for step in STEPS:
            step(night)
        night.ledger.write()
        _close(night)
    return report


def _close(night: Night) -> None:
    """Close the bulletins of the day and the run (rule B5)."""
    connection, here = night.connection, night.locality
    connection.execute(
        GO_ON, {"here": here.locality_id, "last_run_on": night.day, "first_run_on": here.first_run_on or night.day}
    )
    connection.execute(CLOSE, {"night": night.run_id, "report": json.dumps(night.report.counts())})


def past_runs(database: Database, locality: str) -> list[tuple[date, dict[str, int]]]:
    """Days and counts of all runs of a locality, in day order."""
    with database.read() as connection:
        rows = connection.execute(
            select(t.run.c.on_day, t.run.c.report)
            .join(t.locality, t.locality.c.locality_id == t.run.c.locality_id)
            .where(t.locality.c.locality == locality)
            .order_by(t.run.c.on_day)
        )
        return [(row.on_day, json.loads(row.report)) for row in rows]
