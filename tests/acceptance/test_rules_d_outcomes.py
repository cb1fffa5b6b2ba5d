"""Rules D3-D5 and D7: admission, refusal, decline, and the proof of an out-of-turn benefit."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.department import Department
from support.rows import application, decision, place, rule, temporary, vacancy


def test_an_admission_archives_the_application(city: Department) -> None:
    """Rule D3: the child has its place; it stands in no queue and gets no further voucher."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.bulletin(place("V2", "2026-02-03", places="2"))
    city.run("2026-02-03")
    assert city.status("A1") == "admitted"
    assert city.given("2026-02-03") == {"A2": "V2"}
    assert city.line() == []
    city.applications(application("A1", languages="ru"), expect=1)


def test_an_admitted_place_stays_taken(city: Department) -> None:
    """Rule D3: the pupil holds it for good, long after the term of the voucher."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.run("2026-02-20")
    assert city.given() == {"A1": "V1"}
    assert city.line() == ["A2"]


def test_a_child_in_a_temporary_place_stays_in_the_queue(city: Department) -> None:
    """Rule D3: no other temporary place till the 20th, but a standard one, which archives it."""
    city.applications(application("A1", accepts="temporary|early_booking|standard"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-02-20"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.bulletin(temporary("T2", "2026-02-03", until="2026-06-01"))
    city.run("2026-02-04")
    assert (city.given(), city.line()) == ({"A1": "T1"}, ["A1"])
    assert city.status("A1") == "admitted"
    city.bulletin(place("V1", "2026-02-05"))
    city.run("2026-02-05")
    assert city.given("2026-02-05") == {"A1": "V1"}
    city.decide("A1", "admit", "2026-02-06")
    city.run("2026-02-20")
    assert city.given("2026-02-20") == {}
    assert city.line() == []


def test_an_early_booked_place_is_offered_during_a_temporary_stay(city: Department) -> None:
    """Rule D3: early-booking offers go on as well."""
    city.applications(application("A1", accepts="temporary|early_booking"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-02-20"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.bulletin(place("V1", "2026-02-03", admission="early_booking"))
    city.run("2026-02-03")
    assert city.given("2026-02-03") == {"A1": "V1"}


def test_a_refusal_needs_a_ground(city: Department) -> None:
    """Rule D4: without one the row is not taken and the voucher lives; with one the child is refused."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    refused = city.decide("A1", "refuse", "2026-02-03", expect=1)
    assert "reason" in refused.err
    assert city.status("A1") == "issued"
    city.decide("A1", "refuse", "2026-02-03", reason="health certificate older than three days")
    city.run("2026-02-03")
    assert city.status("A1") == "refused"


@pytest.mark.parametrize(
    ("kind", "reason", "status"), [("decline", "", "declined"), ("refuse", "contraindication", "refused")]
)
def test_a_place_given_up_goes_to_the_next_child_the_same_day(
    city: Department, kind: str, reason: str, status: str
) -> None:
    """Rule D5: on 3 February V1 goes from A1 to A3; A1 is back at once, before A4 by its old moment."""
    city.applications(application("A1"), application("A3"), application("A4"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decide("A1", kind, "2026-02-03", reason)
    city.run("2026-02-03")
    assert city.status("A1") == status
    assert city.given("2026-02-03") == {"A3": "V1"}
    assert city.line() == ["A1", "A4"]
    city.bulletin(place("V2", "2026-02-04"))
    city.run("2026-02-04")
    assert city.given("2026-02-04") == {"A1": "V2"}


def test_a_decision_without_a_live_voucher_is_against_the_rules(city: Department) -> None:
    """Rule D5: it speaks of a live voucher; A2 has none, and A1's is declined already."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decide("A2", "decline", "2026-02-03", expect=3)
    city.decide("A1", "decline", "2026-02-03")
    city.decide("A1", "admit", "2026-02-03", expect=3)
    city.run("2026-02-03")
    assert city.status("A1") == "declined"


def test_the_same_decision_twice_is_one_and_with_other_content_is_refused(city: Department) -> None:
    """Rule D5 and Decision 1.28: a request once recorded stays as it was."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decisions(decision("D1", decision="decline"))
    after = city.records()
    city.decisions(decision("D1", decision="decline"))
    assert city.records() == after
    told = city.decisions(decision("D1", decision="admit"), expect=(1, 3))
    assert "D1" in told.err
    city.run("2026-02-03")
    assert city.status("A1") == "declined"


def proving(tmp_path: Path, days: int | None = None) -> Department:
    """A department that asks for proof; O1 is out of turn and holds V1 from 2 February, A2 stands behind."""
    rules = rule("benefit.confirmation_required", True)
    rules += rule("benefit.confirmation_days", days) if days else ""
    city = Department(tmp_path, rules=rules)
    city.applications(application("O1", benefit="military"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    assert city.given() == {"O1": "V1"}
    return city


@pytest.mark.parametrize(("days", "last"), [(None, "2026-02-09"), (3, "2026-02-05")])
def test_an_unconfirmed_benefit_costs_the_voucher_and_itself(tmp_path: Path, days: int | None, last: str) -> None:
    """Rule D7: by the night of the fifth working day it is cancelled and the place given on."""
    city = proving(tmp_path, days)
    city.run({"2026-02-09": "2026-02-08", "2026-02-05": "2026-02-04"}[last])
    assert city.status("O1") == "issued"
    city.run(last)
    assert city.status("O1") == "cancelled"
    assert city.given(last) == {"A2": "V1"}
    assert city.line() == []
    city.decide("A2", "admit", {"2026-02-09": "2026-02-10", "2026-02-05": "2026-02-06"}[last])
    city.applications(application("A1", filed_at="2026-01-11T10:00:00+05:00"))
    city.run({"2026-02-09": "2026-02-18", "2026-02-05": "2026-02-14"}[last])
    assert city.line() == ["A1"]
    city.run({"2026-02-09": "2026-02-19", "2026-02-05": "2026-02-15"}[last])
    assert city.line() == ["A1", "O1"]
    assert {row["application_id"]: row["class"] for row in city.queue()}["O1"] == "general"


def test_an_unconfirmed_voucher_is_returned_by_the_night(tmp_path: Path) -> None:
    """Rule D7 and Decision 1.21: listed as returned at 23:59:59 of the day of that night."""
    city = proving(tmp_path, days=3)
    city.run("2026-02-05")
    returned = [row for row in city.bulletins("2026-02-05") if row["kind"] == "returned"]
    assert [row["vacancy_id"] for row in returned] == ["V1"]
    assert "23:59:59" in returned[0]["at"] or "18:59:59" in returned[0]["at"]


def test_the_organisation_does_not_see_a_child_whose_benefit_is_not_confirmed(tmp_path: Path) -> None:
    """Rule D7: so it cannot admit it; after the confirmation it can."""
    city = proving(tmp_path)
    city.decide("O1", "admit", "2026-02-03", expect=3)
    city.confirm("O1", day="2026-02-03")
    city.decide("O1", "admit", "2026-02-03")
    city.run("2026-02-03")
    assert city.status("O1") == "admitted"


def test_a_confirmed_benefit_keeps_the_voucher(tmp_path: Path) -> None:
    """Rule D7: confirmed on the third day; the voucher lives out its term of five working days."""
    city = proving(tmp_path, days=3)
    city.run("2026-02-04")
    city.confirm("O1")
    city.run("2026-02-08")
    assert city.status("O1") == "issued"


def test_a_benefit_is_confirmed_once(tmp_path: Path) -> None:
    """Rule D7 and Decision 1.22: the second voucher of the same benefit asks for nothing."""
    city = proving(tmp_path, days=3)
    city.confirm("O1")
    city.decide("O1", "decline", "2026-02-03")
    city.run("2026-02-04")
    city.bulletin(place("V2", "2026-02-05"))
    city.run("2026-02-05")
    assert city.given("2026-02-05") == {"O1": "V2"}
    city.run("2026-02-11")
    assert city.status("O1") == "issued"


def test_another_benefit_is_confirmed_anew(tmp_path: Path) -> None:
    """Rule D7 and Decision 1.22: three working days after the 5th, on the 10th, the new one is unproven."""
    city = proving(tmp_path, days=3)
    city.confirm("O1")
    city.decide("O1", "decline", "2026-02-03")
    city.applications(application("O1", benefit="special_state_body"))
    city.run("2026-02-04")
    city.bulletin(place("V2", "2026-02-05"))
    city.run("2026-02-05")
    assert city.given("2026-02-05") == {"O1": "V2"}
    city.run("2026-02-09")
    assert city.status("O1") == "issued"
    city.run("2026-02-10")
    assert city.status("O1") == "cancelled"


def test_only_out_of_turn_benefits_are_to_be_proven(tmp_path: Path) -> None:
    """Rule D7: a first-priority family keeps its voucher for its whole term without confirmation."""
    rules = rule("benefit.confirmation_required", True) + rule("benefit.confirmation_days", 2)
    city = Department(tmp_path, rules=rules)
    city.applications(application("F1", benefit="orphan"), application("G1"))
    city.bulletin(vacancy("V1", places="2"))
    city.run("2026-02-02")
    city.run("2026-02-08")
    assert (city.status("F1"), city.status("G1")) == ("issued", "issued")


def test_no_proof_is_asked_by_default(city: Department) -> None:
    """Rule D7: off unless a department switches it on; the voucher lapses as any other, the benefit stays."""
    city.applications(application("O1", benefit="military"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.run("2026-02-09")
    assert city.status("O1") == "expired"
    city.decide("A2", "admit", "2026-02-10")
    city.run("2026-02-19")
    assert [row["class"] for row in city.queue()] == ["out_of_turn"]
