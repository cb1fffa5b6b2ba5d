"""A program for the tests: the run of a night, killed just before each of its statements in turn.

    python -m concurrency.statement_kills DATABASE LAST_DAY MODE STRIDE

For n = 1, 1 + STRIDE, ... a copy of DATABASE is run by the command in a child of this process, and the child is killed
(SIGKILL, by itself) before its n-th SQL statement. Then the same command is run again, undisturbed. One line of
JSON a kill goes to stdout: `statement`, `left` (a digest of the exports that the kill left), `after` (a digest of the
exports after the second run) and `again` (its exit code). It ends when a child outlives all its statements.

MODE `whole` is the program as it is; in `split` the guard is off: every statement of the night is committed at once.
Children are forked, so that two hundred of them cost seconds and not minutes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from queue_engine.cli.main import main
from queue_engine.store.engine import Database
from support.processes import integrity, records, url


@contextmanager
def split_write(database: Database) -> Iterator[Connection]:
    """In place of `Database.write`: no transaction around the statements, so each one is committed by itself."""
    with database.engine.connect() as connection:
        connection.info["writes"] = True
        driver = connection.connection.dbapi_connection
        assert driver is not None
        connection.begin()
        driver.execute("commit")  # SQLAlchemy goes on as if the transaction were open; SQLite commits each statement
        yield connection


def count_and_die(before: int) -> None:
    """From now on this process kills itself before its SQL statement number `before`."""
    seen = 0
    made = Database.__init__

    def watched(database: Database, address: str) -> None:
        made(database, address)

        @event.listens_for(database.engine, "before_cursor_execute")
        def _count(*_arguments: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == before:
                os.kill(os.getpid(), signal.SIGKILL)

    Database.__init__ = watched  # type: ignore[method-assign]


def run_apart(path: Path, day: str, mode: str, before: int) -> int:
    """Run the command in a forked child; its exit code, negative for a signal. `before` = 0: nothing kills it."""
    child = os.fork()
    if child == 0:
        if mode == "split":
            Database.write = split_write  # type: ignore[method-assign,assignment]
        if before:
            count_and_die(before)
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
            os._exit(main(["--database", url(path), "run", "--date", day]))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digest(path: Path) -> str:
    """A short name of all that the three exports say and of SQLite's own opinion of the file."""
    return hashlib.sha256("\n".join([*records(path), integrity(path)]).encode()).hexdigest()[:16]
