"""Rules D1, D2 and D6: the term of a voucher, its extension and its lapse."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import holidays
import pytest

from support.department import Department
from support.rows import Row, application, moved_day, place, rule, vacancy


def issued(city: Department, day: str = "2026-02-02", *others: str) -> None:
    """Give V1 to A1 in the night of the day; the others stand behind it."""
    born = f"{int(day[:4]) - 3}-05-15"
    filed = f"{date.fromisoformat(day) - timedelta(days=30)}T10:00:00+05:00"
    city.applications(
        *(application(name, birth_date=born, filed_at=filed) for name in ("A1", *others)),
    )
    city.bulletin(place("V1", day, birth_year=born[:4]))
    city.run(day)
    assert city.given() == {"A1": "V1"}


@pytest.mark.parametrize(
    ("day", "last"),
    [
        ("2026-02-02", "2026-02-09"),
        ("2026-02-06", "2026-02-13"),
        ("2026-02-07", "2026-02-13"),
        ("2026-02-08", "2026-02-13"),
        ("2026-03-05", "2026-03-13"),
        ("2026-03-20", "2026-04-01"),
        ("2026-05-06", "2026-05-15"),
        ("2025-04-30", "2025-05-12"),
    ],
)
def test_the_fifth_working_day_is_the_last_and_the_day_of_issue_is_not_counted(
    city: Department, day: str, last: str
) -> None:
    """Rule D1: weekends, holidays and the days off that stand in for them are not working days.

    Nauryz of 2026 falls on a weekend, so that 24 and 25 March are days off as well.
    """
    issued(city, day)
    assert city.voucher("A1")["expires_on"] == last
    official = holidays.country_holidays("KZ")
    counted = [date.fromisoformat(day) + timedelta(days=n) for n in range(1, 40)]
    assert [d for d in counted if official.is_working_day(d)][4].isoformat() == last


@pytest.mark.parametrize(("day", "last"), [("2024-12-31", "2025-01-10"), ("2024-05-03", "2024-05-14")])
def test_a_weekend_made_a_working_day_counts(city: Department, day: str, last: str) -> None:
    """Rule D1: Sunday 5 January 2025 and Saturday 4 May 2024 were worked for days off moved elsewhere."""
    issued(city, day)
    assert city.voucher("A1")["expires_on"] == last


@pytest.mark.parametrize(
    ("moved", "last"),
    [
        ([moved_day("2026-02-04", "day_off")], "2026-02-10"),
        ([moved_day("2026-02-07", "working")], "2026-02-07"),
        ([moved_day("2026-02-04", "day_off"), moved_day("2026-02-07", "working")], "2026-02-09"),
    ],
)
def test_days_moved_by_a_new_act_are_taken_from_a_calendar_file(city: Department, moved: list[Row], last: str) -> None:
    """Rule D1: the official calendar changes every year; a department imports the act."""
    city.calendar(moved)
    issued(city)
    assert city.voucher("A1")["expires_on"] == last


@pytest.mark.parametrize(("country", "last"), [("KZ", "2026-02-25"), ("RU", "2026-02-26")])
def test_the_calendar_is_that_of_the_country_in_force(tmp_path: Path, country: str, last: str) -> None:
    """Rule D1: Monday 23 February is a day off in one country and a working day in the other."""
    city = Department(tmp_path, rules=rule("calendar.country", country))
    issued(city, "2026-02-18")
    assert city.voucher("A1")["expires_on"] == last


def test_the_number_of_working_days_is_a_dated_parameter(tmp_path: Path) -> None:
    """Rule D1: three working days from 3 February on; the voucher of the 2nd keeps its five."""
    city = Department(tmp_path, rules=rule("voucher.validity", 3, since="2026-02-03"))
    issued(city)
    city.applications(application("A2"))
    city.bulletin(place("V2", "2026-02-03"))
    city.run("2026-02-03")
    assert city.voucher("A1")["expires_on"] == "2026-02-09"
    assert city.voucher("A2")["expires_on"] == "2026-02-06"


@pytest.mark.parametrize(
    ("day", "asked", "last"),
    [("2026-02-02", "2026-02-04", "2026-03-04"), ("2026-02-06", "2026-02-13", "2026-03-08")],
)
def test_an_extension_runs_to_the_thirtieth_day_after_issue(city: Department, day: str, asked: str, last: str) -> None:
    """Rule D2 and Decision 1.20: calendar days, so one ends on a Sunday; asked on the last day is in time."""
    issued(city, day)
    city.decide("A1", "extend", asked)
    city.run(asked)
    assert (city.status("A1"), city.voucher("A1")["expires_on"]) == ("issued", last)
    city.run((date.fromisoformat(last) - timedelta(days=1)).isoformat())
    assert city.status("A1") == "issued"
    city.run(last)
    assert city.status("A1") == "expired"


def test_a_voucher_is_extended_once(city: Department) -> None:
    """Rule D2: the second request is against the rules and changes nothing."""
    issued(city)
    city.decide("A1", "extend", "2026-02-03")
    refused = city.decide("A1", "extend", "2026-02-04", expect=3)
    assert "D2" in refused.err
    city.run("2026-02-04")
    assert city.voucher("A1")["expires_on"] == "2026-03-04"


def test_a_lapsed_voucher_is_not_extended(city: Department) -> None:
    """Rule D2: the request comes before it lapses or not at all."""
    issued(city)
    city.run("2026-02-09")
    city.decide("A1", "extend", "2026-02-10", expect=3)
    assert city.status("A1") == "expired"


def test_an_extension_never_shortens(tmp_path: Path) -> None:
    """Rule D2 and Decision 1.20: three calendar days would end on the 5th; the 9th stays."""
    city = Department(tmp_path, rules=rule("voucher.extension", 3))
    issued(city)
    city.decide("A1", "extend", "2026-02-03")
    city.run("2026-02-03")
    assert city.voucher("A1")["expires_on"] == "2026-02-09"


def test_a_voucher_not_used_lapses_in_the_night_of_its_last_day(city: Department) -> None:
    """Rule D6: on the 9th the place returns and is given on, and A1 stands on the stop-list."""
    issued(city, "2026-02-02", "A2")
    city.run("2026-02-08")
    assert (city.status("A1"), city.line()) == ("issued", ["A2"])
    city.run("2026-02-09")
    assert (city.status("A1"), city.line()) == ("expired", [])
    assert city.given("2026-02-09") == {"A2": "V1"}
    returned = [row for row in city.bulletins("2026-02-09") if row["kind"] == "returned"]
    assert [row["vacancy_id"] for row in returned] == ["V1"]
    assert datetime.fromisoformat(returned[0]["at"]) == datetime.fromisoformat("2026-02-09T23:59:59+05:00")


def test_an_admission_on_the_last_day_is_in_time(city: Department) -> None:
    """Rule D6: the last day is included."""
    issued(city)
    city.run("2026-02-08")
    city.decide("A1", "admit", "2026-02-09")
    city.run("2026-02-09")
    assert city.status("A1") == "admitted"


@pytest.mark.parametrize("kind", ["admit", "decline", "extend"])
@pytest.mark.parametrize("day", ["2026-02-01", "2026-02-10"])
def test_a_decision_outside_the_term_is_against_the_rules(city: Department, kind: str, day: str) -> None:
    """Rule D6 and Decision 1.19: before the day of issue or after the last day nothing can be decided."""
    issued(city)
    refused = city.decide("A1", kind, day, expect=3)
    assert "A1" in refused.err or "V-20260202-A1" in refused.err
    assert (city.status("A1"), city.voucher("A1")["expires_on"]) == ("issued", "2026-02-09")


def test_a_decision_on_a_lapsed_voucher_is_against_the_rules(city: Department) -> None:
    """Rule D6: told on the 10th, though dated the 6th: the place is another child's by then."""
    issued(city, "2026-02-02", "A2")
    city.run("2026-02-09")
    refused = city.decide("A1", "admit", "2026-02-06", expect=3)
    assert refused.err.strip()
    assert (city.status("A1"), city.status("A2")) == ("expired", "issued")


def test_the_rows_of_one_file_are_taken_by_day_then_by_id(city: Department) -> None:
    """Rule D2 and Decision 1.19: written backwards, the extension still goes before the admission."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1", places="2"))
    city.run("2026-02-02")
    rows = [
        ("D9", "A1", "2026-02-05", "admit"),
        ("D2", "A2", "2026-02-04", "admit"),
        ("D10", "A2", "2026-02-04", "extend"),
        ("E1", "A1", "2026-02-04", "extend"),
    ]
    columns = ("decision_id", "application_id", "decided_on", "decision")
    city.decisions(*({**dict(zip(columns, row, strict=True)), "reason": ""} for row in rows))
    city.run("2026-02-05")
    assert (city.status("A1"), city.status("A2")) == ("admitted", "admitted")
    assert city.voucher("A1")["expires_on"] == city.voucher("A2")["expires_on"] == "2026-03-04"
