"""Rules B5-B7: the bulletin of a day, withdrawals and suspended windows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from support.department import Department
from support.rows import application, place, rule, vacancy, withdrawal


def moments(city: Department, day: str, kind: str) -> list[datetime]:
    """The moments of one kind in the bulletin of the day."""
    return [datetime.fromisoformat(row["at"]) for row in city.bulletins(day) if row["kind"] == kind]


def test_a_bulletin_lists_places_in_the_order_handed_over(city: Department) -> None:
    """Rule B5: by moment, whatever the rows' order, the offset or the id."""
    city.bulletin(
        vacancy("V1", published_at="2026-02-02T17:00:00+05:00"),
        vacancy("V2", published_at="2026-02-02T05:00:00+00:00", places="3"),
        vacancy("V3", published_at="2026-02-02T09:00:00+05:00"),
    )
    city.run("2026-02-02")
    assert city.listed("2026-02-02", "vacated") == [("V3", "1"), ("V2", "3"), ("V1", "1")]
    assert {row["organization"] for row in city.bulletins("2026-02-02")} == {"K1"}


def test_bulletins_are_daily_and_of_one_locality(city: Department) -> None:
    """Rule B5: each place is in the bulletin of its own day and locality, once."""
    city.bulletin(vacancy("V1"), place("V2", "2026-02-03"), place("V3", "2026-02-03", locality="astana"))
    city.run("2026-02-02")
    city.run("2026-02-03")
    listed = [(row["date"], row["locality"], row["vacancy_id"]) for row in city.bulletins()]
    assert sorted(listed) == [
        ("2026-02-02", "almaty", "V1"),
        ("2026-02-03", "almaty", "V2"),
        ("2026-02-03", "astana", "V3"),
    ]


def test_a_closed_bulletin_never_changes(city: Department) -> None:
    """Rule B5 and Decision 1.4: a place handed over late is listed on the open day with its own moment."""
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    closed = city.bulletins("2026-02-02")
    city.bulletin(vacancy("V2", published_at="2026-02-02T15:00:00+05:00"))
    city.run("2026-02-03")
    assert city.bulletins("2026-02-02") == closed
    assert city.listed("2026-02-03", "vacated") == [("V2", "1")]
    assert moments(city, "2026-02-03", "vacated") == [datetime.fromisoformat("2026-02-02T15:00:00+05:00")]


def test_a_late_decision_is_listed_on_the_open_day(city: Department) -> None:
    """Rule B5 and Decision 1.4: declined on the 5th, told on the 6th: returned in the bulletin of the 6th."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-05")
    closed = city.bulletins()
    city.decide("A1", "decline", "2026-02-05")
    city.run("2026-02-06")
    assert [row for row in city.bulletins() if row["date"] != "2026-02-06"] == closed
    assert city.listed("2026-02-06", "returned") == [("V1", "1")]
    assert moments(city, "2026-02-06", "returned") == [datetime.fromisoformat("2026-02-05T00:00:00+05:00")]


@pytest.mark.parametrize(("kind", "reason"), [("decline", ""), ("refuse", "contraindication")])
def test_a_place_given_back_is_listed_as_returned(city: Department, kind: str, reason: str) -> None:
    """Rule B5 and Decision 1.21: with the moment 00:00 of the day of the decision."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1", places="2"))
    city.run("2026-02-02")
    city.decide("A1", kind, "2026-02-03", reason)
    city.run("2026-02-03")
    assert city.listed("2026-02-03", "returned") == [("V1", "1")]
    assert moments(city, "2026-02-03", "returned") == [datetime.fromisoformat("2026-02-03T00:00:00+05:00")]


def test_a_place_that_lapsed_is_listed_as_returned_by_its_night(city: Department) -> None:
    """Rule B5 and Decision 1.21: with the moment 23:59:59 of the last day, 9 February."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.run("2026-02-09")
    assert city.listed("2026-02-09", "returned") == [("V1", "1")]
    assert moments(city, "2026-02-09", "returned") == [datetime.fromisoformat("2026-02-09T23:59:59+05:00")]


def test_free_places_can_be_withdrawn_and_are_listed(city: Department) -> None:
    """Rule B6: two of three free places go back to the organisation, one is given."""
    city.bulletin(vacancy("V1", places="3"))
    city.run("2026-02-02")
    city.withdrawals(withdrawal("W1", places="2"))
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-03")
    assert city.given() == {"A1": "V1"}
    assert city.listed("2026-02-03", "withdrawn") == [("V1", "2")]


@pytest.mark.parametrize("admitted", [False, True])
def test_a_withdrawal_of_more_than_is_free_is_refused_whole(city: Department, admitted: bool) -> None:
    """Rule B6: of three places one is held by a voucher or a pupil; three cannot be taken, nor is any."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1", places="3"))
    city.run("2026-02-02")
    if admitted:
        city.decide("A1", "admit", "2026-02-03")
    refused = city.withdrawals(withdrawal("W1", places="3"), expect=3)
    assert "B6" in refused.err
    assert "V1" in refused.err
    late = "2026-02-03T08:00:00+05:00"
    city.applications(*(application(f"B{n}", filed_at=late) for n in (1, 2, 3)))
    city.run("2026-02-03")
    assert city.given("2026-02-03") == {"B1": "V1", "B2": "V1"}
    assert city.listed("2026-02-03", "withdrawn") == []


def test_two_withdrawals_cannot_take_the_same_place(city: Department) -> None:
    """Rule B6: the second is refused, for the first has taken the place."""
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.withdrawals(withdrawal("W1"))
    city.withdrawals(withdrawal("W2"), expect=3)
    city.run("2026-02-03")
    assert city.listed("2026-02-03", "withdrawn") == [("V1", "1")]


def test_a_withdrawal_dated_ahead_waits_for_its_day(city: Department) -> None:
    """Rule B6 and Decision 1.3: told on the 3rd for the 5th; taken by that night, before anyone is served."""
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.withdrawals(withdrawal("W1", withdrawn_at="2026-02-05T12:00:00+05:00"))
    city.run("2026-02-04")
    assert [city.listed(day, "withdrawn") for day in ("2026-02-02", "2026-02-03", "2026-02-04")] == [[], [], []]
    city.applications(application("A1", filed_at="2026-02-05T08:00:00+05:00"))
    city.run("2026-02-05")
    assert city.listed("2026-02-05", "withdrawn") == [("V1", "1")]
    assert city.given() == {}


def test_a_withdrawal_whose_place_was_given_meanwhile_is_refused_by_its_night(city: Department) -> None:
    """Rule B6 and Decision 1.3: the night says so; the place that lapses in it goes to the next child.

    The voucher of A1 holds the place up to the 9th; the withdrawal of the 9th comes before it lapses.
    """
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.withdrawals(withdrawal("W1", withdrawn_at="2026-02-09T12:00:00+05:00"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V1"}
    city.run("2026-02-08")
    told = city.run("2026-02-09", expect=None)
    assert "W1" in told.err
    assert city.listed("2026-02-09", "withdrawn") == []
    assert city.given("2026-02-09") == {"A2": "V1"}


def test_a_withdrawal_recorded_before_the_first_run_waits_for_it(city: Department) -> None:
    """Rule B6 and Decision 1.3: the first night takes it before it serves."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1", places="2"))
    city.withdrawals(withdrawal("W1", withdrawn_at="2026-02-02T12:00:00+05:00"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V1"}
    assert city.listed("2026-02-02", "withdrawn") == [("V1", "1")]


WINDOW = rule("publication.suspended", [("2026-02-10", "2026-02-12")])


@pytest.mark.parametrize(("day", "code"), [("2026-02-09", 0), ("2026-02-10", 1), ("2026-02-12", 1), ("2026-02-13", 0)])
def test_nothing_is_published_inside_a_suspended_window(tmp_path: Path, day: str, code: int) -> None:
    """Rule B7 and Decision 1.16: from 10 to 12 February, both included, a row is refused."""
    city = Department(tmp_path, rules=WINDOW)
    city.applications(application("A1"))
    city.run("2026-02-02")
    city.bulletin(place("V1", day), expect=code)
    city.run("2026-02-16")
    assert city.given() == ({} if code else {"A1": "V1"})


def test_a_night_inside_a_suspended_window_lapses_and_closes_but_serves_nobody(tmp_path: Path) -> None:
    """Rule B7 and Decision 1.16: A1 lapses on the 10th, and its place waits for the night of the 13th."""
    city = Department(tmp_path, rules=WINDOW)
    city.applications(application("A1"))
    city.bulletin(place("V1", "2026-02-03"))
    city.run("2026-02-03")
    city.applications(application("A2", filed_at="2026-02-04T08:00:00+05:00"))
    city.run("2026-02-10")
    assert city.status("A1") == "expired"
    assert city.listed("2026-02-10", "returned") == [("V1", "1")]
    city.run("2026-02-12")
    assert set(city.given()) == {"A1"}
    city.run("2026-02-13")
    assert city.given("2026-02-13") == {"A2": "V1"}


def test_a_department_without_windows_is_never_suspended(city: Department) -> None:
    """Rule B7: the default is none; the same days serve as any other."""
    city.applications(application("A1"))
    city.bulletin(place("V1", "2026-02-10"))
    city.run("2026-02-10")
    assert city.given("2026-02-10") == {"A1": "V1"}
