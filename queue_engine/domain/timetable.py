"""When a night is due: a locality's time as a moment, back-off after failures, jumps of the clock (decision 9)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
UNSTEADY = timedelta(minutes=1)
"""A clock set back by less is only being put right."""
STANDSTILL = timedelta(hours=1)
"""Two looks further apart than this: the clock was set forward, or the machine stood still."""


def moment_of(day: date, at: time, timezone: ZoneInfo) -> datetime:
    """When the night of `day` is due: on the day after, at the time `at` of the locality.

    Of an hour that comes twice the first is meant; a time that a clock skips is taken as if it had not.

    >>> moment_of(date(2024, 2, 29), time(0, 30), ZoneInfo("Asia/Almaty")).isoformat()
    '2024-02-29T19:30:00+00:00'
    """
    return datetime.combine(day + ONE_DAY, at, timezone).astimezone(UTC)


def last_due(now: datetime, at: time, timezone: ZoneInfo) -> date:
    """The last day whose night is due at the aware moment `now`.

    >>> almaty = ZoneInfo("Asia/Almaty")
    >>> last_due(datetime(2024, 3, 1, 0, 29, tzinfo=almaty), time(0, 30), almaty)
    datetime.date(2024, 2, 28)
    >>> last_due(datetime(2024, 3, 1, 0, 30, tzinfo=almaty), time(0, 30), almaty)
    datetime.date(2024, 2, 29)
    """
    day = now.astimezone(timezone).date()
    while moment_of(day, at, timezone) > now:
        day -= ONE_DAY
    return day


def pause_after(failures: int) -> timedelta:
    """How long a locality is left alone after so many tries that failed, one after another (1 or more).

    >>> [pause_after(failures).total_seconds() / 60 for failures in (1, 2, 3, 7, 1000)]
    [1.0, 2.0, 4.0, 60.0, 60.0]
    """
    doublings = min(failures - 1, 16)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def jump(before: datetime, now: datetime) -> timedelta:
    """By how much the clock jumped between two looks that follow each other closely; zero if it did not."""
    moved = now - before
    return moved if moved < -UNSTEADY or moved > STANDSTILL else timedelta()
