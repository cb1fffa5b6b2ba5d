"""Rule D1 when the calendar changes after vouchers are issued: a correction lengthens an open term, never shortens it.

It happens: 17 June 2024 was announced as a day off and then worked after all, ten days before; 31 August 2026 was
a day off of the official calendar until March of that year.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from support.department import Department
from support.rows import Row, application, decision, moved_day, rule, vacancy

OPEN = {"application_id": "A1", "issued_on": "2026-02-02", "expires_on": "2026-02-09", "status": "issued"}


@pytest.fixture
def holding(city: Department) -> Department:
    """A1 holds a voucher of Monday 2 February 2026, which lasts to Monday 9 February."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    assert OPEN.items() <= city.voucher("A1").items()
    return city


def last_day(city: Department, name: str = "A1") -> str:
    """The last day of the voucher, as `vouchers.csv` has it."""
    return city.voucher(name)["expires_on"]


@pytest.mark.parametrize(
    ("moved", "last"),
    [
        ([moved_day("2026-02-05", "day_off")], "2026-02-10"),
        ([moved_day("2026-02-05", "day_off"), moved_day("2026-02-06", "day_off")], "2026-02-11"),
        ([moved_day("2026-02-09", "day_off")], "2026-02-10"),
        ([moved_day("2026-02-06", "day_off"), moved_day("2026-02-07", "working")], "2026-02-09"),
        ([moved_day("2026-02-02", "day_off")], "2026-02-09"),
        ([moved_day("2026-02-10", "day_off")], "2026-02-09"),
        ([moved_day("2026-02-07", "working")], "2026-02-09"),
        ([moved_day("2026-02-07", "working"), moved_day("2026-02-08", "working")], "2026-02-09"),
    ],
)
def test_a_correction_lengthens_an_open_term_and_never_shortens_it(
    holding: Department, moved: list[Row], last: str
) -> None:
    """Rule D1: the export shows the later day; the day of issue and days after the term count for nothing."""
    told = holding.calendar(moved)
    assert last_day(holding) == last
    assert ("keep their place longer" in told.err) is (last != "2026-02-09")


def test_a_voucher_lapses_in_the_night_of_its_new_last_day(holding: Department) -> None:
    """Rules D1 and D6: admitted on the old last day, and the next; the place returns only then."""
    holding.calendar([moved_day("2026-02-05", "day_off")])
    holding.run("2026-02-09")
    assert holding.status("A1") == "issued"
    holding.run("2026-02-10")
    assert holding.status("A1") == "expired"
    assert holding.given("2026-02-10") == {"A2": "V1"}


def test_a_child_is_admitted_on_the_new_last_day_and_not_after_it(holding: Department) -> None:
    """Rules D1 and D3."""
    holding.calendar([moved_day("2026-02-05", "day_off")])
    late = holding.decide("A1", "admit", "2026-02-11", expect=3)
    assert "2026-02-10" in late.err
    holding.decide("A1", "admit", "2026-02-10")
    assert holding.status("A1") == "admitted"


def test_a_correction_taken_back_does_not_shorten_the_term(holding: Department) -> None:
    """Rule D1: what a family was once told holds."""
    holding.calendar([moved_day("2026-02-05", "day_off")])
    holding.calendar([moved_day("2026-02-05", "working")])
    assert last_day(holding) == "2026-02-10"


def test_the_same_correction_twice_lengthens_once(holding: Department) -> None:
    """Rule D1: the term is counted anew from its first day, not added to."""
    for _ in range(2):
        holding.calendar([moved_day("2026-02-05", "day_off")])
        assert last_day(holding) == "2026-02-10"


def test_an_extended_voucher_keeps_its_later_day(holding: Department) -> None:
    """Rules D1 and D2: thirty calendar days after issue are no working days, and stay what they are."""
    holding.decisions(decision("D1", decision="extend"))
    assert last_day(holding) == "2026-03-04"
    holding.calendar([moved_day("2026-02-05", "day_off"), moved_day("2026-03-03", "day_off")])
    assert last_day(holding) == "2026-03-04"


def test_an_extension_shorter_than_the_corrected_term_gives_way_to_it(holding: Department) -> None:
    """Rules D1 and D2, Decision 1.20: extended to no effect, the voucher still grows with its working days."""
    holding.rules(rule("voucher.extension", 3))
    holding.decisions(decision("D1", decision="extend"))
    assert last_day(holding) == "2026-02-09"
    holding.calendar([moved_day("2026-02-05", "day_off")])
    assert last_day(holding) == "2026-02-10"


def test_a_lapsed_voucher_stays_lapsed(holding: Department) -> None:
    """Rules D1 and D6: the place is another child's by now."""
    holding.run("2026-02-09")
    assert holding.given("2026-02-09") == {"A2": "V1"}
    holding.calendar([moved_day("2026-02-05", "day_off"), moved_day("2026-02-12", "day_off")])
    lapsed = holding.voucher("A1")
    assert (lapsed["status"], lapsed["expires_on"]) == ("expired", "2026-02-09")
    assert (holding.status("A2"), last_day(holding, "A2")) == ("issued", "2026-02-17")


@pytest.mark.parametrize("kind", ["admit", "decline"])
def test_a_voucher_that_is_decided_stays_as_it_was(holding: Department, kind: str) -> None:
    """Rule D1: only open terms grow."""
    holding.decide("A1", kind, "2026-02-03")
    before = holding.voucher("A1")
    holding.calendar([moved_day("2026-02-05", "day_off")])
    assert holding.voucher("A1") == before


def test_a_term_that_has_not_begun_is_counted_by_the_calendar_of_its_beginning(city: Department) -> None:
    """Rules B3 and D1: an early booking has no last day to lengthen; it gets a right one when it begins."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(vacancy("V1", admission="early_booking", vacated_on="2026-02-04"))
    city.run("2026-02-02")
    city.calendar([moved_day("2026-02-06", "day_off")])
    assert last_day(city) == ""
    city.run("2026-02-04")
    assert last_day(city) == "2026-02-12"
    city.calendar([moved_day("2026-02-10", "day_off")])
    assert last_day(city) == "2026-02-13"


@pytest.mark.parametrize(
    ("issued_on", "announced", "with_the_day_off"),
    [("2024-06-13", "2024-06-17", "2024-06-21"), ("2026-08-27", "2026-08-31", "2026-09-04")],
)
def test_a_day_off_announced_and_then_worked_after_all_shortens_nothing(
    city: Department, issued_on: str, announced: str, with_the_day_off: str
) -> None:
    """Rule D1, by the two cases of 2024 and 2026; a voucher issued after the second act is counted by it."""
    at = f"{issued_on}T09:00:00+05:00"
    filed = "2024-01-12T10:00:00+06:00"
    born = {"birth_date": "2022-01-15"}
    city.applications(application("A1", filed_at=filed, **born), application("A2", filed_at=filed, **born))
    city.bulletin(vacancy("V1", published_at=at, birth_year="2022", start_date=issued_on))
    city.calendar([moved_day(announced, "day_off")])
    city.run(issued_on)
    assert last_day(city) == with_the_day_off
    city.calendar([moved_day(announced, "working")])
    assert last_day(city) == with_the_day_off
    city.decide("A1", "decline", issued_on)
    city.archive("A1")
    city.run((date.fromisoformat(issued_on) + timedelta(days=1)).isoformat())
    assert city.given()["A2"] == "V1"
    assert last_day(city, "A2") == with_the_day_off


def test_vouchers_of_all_localities_grow(city: Department) -> None:
    """Rule D1: the calendar is the country's."""
    city.applications(application("A1"), application("B1", locality="astana"))
    city.bulletin(vacancy("V1"), vacancy("V2", locality="astana"))
    city.run("2026-02-02")
    told = city.calendar([moved_day("2026-02-05", "day_off")])
    assert "2 live vouchers" in told.err
    assert {last_day(city, "A1"), last_day(city, "B1")} == {"2026-02-10"}


def test_a_calendar_file_with_a_bad_row_keeps_the_good_ones(holding: Department) -> None:
    """The contract of every file: the bad row is told by line and column, the good one holds."""
    told = holding.calendar([moved_day("2026-02-05", "day_off"), moved_day("2026-02-06", "holiday")], expect=1)
    assert "line 3, column kind" in told.err
    assert last_day(holding) == "2026-02-10"
