"""`kezek run --cluster`: the nights of a made nation on a Dask cluster of four processes, on this machine alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from queue_engine.store.postgresql import RUN
from support import postgres
from support.nation import LAST_NIGHT, Nation
from support.processes import CHECKOUT, finish, kezek, records, runs_on_record, start

WORKERS, DEATHS = 4, 2
NIGHTS = 9
"""From the first night of `Nation` to the last."""
PATIENCE = 60


class Cluster:
    """A scheduler and its workers, all on 127.0.0.1, without a dashboard."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        own = ["--host", "127.0.0.1", "--no-dashboard"]
        self._log = (folder / "cluster.log").open("wb")
        self.scheduler = self._start("dask_scheduler", *own, "--port", str(port))
        local = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
        self.workers = [self._start("dask_worker", self.address, *own, *local) for _ in range(WORKERS)]

    def _start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *words],
            stdout=self._log,
            stderr=self._log,
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "OPENBLAS_NUM_THREADS": "1"},
        )

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self._log.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    running = Cluster(tmp_path)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Nation:
    """Twelve localities of some 230 applications each."""
    return Nation.make(tmp_path_factory.mktemp("nation"), scale=0.06, localities=12)


def localities_held(connection: psycopg.Connection) -> int:
    """How many localities are being run now."""
    held = "select count(*) from pg_locks where locktype = 'advisory' and granted and classid = %s and database = "
    found = connection.execute(held + "(select oid from pg_database where datname = current_database())", (RUN,))
    return int(found.fetchall()[0][0])


def test_two_of_four_workers_killed_in_mid_run_change_nothing(nation: Nation, cluster: Cluster, tmp_path: Path) -> None:
    """Rules C4 and F3: the records are those of one process; the dead workers' localities are done by the others."""
    where, alone = postgres.new_database(), tmp_path / "alone.db"
    for place in (where, alone):
        nation.take_in(place)
    calm = kezek(alone, "run", "--date", LAST_NIGHT)
    first, last = len(nation.localities), len(nation.localities) * NIGHTS
    assert (runs_on_record(where), runs_on_record(alone)) == (first, last)
    run = start(where, "run", "--date", LAST_NIGHT, "--cluster", cluster.address)
    until = time.monotonic() + PATIENCE
    with psycopg.connect(where, autocommit=True) as connection:
        # Every worker is inside a locality of its own, and some nights are on record.
        while localities_held(connection) < WORKERS or runs_on_record(where) < first + 8:
            assert time.monotonic() < until, "the cluster did not come so far"
            time.sleep(0.01)
    for worker in cluster.workers[:DEATHS]:
        worker.send_signal(signal.SIGKILL)
    for worker in cluster.workers[:DEATHS]:
        assert worker.wait() == -signal.SIGKILL
    left = runs_on_record(where)
    answer = finish(run)
    assert answer.code == 0, answer.told
    assert first < left < last
    assert runs_on_record(where) == last
    assert records(where) == records(alone)
    assert calm.code == 0
    print(f"killed two of four workers with {left - first} of {last - first} nights on record; all equal")


def test_a_cluster_cannot_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "kezek.db"
    assert kezek(path, "init").code == 0
    answer = kezek(path, "run", "--date", LAST_NIGHT, "--cluster", "tcp://127.0.0.1:1")
    assert (answer.code, "PostgreSQL" in answer.err) == (2, True), answer.told


def test_a_scheduler_that_does_not_answer_is_told_in_words() -> None:
    where = postgres.new_database()
    assert kezek(where, "init").code == 0
    answer = kezek(where, "run", "--date", LAST_NIGHT, "--cluster", "tcp://127.0.0.1:1")
    assert (answer.code, "docs/cluster.md" in answer.err) == (2, True), answer.told
    assert "Traceback" not in answer.err
