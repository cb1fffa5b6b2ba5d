"""A program for the tests: the run of nights, killed just before each of its statements in turn, and at random moments.

    python -m faults.night_kills WHERE LAST_DAY MODE STRIDE MOMENTS

For n = 1, 1 + STRIDE, 1 + 2 STRIDE ... a copy of the database WHERE is run by the command in a child of this process,
and the child kills itself (SIGKILL) before its n-th SQL statement, until one outlives all its statements; then so many
MOMENTS at random are taken of the time it lived. After each kill the same command is run again, undisturbed. One line
of JSON a kill goes to stdout: `at`, `left` (a digest of the records that the kill left), `after` (a digest of the
records after the second run), `again` (its exit code) and `seconds` (from the kill to the end of the second run).

MODE `whole` is the program as it is; in `split` the guard is off: every statement of the night is committed at once.
Children are forked, so that a hundred of them cost seconds and not minutes.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from contextlib import redirect_stderr
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Engine, event

from concurrency.unguarded import split_write
from queue_engine.cli.main import main
from queue_engine.errors import ExitCode
from queue_engine.store import postgresql
from queue_engine.store.engine import Database
from support import postgres
from support.processes import command_and_end, integrity, records, url

SQLITE = "sqlite:///"


def copy_of(where: str, name: str) -> str:
    """A copy of a database; of SQLite under a name beside it, taking the place of an earlier one."""
    if not where.startswith(SQLITE):
        return postgres.new_database(like=where)
    path = Path(where.removeprefix(SQLITE))
    for leaving in path.parent.glob(f"{path.stem}.{name}.db*"):
        leaving.unlink()
    return url(Path(shutil.copyfile(path, path.with_suffix(f".{name}.db"))))


def digest(where: str) -> str:
    """A short name of all that the three exports say, and of SQLite's own opinion of its file."""
    sound = integrity(Path(where.removeprefix(SQLITE))) if where.startswith(SQLITE) else "ok"
    return hashlib.sha256("\n".join([*records(where), sound]).encode()).hexdigest()[:16]


def die_before(statement: int) -> None:
    """From now on this process kills itself before its SQL statement of that number."""
    seen = count(1)
    cursor_of = postgresql._cursor

    def one_more(*_arguments: Any) -> None:
        if next(seen) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(connection: Connection, words: str) -> Any:
        one_more()
        return cursor_of(connection, words)

    event.listen(Engine, "before_cursor_execute", one_more)
    postgresql._cursor = counted  # rows in bulk go by the driver's own cursor


class Way(NamedTuple):
    """How the night is run: up to which day, with the guard or not."""

    day: str
    mode: str

    def start(self, where: str, dies_before: int = 0) -> int:
        """Run the command in a forked child; its process id. `dies_before` = 0: it lives."""
        child = os.fork()
        if child == 0:
            if self.mode == "split":
                Database.write = split_write
            if dies_before:
                die_before(dies_before)
            command_and_end("--database", where, "run", "--date", self.day)
        return child

    def finish(self, child: int) -> int:
        """Wait for the child; its exit code, negative for a signal."""
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def again(self, where: str) -> int:
        """Run it to its end, as soon as the server has noticed that the one before is dead."""
        while (code := self.finish(self.start(where))) == ExitCode.LOCALITY_HELD:
            time.sleep(0.05)
        return code

    def tell(self, at: str, copy: str) -> None:
        """What a kill left, and what the next run made of it."""
        killed = time.monotonic()
        left = digest(copy)
        again = self.again(copy)
        seconds = time.monotonic() - killed
        line = {"at": at, "left": left, "after": digest(copy), "again": again, "seconds": seconds}
        print(json.dumps(line), flush=True)


def kill_everywhere(where: str, way: Way, stride: int, moments: int) -> None:
    """Print one line for every kill."""
    # One run here first: what it imports and works out (the calendar, say), no child has to.
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        main(["--database", copy_of(where, "first"), "run", "--date", way.day])
    gc.collect()  # no connection is open when children are forked
    for statement in count(1, stride):
        copy = copy_of(where, way.mode)
        started = time.monotonic()
        if way.finish(way.start(copy, statement)) != -signal.SIGKILL:
            lived = time.monotonic() - started
            break
        way.tell(f"statement {statement}", copy)
    for share in np.random.default_rng(20210810).random(moments):
        copy = copy_of(where, way.mode)
        child = way.start(copy)
        time.sleep(float(share) * lived)
        os.kill(child, signal.SIGKILL)
        way.finish(child)
        way.tell(f"{share:.3f} of its time", copy)


if __name__ == "__main__":
    kill_everywhere(sys.argv[1], Way(sys.argv[2], sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
