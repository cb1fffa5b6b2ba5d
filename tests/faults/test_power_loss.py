"""T6: the power goes at any moment, and every night that was told to be done is there.

The commands run as they are, in a process whose SQLite writes to a disk that keeps a record (`support.disk`). From the
record images are made of what a disk without a battery might hold at some moment (`support.platter`): all that was
synced, and of the rest any part.
"""

from __future__ import annotations

import pickle
import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import apsw
import numpy as np
import pytest
from sqlalchemy.exc import DatabaseError

from support.contents import contents
from support.disk import Act
from support.figures import Figure, sized
from support.nation import Nation
from support.platter import Platter
from support.processes import finish, kezek_here, start_module

LIFE = (
    (10, 10, "stop-list add A000007 --reason false-address"),
    (11, 12, "archive A000008 --reason moved-away"),
    (13, 16, "restore A000008 --reason by-mistake"),
    (17, 18, "archive A000009 --reason moved-away"),
)
"""Days of August 2021 that one run catches up, and what an officer does after it. Vouchers are given, lapse, and are
given anew; some commands are one change, some are many."""
COMMANDS = [command for _, last, act in LIFE for command in (f"run --date 2021-08-{last}", act)]
Tell = Callable[[Figure], None]


class City(NamedTuple):
    """A city before its life.

    path: its database; never to be written to
    states: the digest of its records at the start and after each line told, in a life that nothing disturbs
    steps: the command that leads from each of these states to the next
    """

    path: Path
    states: list[str]
    steps: list[str]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("city")
    nation = Nation.make(folder, scale=0.005, localities=2)
    path, calm = folder / "city.db", folder / "calm.db"
    nation.take_in(path, kezek_here)
    calm.write_bytes(path.read_bytes())
    states, steps = [contents(calm)], []
    for first, last, act in LIFE:
        # In the order in which one run does them: locality by locality, day by day.
        nights = [
            f"run --date 2021-08-{day} --locality {code}"
            for code in nation.localities
            for day in range(first, last + 1)
        ]
        for step in (*nights, act):
            answer = kezek_here(calm, *step.split())
            assert answer.code == 0, answer.told
            states.append(contents(calm))
            steps.append(step)
    assert len(set(states)) == len(states)
    return City(path, states, steps)


def recorded(city: City, tmp_path: Path, synchronous: str) -> list[Act]:
    """What the whole life of the city did to the disk, and when it told what."""
    path, record = tmp_path / "city.db", tmp_path / "record"
    path.write_bytes(city.path.read_bytes())
    answer = finish(start_module("faults.recorded_life", str(path), str(record), synchronous, *COMMANDS))
    assert answer.code == 0, answer.told
    assert contents(path) == city.states[-1]
    acts: list[Act] = pickle.loads(record.read_bytes())
    assert [act.kind for act in acts].count("told") == len(city.steps)
    return acts


class Crash(NamedTuple):
    """The files that a loss of power left, and how many lines had been told by then."""

    files: dict[str, bytes]
    told: int


def crashes(city: City, acts: list[Act], count: int, seed: int) -> list[Crash]:
    """Images at random moments of the life, each of another chance."""
    chance = np.random.default_rng(seed)
    moments = np.sort(chance.integers(1, len(acts) + 1, count)).tolist()
    told = [n for n, act in enumerate(acts) if act.kind == "told"]
    platter, found, done = Platter({"city.db": city.path.read_bytes()}), [], 0
    for moment in moments:
        for act in acts[done:moment]:
            platter.take(act)
        done = moment
        found.append(Crash(platter.image(chance), bisect_right(told, moment - 1)))
    return found


def put(crash: Crash, folder: Path) -> Path:
    """Write the files of a crash; where the database lies."""
    folder.mkdir()
    for name, content in crash.files.items():
        (folder / name).write_bytes(content)
    return folder / "city.db"


def verdict(city: City, path: Path, told: int) -> str:
    """What became of a city: `kept`; or `lost`, `torn` (part of a change), `damaged`."""
    try:
        state = contents(path)
    except DatabaseError:
        return "damaged"
    if state not in city.states:
        return "damaged" if state == "damaged" else "torn"
    return "kept" if city.states.index(state) >= told else "lost"


def goes_on(city: City, path: Path) -> bool:
    """Whether the next step leads where it would have without a crash."""
    state = city.states.index(contents(path))
    if state == len(city.steps):
        return True
    return kezek_here(path, *city.steps[state].split()).code == 0 and contents(path) == city.states[state + 1]


def sound_for_a_later_release(path: Path) -> bool:
    """What a newer SQLite than Python's says of the file that ours has recovered."""
    with apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE) as connection:
        answer = connection.execute("pragma integrity_check").fetchall()
    connection.close()
    return answer == [("ok",)]


def test_no_night_that_was_told_is_lost_with_the_power(city: City, tmp_path: Path, figure: Tell) -> None:
    """Rule F3: a night is there whole or not at all, one that was told is there, and the next ends as it would have.

    The twins are `synchronous=normal` and `off`, with the same moments and chances: they lose nights that were told.
    """
    tries = sized(150, 1_000)
    acts = recorded(city, tmp_path, "full")
    seen: Counter[str] = Counter()
    for n, crash in enumerate(crashes(city, acts, tries, seed=20210810)):
        path = put(crash, tmp_path / f"crash{n}")
        found = verdict(city, path, crash.told)
        if found == "kept" and not (goes_on(city, path) and sound_for_a_later_release(path)):
            found = "stuck"
        seen[found] += 1
    assert sum(seen.values()) == tries
    twins = {mode: unguarded(city, tmp_path / mode, mode, tries) for mode in ("normal", "off")}
    assert all(twin["lost"] for twin in twins.values()), twins
    figure(
        Figure(
            "T6",
            f"power lost at a random moment of {len(city.steps)} changes; unsynced writes kept, lost or torn",
            tries=tries,
            losses=tries - seen["kept"],
            twin="; ".join(
                f"synchronous={mode}: {twin['lost']} lost, {twin['torn'] + twin['damaged']} damaged of {tries}"
                for mode, twin in twins.items()
            ),
            note=f"SQLite {sqlite3.sqlite_version}, {len(acts):,} acts of the disk; next night byte-equal each time",
        )
    )


def unguarded(city: City, folder: Path, mode: str, tries: int) -> Counter[str]:
    """The same with less syncing than the store asks for."""
    folder.mkdir()
    acts = recorded(city, folder, mode)
    found = enumerate(crashes(city, acts, tries, seed=20210810))
    return Counter(verdict(city, put(crash, folder / f"crash{n}"), crash.told) for n, crash in found)
