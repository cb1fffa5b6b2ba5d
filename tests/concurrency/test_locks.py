"""Rules F1 and F3 with many processes at once: one run, imports that wait their turn, readers who see whole nights.

A process that must be caught at a certain place is given a prologue that stops it there: it writes a line to stdout
and waits for one on stdin.
"""

from __future__ import annotations

import csv
import subprocess
from datetime import date
from pathlib import Path

import pytest

from concurrency.conftest import FIRST_NIGHT, LOCALITIES, CopyOf
from queue_engine.demo.city import APPLICATION_COLUMNS, City
from queue_engine.night.run import run_nights
from queue_engine.store.engine import Database
from support.processes import (
    Finished,
    Records,
    finish,
    go_on,
    kezek,
    records,
    runs_on_record,
    start,
    told_line,
    url,
)

INTAKE = "2021-08-10"
HELD = 75
SIGKILLED = -9
LONG_ENOUGH = 1.5
"""Seconds in which a command that does not have to wait would have ended."""

PAUSE_IN_THE_NIGHT = """
import sys
from queue_engine.night import run
def pause(night):
    if night.locality.locality == "almaty":
        print("inside", flush=True)
        sys.stdin.readline()
run.STEPS = (*run.STEPS, pause)
"""
PAUSE_AMID_THE_VOUCHERS = """
import sys
from sqlalchemy import Engine, event
@event.listens_for(Engine, "before_cursor_execute")
def pause(connection, cursor, statement, *rest):
    if statement.startswith("update application set state = 'holding'") and not connection.info.get("paused"):
        connection.info["paused"] = True
        print("inside", flush=True)
        sys.stdin.readline()
"""
PAUSE_IN_THE_IMPORT = """
import sys
from queue_engine.intake import applications
class Registry(applications.Registry):
    def __init__(self, connection):
        super().__init__(connection)
        print("inside", flush=True)
        sys.stdin.readline()
applications.Registry = Registry
"""
NO_TRANSACTION = """
from concurrency.unguarded import split_write
from queue_engine.store.engine import Database
Database.write = split_write
"""
DEFERRED = """
from concurrency.unguarded import deferred_write
from queue_engine.store.engine import Database
Database.write = deferred_write
"""
NO_RUN_LOCK = """
from contextlib import nullcontext
from queue_engine.store.engine import Database
Database.run_lock = lambda database: nullcontext()
"""


@pytest.fixture
def path(small_city: Path, copy_of: CopyOf) -> Path:
    return copy_of(small_city, "city")


def still_waits(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(LONG_ENOUGH)
    except subprocess.TimeoutExpired:
        return True
    return False


def paused(started: list[subprocess.Popen[str]], path: Path, *words: str, prologue: str) -> subprocess.Popen[str]:
    """A process that has come to the pause of its prologue."""
    process = start(path, *words, prologue=prologue)
    started.append(process)
    assert told_line(process) == "inside"
    return process


def families(path: Path, part: int, count: int = 40) -> list[str]:
    """Write a file of new applications, of another city than all other parts; their ids."""
    made = City.make(seed=100 + part, scale=0.002).applications[:count]
    ids = [f"N{part}-{row[0]}" for row in made]
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(APPLICATION_COLUMNS)
        writer.writerows((name, *row[1:]) for name, row in zip(ids, made, strict=True))
    return ids


def assert_good(answer: Finished) -> None:
    assert answer.code == 0, answer.told
    assert "[database." not in answer.told


def test_a_second_run_is_refused_with_exit_75_and_changes_nothing(
    path: Path, small_city: Path, copy_of: CopyOf, started: list[subprocess.Popen[str]]
) -> None:
    """Rule F1: one run at a time; the refusal names the rule, and the first run ends as it would have."""
    calm = copy_of(small_city, "calm")
    assert_good(kezek(calm, "run", "--date", INTAKE))
    before = records(path)
    holder = paused(started, path, "run", "--date", INTAKE, prologue=PAUSE_IN_THE_NIGHT)
    second = kezek(path, "run", "--date", INTAKE)
    assert second.code == HELD, second.told
    assert "[run.held]" in second.err
    assert "F1" in second.err
    assert second.out == ""
    assert records(path) == before
    go_on(holder)
    assert_good(finish(holder))
    assert records(path) == records(calm) != before


def test_without_the_run_lock_a_second_run_is_not_refused(path: Path, started: list[subprocess.Popen[str]]) -> None:
    """The twin: it goes on to the same night, and only the writer's lock holds it there."""
    holder = paused(started, path, "run", "--date", INTAKE, prologue=NO_RUN_LOCK + PAUSE_IN_THE_NIGHT)
    second = start(path, "run", "--date", INTAKE, prologue=NO_RUN_LOCK)
    started.append(second)
    assert still_waits(second)
    go_on(holder)
    assert {finish(holder).code, finish(second).code} == {0}


def test_a_killed_run_leaves_no_lock_behind(path: Path, started: list[subprocess.Popen[str]]) -> None:
    """Rule F1: kill -9 of the holder frees the run and the records at once, and nothing of its night is there."""
    before = records(path)
    holder = paused(started, path, "run", "--date", INTAKE, prologue=PAUSE_IN_THE_NIGHT)
    assert kezek(path, "run", "--date", INTAKE).code == HELD
    holder.kill()
    assert finish(holder).code == SIGKILLED
    assert records(path) == before
    answer = kezek(path, "run", "--date", INTAKE)
    assert_good(answer)
    assert runs_on_record(path) == 2 * len(LOCALITIES)


def test_an_import_waits_for_the_night_and_succeeds(
    path: Path, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    """Rule F3: a file handed in during the night is taken when it is over, and not refused."""
    ids = families(tmp_path / "new.csv", 0)
    holder = paused(started, path, "run", "--date", INTAKE, prologue=PAUSE_IN_THE_NIGHT)
    taking = start(path, "import", "applications", str(tmp_path / "new.csv"))
    started.append(taking)
    assert still_waits(taking)
    go_on(holder)
    assert_good(finish(holder))
    assert_good(finish(taking))
    taken = records(path)  # the night of the next locality may have served some of them already
    assert [name for name in ids if f",{name}," not in taken.queue + taken.vouchers] == []


def test_eight_imports_at_once_all_succeed(path: Path, tmp_path: Path) -> None:
    """Every row of every file is on record, whoever came first."""
    ids = [name for part in range(8) for name in families(tmp_path / f"part{part}.csv", part)]
    taking = [start(path, "import", "applications", str(tmp_path / f"part{part}.csv")) for part in range(8)]
    for process in taking:
        assert_good(finish(process))
    queue = records(path).queue
    assert len(set(ids)) == 320
    assert [name for name in ids if f",{name}," not in queue] == []


@pytest.mark.parametrize(("guard", "codes"), [("", [0, 0]), (DEFERRED, [1, 0])], ids=["guarded", "deferred"])
def test_an_import_that_was_overtaken_fails_only_without_the_guard(
    path: Path, tmp_path: Path, started: list[subprocess.Popen[str]], guard: str, codes: list[int]
) -> None:
    """One import has read and not yet written when another comes. With the guard the other waits and both succeed;
    the twin, a deferred transaction without the lock, lets it by, and the database refuses the first."""
    files = [tmp_path / "first.csv", tmp_path / "second.csv"]
    for part, file in enumerate(files):
        families(file, part)
    first = paused(started, path, "import", "applications", str(files[0]), prologue=guard + PAUSE_IN_THE_IMPORT)
    second = start(path, "import", "applications", str(files[1]), prologue=guard)
    started.append(second)
    overtaken = finish(second) if guard else None
    assert overtaken or still_waits(second)
    go_on(first)
    answers = [finish(first), overtaken or finish(second)]
    assert [answer.code for answer in answers] == codes, answers
    assert ("[database.failed]" in answers[0].told) is (guard != "")
    assert ",N1-A000001," in records(path).queue
    assert (",N0-A000001," in records(path).queue) is (guard == "")


def states_between_nights(path: Path, day: str) -> list[Records]:
    """Every state of the records that a reader may see while the nights up to `day` run."""
    database = Database(url(path))
    states = [records(path)]
    with database.read() as connection:
        last = connection.exec_driver_sql("select max(on_day) from run").scalar_one()
    assert last == FIRST_NIGHT
    for _report in run_nights(database, lambda _locality: date.fromisoformat(day)):
        states.append(records(path))
    database.engine.dispose()
    return states


def test_a_reader_sees_the_records_before_or_after_a_night_and_never_between(city: Path, copy_of: CopyOf) -> None:
    """Rule F3: exports read all the while; each is one of the states between two nights, and in their order."""
    whole = states_between_nights(copy_of(city, "calm"), "2021-08-14")
    assert len(set(whole)) > 5
    path = copy_of(city, "read")
    run = start(path, "run", "--date", "2021-08-14")
    seen = []
    while run.poll() is None:
        seen.append(records(path))
    assert_good(finish(run))
    seen.append(records(path))
    assert [state for state in seen if state not in whole] == []
    places = [whole.index(state) for state in seen]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, whole.index(whole[-1]))


@pytest.mark.parametrize(("guard", "whole"), [("", True), (NO_TRANSACTION, False)], ids=["guarded", "split"])
def test_a_reader_inside_a_night_sees_part_of_it_only_without_the_transaction(
    small_city: Path, copy_of: CopyOf, path: Path, started: list[subprocess.Popen[str]], guard: str, whole: bool
) -> None:
    """The vouchers are written and the queue is not; the twin commits every statement at once."""
    before, calm = records(path), copy_of(small_city, "calm")
    assert_good(kezek(calm, "run", "--date", INTAKE, "--locality", LOCALITIES[0]))
    words = ("run", "--date", INTAKE, "--locality", LOCALITIES[0])
    holder = paused(started, path, *words, prologue=guard + PAUSE_AMID_THE_VOUCHERS)
    seen = records(path)
    assert (seen == before) is whole
    assert (seen in (before, records(calm))) is whole
    go_on(holder)
    assert_good(finish(holder))
