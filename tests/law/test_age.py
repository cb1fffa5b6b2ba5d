"""Ages in months against a count by hand over every day, 29 February among them (rule A8, decision 1.12)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from queue_engine.law.age import birth_window, latest_birth_reaching, reached_on
from queue_engine.law.errors import AgeError

FIRST = date(2015, 1, 1)
EVERY_DAY = [FIRST + timedelta(days=index) for index in range((date(2025, 1, 1) - FIRST).days)]
MONTHS = [0, 1, 18, 23, 24, 36, 72]

CASES = [
    ("the same day of the month", date(2024, 3, 20), 24, date(2026, 3, 20)),
    ("29 February, two years on, is 1 March", date(2024, 2, 29), 24, date(2026, 3, 1)),
    ("29 February, four years on, is 29 February", date(2024, 2, 29), 48, date(2028, 2, 29)),
    ("31 August and 1 month is 1 October", date(2025, 8, 31), 1, date(2025, 10, 1)),
    ("31 January and 1 month is 1 March", date(2025, 1, 31), 1, date(2025, 3, 1)),
    ("December turns the year", date(2025, 12, 31), 2, date(2026, 3, 1)),
    ("no months, no time", date(2025, 12, 31), 0, date(2025, 12, 31)),
]


def by_hand(birth: date, months: int) -> date:
    """Walk on day by day to the right number of the right month, or past it to the first of the next."""
    target = birth.year * 12 + birth.month + months
    day = birth
    while (day.year * 12 + day.month, day.day) < (target, birth.day):
        day += timedelta(days=1)
    return day


@pytest.mark.parametrize(("birth", "months", "reached"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_an_age_is_reached_on_the_same_day_of_the_month_or_the_first_of_the_next(
    birth: date, months: int, reached: date
) -> None:
    """Decision 1.12."""
    assert reached_on(birth, months) == reached


@pytest.mark.parametrize("months", MONTHS)
def test_every_birth_date_of_ten_years_reaches_an_age_when_a_count_by_hand_says(months: int) -> None:
    """Decision 1.12."""
    births = EVERY_DAY if months < 24 else EVERY_DAY[365:1461]  # 2016 to 2018; the walk by hand is slow
    assert date(2016, 2, 29) in births
    assert [reached_on(birth, months) for birth in births] == [by_hand(birth, months) for birth in births]


@pytest.mark.parametrize("months", MONTHS)
def test_the_latest_birth_reaching_an_age_has_reached_it_and_the_next_day_has_not(months: int) -> None:
    """Decision 1.12: over every day of ten years; ages never reverse, so two neighbours decide."""
    for day in EVERY_DAY:
        latest = latest_birth_reaching(months, day)
        assert reached_on(latest, months) <= day < reached_on(latest + timedelta(days=1), months)
    reached = [reached_on(birth, months) for birth in EVERY_DAY]
    assert reached == sorted(reached)


@pytest.mark.parametrize("start", [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2023, 3, 1)])
@pytest.mark.parametrize(("min_months", "max_months"), [(24, 72), (1, 18), (18, 36)])
def test_the_birth_window_holds_just_those_of_the_right_age(start: date, min_months: int, max_months: int) -> None:
    """Rule A8: the least age reached, the greatest not, on the start date of the vacancy."""
    first, last = birth_window(start, min_months, max_months)
    suits = [birth for birth in EVERY_DAY if reached_on(birth, min_months) <= start < reached_on(birth, max_months)]
    assert suits == [birth for birth in EVERY_DAY if first <= birth <= last]
    assert len(suits) > 300


def test_nobody_suits_when_the_least_age_is_not_below_the_greatest() -> None:
    """Rule A8."""
    first, last = birth_window(date(2026, 9, 1), 72, 72)
    assert first > last


def test_ages_outside_the_years_are_refused() -> None:
    with pytest.raises(AgeError, match="outside the years"):
        latest_birth_reaching(24, date(2, 1, 1))
    with pytest.raises(AgeError, match="outside the years"):
        reached_on(date(9998, 1, 1), 24)
