"""T14: the whole engine in seeded histories, with faults far more often than in life (rules C4, F1, F3 and all others).

A seed is played with faults and without, side by side, by `python -m simulation` (tests/simulation); what must hold is
checked after nights, and the exports must be equal, byte for byte. To see a failing seed again, run the command that it
names, with `tests` on the path. Three years of 20 localities: `python -m simulation 1 --localities 20 --days 1096`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from support.figures import Figure, sized
from support.processes import Finished, finish, start_module

SEEDS = sized(200, 1000)
SLICE = 8
"""Seeds a process plays one after another."""
GUARDS = {
    "lapse": "vouchers that never lapse",
    "counting": "a place counted twice",
    "rollback": "a broken night that is not rolled back",
    "dates": "a decline that gives its place back before its day",
}


class Played(NamedTuple):
    """How a slice of seeds ended: what it did, and the seed that broke."""

    counts: Counter[str]
    broken: int | None
    told: str


def simulate(*words: object) -> Finished:
    return finish(start_module("simulation", *map(str, words)))


def played(answer: Finished) -> Played:
    summary = json.loads(answer.out.splitlines()[-1])
    broken = summary.pop("broken")
    assert (answer.code == 0) == (broken is None), answer.told
    return Played(Counter(summary), broken, answer.told)


@pytest.fixture(scope="module")
def twins() -> dict[str, Played]:
    """The same seeds with a guard off, up to the first that breaks."""
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda guard: simulate(0, "--count", SEEDS, "--without", guard), GUARDS)
        return dict(zip(GUARDS, map(played, found), strict=True))


def test_every_seed_holds_with_faults_and_without(figure: Callable[[Figure], None], twins: dict[str, Played]) -> None:
    """Rules A to F: nothing acknowledged is lost, nobody is skipped, and faults change nothing."""
    with ThreadPoolExecutor(2) as pool:
        slices = list(pool.map(lambda first: played(simulate(first, "--count", SLICE)), range(0, SEEDS, SLICE)))
    broken = [each for each in slices if each.broken is not None]
    assert not broken, "\n".join(each.told for each in broken)
    counts = sum((each.counts for each in slices), Counter())
    done = {name: counts.pop(name) for name in ("histories", "nights", "operations", "checks", "vouchers")}
    assert len(counts) >= 10, counts
    assert min(counts.values()) > SEEDS // 4, "a fault that hardly ever happened shows nothing"
    seen = ", ".join(f"{GUARDS[guard]}: seed {twin.broken}" for guard, twin in twins.items())
    figure(
        Figure(
            test="T14",
            what="seeded histories of parents, staff, officers and faults, each equal to the same without faults",
            tries=SEEDS,
            losses=0,
            twin=f"first seen by {seen}",
            note=", ".join(f"{number:,} {name}" for name, number in {**done, **counts}.items()),
        )
    )


@pytest.mark.parametrize("guard", sorted(GUARDS))
def test_with_a_guard_off_some_seed_breaks(twins: dict[str, Played], guard: str) -> None:
    """The twin: a simulation that this does not break would prove nothing."""
    assert twins[guard].broken is not None, f"{GUARDS[guard]} was not seen"


def test_a_failing_seed_replays(twins: dict[str, Played]) -> None:
    """The command that a failure names ends at the same step with the same words."""
    first = twins["lapse"]
    repeat = re.search(r"repeat: python -m simulation (.*) --verbose", first.told)
    assert repeat is not None, first.told
    again = simulate(*repeat[1].split(), "--without", "lapse")
    assert again.code == 1
    assert _failure(again.told) == _failure(first.told)


def _failure(told: str) -> str:
    return next(line for line in told.splitlines() if line.startswith("seed "))
