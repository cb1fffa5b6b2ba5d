"""Rules B1-B4: what a vacancy says, and the three orders of admission."""

from __future__ import annotations

import pytest

from support.department import Department
from support.rows import Row, application, place, temporary, vacancy


def booked(vacancy_id: str, day: str, **overrides: str) -> Row:
    """An early-booking place handed over on the day."""
    return place(vacancy_id, day, **{"admission": "early_booking", **overrides})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("organization", ""),
        ("birth_year", "twenty"),
        ("language", ""),
        ("group_type", "large"),
        ("regime", "weekend"),
        ("admission", "someday"),
        ("start_date", "02.03.26"),
        ("start_date", ""),
        ("places", "0"),
        ("places", "-1"),
        ("places", "two"),
        ("published_at", "2026-02-02T09:00:00"),
        ("vacated_on", "2026-02-10"),
        ("attend_until", "2026-06-01"),
    ],
)
def test_a_vacancy_must_say_all_that_makes_it_one(city: Department, column: str, value: str) -> None:
    """Rule B1: a row that lacks or garbles a field is refused by its column, the good row is kept.

    A moment needs its offset; `vacated_on` and `attend_until` have no meaning for a standard place.
    """
    refused = city.bulletin(vacancy("V1", **{column: value}), vacancy("V2"), expect=1)
    assert column in refused.err
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V2"}


@pytest.mark.parametrize("regime", ["full_day", "half_day", "round_the_clock"])
@pytest.mark.parametrize("group_type", ["general", "special"])
def test_every_regime_and_group_type_can_be_handed_over(city: Department, regime: str, group_type: str) -> None:
    """Rule B1: three regimes, two group types."""
    city.bulletin(vacancy("V1", regime=regime, group_type=group_type))
    city.applications(application("A1", regimes=regime, group_type=group_type))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V1"}


def test_the_term_of_a_standard_place_runs_at_once(city: Department) -> None:
    """Rule B2: issued on Monday 2 February, five working days, whatever the start date."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1", start_date="2026-09-01"))
    city.run("2026-02-02")
    assert city.voucher("A1")["issued_on"] == "2026-02-02"
    assert city.voucher("A1")["expires_on"] == "2026-02-09"


def test_an_early_booked_place_has_no_term_until_it_is_vacated(city: Department) -> None:
    """Rule B3: the voucher lives on without a last day, long after five working days."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(booked("V1", "2026-02-02"))
    city.run("2026-02-02")
    assert (city.voucher("A1")["status"], city.voucher("A1")["expires_on"]) == ("issued", "")
    city.run("2026-02-27")
    assert (city.voucher("A1")["status"], city.voucher("A1")["expires_on"]) == ("issued", "")
    assert city.line() == []


def test_the_term_starts_in_the_night_of_the_day_the_place_is_vacated(city: Department) -> None:
    """Rule B3 and Decision 1.15: vacated on Tuesday 10 February, last day Tuesday the 17th."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(booked("V1", "2026-02-02"))
    city.run("2026-02-02")
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-02-10"))
    city.run("2026-02-09")
    assert city.voucher("A1")["expires_on"] == ""
    city.run("2026-02-10")
    assert city.voucher("A1")["expires_on"] == "2026-02-17"
    city.run("2026-02-16")
    assert city.status("A1") == "issued"
    city.run("2026-02-17")
    assert city.status("A1") == "expired"


def test_a_vacating_told_late_never_shortens_the_term(city: Department) -> None:
    """Rule B3 and Decision 1.15: vacated on the 5th, told on the 10th: the term is counted from the 10th."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(booked("V1", "2026-02-02"))
    city.run("2026-02-09")
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-02-05"))
    city.run("2026-02-10")
    assert city.voucher("A1")["expires_on"] == "2026-02-17"


def test_a_place_vacated_before_the_voucher_has_a_term_from_its_issue(city: Department) -> None:
    """Rule B3 and Decision 1.15: nothing is waited for when the place is free already."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-01-30"))
    city.run("2026-02-02")
    assert city.voucher("A1")["expires_on"] == "2026-02-09"


@pytest.mark.parametrize(("kind", "code"), [("admit", 3), ("extend", 3), ("decline", 0)])
def test_nobody_is_admitted_to_a_place_not_yet_vacated(city: Department, kind: str, code: int) -> None:
    """Rule B3 and Decision 1.19: neither admission nor extension before `vacated_on`; declining is free."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-02-10"))
    city.run("2026-02-02")
    city.decide("A1", kind, "2026-02-09", expect=code)
    city.run("2026-02-09")
    assert city.status("A1") == ("issued" if code else "declined")
    assert city.voucher("A1")["expires_on"] == ""


def test_a_child_may_be_admitted_from_the_very_day_of_vacating(city: Department) -> None:
    """Rule B3 and Decision 1.15: on 10 February itself, before the night that starts the term."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-02-10"))
    city.run("2026-02-09")
    city.decide("A1", "admit", "2026-02-10")
    city.run("2026-02-10")
    assert city.status("A1") == "admitted"


@pytest.mark.parametrize("kind", ["admit", "decline"])
@pytest.mark.parametrize("nights_before", [["2026-02-11"], []], ids=["on_time", "caught_up"])
def test_a_term_begins_in_its_night_whatever_was_decided_for_a_later_day(
    city: Department, nights_before: list[str], kind: str
) -> None:
    """Rules B3, F1 and Decision 1.2: on the evening of the 10th the voucher was live, so its term began."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-02-10"))
    city.run("2026-02-09")
    for night in nights_before:
        city.run(night)
    city.decide("A1", kind, "2026-02-12")
    city.run("2026-02-12")
    assert city.voucher("A1")["expires_on"] == "2026-02-17"


def test_vacating_may_be_moved_only_while_it_lies_ahead(city: Department) -> None:
    """Rule B3 and Decision 1.14: moved from the 10th to the 12th in time; on the 13th it is history."""
    city.applications(application("A1", accepts="early_booking"))
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-02-10"))
    city.run("2026-02-09")
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-02-12"))
    city.run("2026-02-11")
    assert city.voucher("A1")["expires_on"] == ""
    city.run("2026-02-12")
    assert city.voucher("A1")["expires_on"] == "2026-02-19"
    city.bulletin(booked("V1", "2026-02-02", vacated_on="2026-02-20"), expect=1)
    city.run("2026-02-13")
    assert city.voucher("A1")["expires_on"] == "2026-02-19"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("places", "2"),
        ("organization", "K2"),
        ("language", "ru"),
        ("start_date", "2026-04-01"),
        ("published_at", "2026-02-02T10:00:00+05:00"),
    ],
)
def test_a_published_vacancy_does_not_change(city: Department, column: str, value: str) -> None:
    """Rule B5 and Decision 1.14: anything but `vacated_on` is withdrawn and published anew."""
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    before = city.records()
    city.bulletin(vacancy("V1"))
    refused = city.bulletin(vacancy("V1", **{column: value}), expect=1)
    assert column in refused.err
    assert city.records() == before


def test_a_temporary_place_needs_its_last_day(city: Department) -> None:
    """Rule B4: `attend_until` is required."""
    refused = city.bulletin(temporary("T1", "2026-02-02", until=""), expect=1)
    assert "attend_until" in refused.err
    city.bulletin(temporary("T2", "2026-02-02", until="2026-03-20"))


@pytest.mark.parametrize(("day", "offered"), [("2026-02-19", True), ("2026-02-20", False)])
def test_a_temporary_place_is_offered_only_before_its_last_day(city: Department, day: str, offered: bool) -> None:
    """Rule B4 and Decision 1.17: the night of the 19th gives a place kept to the 20th, the next does not."""
    city.bulletin(temporary("T1", "2026-02-02", until="2026-02-20"))
    city.run("2026-02-02")
    city.applications(application("A1", accepts="temporary", filed_at=f"{day}T08:00:00+05:00"))
    city.run(day)
    assert city.given() == ({"A1": "T1"} if offered else {})
    assert city.line() == ([] if offered else ["A1"])


def test_a_temporary_place_that_was_declined_is_offered_to_the_next(city: Department) -> None:
    """Rule B4: only an admission takes it off for good."""
    city.applications(application("A1", accepts="temporary"), application("A2", accepts="temporary"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-03-20"))
    city.run("2026-02-02")
    city.decide("A1", "decline", "2026-02-03")
    city.run("2026-02-03")
    assert city.given("2026-02-03") == {"A2": "T1"}


def test_a_temporary_place_once_taken_is_not_offered_again(city: Department) -> None:
    """Rule B4: A1 stays until it leaves for a place of its own; A2 waits in vain for T1."""
    city.applications(application("A1", accepts="standard|temporary"), application("A2", accepts="temporary"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-02-20"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "T1"}
    city.decide("A1", "admit", "2026-02-03")
    city.bulletin(place("V1", "2026-02-03"))
    city.run("2026-02-03")
    city.decide("A1", "admit", "2026-02-04")
    city.run("2026-02-22")
    assert "A2" not in city.given()
    assert city.line() == ["A2"]


def test_a_stay_that_ends_may_be_followed_by_another_in_the_same_night(city: Department) -> None:
    """Rule B4 and Decision 1.17: T2 is not for A1 on the 19th, and is on the 20th, the end of its stay."""
    city.applications(application("A1", accepts="temporary"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-02-20"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.bulletin(temporary("T2", "2026-02-03", until="2026-03-20"))
    city.run("2026-02-19")
    assert city.given() == {"A1": "T1"}
    city.run("2026-02-20")
    assert city.given("2026-02-20") == {"A1": "T2"}
