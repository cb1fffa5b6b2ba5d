"""A program for the tests: the run of nights, killed just before each of its statements in turn.

    python -m concurrency.statement_kills DATABASE LAST_DAY MODE STRIDE

For n = 1, 1 + STRIDE, 1 + 2 STRIDE ... a copy of DATABASE is run by the command in a child of this process, and the
child kills itself (SIGKILL) before its n-th SQL statement. Then the same command is run again, undisturbed. One line of
JSON a kill goes to stdout: `statement`, `left` (a digest of the records that the kill left), `after` (a digest of the
records after the second run) and `again` (its exit code). It ends when a child outlives all its statements.

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
from contextlib import redirect_stderr
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from concurrency.unguarded import split_write
from queue_engine.cli.main import main
from queue_engine.store.engine import Database
from support.processes import integrity, records, url


def digest(path: Path) -> str:
    """A short name of all that the three exports say and of SQLite's own opinion of the file."""
    return hashlib.sha256("\n".join([*records(path), integrity(path)]).encode()).hexdigest()[:16]


def die_before(statement: int) -> None:
    """From now on this process kills itself before its SQL statement of that number."""
    seen = count(1)

    @event.listens_for(Engine, "before_cursor_execute")
    def _counted(*_arguments: Any) -> None:
        if next(seen) == statement:
            os.kill(os.getpid(), signal.SIGKILL)


def _run_apart(path: Path, day: str, mode: str, dies_before: int) -> int:
    """Run the command in a forked child; its exit code, negative for a signal. `dies_before` = 0: it lives."""
    child = os.fork()
    if child == 0:
        if mode == "split":
            Database.write = split_write
        if dies_before:
            die_before(dies_before)
        code = 1
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
            try:
                code = main(["--database", url(path), "run", "--date", day])
            finally:
                os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_everywhere(database: Path, day: str, mode: str, stride: int) -> None:
    """Print one line for every kill, until a run ends by itself."""
    # One run here first: what it imports and works out (the calendar, say), no child has to.
    first = Path(shutil.copyfile(database, database.with_suffix(".first.db")))
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        main(["--database", url(first), "run", "--date", day])
    gc.collect()  # no connection is open when children are forked
    for statement in count(1, stride):
        copy = Path(shutil.copyfile(database, database.with_suffix(f".{mode}.db")))
        killed = _run_apart(copy, day, mode, statement) == -signal.SIGKILL
        left = digest(copy)
        again = _run_apart(copy, day, mode, 0)
        if killed:
            print(json.dumps({"statement": statement, "left": left, "after": digest(copy), "again": again}), flush=True)
        for leaving in copy.parent.glob(f"{copy.name}*"):
            leaving.unlink()
        if not killed:
            return


if __name__ == "__main__":
    kill_everywhere(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
