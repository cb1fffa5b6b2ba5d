"""The working calendar of rule D1 against cases, the library behind it, and the official balance of 2024."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import holidays
import numpy as np
import pytest
import yaml

from queue_engine.law.calendar import CalendarCorrection, WorkingCalendar, check_country
from queue_engine.law.errors import CalendarError

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("last_days.yaml").read_text("utf-8"))
ANNOUNCED = CalendarCorrection(date(2024, 6, 17), "day_off", "announced for Kurban-ait 2024")
CANCELLED = CalendarCorrection(date(2024, 6, 17), "working", "cancelled on 7 June 2024")


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=index) for index in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_the_last_day_of_a_term_is_the_nth_working_day_after_issue(case: dict[str, Any]) -> None:
    """Rule D1."""
    assert WorkingCalendar.of("KZ").last_day(case["issued"], case["days"]) == case["last"]


def test_two_thousand_last_days_are_those_of_the_library() -> None:
    """Rule D1: the same answers as the library, whose whole span is read beforehand here."""
    calendar = WorkingCalendar.of("KZ")
    oracle = holidays.country_holidays("KZ", years=range(1991, 2078), expand=False)
    rng = np.random.default_rng(20260320)
    span = (date(2077, 9, 30) - date(1991, 12, 16)).days
    offsets, terms = rng.integers(0, span, 2000), rng.integers(1, 31, 2000)
    for offset, term in zip(offsets.tolist(), terms.tolist(), strict=True):
        issued_on = date(1991, 12, 16) + timedelta(days=offset)
        assert calendar.last_day(issued_on, term) == oracle.get_nth_working_day(issued_on, term), (
            issued_on,
            term,
        )


@pytest.mark.parametrize("corrections", [(), (ANNOUNCED,), (ANNOUNCED, CANCELLED)])
def test_the_balance_of_2024_is_the_official_one_but_for_a_day_off_announced_and_cancelled(
    corrections: tuple[CalendarCorrection, ...],
) -> None:
    """Rule D1. The official balance (248, June 19) counts 17 June as a day off, which was cancelled later."""
    calendar = WorkingCalendar.of("KZ", corrections)
    worked = [day for day in days_of(2024) if calendar.is_working_day(day)]
    in_june = sum(day.month == 6 for day in worked)
    assert (len(worked), in_june) == ((248, 19) if corrections == (ANNOUNCED,) else (249, 20))


def test_a_correction_moves_the_last_day_and_nothing_else() -> None:
    """Rule D1: a day taken off lengthens a term across it, a day worked shortens it; other terms stay."""
    plain, shorter = WorkingCalendar.of("KZ"), CalendarCorrection(date(2026, 6, 6), "working", "act A")
    longer = CalendarCorrection(date(2026, 6, 5), "day_off", "act B")
    issued_on = date(2026, 6, 1)
    assert plain.last_day(issued_on, 5) == date(2026, 6, 8)
    assert WorkingCalendar.of("KZ", [longer]).last_day(issued_on, 5) == date(2026, 6, 9)
    assert WorkingCalendar.of("KZ", [shorter]).last_day(issued_on, 5) == date(2026, 6, 6)
    both = WorkingCalendar.of("KZ", [longer, shorter])
    assert both.last_day(issued_on, 5) == date(2026, 6, 8)
    changed = [day for day in days_of(2026) if both.is_working_day(day) != plain.is_working_day(day)]
    assert changed == [date(2026, 6, 5), date(2026, 6, 6)]


def test_the_fingerprint_tells_calendars_apart_and_forgets_the_order_of_corrections() -> None:
    """Rule D1: the text kept with a voucher names country, edition and corrections."""
    other = CalendarCorrection(date(2026, 6, 5), "day_off", "act B")
    plain = WorkingCalendar.of("KZ").fingerprint
    one = WorkingCalendar.of("KZ", [ANNOUNCED]).fingerprint
    two = WorkingCalendar.of("KZ", [ANNOUNCED, other]).fingerprint
    assert len({plain, one, two, WorkingCalendar.of("LT").fingerprint}) == 4
    assert plain.startswith("KZ ")
    assert two == WorkingCalendar.of("KZ", [other, ANNOUNCED]).fingerprint
    assert len(two) < 60


def test_working_days_left_count_down_to_none() -> None:
    """Rule G1: "2 working days left" is told on the day from which two more are worked."""
    calendar = WorkingCalendar.of("KZ")
    issued_on, last_day = date(2024, 12, 31), date(2025, 1, 10)
    left = [calendar.working_days_left(issued_on + timedelta(days=step), last_day) for step in range(12)]
    assert left == [5, 5, 5, 5, 5, 4, 3, 3, 2, 1, 0, 0]


@pytest.mark.parametrize("country", ["XX", "kz", "KAZ", ""])
def test_an_unknown_country_has_no_calendar(country: str) -> None:
    with pytest.raises(CalendarError, match="no working calendar is known"):
        WorkingCalendar.of(country)


@pytest.mark.parametrize("day", [date(1990, 12, 31), date(2078, 1, 1), date.max])
def test_a_day_out_of_reach_is_refused_and_the_reach_is_told(day: date) -> None:
    with pytest.raises(CalendarError, match="reaches from 1991 to 2077"):
        WorkingCalendar.of("KZ").is_working_day(day)


def test_a_term_that_leaves_the_calendar_is_refused() -> None:
    calendar = WorkingCalendar.of("KZ")
    assert calendar.last_day(date(2077, 12, 30), 1) == date(2077, 12, 31)
    with pytest.raises(CalendarError, match="2077"):
        calendar.last_day(date(2077, 12, 30), 2)
    with pytest.raises(CalendarError, match="no working day is left"):
        calendar.last_day(date.max, 1)


def test_the_calendar_never_reaches_a_year_without_kurban_ait() -> None:
    """Rule D1: releases of the library reach differently far; up to our last year each must know Kurban-ait."""
    _, last_year = check_country("KZ")
    assert last_year >= 2050
    for year in range(2006, last_year + 1):
        names = holidays.country_holidays("KZ", years=year, language="en_US", expand=False).values()
        assert any("Eid al-Adha" in name for name in names), year


@pytest.mark.parametrize("working_days", [0, -1])
def test_a_term_without_days_is_refused(working_days: int) -> None:
    with pytest.raises(CalendarError, match="has no last day"):
        WorkingCalendar.of("KZ").last_day(date(2026, 6, 1), working_days)


def test_a_correction_names_its_act_and_a_known_kind() -> None:
    with pytest.raises(CalendarError, match="names no act"):
        CalendarCorrection(date(2026, 6, 5), "day_off", " ")
    unknown: Any = "holiday"
    with pytest.raises(CalendarError, match="neither working nor day_off"):
        CalendarCorrection(date(2026, 6, 5), unknown, "act")
