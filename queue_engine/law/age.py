"""When a child has reached an age: the same day of the month, months later (decision 1.12, rule A8)."""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date, timedelta

from queue_engine.law.errors import AgeError

_MONTHS_A_YEAR = 12


def reached_on(birth: date, months: int) -> date:
    """The day a child born on `birth` has reached `months` (>= 0) months.

    A month without such a day counts from the first of the next. AgeError past the year 9999.

    >>> reached_on(date(2024, 2, 29), 24)
    datetime.date(2026, 3, 1)
    """
    year, month = _months_on(birth, months)
    if birth.day <= monthrange(year, month)[1]:
        return date(year, month, birth.day)
    return date(*_months_on(date(year, month, 1), 1), 1)


def latest_birth_reaching(months: int, day: date) -> date:
    """The latest birth date b with `reached_on(b, months) <= day`; everyone born by then has reached the age.

    >>> latest_birth_reaching(24, date(2026, 2, 28))
    datetime.date(2024, 2, 28)
    """
    year, month = _months_on(day, -months)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def birth_window(start_date: date, min_months: int, max_months: int) -> tuple[date, date]:
    """First and last birth date, both inclusive, that suit a start date (rule A8).

    Born so, a child has reached `min_months` on `start_date` and has not reached `max_months`. The first is
    after the last if nobody can suit (min_months >= max_months).

    >>> birth_window(date(2026, 9, 1), 24, 72)
    (datetime.date(2020, 9, 2), datetime.date(2024, 9, 1))
    """
    too_old = latest_birth_reaching(max_months, start_date)
    return too_old + timedelta(days=1), latest_birth_reaching(min_months, start_date)


def _months_on(day: date, months: int) -> tuple[int, int]:
    year, month0 = divmod(day.year * _MONTHS_A_YEAR + day.month - 1 + months, _MONTHS_A_YEAR)
    if not MINYEAR <= year <= MAXYEAR:
        raise AgeError(
            "law.age", f"{months} months from {day} lead outside the years {MINYEAR} to {MAXYEAR}.", rule="A8"
        )
    return year, month0 + 1
