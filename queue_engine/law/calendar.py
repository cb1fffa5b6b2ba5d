"""The working calendar: official days off, working days moved to weekends, and later corrections (rule D1).

Days off of past and present years come from the `holidays` library. A department adds what was decreed since
as corrections, each with its act. Days of the Islamic calendar in years to come are astronomical estimates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Literal

from queue_engine.law.errors import CalendarError

CorrectionKind = Literal["working", "day_off"]

# Past this year the library has no days of the Islamic calendar and would silently leave Kurban-ait out.
_LAST_LUNAR_YEAR = 2077
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CalendarCorrection:
    """A day that an act made a working day or a day off, against what the calendar would say."""

    day: date
    kind: CorrectionKind
    act: str

    def __post_init__(self) -> None:
        if self.kind not in ("working", "day_off"):
            raise CalendarError(
                "calendar.correction",
                f"the kind of the correction of {self.day} is neither working nor day_off.",
            )
        if not self.act.strip():
            raise CalendarError("calendar.correction", f"the correction of {self.day} names no act.")


class WorkingCalendar:
    """Working days of one country, corrected. The days of a year are worked out when first asked for."""

    def __init__(
        self, country: str, first_year: int, last_year: int, corrections: dict[date, CalendarCorrection]
    ) -> None:
        self.country = country
        self.first_year = first_year
        self.last_year = last_year
        self._corrections = corrections

    @classmethod
    def of(cls, country: str, corrections: Iterable[CalendarCorrection] = ()) -> WorkingCalendar:
        """The calendar of a country (ISO 3166, two letters).

        Of two corrections of one day the one given last holds.
        Raises: CalendarError for a country without a calendar.
        """
        first_year, last_year = check_country(country)
        return cls(country, first_year, last_year, {correction.day: correction for correction in corrections})

    def is_working_day(self, day: date) -> bool:
        """Whether `day` is worked; CalendarError for a year the calendar does not reach."""
        correction = self._corrections.get(day)
        if correction is not None:
            return correction.kind == "working"
        if not self.first_year <= day.year <= self.last_year:
            raise CalendarError(
                "calendar.reach",
                f"the working calendar of {self.country} reaches from {self.first_year} to {self.last_year}; "
                f"it was asked about {day}.",
                rule="D1",
            )
        return _working_days(self.country, day.year)[day.timetuple().tm_yday - 1]

    def last_day(self, issued_on: date, working_days: int) -> date:
        """Return the last civil day, inclusive, on which a voucher holds.

        Args:
            issued_on: day of issue in the locality's time zone; not counted.
            working_days: > 0; rule `voucher.validity` in force on `issued_on`.
        Raises: CalendarError if the calendar does not reach far enough.
        Source: rules D1.

        >>> WorkingCalendar.of("KZ").last_day(date(2024, 12, 31), 5)
        datetime.date(2025, 1, 10)
        """
        if working_days < 1:
            raise CalendarError("calendar.term", f"a term of {working_days} working days has no last day.", rule="D1")
        day = issued_on
        for _ in range(working_days):
            day = self._next_working_day(day)
        return day

    def working_days_left(self, day: date, last_day: date) -> int:
        """Working days after `day` up to and including `last_day`; 0 if none is left (rule G1).

        >>> WorkingCalendar.of("KZ").working_days_left(date(2025, 1, 5), date(2025, 1, 10))
        4
        """
        ahead = range(1, (last_day - day).days + 1)
        return sum(self.is_working_day(day + timedelta(days=step)) for step in ahead)

    @cached_property
    def fingerprint(self) -> str:
        """Which calendar answered: country, edition of the days off, corrections; stable, under 60 letters.

        Kept with a voucher, it shows later whether its last day was counted before or after a correction.
        """
        edition = f"{self.country} holidays-{_edition()}"
        if not self._corrections:
            return edition
        lines = [
            f"{day} {self._corrections[day].kind} {self._corrections[day].act}" for day in sorted(self._corrections)
        ]
        digest = sha256("\n".join(lines).encode()).hexdigest()[:12]
        return f"{edition} corrections-{len(lines)}-{digest}"

    def _next_working_day(self, day: date) -> date:
        while day < date.max:
            day += _ONE_DAY
            if self.is_working_day(day):
                return day
        raise CalendarError("calendar.reach", f"no working day is left after {day}.", rule="D1")


@lru_cache(maxsize=1)
def _edition() -> str:
    """The release of the days off."""
    from importlib.metadata import version  # slow to import, and seldom needed

    return version("holidays")


@lru_cache(maxsize=16)
def check_country(country: str) -> tuple[int, int]:
    """First and last year of a country's calendar; CalendarError if there is none for it."""
    # `holidays` takes longer to import than most commands take to answer, so only those that count days pay.
    import holidays

    # The library knows other spellings of some countries too (KAZ); the public contract has ISO 3166 alone.
    if country not in holidays.list_supported_countries(include_aliases=False):
        raise CalendarError(
            "calendar.country",
            f"no working calendar is known for country {country!r}.",
            rule="D1 (calendar.country)",
            next_step="Give an ISO 3166 code of two capital letters, such as KZ.",
        )
    table = holidays.country_holidays(country)
    return table.start_year, min(table.end_year, _LAST_LUNAR_YEAR)


@lru_cache(maxsize=256)
def _working_days(country: str, year: int) -> tuple[bool, ...]:
    """Whether each day of a year is worked, from 1 January on; at most 366 answers."""
    import holidays

    # A table that grows as it is asked may answer by what it was asked before, for a day can be moved across
    # the turn of a year (28 December 2013 was worked for 3 January 2014). So each year is read anew, with its
    # neighbours.
    years = range(year - 1, year + 2)
    table = holidays.country_holidays(country, years=years, expand=False)
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    return tuple(table.is_working_day(first + timedelta(days=index)) for index in range(length))
