"""Rule F3 under kill -9: a run is all or nothing, and what a killed one left the next one makes whole."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from concurrency.conftest import LOCALITIES, CopyOf
from concurrency.statement_kills import digest
from support.processes import finish, integrity, kezek, records, runs_on_record, start, start_module

LAST_NIGHT = "2021-08-17"  # the vouchers of the intake lapse, and their places are given anew
INTAKE = "2021-08-10"
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


def kills(path: Path, mode: str, stride: int) -> list[dict[str, object]]:
    """What every kill at a statement of the intake nights left, and what the next run made of it."""
    answer = finish(start_module("concurrency.statement_kills", str(path), INTAKE, mode, str(stride)))
    assert answer.code == 0, answer.told
    return [json.loads(line) for line in answer.out.splitlines()]


@pytest.fixture
def borders(small_city: Path, copy_of: CopyOf) -> list[str]:
    """Digests of the records before the intake nights, after each of them, and so after the last."""
    path = copy_of(small_city, "borders")
    found = [digest(path)]
    for locality in LOCALITIES:
        assert kezek(path, "run", "--date", INTAKE, "--locality", locality).code == 0
        found.append(digest(path))
    assert len(set(found)) == len(LOCALITIES) + 1
    return found


def test_a_kill_before_any_statement_leaves_only_whole_nights(
    small_city: Path, copy_of: CopyOf, borders: list[str]
) -> None:
    """Rule F3: what is left is the state before or after a night, and the next run ends as if nothing had been."""
    seen = kills(copy_of(small_city, "statements"), "whole", stride=1)
    assert len(seen) > 50
    assert {kill["again"] for kill in seen} == {0}
    assert {kill["after"] for kill in seen} == {borders[-1]}
    assert {kill["left"] for kill in seen} == set(borders[:-1])


def test_without_the_transaction_a_kill_leaves_damage_that_the_comparison_sees(
    small_city: Path, copy_of: CopyOf, borders: list[str]
) -> None:
    """The twin: the same kills with every statement committed at once leave states between, and other ends."""
    seen = kills(copy_of(small_city, "statements"), "split", stride=5)
    assert len(seen) > 10
    assert [kill for kill in seen if kill["left"] not in borders]
    assert [kill for kill in seen if kill["after"] != borders[-1]]
