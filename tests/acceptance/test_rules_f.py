"""Rules F1-F3: the night, its days, its steps, and running it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.department import Department
from support.rows import Row, application, decision, place, temporary, vacancy, withdrawal


def test_the_first_run_is_the_day_asked_for_and_takes_all_recorded_before(city: Department) -> None:
    """Rule F1 and Decision 1.1: places of January are given on 2 February, by one night, and listed once."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(place("V1", "2026-01-14"), place("V2", "2026-01-26", organization="K2"))
    city.run("2026-02-02")
    assert city.given("2026-02-02") == {"A1": "V1", "A2": "V2"}
    assert len(city.vouchers()) == 2
    assert [(row["vacancy_id"], row["kind"]) for row in city.bulletins()] == [("V1", "vacated"), ("V2", "vacated")]


def test_missed_days_are_caught_up_in_order(city: Department) -> None:
    """Rule F1: asked for the 6th, the nights of the 3rd to the 5th come first and date their own vouchers."""
    city.applications(*(application(f"A{n}") for n in (1, 2, 3, 4)))
    city.run("2026-02-02")
    city.bulletin(place("V6", "2026-02-06"), place("V3", "2026-02-03"), place("V4", "2026-02-04"))
    city.run("2026-02-06")
    issued = {row["application_id"]: row["issued_on"] for row in city.vouchers()}
    assert issued == {"A1": "2026-02-03", "A2": "2026-02-04", "A3": "2026-02-06"}
    assert [row["date"] for row in city.bulletins()] == ["2026-02-03", "2026-02-04", "2026-02-06"]


@pytest.mark.parametrize(
    ("timezone", "moment", "day"),
    [
        ("Asia/Almaty", "2026-02-03T23:59:59+05:00", "2026-02-03"),
        ("Asia/Almaty", "2026-02-04T00:00:00+05:00", "2026-02-04"),
        ("Asia/Almaty", "2026-02-03T18:59:59+00:00", "2026-02-03"),
        ("Asia/Almaty", "2026-02-03T19:00:00+00:00", "2026-02-04"),
        ("UTC", "2026-02-03T19:00:00+00:00", "2026-02-03"),
        ("UTC", "2026-02-04T04:59:59+05:00", "2026-02-03"),
        ("Asia/Tokyo", "2026-02-03T20:00:00+05:00", "2026-02-04"),
    ],
)
@pytest.mark.parametrize("late", ["vacancy", "application"])
def test_a_day_ends_at_midnight_of_the_locality(
    tmp_path: Path, timezone: str, moment: str, day: str, late: str
) -> None:
    """Rule F1: what is recorded up to the end of the day in the locality's time zone takes part in its night."""
    city = Department(tmp_path, timezone=timezone)
    city.applications(application("A1", **({"filed_at": moment} if late == "application" else {})))
    city.bulletin(vacancy("V1", **({"published_at": moment} if late == "vacancy" else {})))
    city.run("2026-02-02")
    city.run("2026-02-05")
    assert {row["application_id"]: row["issued_on"] for row in city.vouchers()} == {"A1": day}


def test_records_dated_ahead_take_no_part_in_an_earlier_night(city: Department) -> None:
    """Rule F1 and Decision 1.2: application, place and decision each wait for their own day."""
    city.applications(
        application("A1"),
        application("A2", languages="kk|ru"),
        application("B1", filed_at="2026-02-05T08:00:00+05:00", languages="ru"),
    )
    city.bulletin(vacancy("V1"), place("V3", "2026-02-06"))
    city.run("2026-02-02")
    city.bulletin(place("V2", "2026-02-03", language="ru", organization="K2", places="2"))
    city.applications(application("A2"))
    city.decide("A1", "decline", "2026-02-04")
    city.run("2026-02-03")
    city.run("2026-02-06")
    issued = {(row["application_id"], row["vacancy_id"]): row["issued_on"] for row in city.vouchers()}
    assert issued == {
        ("A1", "V1"): "2026-02-02",
        ("A2", "V1"): "2026-02-04",
        ("B1", "V2"): "2026-02-05",
        ("A1", "V3"): "2026-02-06",
    }


def _three_weeks(folder: Path, nights: list[str]) -> tuple[str, str, str]:
    """A city whose records of three weeks are all there from the start; only the nights asked for differ."""
    city = Department(folder)
    city.applications(
        *(application(f"A{n}") for n in range(6)),
        application("F1", benefit="orphan", filed_at="2026-02-05T08:00:00+05:00"),
        application("T1", accepts="temporary", filed_at="2026-02-03T08:00:00+05:00"),
    )
    city.bulletin(
        vacancy("V1", places="2"),
        place("V2", "2026-02-06"),
        place("V3", "2026-02-12", places="2"),
        temporary("T1", "2026-02-04", until="2026-02-13"),
        temporary("T2", "2026-02-12", until="2026-03-20"),
    )
    city.run("2026-02-02")
    city.decisions(
        decision("D1", application_id="A0", decision="extend", decided_on="2026-02-05"),
        decision("D2", application_id="A1", decision="decline", decided_on="2026-02-06"),
    )
    city.withdrawals(withdrawal("W1", vacancy_id="V3", withdrawn_at="2026-02-12T12:00:00+05:00"))
    for night in nights:
        city.run(night)
    return city.records()


def test_nights_caught_up_together_give_what_they_would_have_given_one_by_one(tmp_path: Path) -> None:
    """Rule F1 and Decision 1.2: three weeks in one call and in twenty-one calls end in the same records."""
    days = [f"2026-02-{day:02d}" for day in range(3, 24)]
    together = _three_weeks(tmp_path / "together", days[-1:])
    assert together[0].count("2026-") > 8
    assert _three_weeks(tmp_path / "one_by_one", days) == together


def test_a_run_of_one_locality_leaves_the_others(city: Department) -> None:
    """Rule F1: one run per locality and day."""
    city.applications(application("A1"), application("B1", locality="astana"))
    city.bulletin(vacancy("V1"), vacancy("V2", locality="astana"))
    city.run("2026-02-02", locality="almaty")
    assert city.given() == {"A1": "V1"}
    city.run("2026-02-02")
    assert city.given("2026-02-02") == {"A1": "V1", "B1": "V2"}


def test_a_day_before_the_first_run_cannot_be_run_any_more(city: Department) -> None:
    """Rule F1 and Decision 1.6: the records of the locality start with its first run."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-03")
    before = city.records()
    refused = city.run("2026-02-02", expect=3)
    assert "F1" in refused.err
    assert city.records() == before


def test_one_night_goes_through_its_steps_in_order(city: Department) -> None:
    """Rule F2: on 9 February A1 lapses, B1 comes back from the stop-list, and B1 gets the place of A1.

    B1 filed before A2 and was stopped on 30 January, so it must be back before the queue is served.
    """
    city.applications(
        application("A1", filed_at="2026-01-10T10:00:00+05:00"),
        application("A2", filed_at="2026-01-14T10:00:00+05:00"),
        application("B1", filed_at="2026-01-12T10:00:00+05:00"),
    )
    city.run("2026-01-29")
    city.stop_list_add("B1")
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.run("2026-02-08")
    assert city.given() == {"A1": "V1"}
    city.run("2026-02-09")
    assert city.given("2026-02-09") == {"B1": "V1"}
    assert city.line() == ["A2"]
    assert city.listed("2026-02-09", "returned") == [("V1", "1")]


def test_free_places_are_those_published_less_withdrawn_less_held(city: Department) -> None:
    """Rule F2: of five places one is a pupil's, one on a voucher, one withdrawn: two are given."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1", places="5"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.withdrawals(withdrawal("W1"))
    city.applications(*(application(f"B{n}") for n in range(4)))
    city.run("2026-02-03")
    assert city.given("2026-02-03") == {"B0": "V1", "B1": "V1"}


def test_a_temporary_stay_that_ends_frees_the_child_before_the_queue_is_served(city: Department) -> None:
    """Rule F2: the stay ends on the 20th, and T2 goes to A1, who filed before A2, in that very night."""
    city.applications(application("A1", accepts="temporary"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-02-20"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.run("2026-02-19")
    city.applications(application("A2", accepts="temporary"))
    city.bulletin(temporary("T2", "2026-02-20", until="2026-03-20"))
    city.run("2026-02-20")
    assert city.given("2026-02-20") == {"A1": "T2"}


def test_over_age_children_go_before_the_queue_is_served(city: Department) -> None:
    """Rule F2: six years old on the 5th, A1 gets no place that night though the place started before."""
    old: Row = {"birth_date": "2020-02-05"}
    city.applications(application("A1", **old), application("A2", birth_date="2020-05-05"))
    city.run("2026-02-04")
    city.bulletin(place("V1", "2026-02-05", birth_year="2020", start_date="2026-02-04"))
    city.run("2026-02-05")
    assert city.given() == {"A2": "V1"}


def test_a_night_run_again_changes_nothing(city: Department) -> None:
    """Rule F3: even with new records of the open day, the nights behind stay as they were."""
    city.applications(*(application(f"A{n}") for n in range(4)))
    city.bulletin(vacancy("V1", places="2"))
    city.run("2026-02-02")
    city.run("2026-02-03")
    before = city.records()
    city.run("2026-02-03")
    city.run("2026-02-02")
    assert city.records() == before
    city.bulletin(place("V2", "2026-02-03"))
    city.run("2026-02-03")
    assert city.given() == {"A0": "V1", "A1": "V1"}
    city.run("2026-02-04")
    assert city.given("2026-02-04") == {"A2": "V2"}
