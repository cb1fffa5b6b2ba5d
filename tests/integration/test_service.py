"""The scheduler's logic with a clock that the tests set: when a night is due, what failures and jumps of the clock do,
what `kezek status` and the metrics say (decision 9)."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import OperationalError

from queue_engine import scheduler
from queue_engine.answers.status import Status, read_status
from queue_engine.domain.timetable import jump, last_due, moment_of
from queue_engine.errors import KezekError, WrongUsage
from queue_engine.law.overrides import Override
from queue_engine.law.rulebook import Rulebook
from queue_engine.metrics import served
from queue_engine.night import run
from queue_engine.night.context import Night
from queue_engine.scheduler import Planned, Service
from queue_engine.store.engine import Database
from queue_engine.store.records import Locality
from support.department import Department
from support.rows import application, place, rule, vacancy, withdrawal

ALMATY = ZoneInfo("Asia/Almaty")
HALF_PAST_MIDNIGHT = time(0, 30)


class Hands:
    """A clock whose hands the test sets: local time of Almaty."""

    def __init__(self, local: str) -> None:
        self.set(local)

    def set(self, local: str) -> None:
        self.now = datetime.fromisoformat(local).replace(tzinfo=ALMATY).astimezone(UTC)

    def __call__(self) -> datetime:
        return self.now


class Desk:
    """A department with a service, its clock, and what it told."""

    def __init__(self, city: Department, local: str) -> None:
        self.city = city
        self.clock = Hands(local)
        self.told: list[str] = []
        self.database = Database(city.database)
        self.service = Service(self.database, self.clock, self.told.append)

    def plans(self, *, starting: bool = True) -> list[Planned]:
        """What the service plans now."""
        with self.database.read() as connection:
            found, law = scheduler.localities(connection), scheduler.rulebook(connection)
        return self.service.plan(found, law, self.clock(), starting=starting)

    def pass_time(self, local: str) -> None:
        """The clock goes on to a moment by small steps, as clocks do, and the service looks at each."""
        until = Hands(local)()
        while self.clock.now < until:
            self.clock.now = min(self.clock.now + timedelta(minutes=30), until)
            self.service.look()

    def run_all(self, *, starting: bool = True) -> None:
        """Run what is planned for now or earlier, as the timer would."""
        for planned in self.plans(starting=starting):
            if planned.at <= self.clock():
                self.service.run(planned)

    def nights(self, locality: str = "almaty") -> list[str]:
        return [day.isoformat() for day, _counts in run.past_runs(self.database, locality)]

    def status(self) -> Status:
        with self.database.read() as connection:
            return read_status(connection, self.clock())


@pytest.fixture
def desk(city: Department) -> Iterator[Desk]:
    """Two localities whose first night, of Monday 2 February 2026, is done; the clock stands at noon of Tuesday."""
    city.applications(application("A1"), application("A2"), application("B1", locality="astana"))
    city.bulletin(vacancy("V1"), vacancy("V2", locality="astana"))
    city.run("2026-02-02")
    made = Desk(city, "2026-02-03 12:00")
    yield made
    made.database.engine.dispose()


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


@pytest.fixture
def astana_fails(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """While it holds an error, the nights of Astana end with it."""
    errors: list[Exception] = []

    def fail(night: Night) -> None:
        if errors and night.locality.locality == "astana":
            raise errors[-1]

    monkeypatch.setattr(run, "STEPS", (*run.STEPS, fail))
    return errors


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


def test_status_counts_what_waits_and_what_ends_soon(desk: Desk) -> None:
    """Vouchers of 2 February end on Monday the 9th: two working days before it is Thursday."""
    desk.city.bulletin(place("V3", "2026-02-03", birth_year="2022"))
    desk.city.withdrawals(withdrawal("W1", vacancy_id="V3", withdrawn_at="2026-02-12T12:00:00+05:00"))
    desk.city.archive("A2", day="2026-02-13")
    desk.city.stop_list_add("B1")
    counts = {found.locality: found.waiting for found in desk.status().localities}
    assert (tuple(counts["almaty"]), tuple(counts["astana"])) == ((1, 1, 0, 0), (0, 0, 0, 1))
    for now, ending in (("2026-02-04 23:59", 0), ("2026-02-05 00:00", 1), ("2026-02-09 23:59", 1), ("2026-02-10", 0)):
        desk.clock.set(now)
        assert desk.status().localities[0].waiting.vouchers_ending == ending, now


def test_status_tells_of_a_night_long_due_and_of_a_scheduler_that_died(desk: Desk) -> None:
    """And not before: three hours for a night, a quarter of an hour for a heartbeat; one that ended well may rest."""
    desk.service.look()
    desk.clock.set("2026-02-03 12:15")
    assert desk.status().overdue == []
    desk.clock.set("2026-02-03 12:16")
    assert desk.status().overdue == ["scheduler: no heartbeat since 2026-02-03T07:00:00+00:00."]
    desk.service.stop()
    desk.clock.set("2026-02-04 03:29")
    assert desk.status().overdue == []
    desk.clock.set("2026-02-04 03:30")
    assert [line.split(" was due")[0] for line in desk.status().overdue] == [
        "almaty: the night of 2026-02-03",
        "astana: the night of 2026-02-03",
    ]


def test_the_command_status_fails_when_anything_is_overdue(tmp_path: Path) -> None:
    """Exit 3 for monitoring, the same in text and JSON; a department that has not begun owes nothing."""
    city = Department(tmp_path)
    city.applications(application("A1"))
    assert "no night yet" in city.kezek("status").out
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    answer = city.kezek("status", expect=3)
    assert "Overdue: almaty: the night of 2026-02-03 was due at 2026-02-04T00:30:00+05:00." in answer.out
    told = json.loads(city.kezek("status", "--format", "json", expect=3).out)
    assert told["scheduler"] is None
    assert told["localities"][0]["next_at"] == "2026-02-04T00:30:00+05:00"
    assert told["overdue"] == told["localities"][0]["overdue"] != []
    city.kezek("status", "--overdue-after", "1000000")


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_metrics_tell_of_nights_and_waiting_things_and_of_nobody(desk: Desk, astana_fails: list[Exception]) -> None:
    """By locality alone: no IIN, no phone, no number of an application."""
    astana_fails.append(KezekError("calendar.reach", "too far."))
    desk.service.look()
    desk.pass_time("2026-02-04 00:30")
    desk.run_all()
    with served(desk.status, 0) as port:
        text = scraped(port)
        desk.clock.now += timedelta(seconds=20)
        later = scraped(port)
    assert 'kezek_last_night_timestamp_seconds{locality="almaty"} 1.7700588e+09' in text
    assert 'kezek_night_failed{locality="astana"} 1.0' in text
    assert 'kezek_night_failed{locality="almaty"} 0.0' in text
    assert re.search(r'kezek_night_duration_seconds\{locality="almaty"\} \d', text)
    assert 'kezek_waiting{locality="almaty",what="vouchers_ending"} 0.0' in text
    assert "kezek_heartbeat_age_seconds 0.0" in text
    assert "kezek_heartbeat_age_seconds 20.0" in later
    assert "kezek_up 1.0" in text
    assert not re.search(r"\d{12}|\+7\d|A1|B1", text)


def test_metrics_are_served_on_the_loopback_address_alone(desk: Desk) -> None:
    """Another address of the same machine is refused; a server on every address would answer there."""
    with served(desk.status, 0) as port, pytest.raises(OSError, match=r"refused|unreachable"):
        socket.create_connection(("127.0.0.2", port), 2).close()


def test_a_port_that_is_taken_is_told_in_words(desk: Desk) -> None:
    with served(desk.status, 0) as port, pytest.raises(WrongUsage, match=r"scheduler\.port"), served(desk.status, port):
        pass


def test_metrics_say_when_the_records_cannot_be_read() -> None:
    def broken() -> Status:
        raise KezekError("database.failed", "gone.")

    with served(broken, 0) as port:
        assert "kezek_up 0.0" in scraped(port)


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
