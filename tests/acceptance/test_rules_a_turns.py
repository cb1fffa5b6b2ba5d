"""Rules A5 and A6: the turn pattern and the queue number. O is out of turn, F first priority, G general."""

from __future__ import annotations

import re
from pathlib import Path

from support.department import Department
from support.rows import Row, application, place, rule, temporary

BENEFITS = {"O": "military", "F": "orphan", "G": "none"}


def family(application_id: str, **overrides: str) -> Row:
    """An application whose first letter says its class."""
    return application(application_id, benefit=BENEFITS[application_id[0]], **overrides)


def families(*application_ids: str) -> list[Row]:
    return [family(application_id) for application_id in application_ids]


def under(tmp_path: Path, pattern: str) -> Department:
    """A department whose turn pattern is that ratio."""
    return Department(tmp_path, rules=rule("turn.pattern", pattern))


def night(city: Department, day: str, places: int = 1) -> set[str]:
    """Hand over like places at K1, run the night, and say who got them."""
    city.bulletin(place(f"V{day[-2:]}", day, places=str(places)))
    city.run(day)
    return set(city.given(day))


def test_without_a_ratio_first_priority_goes_before_all_general(city: Department) -> None:
    """Rule A5: `strict` is the default and never gives general a turn before first priority."""
    city.applications(*families("G1", "F1", "F2", "G2", "O1"))
    assert night(city, "2026-02-02", places=3) == {"O1", "F1", "F2"}
    assert night(city, "2026-02-03") == {"G1"}


def test_under_a_ratio_turns_go_round_after_all_out_of_turn(tmp_path: Path) -> None:
    """Rule A5: under 1:3 the order is O1, then F1, G1 G2 G3, F2, G4 and so on."""
    city = under(tmp_path, "1:3")
    city.applications(*families("O1", "F1", "F2", "F3", "G1", "G2", "G3", "G4", "G5"))
    assert night(city, "2026-02-02", places=6) == {"O1", "F1", "G1", "G2", "G3", "F2"}


def test_the_position_in_the_round_is_kept_from_night_to_night(tmp_path: Path) -> None:
    """Rule A5: F1 took the first turn of 1:3, so three general turns follow over three nights, then F2."""
    city = under(tmp_path, "1:3")
    city.applications(*families("F1", "F2", "G1", "G2", "G3", "G4"))
    days = ("2026-02-02", "2026-02-03", "2026-02-04", "2026-02-05", "2026-02-06", "2026-02-07")
    assert [night(city, day) for day in days] == [{"F1"}, {"G1"}, {"G2"}, {"G3"}, {"F2"}, {"G4"}]


def test_a_place_out_of_turn_spends_no_turn(tmp_path: Path) -> None:
    """Rule A5: O1 is served on the second night, and the turn of general is still there on the third."""
    city = under(tmp_path, "1:1")
    city.applications(*families("F1", "F2", "G1"))
    assert night(city, "2026-02-02") == {"F1"}
    city.applications(family("O1", filed_at="2026-02-03T08:00:00+05:00"))
    assert night(city, "2026-02-03") == {"O1"}
    assert night(city, "2026-02-04") == {"G1"}


def test_an_applicant_passed_over_spends_no_turn(tmp_path: Path) -> None:
    """Rule A5: nothing suits F1, so the turn goes to F2, and the next one to general."""
    city = under(tmp_path, "1:1")
    city.applications(family("F1", organizations="K9"), *families("F2", "F3", "G1"))
    assert night(city, "2026-02-02") == {"F2"}
    assert night(city, "2026-02-03") == {"G1"}


def test_a_turn_waits_while_its_stream_has_nobody_left(tmp_path: Path) -> None:
    """Rule A5: general is served meanwhile and spends nothing; F1 takes the waiting turn when it comes."""
    city = under(tmp_path, "1:2")
    city.applications(*families("G1", "G2", "G3", "G4"))
    assert night(city, "2026-02-02") == {"G1"}
    city.applications(family("F1", filed_at="2026-02-03T08:00:00+05:00"))
    assert night(city, "2026-02-03") == {"F1"}
    assert night(city, "2026-02-04", places=2) == {"G2", "G3"}


def test_a_waiting_turn_in_the_middle_of_a_round_is_kept(tmp_path: Path) -> None:
    """Rule A5: of 2:1, F1 spends one turn, the second waits over G1, is spent by F2, then it is G2's turn."""
    city = under(tmp_path, "2:1")
    city.applications(*families("F1", "G1", "G2"))
    assert night(city, "2026-02-02", places=2) == {"F1", "G1"}
    city.applications(family("F2", filed_at="2026-02-03T08:00:00+05:00"))
    assert night(city, "2026-02-03") == {"F2"}
    city.applications(family("F3", filed_at="2026-02-04T08:00:00+05:00"))
    assert night(city, "2026-02-04") == {"G2"}


def test_a_stream_none_of_whom_anything_suits_leaves_its_turn_waiting(tmp_path: Path) -> None:
    """Rule A5: F1 is there but nothing suits it, so nobody of its stream is left to try that night."""
    city = under(tmp_path, "1:1")
    city.applications(family("F1", organizations="K9"), *families("G1", "G2", "G3"))
    assert night(city, "2026-02-02", places=2) == {"G1", "G2"}
    city.applications(family("F2", filed_at="2026-02-03T08:00:00+05:00"))
    assert night(city, "2026-02-03") == {"F2"}


def test_every_queue_keeps_its_own_round(tmp_path: Path) -> None:
    """Rule A5: a turn spent in the queue of 2023 is not spent in that of 2022."""
    city = under(tmp_path, "1:1")
    city.applications(
        *families("F1", "F2", "G1"),
        family("F8", birth_date="2022-05-15"),
        family("G8", birth_date="2022-05-15"),
    )
    assert night(city, "2026-02-02") == {"F1"}
    city.bulletin(place("W1", "2026-02-03", birth_year="2022"))
    assert night(city, "2026-02-03") == {"G1", "F8"}


def test_a_turn_pattern_that_changes_starts_its_round_anew(tmp_path: Path) -> None:
    """Rule A5 and Decision 1.25: two turns of 1:3 are spent, yet 1:2 begins with first priority."""
    both = rule("turn.pattern", "1:3") + rule("turn.pattern", "1:2", since="2026-02-03")
    changed, kept = Department(tmp_path / "changed", rules=both), under(tmp_path / "kept", "1:3")
    served = {}
    for name, city in (("changed", changed), ("kept", kept)):
        city.applications(*families("F1", "F2", "G1", "G2"))
        assert night(city, "2026-02-02", places=2) == {"F1", "G1"}
        served[name] = night(city, "2026-02-03")
    assert served == {"changed": {"F2"}, "kept": {"G2"}}


def test_a_child_in_a_temporary_stay_who_is_offered_nothing_spends_no_turn(tmp_path: Path) -> None:
    """Rule A5 and Decision 1.26: F1 stays at T1 and may take no T2; F2 takes the turn, then it is G2's."""
    city = under(tmp_path, "1:1")
    away = {"accepts": "temporary|standard"}
    city.applications(family("F1", accepts="temporary"), family("G1"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-03-20"))
    city.run("2026-02-02")
    assert city.given() == {"F1": "T1"}
    city.decide("F1", "admit", "2026-02-03")
    assert night(city, "2026-02-03") == {"G1"}
    city.applications(
        *(family(name, filed_at="2026-02-04T08:00:00+05:00", **away) for name in ("F2", "F3", "G2", "G3"))
    )
    city.bulletin(temporary("T2", "2026-02-04", until="2026-03-20"))
    city.run("2026-02-04")
    assert city.given("2026-02-04") == {"F2": "T2"}
    assert night(city, "2026-02-05") == {"G2"}


def test_the_number_is_the_place_in_the_order_of_service(tmp_path: Path) -> None:
    """Rule A6: under 1:3 F2 stands behind three general families, and the tail follows when a stream ends."""
    city = under(tmp_path, "1:3")
    city.applications(*families("F1", "F2", "G1", "G2", "G3", "G4", "O1"))
    city.run("2026-02-02")
    assert city.line() == ["O1", "F1", "G1", "G2", "G3", "F2", "G4"]


def test_the_number_starts_from_the_present_turn_of_the_queue(tmp_path: Path) -> None:
    """Rule A6: after O1, F1 and G1 got places, two general turns are left before F2."""
    city = under(tmp_path, "1:3")
    city.applications(*families("F1", "F2", "F3", "G1", "G2", "G3", "G4", "O1"))
    assert night(city, "2026-02-02", places=3) == {"O1", "F1", "G1"}
    assert city.line() == ["G2", "G3", "F2", "G4", "F3"]


def test_the_command_gives_the_same_number_as_the_table(tmp_path: Path) -> None:
    """Rule A6: queue, class and number of one application are those of queue.csv."""
    city = under(tmp_path, "1:3")
    city.applications(*families("F1", "F2", "G1", "G2", "G3"))
    city.run("2026-02-02")
    rows = {row["application_id"]: row for row in city.queue()}
    assert rows["F2"]["number"] == "5"
    told = city.number("F2")
    assert re.search(r"\b5\b", told)
    assert "2023" in told
    assert "first_priority" in told.lower().replace("-", "_").replace(" ", "_")


def test_every_change_of_a_number_has_a_reason_without_names(city: Department) -> None:
    """Rule A6: an out-of-turn family came in before G1; later it got a place and left."""
    city.applications(*families("G1", "G2"))
    city.run("2026-02-02")
    first = city.number("G1")
    city.applications(family("O1", filed_at="2026-02-03T08:00:00+05:00"))
    city.run("2026-02-03")
    assert city.line() == ["O1", "G1", "G2"]
    second = city.number("G1")
    assert "out_of_turn" in second.lower().replace("-", "_").replace(" ", "_")
    assert "O1" not in second
    assert night(city, "2026-02-04") == {"O1"}
    assert city.line() == ["G1", "G2"]
    third = city.number("G1")
    assert len({first, second, third}) == 3


def test_who_holds_a_voucher_is_stopped_or_archived_has_no_number(city: Department) -> None:
    """Rule A6 and Decision 1.7: only those who wait stand in the queue."""
    city.applications(*families("G1", "G2", "G3", "G4"))
    assert night(city, "2026-02-02") == {"G1"}
    assert city.line() == ["G2", "G3", "G4"]
    city.stop_list_add("G2")
    city.archive("G3")
    assert city.line() == ["G4"]


def test_a_child_in_a_temporary_stay_has_a_number(city: Department) -> None:
    """Rule A6 and Decision 1.7: it still waits for a place of its own."""
    city.applications(family("G1", accepts="temporary|standard"), family("G2"))
    city.bulletin(temporary("T1", "2026-02-02", until="2026-03-20"))
    city.run("2026-02-02")
    assert city.line() == ["G2"]
    city.decide("G1", "admit", "2026-02-03")
    city.run("2026-02-03")
    assert city.line() == ["G1", "G2"]
