"""The queue number, asked all day: one queue of a million, and all queues of a nation from the database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, perf_counter_ns

import numpy as np

from benchmarks import results, stored, workloads
from queue_engine.answers.standing import queues_of
from queue_engine.domain.queue import Queue, QueueKey, Turn
from queue_engine.store.engine import Database
from queue_engine.store.records import localities

TITLE = "Queue numbers"
SIZES = (10_000, 100_000, 1_000_000)
ASKED = 20_000
GOAL_P99_US = 15.0
GOAL_READY_SECONDS = 5.0


def made(size: int) -> tuple[Queue, list[QueueKey]]:
    """A queue of applications of all classes under the ratio 1:3."""
    rng = np.random.default_rng(size)
    ranks = rng.choice(3, size, p=[0.03, 0.17, 0.80]).tolist()
    filed = rng.integers(0, 10**14, size).tolist()
    keys = [QueueKey(rank, at, f"A{row:08d}") for row, (rank, at) in enumerate(zip(ranks, filed, strict=True))]
    return Queue(keys, Turn(1, 3, 2)), keys


def timed(act: Callable[[QueueKey], object], keys: list[QueueKey]) -> tuple[float, float]:
    """Median and 99th percentile of one act, in microseconds."""
    spent = np.empty(len(keys))
    for at, key in enumerate(keys):
        started = perf_counter_ns()
        act(key)
        spent[at] = perf_counter_ns() - started
    return float(np.median(spent)) / 1_000, float(np.percentile(spent, 99)) / 1_000


def test_numbers_of_one_queue(section: Callable[[str], results.Section]) -> None:
    of = section(TITLE)
    table = of.table("One queue in process, microseconds", ["applications", "act", "median", "p99"])
    growth = of.grows("One queue in process", "applications", "microseconds, p99")
    for size in SIZES:
        queue, keys = made(size)
        picked = np.random.default_rng(1).choice(size, min(ASKED, size // 2), replace=False)
        chosen = [keys[at] for at in picked.tolist()]
        for name, act in (("number", queue.number), ("remove", queue.remove), ("insert", queue.add)):
            median, p99 = timed(act, chosen)
            table.rows.append([f"{size:,}", name, f"{median:.1f}", f"{p99:.1f}"])
            growth.add(name, size, p99)
            if size == SIZES[-1]:
                of.goal(f"{name} in a queue of {size:,}, p99", p99, GOAL_P99_US, "microseconds")
        assert [queue.number(key) for key in list(queue.in_order())[:5]] == [1, 2, 3, 4, 5]


def test_all_queues_of_a_nation_are_ready_soon(tmp_path: Path, section: Callable[[str], results.Section]) -> None:
    path = tmp_path / "nation.db"
    stored.fill(path, workloads.make(workloads.NATION_INTAKE, strict=True))
    with Database(f"sqlite:///{path}").read() as connection:
        started = perf_counter()
        ready = sum(len(queue) for entry in localities(connection) for queue in queues_of(connection, entry).values())
        seconds = perf_counter() - started
    assert ready == workloads.NATION_INTAKE.applicants
    section(TITLE).goal("all queues of the nation ready from the database", seconds, GOAL_READY_SECONDS, "s")
