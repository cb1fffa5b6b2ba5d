"""A program for the tests: parents who ask for their numbers, one after another, until they are told to stop.

    python -m faults.reading DATABASE_FILE APPLICATION ...

Says `ready`, asks in turn for the number of each application, and ends at a line on stdin. One JSON object goes to
stdout: `reads`, `refused` (a read that the database did not let through), `milliseconds` (of every read, in order),
`answers` (by application, every different answer). It never waits for a lock: what would have to wait is refused.
"""

from __future__ import annotations

import json
import select
import sys
from itertools import cycle
from time import perf_counter

from sqlalchemy.exc import OperationalError

from queue_engine.answers.standing import describe
from queue_engine.store import sqlite
from queue_engine.store.engine import Database


def read_on(path: str, applications: list[str]) -> dict[str, object]:
    """Ask until there is a line on stdin."""
    database = Database(f"sqlite:///{path}")
    answers: dict[str, set[str]] = {application: set() for application in applications}
    milliseconds, refused = [], 0
    print("ready", flush=True)
    for application in cycle(applications):
        if select.select([sys.stdin], [], [], 0)[0]:
            break
        started = perf_counter()
        try:
            with database.read() as connection:
                answers[application].add(describe(connection, application))
        except OperationalError:
            refused += 1
        milliseconds.append((perf_counter() - started) * 1000)
    return {
        "reads": len(milliseconds),
        "refused": refused,
        "milliseconds": milliseconds,
        "answers": {application: sorted(told) for application, told in answers.items()},
    }


if __name__ == "__main__":
    sqlite.BUSY_SECONDS = 0
    if "--journal" in sys.argv:
        sqlite.JOURNAL = "journal_mode=delete"
        sys.argv.remove("--journal")
    print(json.dumps(read_on(sys.argv[1], sys.argv[2:])))
