"""Rule F3 under kill -9: a run is all or nothing, and what a killed one left the next one makes whole."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from concurrency.conftest import CopyOf
from support.processes import finish, integrity, kezek, records, runs_on_record, start

LAST_NIGHT = "2021-08-17"  # the vouchers of the intake lapse, and their places are given anew
KILLS = 50
SIGKILLED = -9


class Calm(NamedTuple):
    """The city after nights that nothing disturbed, and the seconds they took: the whole process, and from the first
    night on record to the end."""

    path: Path
    seconds: float
    nights: float


@pytest.fixture(scope="module")
def calm(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """What the runs that are killed must come to in the end."""
    path = tmp_path_factory.mktemp("calm") / "city.db"
    path.write_bytes(city.read_bytes())
    started = time.perf_counter()
    process = start(path, "run", "--date", LAST_NIGHT)
    wait_for_the_first_night(process)
    first = time.perf_counter()
    answer = finish(process)
    ended = time.perf_counter()
    assert answer.code == 0, answer.told
    given = records(path)
    assert given.vouchers.count(",issued\n") > 100
    assert given.vouchers.count(",expired\n") > 100
    assert given.bulletin.count(",withdrawn,") > 5
    assert "A000008" not in given.queue
    return Calm(path, ended - started, ended - first)


def wait_for_the_first_night(process: subprocess.Popen[str]) -> None:
    """Return when the process has told of a night, which it does when that is on record."""
    assert process.stderr is not None
    assert "night of" in process.stderr.readline()


def test_fifty_runs_killed_at_random_moments_end_as_if_nothing_had_been(
    city: Path, calm: Calm, copy_of: CopyOf, record_property: Callable[[str, object], None]
) -> None:
    """Rule F3: after the next run, vouchers, bulletin and queue are those of an undisturbed run, byte for byte.

    Every second kill is counted from the start of the process, the others from the first night on record: on a busy
    machine the start alone may take as long as all of it did before.
    """
    whole, first, last = records(calm.path), runs_on_record(city), runs_on_record(calm.path)
    shares = np.random.default_rng(20210810).random(KILLS)

    def kill_and_run_again(turn: int) -> str:
        path = copy_of(city, f"killed{turn}")
        process = start(path, "run", "--date", LAST_NIGHT)
        from_the_start = turn % 2 == 0
        if not from_the_start:
            wait_for_the_first_night(process)
        try:
            process.wait(float(shares[turn]) * (calm.seconds if from_the_start else calm.nights))
        except subprocess.TimeoutExpired:
            process.kill()
        ended = finish(process)
        assert ended.code in (0, SIGKILLED), ended.told
        left = runs_on_record(path)
        again = kezek(path, "run", "--date", LAST_NIGHT)
        assert again.code == 0, again.told
        assert (turn, records(path), integrity(path)) == (turn, whole, "ok")
        return {first: "before", last: "after"}.get(left, "inside")

    with ThreadPoolExecutor(2) as pool:
        fell = list(pool.map(kill_and_run_again, range(KILLS)))
    counts = {when: fell.count(when) for when in ("before", "inside", "after")}
    record_property("kills", counts)
    print(f"kills before the first night was on record, among the {last - first} nights, after the last: {counts}")
    assert counts["inside"] >= 5
