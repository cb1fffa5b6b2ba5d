"""A night checks what it wrote before it is kept, and tells what was wrong before it came (decision 8)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from queue_engine.night import run as night_run
from queue_engine.night import serve
from queue_engine.night.run import past_runs
from queue_engine.store.engine import Database
from support.department import Department
from support.rows import application, place, vacancy


@pytest.fixture
def city(tmp_path: Path) -> Department:
    """A1 holds a place of V1, A2 that of V2, A3 waits; the night of 2 February is over."""
    city = Department(tmp_path)
    city.applications(*(application(f"A{n}", filed_at=f"2026-01-1{n}T10:00:00+05:00") for n in (1, 2, 3)))
    city.bulletin(vacancy("V1"), vacancy("V2", organization="K2"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V1", "A2": "V2"}
    return city


def by_hand(city: Department, *statements: str) -> None:
    with closing(sqlite3.connect(city.folder / "kezek.db", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def leave_out(monkeypatch: pytest.MonkeyPatch, *steps: str) -> None:
    kept = tuple(step for step in night_run.STEPS if step.__name__ not in steps)
    assert len(kept) == len(night_run.STEPS) - len(steps)
    monkeypatch.setattr(night_run, "STEPS", kept)


DAMAGE = {
    "places.held": "update vacancy set held = 0 where vacancy_id = 'V1'",
    "application.state": "update application set state = 'stopped' where application_id = 'A1'",
    "voucher.overdue": "update voucher set expires_on = '2026-02-01' where voucher_id = 'V-20260202-A1'",
}


@pytest.mark.parametrize("code", ["places.held", "application.state"])
def test_damage_of_earlier_days_is_told_every_night_and_keeps_nobody_from_a_place(city: Department, code: str) -> None:
    by_hand(city, DAMAGE[code])
    city.bulletin(place("V3", "2026-02-03", organization="K3"))
    for day in ("2026-02-03", "2026-02-04"):
        told = city.run(day, expect=3).err
        assert f"Found: [{code}]" in told
        assert "A1" in told or "V1" in told
    assert city.given("2026-02-03")["A3"] in ("V1", "V3")
    runs = past_runs(Database(city.database), "almaty")
    assert [counts["findings"] > 0 for _day, counts in runs] == [False, True, True]
    assert city.run("2026-02-04").err.endswith("nothing changed.\n")


@pytest.mark.parametrize("code", ["places.held", "application.state"])
def test_without_its_checks_a_night_says_nothing_of_damage(
    city: Department, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """The twin of the above."""
    leave_out(monkeypatch, "check_records")
    by_hand(city, DAMAGE[code])
    city.bulletin(place("V3", "2026-02-03", organization="K3"))
    assert "Found" not in city.run("2026-02-03").err


def test_a_night_that_forgets_a_step_is_not_kept(city: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vouchers of 2 February lapse in the night of 9 February; a night that leaves them live is rolled back."""
    city.run("2026-02-08")
    before = city.records()
    leave_out(monkeypatch, "lapse_vouchers")
    told = city.run("2026-02-09", expect=3).err
    assert "[run.unsound]" in told
    assert "[voucher.overdue]" in told
    assert city.records() == before
    leave_out(monkeypatch, "check_records")
    city.run("2026-02-09")
    assert city.status("A1") == "issued", "without its checks the night is kept, and the voucher lives on"


def test_a_night_whose_rows_disagree_is_not_kept(city: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night that tells of vouchers and leaves their applications in the queue is rolled back."""
    write = serve.execute_many
    monkeypatch.setattr(
        serve, "execute_many", lambda *asked: None if "update application" in asked[1] else write(*asked)
    )
    city.bulletin(place("V3", "2026-02-03", organization="K3"))
    assert "[night.voucher]" in city.run("2026-02-03", expect=3).err
    assert city.given("2026-02-03") == {}
    leave_out(monkeypatch, "check_records")
    city.run("2026-02-03")
    assert city.given("2026-02-03") == {"A3": "V3"}
    assert city.line() == ["A3"], "without its checks the child holds a voucher and a number"


def test_a_voucher_whose_application_is_gone_keeps_nobody_from_a_place(city: Department) -> None:
    """It never lapses, since no application goes to the stop-list; told every night, it is no fault of the night."""
    by_hand(city, "delete from application where application_id = 'A1'")
    city.bulletin(place("V3", "2026-02-03", organization="K3"))
    assert "Found: " in city.run("2026-02-10", expect=3).err
    assert city.given("2026-02-03") == {"A3": "V3"}


def test_acts_that_undo_each_other_in_one_night_are_no_finding(city: Department) -> None:
    """Decision 1.24: three acts of one application wait for the same day."""
    for act in (city.stop_list_add, city.stop_list_remove, city.stop_list_add):
        act("A3", day="2026-02-05")
    assert "3 officers' acts" in city.run("2026-02-05").err
    city.kezek("check")


def test_findings_are_data_as_text_and_as_json(city: Department) -> None:
    by_hand(city, DAMAGE["places.held"])
    answer = city.kezek("check", expect=3)
    assert answer.out.splitlines() == [
        "[places.held] almaty: vacancy V1: 0 places are held on record, 1 by live vouchers. Rule B6. "
        "Compare this record with a backup; nothing puts it right by itself."
    ]
    assert answer.err == "1 finding.\n"
    [finding] = json.loads(city.kezek("check", "--format", "json", "--locality", "almaty", expect=3).out)
    assert (finding["code"], finding["id"], finding["locality"], finding["rule"]) == (
        "places.held",
        "V1",
        "almaty",
        "B6",
    )


def test_a_sound_database_and_one_without_a_locality_have_no_findings(city: Department, tmp_path: Path) -> None:
    assert json.loads(city.kezek("check", "--format", "json").out) == []
    assert Department(tmp_path / "empty").kezek("check").out == ""
    assert "[locality.unknown]" in city.kezek("check", "--locality", "nowhere", expect=2).err


def test_a_record_that_cannot_be_read_is_a_finding_and_the_rest_is_checked(city: Department) -> None:
    by_hand(city, "update run set report = 'not json'", DAMAGE["places.held"])
    told = city.kezek("check", expect=3).out
    assert "[records.unreadable]" in told
    assert "[places.held]" in told
