"""Rules where the first reading went wrong: each of these once gave a wrong answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.department import Department, application, decision, vacancy, withdrawal
from support.rows import rule, temporary


def test_two_decisions_of_one_application_leave_the_others_of_the_file_right(city: Department) -> None:
    """Rule D3: one file extends and admits A1, admits A2 and would decline A2 after that; A3 keeps its voucher."""
    city.applications(application("A1"), application("A2"), application("A3"))
    city.bulletin(vacancy("V1", places="3"))
    city.run("2026-02-02")
    city.decisions(
        decision("d1", application_id="A1", decision="extend", decided_on="2026-02-03"),
        decision("d2", application_id="A2", decision="admit", decided_on="2026-02-03"),
        decision("d3", application_id="A1", decision="admit", decided_on="2026-02-04"),
        decision("d4", application_id="A2", decision="decline", decided_on="2026-02-04"),
        expect=3,
    )
    assert [city.status(name) for name in ("A1", "A2", "A3")] == ["admitted", "admitted", "issued"]
    city.run("2026-02-10")
    assert city.status("A3") == "expired"


def test_a_corrected_iin_frees_the_old_one_and_takes_the_new_in_one_file(city: Department) -> None:
    """Rule A7: A1 gives its number back to B1 and takes that of C1's child, so C1 is the one refused."""
    known, second, third = application("A1"), application("B1"), application("C1")
    city.applications(known)
    corrected = {**known, "child_iin": third["child_iin"]}
    freed = {**second, "child_iin": known["child_iin"]}
    city.applications(corrected, freed, third, expect=1)
    assert [row["application_id"] for row in city.queue()] == ["A1", "B1"]


def test_an_application_changed_and_then_pushed_out_in_one_file_leaves_nothing(city: Department) -> None:
    """Rule A7 and Decision 1.10: B1 filed earlier for the same child; A1, twice in the file, goes without a trace."""
    first = application("A1", filed_at="2026-01-12T10:00:00+05:00")
    changed = {**first, "benefit": "teacher"}
    earlier = application("B1", filed_at="2026-01-11T10:00:00+05:00", child_iin=first["child_iin"])
    city.applications(first, changed, earlier, {**changed, "benefit": "orphan"}, expect=1)
    assert [row["application_id"] for row in city.queue()] == ["B1"]


def test_a_number_that_another_pattern_changed_is_told_so(tmp_path: Path) -> None:
    """Rule A6: from strict to 1:3 the general applicant moves before the second first-priority one."""
    city = Department(tmp_path)
    city.applications(application("A1", benefit="teacher"), application("A2", benefit="teacher"), application("A3"))
    city.run("2026-02-02")
    assert "Number 3 of 3" in city.number("A3")
    city.rules(rule("turn.pattern", "1:3", since="2026-02-03"))
    assert "Number 2 of 3" in city.number("A3")
    assert "Last changed from 3 to 2" in city.number("A3")
    assert "pattern" in city.number("A3")


def test_a_temporary_stay_outlives_archive_and_restore(city: Department) -> None:
    """Rule D3: archived and restored, the child is still in T1 and is offered no other temporary place."""
    city.applications(application("A1", accepts="temporary"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-06-01"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.archive("A1", "moving house", "2026-02-03")
    city.restore("A1", "stays after all", "2026-02-03")
    city.bulletin(temporary("T2", "2026-02-03", until="2026-06-01"))
    city.run("2026-02-03")
    assert [row["vacancy_id"] for row in city.vouchers()] == ["T1"]
    assert "temporary stay" in city.explain("A1", "2026-02-03")


def test_a_new_benefit_is_not_dropped_with_the_old_one(tmp_path: Path) -> None:
    """Rule D7: the unproved benefit was changed meanwhile; the voucher goes, large_family stays."""
    city = Department(tmp_path, rules=rule("benefit.confirmation_required", True))
    asked = application("A1", benefit="military")
    city.applications(asked)
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.applications({**asked, "benefit": "large_family"})
    city.run("2026-02-20")
    assert city.status("A1") in {"cancelled", "issued"}
    assert "first_priority" in city.number("A1")


def test_places_held_until_a_later_day_cannot_be_withdrawn_before_it(city: Department) -> None:
    """Rule B6 and Decision 1.2: the decline is dated the 5th; on the 3rd the voucher still holds the place."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decide("A1", "decline", "2026-02-05")
    city.withdrawals(withdrawal("W1", withdrawn_at="2026-02-03T10:00:00+05:00"), expect=3)
    city.run("2026-02-05")
    city.withdrawals(withdrawal("W2", withdrawn_at="2026-02-06T10:00:00+05:00"))


def test_one_locality_that_cannot_be_run_leaves_the_others_done(city: Department) -> None:
    """Rule F1 and Decision 1.31: almaty started on the 3rd, so the 2nd is refused there; karaganda runs it."""
    city.applications(application("A1"))
    city.run("2026-02-03")
    city.applications(application("K1", locality="karaganda"))
    city.bulletin(vacancy("V1", locality="karaganda"))
    city.run("2026-02-02", expect=3)
    assert [row["application_id"] for row in city.vouchers()] == ["K1"]


def test_an_application_filed_ahead_has_its_number_at_once_and_no_place_before_its_day(city: Department) -> None:
    """Rule A6 and Decision 1.32: A1 is filed on the 5th; it has a number, and the night of the 2nd passes it over."""
    city.applications(application("A1", filed_at="2026-02-05T10:00:00+05:00"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    assert "Number 1 of 1" in city.number("A1")
    assert city.vouchers() == []
    city.run("2026-02-05")
    assert [row["application_id"] for row in city.vouchers()] == ["A1"]


def test_a_special_place_goes_to_whoever_asks_for_a_special_group(city: Department) -> None:
    """Rule C1 and Decision 1.30: the application's own word stands for the conclusion on file."""
    city.applications(application("A1"), application("A2", group_type="special"))
    city.bulletin(vacancy("V1", group_type="special"))
    city.run("2026-02-02")
    assert [row["application_id"] for row in city.vouchers()] == ["A2"]


def test_a_restored_pupil_waits_in_the_queue_and_the_old_place_stays_used(city: Department) -> None:
    """Rule E2 and Decision 1.29: the place of the admission is not free again by the restoring."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-03")
    city.restore("A1", "admitted by mistake", "2026-02-04")
    city.run("2026-02-04")
    assert [row["application_id"] for row in city.queue()] == ["A1", "A2"]
    assert len(city.vouchers()) == 1


def test_the_number_of_a_night_without_places_goes_by_turns_too(tmp_path: Path) -> None:
    """Rule A6: nothing was free, and under 1:1 the general applicant still stood second of three."""
    city = Department(tmp_path, rules=rule("turn.pattern", "1:1"))
    city.applications(application("A1", benefit="orphan"), application("A2", benefit="orphan"), application("A3"))
    city.run("2026-02-02")
    assert "number 2 of 3" in city.explain("A3", "2026-02-02")


def test_a_stay_that_begins_with_the_night_s_own_voucher_does_not_bar_it(city: Department) -> None:
    """Rule D3: admitted on the day of issue; that night still offered the temporary place."""
    city.applications(application("A1", accepts="temporary"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-03-20"))
    city.run("2026-02-02")
    city.decide("A1", "admit", "2026-02-02")
    assert "Served: voucher" in city.explain("A1", "2026-02-02")


def test_what_follows_a_decision_dated_ahead_is_not_counted_before_it(city: Department) -> None:
    """Rule A6 and Decision 1.2: on the 3rd A1 still held its voucher, whatever was recorded after the decline."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decide("A1", "decline", "2026-02-05")
    city.stop_list_add("A1")
    city.run("2026-02-03")
    assert "number 1 of 1" in city.explain("A2", "2026-02-03")


@pytest.mark.parametrize("nights", [(), ("2026-02-01",)], ids=["before the first night", "between two nights"])
def test_a_class_given_by_rules_that_were_taken_back_is_put_right(city: Department, nights: tuple[str, ...]) -> None:
    """Rule A3: what was taken in under rules replaced since stands in the class of the law of the night's day."""
    for day in nights:
        city.applications(application("A0"))
        city.run(day)
    usual = {"military": "out_of_turn", "special_state_body": "out_of_turn", "none": "general"}
    first = "disabled_guardian special_needs without_parental_care orphan large_family teacher disabled_sibling"
    classes = {**usual, **dict.fromkeys(first.split(), "first_priority")}
    for large_family in ("out_of_turn", "first_priority"):
        value = ", ".join(f'{name} = "{rank}"' for name, rank in {**classes, "large_family": large_family}.items())
        text = f'[[rule]]\nname = "benefit.classes"\nvalue = {{{value}}}\nfrom = 2019-01-01\nreference = "order"\n'
        city.kezek("rules", "import", str(city.file("classes.toml", text)))
        if large_family == "out_of_turn":
            city.applications(application("A1", benefit="large_family"))
            assert {row["application_id"]: row["class"] for row in city.queue()}["A1"] == "out_of_turn"
    city.run("2026-02-02")
    assert {row["application_id"]: row["class"] for row in city.queue()}["A1"] == "first_priority"
    city.kezek("check")
