"""Moments and days: microseconds since 1970-01-01T00:00Z, and civil days of a time zone (rule F1)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import repeat
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


def days_of(moments_us: Sequence[int], timezone: ZoneInfo) -> list[date]:
    """The civil day of each of many moments; quickest if they are of few days.

    >>> days_of([0, 86_400_000_000], ZoneInfo("Asia/Almaty"))
    [datetime.date(1970, 1, 1), datetime.date(1970, 1, 2)]
    """
    if not moments_us:
        return []
    first, last = day_of(min(moments_us), timezone), day_of(max(moments_us), timezone)
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    begins = [_start_of(day, timezone) for day in days[1:]]
    return [days[begun] for begun in map(bisect_right, repeat(begins), moments_us)]


def steady_offset(first_us: int, last_us: int, timezone: ZoneInfo) -> int | None:
    """Seconds by which local time is ahead of UTC, if they are the same from one moment to the other; else None.

    >>> steady_offset(0, 86_400_000_000, ZoneInfo("Asia/Tokyo"))
    32400
    """
    first, last = day_of(first_us, timezone), day_of(last_us, timezone)
    # Clocks are not changed and changed back within a day.
    begins = [_start_of(first + timedelta(days=ahead), timezone) for ahead in range((last - first).days + 2)]
    offsets = {_offset_at(begun, timezone) for begun in begins}
    return offsets.pop() if len(offsets) == 1 else None


def start_of(day: date, timezone: ZoneInfo) -> int:
    """The first microsecond of a civil day."""
    return to_us(datetime.combine(day, time(), timezone))


@lru_cache(maxsize=50_000)
def _start_of(day: date, timezone: ZoneInfo) -> int:
    return start_of(day, timezone)


@lru_cache(maxsize=50_000)
def _offset_at(us: int, timezone: ZoneInfo) -> int:
    offset = from_us(us, timezone).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def end_of(day: date, timezone: ZoneInfo) -> int:
    """The first microsecond after a civil day; what is before it was recorded by the end of the day."""
    return start_of(day + timedelta(days=1), timezone)
