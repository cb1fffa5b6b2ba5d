"""What `kezek status` and the metrics say of nights, of what waits, and of the scheduler (decision 9)."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest

from queue_engine.answers.status import Status
from queue_engine.errors import KezekError, WrongUsage
from queue_engine.metrics import served
from support.department import Department
from support.desk import Desk
from support.rows import application, place, vacancy, withdrawal


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
