"""`kezek run --workers N` when a process of it is killed, at moments that do not depend on the machine's speed."""

from __future__ import annotations

import pytest

from support import postgres
from support.nation import LAST_NIGHT, Nation
from support.processes import Records, kezek, records, runs_on_record

RUN = ("run", "--date", LAST_NIGHT, "--workers", "2")
NIGHTS = 9
"""From the first night of `Nation` to the last."""

# Each is run in the process of the command, and kills one process that it has started, once.
KILL = """
import os, signal, threading, time
from multiprocessing import popen_spawn_posix, util
from queue_engine.night import side_by_side
from sqlalchemy import create_engine, text
once = threading.Lock()
def kill(pid):
    if once.acquire(blocking=False):
        os.kill(pid, signal.SIGKILL)
"""
AS_IT_STARTS = """
whole = util.spawnv_passfds
def spawned(path, words, passed):
    pid = whole(path, words, passed)
    if any("WHO" in os.fsdecode(word) for word in words):
        kill(pid)
    return pid
util.spawnv_passfds = spawned
"""
AT_WORK = """
whole = side_by_side._Worker.run
def at_work(worker, due, address=ADDRESS):
    def watch():
        with create_engine(address.replace("postgresql:", "postgresql+psycopg:")).connect() as connection:
            nights = text("select count(*) from run join locality using (locality_id) where locality = :code")
            while connection.execute(nights, {"code": due.locality}).scalar_one() < 3:
                connection.rollback()
        kill(worker._process.pid)
    threading.Thread(target=watch, daemon=True).start()
    return whole(worker, due)
side_by_side._Worker.run = at_work
"""
WITH_NOTHING_TO_DO = """
whole = side_by_side._Worker.run
def after_work(worker, due):
    reports = whole(worker, due)
    kill(worker._process.pid)
    worker._process.join(0.2)
    return reports
side_by_side._Worker.run = after_work
"""
NOT_TOLD = """
def run(workers, due):
    return side_by_side._Worker(workers._address).run(due)
side_by_side._Workers.run = run
"""
MOMENTS = {
    "as it starts": AS_IT_STARTS.replace("WHO", "spawn_main"),
    "at work": AT_WORK,
    "with nothing to do": WITH_NOTHING_TO_DO,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_that_dies_is_told_and_the_next_run_makes_it_whole(
    taken_in: str, nation: Nation, calm: Records, moment: str
) -> None:
    """Rule F3: the locality it was at is named, the others are done, none is lost."""
    where = postgres.new_database(like=taken_in)
    answer = kezek(where, *RUN, prologue=KILL + MOMENTS[moment].replace("ADDRESS", repr(where)))
    assert (answer.code, answer.err.count("[run.failed]")) == (3, 1), answer.told
    done = runs_on_record(where)
    assert (len(nation.localities) - 1) * NIGHTS < done < len(nation.localities) * NIGHTS
    again = kezek(where, *RUN)
    assert (again.code, "[run.failed]" in again.err) == (0, False), again.told
    assert records(where) == calm


def test_the_death_of_the_helper_of_multiprocessing_is_no_failure(taken_in: str, calm: Records) -> None:
    """Rule F3. Locks shared between processes would be told to it, and its death be a broken pipe."""
    where = postgres.new_database(like=taken_in)
    answer = kezek(where, *RUN, prologue=KILL + AS_IT_STARTS.replace("WHO", "resource_tracker"))
    assert (answer.code, "[run.failed]" in answer.err) == (0, False), answer.told
    assert records(where) == calm


def test_a_death_that_is_not_caught_is_not_told(taken_in: str) -> None:
    """The twin: without the guard the command breaks off, and the other localities are not done."""
    where = postgres.new_database(like=taken_in)
    answer = kezek(where, *RUN, prologue=NOT_TOLD + KILL + MOMENTS["as it starts"])
    assert (answer.code, "[run.failed]" in answer.err) == (1, False), answer.told
