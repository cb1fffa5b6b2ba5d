"""The whole night of a nation against the least it must read and write, on the same records in the same run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from benchmarks import results, stored, workloads
from queue_engine.night.run import run_nights
from queue_engine.store.engine import Database

TITLE = "Whole nights on SQLite"
ROUNDS = 2
GOAL = 2.0


def copied(before: Path, to: Path) -> Path:
    """A fresh copy of the records."""
    for file in to.parent.glob(f"{to.name}*"):
        file.unlink()
    with sqlite3.connect(before) as source, sqlite3.connect(to) as target:
        source.backup(target)
    return to


def engine_night(path: Path) -> int:
    reports = list(run_nights(Database(f"sqlite:///{path}"), lambda _locality: stored.DAY))
    assert all(report.failure is None for report in reports)
    return sum(report.vouchers for report in reports)


@pytest.mark.parametrize("size", [workloads.NATION_INTAKE, workloads.NATION_DAY], ids=lambda size: size.name)
def test_a_night_costs_little_more_than_its_reading_and_writing(
    size: workloads.Size, tmp_path: Path, section: Callable[[str], results.Section]
) -> None:
    before = tmp_path / "before.db"
    stored.fill(before, workloads.make(size, strict=True))
    path = copied(before, tmp_path / "work.db")
    engine_night(path)
    nights = stored.written_by(path)
    ours, least = [], []
    for _ in range(ROUNDS):
        copied(before, path)
        started = perf_counter()
        vouchers = engine_night(path)
        ours.append(perf_counter() - started)
        copied(before, path)
        started = perf_counter()
        assert stored.floor_night(path, nights) == vouchers
        least.append(perf_counter() - started)
    ratio = min(ours) / min(least)
    of = section(TITLE)
    of.goals.append(results.Goal(f"{size.name}, whole night to its input and output", ratio, GOAL, "x"))
    print(f"{size.name}: kezek {min(ours):.2f} s, floor {min(least):.2f} s, {vouchers} vouchers")
