"""The scheduler's notes on itself: heartbeat, alarms of the clock, the last outcome of each locality (decision 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Date, bindparam, select, text

from queue_engine.domain.moments import from_us, to_us
from queue_engine.store import tables as t

SCHEDULER = "scheduler"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of the schedulers on this database; `stopped` if the last one ended in good order.

    `alarm_at` and `jumped` tell of the last jump of the clock, None if none was ever seen.
    """

    beat_at: datetime
    stopped: bool
    alarm_at: datetime | None
    jumped: timedelta | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last try at a night of a locality: `error` is a code, empty if the night is done."""

    on_day: date
    ended_at: datetime
    duration_ms: int
    error: str
    failures: int


def read_heartbeat(connection: Connection) -> Heartbeat | None:
    """The heartbeat; None if no scheduler was ever started on this database."""
    row = connection.execute(select(t.heartbeat).where(t.heartbeat.c.service == SCHEDULER)).one_or_none()
    if row is None:
        return None
    return Heartbeat(
        beat_at=from_us(row.beat_at_us, UTC),
        stopped=row.stopped_at_us is not None,
        alarm_at=None if row.alarm_at_us is None else from_us(row.alarm_at_us, UTC),
        jumped=None if row.jumped_seconds is None else timedelta(seconds=row.jumped_seconds),
    )


def write_beat(connection: Connection, now: datetime, *, stopped: bool = False) -> None:
    """Note that a scheduler is alive at `now`, or that it ends in good order."""
    connection.execute(
        text(
            "insert into heartbeat (service, beat_at_us, stopped_at_us) values (:service, :beat, :stopped) "
            "on conflict (service) do update "
            "set beat_at_us = excluded.beat_at_us, stopped_at_us = excluded.stopped_at_us"
        ),
        {"service": SCHEDULER, "beat": to_us(now), "stopped": to_us(now) if stopped else None},
    )


def write_alarm(connection: Connection, now: datetime, jumped: timedelta) -> None:
    """Note a jump of the clock, seen at `now`; after `write_beat`."""
    h = t.heartbeat.c
    connection.execute(
        t.heartbeat.update()
        .where(h.service == SCHEDULER)
        .values(alarm_at_us=to_us(now), jumped_seconds=round(jumped.total_seconds()))
    )


def read_outcomes(connection: Connection) -> dict[int, Outcome]:
    """The last outcome by locality id, of the localities that a scheduler has tried."""
    return {
        row.locality_id: Outcome(row.on_day, from_us(row.ended_at_us, UTC), row.duration_ms, row.error, row.failures)
        for row in connection.execute(select(t.night_outcome))
    }


def write_outcome(
    connection: Connection, locality: str, day: date, now: datetime, duration_ms: int, error: str = ""
) -> int:
    """Note how the try at a night ended; `error` is a code, empty if it is done. The failures in a row by now."""
    told = connection.execute(
        text(
            "insert into night_outcome (locality_id, on_day, ended_at_us, duration_ms, error, failures) "
            "select locality_id, :day, :ended, :duration, :error, :failed from locality where locality = :code "
            "on conflict (locality_id) do update set on_day = excluded.on_day, ended_at_us = excluded.ended_at_us, "
            "duration_ms = excluded.duration_ms, error = excluded.error, "
            "failures = case when excluded.failures = 0 then 0 else night_outcome.failures + 1 end "
            "returning failures"
        ).bindparams(bindparam("day", type_=Date())),
        {
            "code": locality,
            "day": day,
            "ended": to_us(now),
            "duration": duration_ms,
            "error": error,
            "failed": int(error != ""),
        },
    )
    return int(told.scalar_one())
