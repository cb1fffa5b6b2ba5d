"""T25: a nation's night on a small machine, and parents who read beside it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import stored, workloads
from queue_engine.answers.standing import describe
from queue_engine.store.engine import Database
from support.figures import Figure, sized
from support.processes import finish, go_on, kezek, kezek_measured, runs_on_record, start_module, told_line

APPLICATIONS, PLACES, LOCALITIES = sized(30_000, 1_000_000), sized(600, 20_000), sized(5, 20)
MOST_SECONDS, MOST_MB, MOST_P95_MS = 60.0, 2_000.0, 200.0
ASKING = 40
ROLLBACK_JOURNAL = """
from queue_engine.store import sqlite
sqlite.JOURNAL = "journal_mode=delete"
"""
NIGHT = ("run", "--date", stored.DAY.isoformat())


def filled(path: Path) -> list[str]:
    """Make the records of localities that had a night before anything was free; some of the applications."""
    size = workloads.Size("load", APPLICATIONS, LOCALITIES, PLACES, 100 * LOCALITIES, 3.0)
    stored.fill(path, workloads.make(size, strict=True))
    noon = datetime.combine(stored.DAY, time(12), UTC)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update vacancy set published_at_us = ?", (int(noon.timestamp()) * 1_000_000,))
        connection.commit()
        ids = connection.execute("select application_id from application order by filed_at_us").fetchall()
    before = kezek(path, "run", "--date", (stored.DAY - timedelta(days=1)).isoformat())
    assert before.code == 0, before.told
    picked = np.random.default_rng(25).choice(len(ids), ASKING, replace=False)
    return [str(ids[at][0]) for at in picked]


def numbers(path: Path, applications: list[str]) -> dict[str, str]:
    """What each is told now."""
    with Database(f"sqlite:///{path}").read() as connection:
        return {application: describe(connection, application) for application in applications}


def test_parents_read_their_numbers_while_a_nation_s_night_runs(
    tmp_path: Path, figure: Callable[[Figure], None]
) -> None:
    """No read is refused or waits, and each answers with the records of before or after the night."""
    made, path = tmp_path / "made.db", tmp_path / "nation.db"
    asked = filled(made)
    shutil.copyfile(made, path)
    assert runs_on_record(path) == LOCALITIES
    before = numbers(path, asked)
    readers = start_module("faults.reading", str(path), *asked)
    assert told_line(readers) == "ready"
    started = perf_counter()
    night, memory_mb = kezek_measured(path, tmp_path / "memory", *NIGHT)
    seconds = perf_counter() - started
    go_on(readers)
    read: dict[str, Any] = json.loads(finish(readers).out)
    assert night.code == 0, night.told
    after = numbers(path, asked)
    assert before != after
    torn = sum(bool(set(told) - {before[one], after[one]}) for one, told in read["answers"].items())
    p95 = float(np.percentile(read["milliseconds"], 95))
    figure(
        Figure(
            test="T25",
            what=f"numbers read during the night of {APPLICATIONS:,} applications and {PLACES:,} places, SQLite",
            tries=read["reads"],
            losses=read["refused"] + torn,
            twin=f"{refused_with_a_rollback_journal(made, asked)} reads refused (no write-ahead log)",
            note=f"night {seconds:.1f} s, {memory_mb:.0f} MB; reads p95 {p95:.1f} ms",
        )
    )
    assert memory_mb < MOST_MB
    assert read["reads"] > ASKING


def refused_with_a_rollback_journal(made: Path, asked: list[str]) -> int:
    """The twin: without the write-ahead log, who reads while a night is committed is turned away."""
    path = made.with_name("journal.db")
    shutil.copyfile(made, path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma journal_mode=delete").fetchone() == ("delete",)
    readers = start_module("faults.reading", str(path), *asked, "--journal")
    assert told_line(readers) == "ready"
    night = kezek(path, *NIGHT, prologue=ROLLBACK_JOURNAL)
    go_on(readers)
    read = json.loads(finish(readers).out)
    assert night.code == 0, night.told
    assert read["refused"] > 0
    return int(read["refused"])
