"""The scheduler as a process of its own, two of them at once, and the same without what holds them apart."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg

from queue_engine.store.engine import Database
from support.processes import Finished, Where, finish, start, url

QUICK = """
from datetime import timedelta
from queue_engine import scheduler
scheduler.LOOK_SECONDS = 0.4
scheduler.HELD_PAUSE = timedelta(seconds=0.3)
"""
"""Looks twice a second and more, so that a test does not wait a quarter of a minute for one."""

NO_LOCKS = """
from contextlib import nullcontext
from faults.upgrade_kills import split
from queue_engine.store.engine import Database
Database.run_lock = lambda database: nullcontext()
Database.locality_lock = lambda database, locality, patience_ms=0: nullcontext()
Database.write = split
"""
"""No lock of a run, none of the records, and no transaction: each statement is committed."""

MEET = """
import os, pathlib, time
from queue_engine.night import run
def meet(connection, kind, day, opened=run.new_change):
    place = pathlib.Path({place!r})
    (place / str(os.getpid())).touch()
    until = time.monotonic() + 20
    while len(list(place.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    return opened(connection, kind, day)
run.new_change = meet
"""
"""A night goes on when another process has come as far: both have seen that it is not on record."""

PATIENCE = 90.0


@contextmanager
def running(
    where: Where,
    number: int = 1,
    prologue: str = "",
    surroundings: Mapping[str, str] | None = None,
    words: tuple[str, ...] = (),
) -> Iterator[list[subprocess.Popen[str]]]:
    """So many schedulers on one database; none outlives it."""
    started = [
        start(where, "scheduler", *words, prologue=QUICK + prologue, surroundings=surroundings) for _ in range(number)
    ]
    try:
        yield started
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                finish(process)


def stopped(process: subprocess.Popen[str]) -> Finished:
    """Ask it to stop, as a service manager does, and wait for it."""
    process.send_signal(signal.SIGTERM)
    return finish(process)


def nights(where: Where) -> list[tuple[str, str]]:
    """Locality and day of every run on record, as often as it is there, by both."""
    database = Database(url(where))
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "select l.locality, r.on_day from run r join locality l on l.locality_id = r.locality_id order by 1, 2"
        ).all()
    database.engine.dispose()
    return [(str(code), str(day)) for code, day in rows]


def wait_until(true: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for something that another process brings about."""
    until = time.monotonic() + patience
    while not true():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.2)


def twice(where: Where) -> list[tuple[str, str]]:
    """The nights that are on record more than once."""
    return [night for night, count in Counter(nights(where)).items() if count > 1]


def failed(answers: list[Finished]) -> list[str]:
    """The lines by which schedulers told of nights that broke off."""
    return [line for answer in answers for line in answer.err.splitlines() if re.search(r"\[run\.failed\]", line)]


def allow_doubles(where: Where) -> None:
    """Take the guard of the schema away: one run a locality and day."""
    if not url(where).startswith("sqlite"):
        with psycopg.connect(url(where), autocommit=True) as server:
            server.execute("alter table run drop constraint uq_run_locality_id_on_day")
        return
    file = sqlite3.connect(url(where).removeprefix("sqlite:///"), isolation_level=None)
    columns = "run_id, locality_id, on_day, change_id, calendar, suspended, rules, report"
    types = "run_id integer primary key, locality_id, on_day, change_id, calendar, suspended, rules, report"
    for statement in (
        f"create table loose ({types})",
        f"insert into loose ({columns}) select {columns} from run",
        "drop table run",
        "alter table loose rename to run",
    ):
        file.execute(statement)
    file.close()
