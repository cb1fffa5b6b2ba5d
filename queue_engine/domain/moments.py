"""Moments and days: microseconds since 1970-01-01T00:00Z, and civil days of a time zone (rule F1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds of an aware moment.

    >>> to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_us(us: int, timezone: tzinfo) -> datetime:
    """The aware moment in a time zone, as a rule that of the locality."""
    return (EPOCH + us * MICROSECOND).astimezone(timezone)


def day_of(us: int, timezone: ZoneInfo) -> date:
    """The civil day of a moment in the locality."""
    return from_us(us, timezone).date()


def start_of(day: date, timezone: ZoneInfo) -> int:
    """The first microsecond of a civil day."""
    return to_us(datetime.combine(day, time(), timezone))


def end_of(day: date, timezone: ZoneInfo) -> int:
    """The first microsecond after a civil day; what is before it was recorded by the end of the day."""
    return start_of(day + timedelta(days=1), timezone)
