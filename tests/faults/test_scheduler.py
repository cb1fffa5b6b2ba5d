"""The scheduler as a process: nights missed and due, a clean stop, kill -9, two at once (decision 9)."""

from __future__ import annotations

import signal
import urllib.request
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from queue_engine.settings import machine_clock, yesterday
from support import postgres, services
from support.department import Department
from support.figures import Figure
from support.processes import finish, go_on, kezek_here, records, told_line, url
from support.rows import application, place

ALMATY = ZoneInfo("Asia/Almaty")
MISSED = 6
CODES = ("almaty", "astana", "kostanay")
PAUSE_IN_THE_NIGHT = """
import sys
from queue_engine.night import run
def pause(night):
    if night.locality.locality == "astana":
        print("inside", flush=True)
        sys.stdin.readline()
run.STEPS = (*run.STEPS, pause)
"""


def days() -> list[str]:
    """Yesterday, and the days before it that the scheduler has to catch up, in order."""
    last = yesterday(machine_clock, ALMATY)
    return [(last - timedelta(days=back)).isoformat() for back in range(MISSED, -1, -1)]


def make(where: str, folder: Path) -> Department:
    """Three localities, their first night run, places for some of the nights that were missed."""
    first, *missed = days()
    city = Department(folder, database=where)
    born = {"birth_date": f"{date.fromisoformat(first).year - 3}-05-15"}
    year = {"birth_year": born["birth_date"][:4]}
    filed = {"filed_at": f"{first}T08:00:00+05:00"}
    for letter, code in zip("ABC", CODES, strict=True):
        city.applications(*(application(f"{letter}{n}", locality=code, **born, **filed) for n in range(1, 7)))
    city.run(first)
    for letter, code in zip("VWX", CODES, strict=True):
        city.bulletin(*(place(f"{letter}{n}", day, locality=code, **year) for n, day in enumerate(missed[:4])))
    return city


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, on each store."""
    return postgres.new_database() if request.param == "postgresql" else url(tmp_path / "city.db")


def all_nights() -> list[tuple[str, str]]:
    return [(code, day) for code in CODES for day in days()]


@pytest.fixture
def whole(tmp_path: Path) -> tuple[str, str, str]:
    """What nights that nobody disturbs come to."""
    city = make(url(tmp_path / "calm.db"), tmp_path / "calm")
    city.kezek("run")
    assert city.given(days()[1])
    return tuple(records(tmp_path / "calm.db"))


def test_it_catches_up_at_the_start_and_stops_when_told(where: str, tmp_path: Path, whole: tuple[str, ...]) -> None:
    """Every missed night once, with the outcome of `kezek run`; SIGTERM ends it with exit 0, and all is well."""
    make(where, tmp_path)
    with services.running(where, words=("--metrics-port", "0")) as [process]:
        assert process.stderr is not None
        address = process.stderr.readline().removeprefix("Metrics at ").strip()
        services.wait_until(lambda: services.nights(where) == all_nights(), "all nights")
        with urllib.request.urlopen(address, timeout=10) as metrics:
            assert b'kezek_next_night_timestamp_seconds{locality="kostanay"}' in metrics.read()
        answer = services.stopped(process)
    assert answer.code == 0, answer.told
    assert answer.err.splitlines()[-1] == "The scheduler has stopped."
    assert records(where) == whole
    status = kezek_here(where, "status")
    assert (status.code, "Scheduler: stopped" in status.out) == (0, True), status.told


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_a_stop_amid_a_night_leaves_it_whole_or_not_at_all(
    tmp_path: Path, whole: tuple[str, ...], number: signal.Signals, code: int
) -> None:
    """Rule F3: asked to stop it finishes the night under way and begins no other; killed it leaves nothing of it. The
    next start does the rest."""
    where = url(tmp_path / "city.db")
    make(where, tmp_path)
    with services.running(where, prologue=PAUSE_IN_THE_NIGHT) as [process]:
        assert told_line(process) == "inside"
        process.send_signal(number)
        if number != signal.SIGKILL:
            go_on(process)
        assert finish(process).code == code
    of_astana = [day for locality, day in services.nights(where) if locality == "astana"]
    assert len(of_astana) == (1 if number == signal.SIGKILL else 2)
    with services.running(where) as [process]:
        services.wait_until(lambda: services.nights(where) == all_nights(), "the rest of the nights")
        assert services.stopped(process).code == 0
    assert records(where) == whole


def test_two_schedulers_run_every_night_once(
    where: str, tmp_path: Path, whole: tuple[str, ...], figure: Callable[[Figure], None]
) -> None:
    """Rule F1 and decision 7. The twins: without the locks the schema refuses one of two nights, which breaks off; with
    that guard off too, the night is on record twice."""
    make(where, tmp_path)
    with services.running(where, 2) as both:
        services.wait_until(lambda: services.nights(where) == all_nights(), "all nights")
        answers = [services.stopped(process) for process in both]
    assert [answer.code for answer in answers] == [0, 0], answers
    assert services.failed(answers) == []
    assert records(where) == whole
    told = [
        line for answer in answers for line in answer.err.splitlines() if "night of" in line and "already" not in line
    ]
    assert len(told) == len(set(told)) == len(CODES) * MISSED
    broken = without_locks(where, tmp_path / "one", doubles=False)
    doubled = without_locks(where, tmp_path / "two", doubles=True)
    assert broken.failed
    assert not broken.twice
    assert doubled.twice
    store = "PostgreSQL" if where.startswith("postgresql") else "SQLite"
    figure(
        Figure(
            "T15",
            f"two schedulers at once, nights of {MISSED} missed days in {len(CODES)} localities, {store}",
            len(told),
            len(services.twice(where)),
            f"without the locks {len(broken.failed)} nights broke off; without the unique key "
            f"{len(doubled.twice)} are on record twice",
        )
    )


class Without(NamedTuple):
    """What two schedulers without locks did: lines of nights that broke off, nights on record twice."""

    failed: list[str]
    twice: list[tuple[str, str]]


def without_locks(like: str, folder: Path, *, doubles: bool) -> Without:
    """Two schedulers that meet in the first night of one locality, without locks, on a database of the same store."""
    meeting = folder / "meeting"
    meeting.mkdir(parents=True)
    where = postgres.new_database() if like.startswith("postgresql") else url(folder / "city.db")
    city = Department(folder, database=where)
    city.applications(application("A1"))
    city.run(days()[-2])
    if doubles:
        services.allow_doubles(where)
    with services.running(where, 2, services.NO_LOCKS + services.MEET.format(place=str(meeting))) as both:
        services.wait_until(lambda: ("almaty", days()[-1]) in services.nights(where), "the night")
        services.wait_until(lambda: len(list(meeting.iterdir())) == 2, "the meeting")
        if doubles:
            services.wait_until(lambda: bool(services.twice(where)), "the second of the night")
        answers = [services.stopped(process) for process in both]
    return Without(services.failed(answers), services.twice(where))
