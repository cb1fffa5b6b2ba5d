"""How the service does: the last and the next night of each locality, what waits, what is overdue (decision 9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Table, func, select

from queue_engine.domain.timetable import ONE_DAY, UNSTEADY, last_due, moment_of
from queue_engine.domain.voucher import VoucherStatus
from queue_engine.law.rulebook import Rules
from queue_engine.store import tables as t
from queue_engine.store.records import Locality, calendar, localities, rulebook
from queue_engine.store.service import Heartbeat, Outcome, read_heartbeat, read_outcomes

ENDING = 2
"""Vouchers are told of so many working days before their last day (rule G1)."""
STALE = timedelta(minutes=15)
"""A heartbeat this old is no sign of life: longer than the longest import keeps a scheduler waiting."""
ALARM_SHOWN = ONE_DAY
PATIENCE = timedelta(hours=3)


class Waiting(NamedTuple):
    """Counts of a locality: what waits for its day, and what ends soon."""

    withdrawals: int
    acts: int
    vouchers_ending: int
    stop_listed: int


@dataclass(frozen=True, slots=True)
class LocalityStatus:
    """A locality's last night, the next one and what waits.

    last_night: None before the first run; next_at: in the time zone of the locality; outcome: the scheduler's last try,
    None if it made none; overdue: sentences, empty if all is well.
    """

    locality: str
    timezone: ZoneInfo
    last_night: date | None
    next_night: date
    next_at: datetime
    outcome: Outcome | None
    waiting: Waiting
    overdue: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """All localities by code, and the scheduler, as seen at the aware moment `at`."""

    at: datetime
    heartbeat: Heartbeat | None
    localities: tuple[LocalityStatus, ...]

    @property
    def heartbeat_age(self) -> float | None:
        """Seconds since the last heartbeat; None if there never was one."""
        return None if self.heartbeat is None else (self.at - self.heartbeat.beat_at).total_seconds()

    @property
    def overdue(self) -> list[str]:
        """A sentence for everything that somebody has to look after; empty if all is well."""
        return [*self._of_the_scheduler(), *(line for entry in self.localities for line in entry.overdue)]

    def _of_the_scheduler(self) -> Iterator[str]:
        beat = self.heartbeat
        if beat is None:
            return
        age = self.at - beat.beat_at
        if age > STALE and not beat.stopped:
            yield f"scheduler: no heartbeat since {_shown(beat.beat_at)}."
        if age < -UNSTEADY:
            yield f"scheduler: its last heartbeat, of {_shown(beat.beat_at)}, lies ahead of the clock."
        if beat.alarm_at is not None and beat.jumped is not None and self.at - beat.alarm_at < ALARM_SHOWN:
            yield f"scheduler: {jump_in_words(beat.jumped)}, seen at {_shown(beat.alarm_at)}."


def jump_in_words(jumped: timedelta) -> str:
    """What the clock did.

    >>> jump_in_words(timedelta(hours=-3)), jump_in_words(timedelta(days=10))
    ('the clock went back by 3:00:00', 'the clock went forward by 10 days, 0:00:00')
    """
    way = "back" if jumped < timedelta() else "forward"
    return f"the clock went {way} by {abs(timedelta(seconds=round(jumped.total_seconds())))}"


def read_status(connection: Connection, now: datetime, patience: timedelta = PATIENCE) -> Status:
    """The state of the service at the aware moment `now`; a night is overdue when its time is `patience` ago.

    Raises: CalendarError if the working calendar does not reach the days after `now`.
    """
    outcomes = read_outcomes(connection)
    waiting = _Counts(connection)
    law = rulebook(connection)
    found = []
    for entry in localities(connection):
        day = entry.open_day
        today = now.astimezone(entry.timezone).date()
        rules = law.on(day or today, entry.locality)
        if day is None:
            day = last_due(now, rules.run_at, entry.timezone) + ONE_DAY
        due = moment_of(day, rules.run_at, entry.timezone)
        outcome = outcomes.get(entry.locality_id)
        found.append(
            LocalityStatus(
                locality=entry.locality,
                timezone=entry.timezone,
                last_night=entry.last_run_on,
                next_night=day,
                next_at=due.astimezone(entry.timezone),
                outcome=outcome,
                waiting=waiting.of(entry, today, rules),
                overdue=tuple(_overdue(entry, day, due, outcome, now, patience)),
            )
        )
    return Status(now, read_heartbeat(connection), tuple(found))


def _overdue(
    entry: Locality, day: date, due: datetime, outcome: Outcome | None, now: datetime, patience: timedelta
) -> Iterator[str]:
    if now >= due + patience:
        yield f"{entry.locality}: the night of {day} was due at {_shown(due.astimezone(entry.timezone))}."
    if has_failed(entry.last_run_on, outcome):
        assert outcome is not None
        yield f"{entry.locality}: the night of {outcome.on_day} failed, tries {outcome.failures} [{outcome.error}]."
    if entry.last_run_on is not None and entry.last_run_on >= now.astimezone(entry.timezone).date():
        yield f"{entry.locality}: the night of {entry.last_run_on} is on record, ahead of the clock."


def has_failed(last_night: date | None, outcome: Outcome | None) -> bool:
    """Whether the last try failed and its night is still not on record."""
    return outcome is not None and outcome.error != "" and (last_night is None or outcome.on_day > last_night)


class _Counts:
    """What waits, counted for all localities by one statement a kind."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._withdrawals = _count(connection, t.withdrawal, t.withdrawal.c.state == "waiting")
        self._acts = _count(connection, t.waiting_act, t.waiting_act.c.act_id.is_not(None))
        self._stopped = _count(connection, t.stop_list, t.stop_list.c.ended_on.is_(None))
        self._terms: dict[int, list[tuple[date, int]]] = {}
        v = t.voucher.c
        for locality_id, last, count in connection.execute(
            select(v.locality_id, v.expires_on, func.count())
            .where(v.status == VoucherStatus.ISSUED.value, v.expires_on.is_not(None))
            .group_by(v.locality_id, v.expires_on)
        ):
            self._terms.setdefault(locality_id, []).append((last, count))
        self._soon: dict[tuple[str, date], date] = {}

    def of(self, entry: Locality, today: date, rules: Rules) -> Waiting:
        """The counts of a locality on its civil day `today`."""
        key = rules.country, today
        if key not in self._soon:
            self._soon[key] = calendar(self._connection, rules.country).last_day(today, ENDING)
        terms = self._terms.get(entry.locality_id, [])
        return Waiting(
            withdrawals=self._withdrawals.get(entry.locality_id, 0),
            acts=self._acts.get(entry.locality_id, 0),
            vouchers_ending=sum(count for last, count in terms if today <= last <= self._soon[key]),
            stop_listed=self._stopped.get(entry.locality_id, 0),
        )


def _count(connection: Connection, table: Table, which: ColumnElement[bool]) -> dict[int, int]:
    """How many rows by locality id."""
    key = table.c.locality_id
    return {row[0]: row[1] for row in connection.execute(select(key, func.count()).where(which).group_by(key))}


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def as_data(status: Status) -> dict[str, object]:
    """The status as a JSON object."""
    beat = status.heartbeat
    return {
        "at": _shown(status.at),
        "scheduler": None
        if beat is None
        else {
            "heartbeat_at": _shown(beat.beat_at),
            "heartbeat_age_seconds": status.heartbeat_age,
            "stopped": beat.stopped,
            "clock_alarm_at": None if beat.alarm_at is None else _shown(beat.alarm_at),
            "clock_jumped_seconds": None if beat.jumped is None else int(beat.jumped.total_seconds()),
        },
        "localities": [_locality_as_data(entry) for entry in status.localities],
        "overdue": status.overdue,
    }


def _locality_as_data(entry: LocalityStatus) -> dict[str, object]:
    last = entry.outcome
    return {
        "locality": entry.locality,
        "last_night": None if entry.last_night is None else entry.last_night.isoformat(),
        "outcome": None
        if last is None
        else {
            "night": last.on_day.isoformat(),
            "ended_at": _shown(last.ended_at),
            "seconds": last.duration_ms / 1000,
            "error": last.error,
            "failures": last.failures,
        },
        "next_night": entry.next_night.isoformat(),
        "next_at": _shown(entry.next_at),
        "waiting": entry.waiting._asdict(),
        "overdue": list(entry.overdue),
    }


def in_words(status: Status) -> Iterator[str]:
    """The status in lines for people."""
    for entry in status.localities:
        last = "no night yet" if entry.last_night is None else f"last night {entry.last_night}"
        if entry.outcome is not None and entry.outcome.on_day == entry.last_night:
            last += f" in {entry.outcome.duration_ms / 1000:.1f} s"
        if has_failed(entry.last_night, entry.outcome):
            last += ", the try after it failed"
        waiting = entry.waiting
        yield (
            f"{entry.locality}: {last}; next {entry.next_night}, at {_shown(entry.next_at)}; waiting: "
            f"{waiting.withdrawals} withdrawals, {waiting.acts} officers' acts; {waiting.vouchers_ending} vouchers end "
            f"within {ENDING} working days; {waiting.stop_listed} on the stop-list."
        )
    beat = status.heartbeat
    if beat is None:
        yield "Scheduler: none was ever started here."
    else:
        yield f"Scheduler: {'stopped' if beat.stopped else 'last heartbeat'} at {_shown(beat.beat_at)}."
    yield from (f"Overdue: {line}" for line in status.overdue)
