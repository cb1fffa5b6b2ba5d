"""Rules A1-A4 and A7: who stands where, and what a change of circumstances does."""

from __future__ import annotations

from datetime import datetime

import pytest

from support.department import Department
from support.rows import application, place, vacancy

OUT_OF_TURN = ("military", "special_state_body")
FIRST_PRIORITY = (
    "disabled_guardian",
    "special_needs",
    "without_parental_care",
    "orphan",
    "large_family",
    "teacher",
    "disabled_sibling",
)


def test_every_locality_and_birth_year_has_a_queue_of_its_own(city: Department) -> None:
    """Rule A1: numbers begin anew in each queue, and a place of one queue goes to nobody of another."""
    city.applications(
        application("A1"),
        application("A2"),
        application("B1", birth_date="2022-05-15"),
        application("C1", locality="astana"),
    )
    city.bulletin(vacancy("V1", birth_year="2022", places="3"), vacancy("V2", birth_year="2021", places="3"))
    city.run("2026-02-02")
    assert city.given() == {"B1": "V1"}
    assert city.line(2023) == ["A1", "A2"]
    assert city.line(2022) == []
    assert city.line(2023, "astana") == ["C1"]


def test_a_child_of_new_year_and_one_of_new_years_eve_stand_in_different_queues(city: Department) -> None:
    """Rule A1: the queue is that of the calendar year of birth."""
    city.applications(application("A1", birth_date="2022-12-31"), application("A2", birth_date="2023-01-01"))
    city.run("2026-02-02")
    assert (city.line(2022), city.line(2023)) == (["A1"], ["A2"])


def test_there_are_ten_answers_on_benefit_and_no_eleventh(city: Department) -> None:
    """Rule A2: the ten answers are taken, another word is refused with its column."""
    answers = (*OUT_OF_TURN, *FIRST_PRIORITY, "none")
    city.applications(*(application(f"A{n}", benefit=answer) for n, answer in enumerate(answers)))
    refused = city.applications(application("B1", benefit="veteran"), expect=1)
    assert "benefit" in refused.err
    city.run("2026-02-02")
    assert sorted(city.line()) == [f"A{n}" for n in range(10)]


@pytest.mark.parametrize(
    ("benefit", "rank"),
    [
        *((benefit, "out_of_turn") for benefit in OUT_OF_TURN),
        *((benefit, "first_priority") for benefit in FIRST_PRIORITY),
        ("none", "general"),
    ],
)
def test_a_benefit_gives_its_class(city: Department, benefit: str, rank: str) -> None:
    """Rule A3: the first two are out of turn, the next seven first priority, none is general."""
    city.applications(application("A1", benefit=benefit))
    city.run("2026-02-02")
    assert [row["class"] for row in city.queue()] == [rank]


@pytest.mark.parametrize("benefit", ["teacher", "disabled_sibling"])
@pytest.mark.parametrize(("day", "served"), [("2020-05-04", "G1"), ("2020-07-08", "T1")])
def test_teachers_and_siblings_come_first_only_since_the_rules_of_2020(
    city: Department, benefit: str, day: str, served: str
) -> None:
    """Rule A3: before the order of June 2020 these two benefits gave no priority."""
    born = "2017-05-15"
    city.applications(
        application("G1", birth_date=born, filed_at="2020-03-02T10:00:00+06:00"),
        application("T1", birth_date=born, filed_at="2020-04-01T10:00:00+06:00", benefit=benefit),
    )
    city.bulletin(vacancy("V1", birth_year="2017", published_at=f"{day}T09:00:00+06:00", start_date="2020-09-01"))
    city.run(day)
    assert city.given(day) == {served: "V1"}


def test_the_order_is_class_then_moment_then_id_as_text(city: Department) -> None:
    """Rule A4: a class goes before any moment, a moment before any id, and A10 before A2."""
    early, late = "2026-01-10T10:00:00+05:00", "2026-01-11T10:00:00+05:00"
    city.applications(
        application("A2", filed_at=late),
        application("A9", filed_at=early),
        application("B1", filed_at=late, benefit="military"),
        application("A10", filed_at=late),
        application("C1", filed_at=late, benefit="orphan"),
        application("C2", filed_at=early, benefit="teacher"),
    )
    city.run("2026-02-02")
    assert city.line() == ["B1", "C2", "C1", "A9", "A10", "A2"]


def test_moments_are_compared_as_moments_whatever_their_offset(city: Department) -> None:
    """Rule A4: 09:59 in Almaty is before 05:00 in Greenwich, though its text is greater."""
    city.applications(
        application("A1", filed_at="2026-01-12T05:00:00+00:00"),
        application("A2", filed_at="2026-01-12T09:59:59+05:00"),
    )
    city.run("2026-02-02")
    assert city.line() == ["A2", "A1"]


def test_the_order_of_the_queue_is_the_order_of_service(city: Department) -> None:
    """Rule A4: with one place a night, the places go down the queue."""
    city.applications(
        application("A1"), application("A2", benefit="large_family"), application("A3", benefit="military")
    )
    for day in ("2026-02-02", "2026-02-03", "2026-02-04"):
        city.bulletin(place(f"V{day[-1]}", day))
        city.run(day)
    assert [row["application_id"] for row in sorted(city.vouchers(), key=lambda row: row["issued_on"])] == [
        "A3",
        "A2",
        "A1",
    ]


def test_the_moment_of_filing_survives_correction_stop_list_and_return(city: Department) -> None:
    """Rule A4: after each of these A1, who filed first, stands first again."""
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-02")
    city.applications(application("A1", languages="kk|ru", email=""))
    assert city.line() == ["A1", "A2"]
    city.stop_list_add("A1")
    assert city.line() == ["A2"]
    city.stop_list_remove("A1")
    assert city.line() == ["A1", "A2"]
    city.archive("A1")
    city.restore("A1")
    assert city.line() == ["A1", "A2"]
    city.bulletin(place("V1", "2026-02-03"))
    city.run("2026-02-03")
    city.decide("A1", "decline", "2026-02-04")
    city.run("2026-02-04")
    assert city.line() == ["A1"]
    moments = {datetime.fromisoformat(row["filed_at"]) for row in city.queue()}
    assert moments == {datetime.fromisoformat(application("A1")["filed_at"])}


def test_a_benefit_gained_or_lost_moves_the_application(city: Department) -> None:
    """Rule A7: A3 rises before all with a benefit, and falls to its old place without it."""
    city.applications(application("A1", benefit="orphan"), application("A2"), application("A3"))
    city.run("2026-02-02")
    assert city.line() == ["A1", "A2", "A3"]
    city.applications(application("A3", benefit="military"))
    assert city.line() == ["A3", "A1", "A2"]
    city.applications(application("A3"))
    assert city.line() == ["A1", "A2", "A3"]


def test_a_corrected_birth_date_moves_the_application_to_its_queue(city: Department) -> None:
    """Rule A7: in the queue of the right year it stands by its old moment of filing."""
    city.applications(
        application("A1"),
        application("B1", birth_date="2022-05-15", filed_at="2026-01-11T10:00:00+05:00"),
        application("B2", birth_date="2022-05-15", filed_at="2026-01-13T10:00:00+05:00"),
    )
    city.run("2026-02-02")
    city.applications(application("A1", birth_date="2022-06-15"))
    assert (city.line(2023), city.line(2022)) == ([], ["B1", "A1", "B2"])


def test_changed_wishes_hold_from_the_next_run(city: Department) -> None:
    """Rule A7 and Decision 1.5: a change has no date; the first run after it is recorded knows it."""
    city.applications(application("A1", languages="ru"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    assert city.given() == {}
    city.applications(application("A1", languages="ru|kk"))
    city.run("2026-02-03")
    assert city.given("2026-02-03") == {"A1": "V1"}


def test_a_child_has_one_live_application(city: Department) -> None:
    """Rule A7: a second one is refused while the first lives, and taken once it is archived."""
    first = application("A1")
    second = application("A2", child_iin=first["child_iin"])
    city.applications(first)
    city.run("2026-02-02")
    refused = city.applications(second, expect=1)
    assert "A2" in refused.err or "child_iin" in refused.err
    assert city.line() == ["A1"]
    city.archive("A1")
    city.applications(second)
    assert city.line() == ["A2"]
    city.restore("A1", expect=3)
    assert city.line() == ["A2"]


@pytest.mark.parametrize("earlier_row_first", [True, False])
def test_of_two_applications_of_one_child_in_one_file_the_earlier_stands(
    city: Department, earlier_row_first: bool
) -> None:
    """Rule A7 and Decision 1.10: earlier by filing moment, whatever the order of the rows."""
    earlier = application("A2", filed_at="2026-01-10T10:00:00+05:00")
    later = application("A1", filed_at="2026-01-11T10:00:00+05:00", child_iin=earlier["child_iin"])
    city.applications(*((earlier, later) if earlier_row_first else (later, earlier)), expect=1)
    city.run("2026-02-02")
    assert city.line() == ["A2"]


def test_between_files_the_application_recorded_first_stands(city: Department) -> None:
    """Rule A7 and Decision 1.10: a later file cannot push out what is recorded."""
    recorded = application("A2", filed_at="2026-01-11T10:00:00+05:00")
    earlier = application("A1", filed_at="2026-01-10T10:00:00+05:00", child_iin=recorded["child_iin"])
    city.applications(recorded)
    city.applications(earlier, expect=1)
    city.run("2026-02-02")
    assert city.line() == ["A2"]


def test_the_filing_moment_of_a_known_application_stays_and_the_import_says_so(city: Department) -> None:
    """Rule A4 and Decision 1.8: the rest of the row is taken as a change."""
    city.applications(application("A1"), application("A2"))
    told = city.applications(application("A2", filed_at="2025-06-01T10:00:00+05:00", languages="ru|kk"))
    assert "A2" in told.err
    assert "filed" in told.err or "filing" in told.err
    city.bulletin(vacancy("V1", language="ru"))
    city.run("2026-02-02")
    assert city.line() == ["A1"]
    assert city.given() == {"A2": "V1"}
    city.decide("A2", "decline", "2026-02-03")
    city.run("2026-02-03")
    assert city.line() == ["A1", "A2"]


def test_a_change_may_not_touch_the_locality(city: Department) -> None:
    """Rule A7 and Decision 1.9: a family that moves files anew there."""
    city.applications(application("A1"))
    city.run("2026-02-02")
    refused = city.applications(application("A1", locality="astana"), expect=1)
    assert "locality" in refused.err
    assert (city.line(), city.line(locality="astana")) == (["A1"], [])


def test_a_row_for_an_archived_application_is_refused_unless_it_equals_the_record(city: Department) -> None:
    """Rule A7 and Decision 1.9: the officer restores it first."""
    city.applications(application("A1"))
    city.run("2026-02-02")
    city.archive("A1")
    city.applications(application("A1"))
    city.applications(application("A1", languages="ru"), expect=1)
    assert city.line() == []
    city.restore("A1")
    city.applications(application("A1", languages="ru"))
    assert city.line() == ["A1"]


def test_a_birth_year_corrected_under_a_live_voucher_cancels_it(city: Department) -> None:
    """Rule A7 and Decision 1.11: the place was of another year; it returns, the child keeps its moment."""
    city.applications(
        application("A1"),
        application("A2"),
        application("B1", birth_date="2022-05-15", filed_at="2026-01-13T10:00:00+05:00"),
    )
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V1"}
    city.applications(application("A1", birth_date="2022-05-15"))
    city.run("2026-02-03")
    assert city.status("A1") == "cancelled"
    assert city.given("2026-02-03") == {"A2": "V1"}
    assert city.line(2022) == ["A1", "B1"]
    assert city.listed("2026-02-03", "returned") == [("V1", "1")]


def test_a_birth_date_corrected_within_the_year_leaves_the_voucher(city: Department) -> None:
    """Rule A7: only another year means another queue; the control for the test above."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.applications(application("A1", birth_date="2023-05-16"))
    city.run("2026-02-03")
    assert city.status("A1") == "issued"
