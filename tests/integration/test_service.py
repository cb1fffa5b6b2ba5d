"""The scheduler with a clock that the tests set: when a night is due, what failures and jumps do (decision 9)."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import OperationalError

from queue_engine import scheduler
from queue_engine.domain.timetable import jump, last_due, moment_of
from queue_engine.errors import KezekError
from queue_engine.law.overrides import Override
from queue_engine.law.rulebook import Rulebook
from queue_engine.scheduler import Service
from queue_engine.store.engine import Database
from queue_engine.store.records import Locality
from support.desk import ALMATY, Desk
from support.rows import application, rule

HALF_PAST_MIDNIGHT = time(0, 30)


def entry(code: str, timezone: str, last: str | None) -> Locality:
    day = None if last is None else date.fromisoformat(last)
    return Locality(1, code, ZoneInfo(timezone), day, day)


def test_each_locality_has_its_night_at_its_own_time_in_its_own_zone(desk: Desk) -> None:
    """Rule F1 by decision 9: half an hour after midnight, or when a department says, of the clock of the place."""
    law = Rulebook(
        [
            Override("run.at", "04:15", date(2026, 1, 1), "astana", "Order 1"),
            Override("run.at", "01:00", date(2026, 2, 4), None, "Order 2"),
        ]
    )
    found = [
        entry("almaty", "Asia/Almaty", "2026-02-02"),
        entry("astana", "Asia/Almaty", "2026-02-02"),
        entry("berlin", "Europe/Berlin", "2026-02-03"),
    ]
    plans = desk.service.plan(found, law, desk.clock(), starting=True)
    assert [(plan.locality, plan.day.isoformat(), plan.at.isoformat()) for plan in plans] == [
        ("almaty", "2026-02-03", "2026-02-03T19:30:00+00:00"),
        ("astana", "2026-02-03", "2026-02-03T23:15:00+00:00"),
        ("berlin", "2026-02-04", "2026-02-05T00:00:00+00:00"),
    ]


def test_a_night_is_due_from_its_minute_on_whatever_the_clocks_of_the_place_do() -> None:
    """A whole year of Berlin (an hour skipped, an hour doubled), and Almaty's doubled hour of 29 February 2024."""
    cases = [("Europe/Berlin", date(2025, 1, 1), time(2, 30)), ("Asia/Almaty", date(2024, 1, 1), time(23, 30))]
    for zone, first, at in cases:
        for number in range(366):
            day = first + timedelta(days=number)
            moment = moment_of(day, at, ZoneInfo(zone))
            assert last_due(moment, at, ZoneInfo(zone)) == day
            assert last_due(moment - timedelta(microseconds=1), at, ZoneInfo(zone)) == day - timedelta(days=1)
            assert last_due(moment + timedelta(hours=1), at, ZoneInfo(zone)) == day


def test_a_locality_without_a_night_begins_with_yesterday_at_the_start_and_with_the_next_night_later(
    desk: Desk,
) -> None:
    """Rule F1: its first night is the day asked for; its files may still be coming in while the service runs."""
    new = [entry("kostanay", "Asia/Almaty", None)]
    [at_start] = desk.service.plan(new, Rulebook(), desk.clock(), starting=True)
    assert (at_start.day, at_start.at < desk.clock()) == (date(2026, 2, 2), True)
    later = [entry("taraz", "Asia/Almaty", None)]
    [noticed] = desk.service.plan(later, Rulebook(), desk.clock(), starting=False)
    assert (noticed.day, noticed.at) == (date(2026, 2, 3), moment_of(date(2026, 2, 3), HALF_PAST_MIDNIGHT, ALMATY))
    desk.clock.set("2026-02-09 12:00")
    assert desk.service.plan(new, Rulebook(), desk.clock(), starting=False)[0].day == date(2026, 2, 2)


def test_missed_nights_are_caught_up_in_day_order_and_noted(desk: Desk) -> None:
    """Rules F1, F3."""
    desk.clock.set("2026-02-06 00:29")
    desk.run_all()
    assert desk.nights() == desk.nights("astana") == ["2026-02-02", "2026-02-03", "2026-02-04"]
    desk.pass_time("2026-02-06 00:30")
    desk.run_all()
    assert desk.nights() == ["2026-02-02", "2026-02-03", "2026-02-04", "2026-02-05"]
    desk.run_all()
    assert len(desk.nights()) == 4
    [almaty, _astana] = desk.status().localities
    assert almaty.outcome is not None
    assert (almaty.outcome.on_day, almaty.outcome.error) == (date(2026, 2, 5), "")
    assert (almaty.next_night, almaty.overdue) == (date(2026, 2, 6), ())


def test_a_new_locality_s_first_nights_are_run_from_the_first_on(desk: Desk) -> None:
    desk.city.applications(application("C1", locality="kostanay"))
    desk.plans(starting=False)
    desk.pass_time("2026-02-05 00:31")
    desk.run_all(starting=False)
    assert desk.nights("kostanay") == ["2026-02-03"]
    desk.run_all(starting=False)
    assert desk.nights("kostanay") == ["2026-02-03", "2026-02-04"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(KezekError("calendar.reach", "too far."), "calendar.reach"), (ZeroDivisionError("010203500123"), "run.failed")],
    ids=["told", "a mistake of ours"],
)
def test_a_locality_that_fails_is_tried_again_ever_later_and_leaves_the_others_done(
    desk: Desk, astana_fails: list[Exception], error: Exception, code: str
) -> None:
    """T22: after 1, 2, 4 minutes; what was wrong is told by its code, and a row's values by nobody."""
    astana_fails.append(error)
    desk.clock.set("2026-02-04 00:30")
    for pause in (1, 2, 4):
        desk.run_all()
        again = next(plan.at for plan in desk.plans() if plan.locality == "astana")
        assert again - desk.clock() == timedelta(minutes=pause)
        desk.run_all()  # not before its time
        desk.clock.now = again
    assert (desk.nights()[-1], desk.nights("astana")[-1]) == ("2026-02-03", "2026-02-02")
    assert desk.status().overdue == [f"astana: the night of 2026-02-03 failed, tries 3 [{code}]."]
    assert not [line for line in desk.told if "010203" in line]
    astana_fails.clear()
    desk.run_all()
    assert desk.nights("astana")[-1] == "2026-02-03"
    assert desk.status().overdue == []


def test_a_locality_that_another_run_holds_is_left_to_it_and_asked_for_again(desk: Desk) -> None:
    """Exit 75 of `kezek run` is no failure here."""
    desk.clock.set("2026-02-04 00:30")
    with Database(desk.city.database).run_lock():
        desk.run_all()
    assert desk.nights()[-1] == "2026-02-02"
    assert [outcome for outcome in (entry.outcome for entry in desk.status().localities) if outcome] == []
    assert {plan.at - desk.clock() for plan in desk.plans()} == {scheduler.HELD_PAUSE}
    desk.clock.now += scheduler.HELD_PAUSE
    desk.run_all()
    assert desk.nights()[-1] == "2026-02-03"


def test_a_database_that_is_away_for_a_while_does_not_end_the_service(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that restarts, a full disk: it is told, without a row's values, and asked again at the next look."""
    with monkeypatch.context() as away:
        away.setattr(Database, "note", lambda _database: nullcontext(AwayConnection()))
        desk.service.look()
    assert desk.told == ["[scheduler.look] the database could not be used (OperationalError); tried again soon."]
    desk.service.look()
    assert len(desk.told) == 1
    assert desk.status().heartbeat_age == 0


class AwayConnection:
    """A connection that has gone."""

    def execute(self, *_words: object) -> None:
        raise OperationalError("insert into heartbeat", {"child": "010203500123"}, Exception("gone"))


@pytest.mark.parametrize(
    ("moved", "told"),
    [("-0:59", False), ("-1:01", True), ("59:59", False), ("60:01", True)],
)
def test_a_clock_that_is_only_put_right_raises_no_alarm(moved: str, told: bool) -> None:
    minutes, seconds = moved.lstrip("-").split(":")
    step = timedelta(minutes=int(minutes), seconds=int(seconds)) * (-1 if moved.startswith("-") else 1)
    now = datetime(2026, 2, 3, tzinfo=UTC)
    assert bool(jump(now, now + step)) is told


def test_a_clock_set_back_raises_an_alarm_and_runs_nothing_twice(desk: Desk) -> None:
    """T15: the alarm is told, is on record, and makes `kezek status` fail for a day."""
    desk.clock.set("2026-02-04 00:30")
    desk.service.look()
    desk.run_all()
    before = desk.city.records()
    desk.clock.set("2026-02-03 21:30")
    desk.service.look()
    assert [line for line in desk.told if "[clock.jumped] the clock went back by 3:00:00." in line]
    assert "ahead of the clock" in " ".join(desk.status().overdue)
    desk.run_all()
    desk.pass_time("2026-02-04 00:31")
    desk.run_all()
    assert desk.nights() == ["2026-02-02", "2026-02-03"]
    assert desk.city.records() == before
    assert "went back by 3:00:00" in " ".join(desk.status().overdue)
    desk.pass_time("2026-02-04 22:00")
    assert desk.status().overdue == []


def test_a_jump_that_only_a_night_saw_is_kept_with_the_next_heartbeat(desk: Desk) -> None:
    """The timer may fire between two looks, and by the new time: the night waits, and the alarm is not lost."""
    desk.service.look()
    desk.clock.set("2026-02-13 12:00")
    desk.run_all()
    assert desk.nights()[-1] == "2026-02-02"
    assert len([line for line in desk.told if "[clock.jumped]" in line]) == 1
    desk.service.look()
    assert len([line for line in desk.told if "[clock.jumped]" in line]) == 1
    assert "went forward by 10 days" in " ".join(desk.status().overdue)


def test_a_clock_behind_the_last_heartbeat_is_told_at_the_start(desk: Desk) -> None:
    desk.service.look()
    desk.clock.set("2026-02-03 11:00")
    again = Service(desk.database, desk.clock, desk.told.append)
    again.start()
    again.stop()
    assert [line for line in desk.told if "[clock.jumped] the clock went back by 1:00:00." in line]
    assert "went back" in " ".join(desk.status().overdue)


@pytest.mark.parametrize(("settle", "early"), [(scheduler.SETTLE, False), (timedelta(0), True)], ids=["held", "twin"])
def test_a_clock_that_is_wrong_for_a_minute_lapses_no_voucher(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, settle: timedelta, early: bool
) -> None:
    """T15: ten days forward, and put right within the time to settle; the twin does not wait, and lapses vouchers."""
    monkeypatch.setattr(scheduler, "SETTLE", settle)
    desk.service.look()
    desk.clock.set("2026-02-13 12:00")
    desk.service.look()
    desk.run_all()
    desk.clock.set("2026-02-03 12:01")
    desk.service.look()
    desk.run_all()
    assert (desk.city.status("A1") == "expired") is early
    assert (desk.nights()[-1] > "2026-02-03") is early


def test_a_clock_that_stays_forward_is_believed_after_a_while(desk: Desk) -> None:
    """A machine that slept: the nights it missed are caught up, and vouchers lapse by their own days."""
    desk.service.look()
    desk.clock.set("2026-02-13 12:00")
    desk.service.look()
    assert [line for line in desk.told if "No night begins before 2026-02-13 07:10:00 UTC" in line]
    desk.pass_time("2026-02-13 12:10")
    desk.run_all()
    assert desk.nights()[-1] == "2026-02-12"
    with desk.database.read() as connection:
        lapsed = connection.exec_driver_sql("select closed_on, expires_on from voucher where status = 'expired'").all()
    assert [tuple(row) for row in lapsed] == [("2026-02-09", "2026-02-09")] * 2


def test_a_department_s_own_time_is_kept(desk: Desk) -> None:
    desk.city.rules(rule("run.at", "03:00", since="2026-02-01", locality="almaty"))
    desk.clock.set("2026-02-04 00:30")
    desk.run_all()
    assert (desk.nights()[-1], desk.nights("astana")[-1]) == ("2026-02-02", "2026-02-03")
    desk.clock.set("2026-02-04 03:00")
    desk.service.look()
    desk.clock.now += scheduler.SETTLE
    desk.run_all()
    assert desk.nights()[-1] == "2026-02-03"
