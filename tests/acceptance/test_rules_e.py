"""Rules E1 and E2: the stop-list, the archive, and the ways back."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.department import Department
from support.rows import application, place, rule, vacancy


def test_the_stop_list_lasts_ten_calendar_days(city: Department) -> None:
    """Rule E1: lapsed in the night of 9 February, back in the run of the 19th, which serves it."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.run("2026-02-09")
    city.bulletin(place("V2", "2026-02-10"))
    city.run("2026-02-18")
    assert set(city.given()) == {"A1"}
    assert city.status("A1") == "expired"
    assert city.line() == []
    city.run("2026-02-19")
    assert city.given("2026-02-19").keys() == {"A1"}


def test_who_comes_back_stands_at_the_old_moment_of_filing(city: Department) -> None:
    """Rule E1: A1 filed before A2 and A3, and is first again after the stop-list."""
    city.applications(application("A1"), application("A2"), application("A3"))
    city.run("2026-02-02")
    city.stop_list_add("A1")
    city.run("2026-02-12")
    assert city.line() == ["A2", "A3"]
    city.run("2026-02-13")
    assert city.line() == ["A1", "A2", "A3"]


def test_an_officer_s_stop_takes_effect_in_the_night_of_its_day(city: Department) -> None:
    """Rule E1 and Decision 1.24: without a date it is dated the open day, 3 February; back in the run of the 13th."""
    city.applications(application("A1"))
    city.run("2026-02-02")
    city.stop_list_add("A1", reason="a forged paper")
    city.bulletin(place("V1", "2026-02-03"))
    city.run("2026-02-12")
    assert city.given() == {}
    city.run("2026-02-13")
    assert city.given() == {"A1": "V1"}


def test_an_officer_s_stop_may_be_dated_ahead(city: Department) -> None:
    """Rule E1 and Decisions 1.2 and 1.24: dated the 5th, it leaves A1 in the queue of the 4th."""
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-02")
    city.stop_list_add("A2", day="2026-02-05")
    city.run("2026-02-04")
    assert city.line() == ["A1", "A2"]
    city.run("2026-02-05")
    assert city.line() == ["A1"]
    city.run("2026-02-14")
    assert city.line() == ["A1"]
    city.run("2026-02-15")
    assert city.line() == ["A1", "A2"]


def test_an_officer_may_take_a_stop_back(city: Department) -> None:
    """Rule E1: removed from the stop-list, the application is served the same night."""
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-02")
    city.stop_list_add("A1")
    city.run("2026-02-04")
    city.stop_list_remove("A1")
    city.bulletin(place("V1", "2026-02-05"))
    city.run("2026-02-05")
    assert city.given() == {"A1": "V1"}


def test_the_days_of_the_stop_list_are_a_parameter(tmp_path: Path) -> None:
    """Rule E1: three days here: out on the 3rd, back in the run of the 6th."""
    city = Department(tmp_path, rules=rule("stop_list.days", 3))
    city.applications(application("A1"))
    city.run("2026-02-02")
    city.stop_list_add("A1")
    city.run("2026-02-05")
    assert city.line() == []
    city.run("2026-02-06")
    assert city.line() == ["A1"]


@pytest.mark.parametrize("command", [("stop-list", "add"), ("stop-list", "remove"), ("archive",), ("restore",)])
def test_an_officer_states_a_reason(city: Department, command: tuple[str, ...]) -> None:
    """Rule E1: an act without a stated reason is wrong usage."""
    city.applications(application("A1"))
    city.run("2026-02-02")
    city.kezek(*command, "A1", expect=2)
    assert city.line() == ["A1"]


def test_nobody_is_freed_who_is_not_stopped_nor_stopped_who_is_archived(city: Department) -> None:
    """Rule E1: an act that does not fit the state of the application is against the rules."""
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-02")
    city.stop_list_remove("A1", expect=3)
    city.restore("A1", expect=3)
    city.archive("A2")
    city.stop_list_add("A2", expect=3)
    assert city.line() == ["A1"]


@pytest.mark.parametrize("act", ["stop_list_add", "archive"])
def test_an_officer_s_act_on_a_live_voucher_cancels_it(city: Department, act: str) -> None:
    """Rule E1 and Decision 1.23: the place returns and goes to the next child in the same night."""
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    getattr(city, act)("A1")
    city.run("2026-02-03")
    assert city.status("A1") == "cancelled"
    assert city.given("2026-02-03") == {"A2": "V1"}
    assert city.listed("2026-02-03", "returned") == [("V1", "1")]


@pytest.mark.parametrize("reason", ["withdrawn by the parent", "duplicate", "moved abroad"])
def test_an_archived_application_is_out_for_good(city: Department, reason: str) -> None:
    """Rule E2: it gets no place and no number, now or after any stop-list term."""
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-02")
    city.archive("A1", reason=reason)
    city.run("2026-02-20")
    assert city.line() == ["A2"]
    city.bulletin(place("V1", "2026-02-21", places="2"))
    city.run("2026-02-21")
    assert city.given() == {"A2": "V1"}


@pytest.mark.parametrize(("last_run", "code"), [("2026-03-02", 0), ("2026-03-03", 3)])
def test_an_archived_application_comes_back_within_28_days(city: Department, last_run: str, code: int) -> None:
    """Rule E2: archived on 3 February; the open day 3 March is the 28th day after, 4 March is one too late."""
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-02")
    city.archive("A1")
    city.run(last_run)
    assert city.line() == ["A2"]
    city.restore("A1", expect=code)
    assert city.line() == (["A2"] if code else ["A1", "A2"])


@pytest.mark.parametrize("dated", ["2020-06-19", "2020-06-23", "2020-06-25"], ids=["back", "today", "ahead"])
def test_a_restored_application_stands_in_the_class_of_the_law_in_force(city: Department, dated: str) -> None:
    """Rules E2, A3 and Decision 1.33: first-priority for teachers since 22 June 2020, though dated before it."""
    born = {"birth_date": "2017-05-15"}
    city.applications(
        application("A1", filed_at="2020-06-01T10:00:00+06:00", **born),
        application("A2", filed_at="2020-06-02T10:00:00+06:00", benefit="teacher", **born),
    )
    city.run("2020-06-17")
    city.archive("A2")
    city.run("2020-06-22")
    city.restore("A2", day=dated)
    city.run("2020-06-25")
    assert city.line(2017) == ["A2", "A1"]


def test_the_days_to_restore_are_a_parameter(tmp_path: Path) -> None:
    """Rule E2: two days here: archived on the 3rd, the 5th is in time and the 6th is not."""
    city = Department(tmp_path, rules=rule("archive.restore", 2))
    city.applications(application("A1"), application("A2"))
    city.run("2026-02-02")
    city.archive("A1")
    city.archive("A2")
    city.run("2026-02-04")
    city.restore("A1")
    city.run("2026-02-05")
    city.restore("A2", expect=3)
    assert city.line() == ["A1"]
