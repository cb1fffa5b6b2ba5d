"""T7: a disk that is full, fails at any one write, or may only be read.

The night is told to have failed, in words; nothing of it is kept; reading goes on; and when the disk is well again, the
same command ends as if nothing had been.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.contents import contents
from support.figures import FULL, Figure
from support.nation import Nation
from support.processes import finish, kezek_here, start_module

INTAKE = "2021-08-10"
WRONG = 2
Done = frozenset[str]
Tell = Callable[[Figure], None]


class City(NamedTuple):
    """A city before its intake night; `states` are the digests of all that whole nights may lead to, by localities
    done."""

    path: Path
    localities: tuple[str, ...]
    states: dict[str, Done]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("city")
    nation = Nation.make(folder, scale=0.005, localities=2)
    path = folder / "city.db"
    nation.take_in(path, kezek_here)
    states: dict[str, Done] = {contents(path): frozenset()}
    for order in permutations(nation.localities):
        copy = Path(shutil.copyfile(path, folder / f"{order[0]}.db"))
        for n, code in enumerate(order, start=1):
            assert kezek_here(copy, "run", "--date", INTAKE, "--locality", code).code == 0
            states[contents(copy)] = frozenset(order[:n])
    assert len(states) == 5
    return City(path, nation.localities, states)


def faults(city: City, tmp_path: Path, kind: str, mode: str, stride: int) -> list[dict[str, Any]]:
    """What the run of the intake came to with the disk failing at one act after another."""
    copy = Path(shutil.copyfile(city.path, tmp_path / f"{kind}_{mode}.db"))
    answer = finish(start_module("faults.failing_disk", str(copy), INTAKE, kind, mode, "1", str(stride)))
    assert answer.code == 0, answer.told
    return [json.loads(line) for line in answer.out.splitlines()]


def told_done(told: str) -> Done:
    """The localities whose nights were told to be done."""
    done = [line for line in told.splitlines() if "vouchers issued" in line]
    return frozenset(line.split(",")[0] for line in done)


def is_survived(city: City, fault: dict[str, Any], words: str) -> bool:
    """Whole nights only, none of those told missing; a clear word; reading goes on; and all is well afterwards."""
    left, all_done = city.states.get(fault["left"]), frozenset(city.localities)
    if left is None or not told_done(fault["told"]) <= left or fault["reads"] != 0:
        return False
    clear = fault["code"] == WRONG and f"[database.disk] {words}" in fault["told"]
    if told_done(fault["told"]) != all_done and not clear:
        return False
    return fault["again"] == 0 and city.states.get(fault["after"]) == all_done


@pytest.mark.parametrize(
    ("kind", "words"),
    [("full", "the disk is full"), ("error", "the disk fails (input/output error)")],
    ids=["full", "error"],
)
def test_a_night_survives_a_disk_that_fails_at_any_write(
    city: City, tmp_path: Path, kind: str, words: str, figure: Tell
) -> None:
    """Rule F3. The twin commits every statement at once, and leaves parts of nights."""
    seen = faults(city, tmp_path, kind, "whole", stride=1 if FULL else 5)
    assert len(seen) > 30
    failed = [fault for fault in seen if fault["code"]]
    assert len(failed) > len(seen) // 2
    bad = [fault for fault in seen if not is_survived(city, fault, words)]
    twin = faults(city, tmp_path, kind, "split", stride=60 if FULL else 300)
    damaged = [fault for fault in twin if fault["left"] not in city.states]
    assert len(damaged) > 2
    figure(
        Figure(
            "T7",
            "disk full from the n-th write on (SQLite)" if kind == "full" else "n-th write or sync fails (SQLite)",
            tries=len(seen),
            losses=len(bad),
            twin=f"a commit after every statement: {len(damaged)} of {len(twin)} left part of a night",
            note=f"{len(failed)} runs failed and said so; the others had only their log left to fold in",
        )
    )


@pytest.mark.parametrize("kind", ["tmpfs", "limit"])
def test_a_city_lives_through_a_disk_without_room_and_a_disk_without_rights(
    city: City, tmp_path: Path, kind: str, figure: Tell
) -> None:
    """A really full one, where this process may mount it; then read only. The run between the two is the twin: with
    room and rights, the same command gives the places away."""
    folder = tmp_path / "disk"
    folder.mkdir()
    answer = finish(start_module("faults.small_disk", str(city.path), str(folder), INTAKE, kind))
    assert answer.code == 0, answer.told
    seen = json.loads(answer.out)
    full, again, read_only = seen["full"], seen["again"], seen["read_only"]
    assert (again["code"], city.states[again["left"]]) == (0, frozenset(city.localities))
    kept = city.states[full["left"]] == frozenset() and read_only["left"] == again["left"]
    clear = all(run["code"] == WRONG and "[database.disk]" in run["told"] for run in (full, read_only))
    reads = (full["reads"], read_only["reads"]) == (0, 0)
    figure(
        Figure(
            "T7",
            f"disk full, then read only ({seen['kind']})",
            tries=2,
            losses=int(not (kept and clear and reads)),
            twin="with room again the same command gives the places",
            note="exit 2 with database.disk, nothing half-done, exports go on",
        )
    )
