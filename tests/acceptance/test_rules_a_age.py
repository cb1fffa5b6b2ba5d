"""Rule A8 and the archive for age: months and years that end on days of the calendar."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.department import Department
from support.rows import Row, application, place, rule, vacancy


def is_archived(city: Department, row: Row) -> bool:
    """Say whether the application is archived: only then is a changed row refused (decision 1.9)."""
    answer = city.applications({**row, "languages": "kk|en"}, expect=(0, 1))
    return answer.code == 1


def test_the_child_has_reached_two_years_on_the_start_date(city: Department) -> None:
    """Rule A8: the place starts on 2 March 2026; A1 is two years old that day, A2 the day after."""
    city.applications(
        application("A2", birth_date="2024-03-03", benefit="military"),
        application("A1", birth_date="2024-03-02"),
    )
    city.bulletin(vacancy("V1", birth_year="2024", start_date="2026-03-02", places="2"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V1"}
    assert city.line(2024) == ["A2"]


def test_the_child_has_not_reached_six_years_on_the_start_date(city: Department) -> None:
    """Rule A8: the place starts on 2 March 2026; A2 is six years old that day, A1 the day after."""
    city.applications(
        application("A2", birth_date="2020-03-02", benefit="military"),
        application("A1", birth_date="2020-03-03"),
    )
    city.bulletin(vacancy("V1", birth_year="2020", start_date="2026-03-02", places="2"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V1"}
    assert city.line(2020) == ["A2"]


def test_months_that_have_no_such_day_end_on_the_first_of_the_next(city: Department) -> None:
    """Rule A8 and Decision 1.12: born on 29 February 2024, two years old on 1 March 2026."""
    city.applications(application("A1", birth_date="2024-02-29"))
    city.bulletin(
        vacancy("V1", birth_year="2024", start_date="2026-02-28"),
        vacancy("V2", birth_year="2024", start_date="2026-03-01"),
    )
    city.run("2026-02-02")
    assert city.given() == {"A1": "V2"}


def test_eighteen_months_of_a_child_of_the_thirty_first(tmp_path: Path) -> None:
    """Rule A8 and Decision 1.12: born on 31 August 2024, eighteen months old on 1 March 2026."""
    city = Department(tmp_path, rules=rule("age.min", 18))
    city.applications(application("A1", birth_date="2024-08-31"))
    city.bulletin(
        vacancy("V1", birth_year="2024", start_date="2026-02-28"),
        vacancy("V2", birth_year="2024", start_date="2026-03-01"),
    )
    city.run("2026-02-02")
    assert city.given() == {"A1": "V2"}


def test_the_age_in_force_on_the_day_of_the_run_decides(tmp_path: Path) -> None:
    """Rule A8 and Decision 1.12: from 3 February on 36 months are asked of a child of 33."""
    city = Department(tmp_path, rules=rule("age.min", 36, since="2026-02-03"))
    city.applications(application("A1"), application("A2"))
    city.bulletin(place("V1", "2026-02-02"), place("V2", "2026-02-03"))
    city.run("2026-02-03")
    assert city.given() == {}
    other = Department(tmp_path / "other", rules=rule("age.min", 36, since="2026-02-03"))
    other.applications(application("A1"), application("A2"))
    other.bulletin(place("V1", "2026-02-02"), place("V2", "2026-02-03"))
    other.run("2026-02-02")
    other.run("2026-02-03")
    assert other.given() == {"A1": "V1"}


def test_a_child_of_six_is_archived_from_the_queue(city: Department) -> None:
    """Rule A8 and Decision 1.13: six years old on 5 February, out of the queue in the night of that day."""
    old = application("A1", birth_date="2020-02-05")
    city.applications(old, application("A2", birth_date="2020-02-06"))
    city.run("2026-02-04")
    assert city.line(2020) == ["A1", "A2"]
    city.run("2026-02-05")
    assert city.line(2020) == ["A2"]
    assert is_archived(city, old)


def test_a_child_of_six_is_archived_from_the_stop_list(city: Department) -> None:
    """Rule A8 and Decision 1.13: it does not come back from the stop-list first."""
    old, young = application("A1", birth_date="2020-02-05"), application("A2", birth_date="2020-06-05")
    city.applications(old, young)
    city.run("2026-02-03")
    city.stop_list_add("A1")
    city.stop_list_add("A2")
    city.run("2026-02-05")
    assert (is_archived(city, old), is_archived(city, young)) == (True, False)


def test_a_child_of_six_with_a_live_voucher_is_archived_only_after_it(city: Department) -> None:
    """Rule A8 and Decision 1.13: live from the 3rd to the 10th, then lapsed and archived at once."""
    old = application("A1", birth_date="2020-02-05")
    city.applications(old)
    city.bulletin(place("V1", "2026-02-03", birth_year="2020", start_date="2026-02-04"))
    city.run("2026-02-03")
    assert city.given() == {"A1": "V1"}
    city.run("2026-02-09")
    assert city.status("A1") == "issued"
    assert not is_archived(city, old)
    city.run("2026-02-10")
    assert city.status("A1") == "expired"
    assert is_archived(city, {**old, "regimes": "half_day"})


@pytest.mark.parametrize("nights", [["2026-02-05", "2026-02-07"], ["2026-02-05", "2026-02-06", "2026-02-07"]])
def test_a_child_of_six_is_archived_by_no_night_before_its_application(city: Department, nights: list[str]) -> None:
    """Rules A8, F1 and Decision 1.2: six since the 5th, filed on the 7th, taken in before the nights of both days."""
    city.applications(application("A2"))
    city.run("2026-02-04")
    city.applications(application("A1", birth_date="2020-02-05", filed_at="2026-02-07T10:00:00+05:00"))
    for night in nights:
        city.run(night)
    assert "in the archive since 2026-02-07" in city.number("A1")
