"""A program for the tests: the upgrade of a database, killed just before each of its statements in turn.

    python -m faults.upgrade_kills ADDRESS MODE

For n = 1, 2, 3 ... a copy of the database at ADDRESS, made by an earlier release, is upgraded by `kezek init` in a
child of this process, and the child kills itself (SIGKILL) before its n-th SQL statement. Then the command is run
again, undisturbed. One line of JSON a kill goes to stdout: `left` and `version` (the tables and the schema that the
kill left), `again` (exit code of the second run), `after` and `kept` (its schema, and a digest of every row of the old
tables). It ends when a child outlives all its statements.

MODE `whole` is the program as it is; in `split` the upgrade is outside its transaction, so each statement is committed.
Children are forked, so that fifty of them cost seconds and not minutes.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from itertools import count

from sqlalchemy import Connection, create_engine, make_url, text

from concurrency.unguarded import split_write
from faults.night_kills import die_before
from queue_engine.cli.main import main
from queue_engine.store.engine import Database
from support.old_release import digest, tables_of, version_of
from support.processes import command_and_end


@contextmanager
def split(database: Database, locality: str | None = None) -> Iterator[Connection]:
    """In place of `Database.write`: every statement is committed by itself, on either store."""
    if database.path is not None:
        with split_write(database, locality) as connection:
            yield connection
        return
    with database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        with connection.begin():
            yield connection


def _init(address: str, mode: str, dies_before: int) -> int:
    """Upgrade in a forked child; its exit code, negative for a signal. `dies_before` = 0: it lives."""
    gc.collect()  # no connection is open when a child is forked
    child = os.fork()
    if child == 0:
        if mode == "split":
            Database.write = split
        if dies_before:
            die_before(dies_before)
        command_and_end("--database", address, "init")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _copy(address: str, number: str) -> str:
    """A copy of the database under a name of its own; its address."""
    url = make_url(address)
    name = f"{url.database}_{number}"
    if url.get_backend_name() == "sqlite":
        shutil.copyfile(str(url.database), name)
    else:
        server = create_engine(
            url.set(drivername="postgresql+psycopg", database="postgres"), isolation_level="AUTOCOMMIT"
        )
        with server.connect() as connection:
            connection.execute(text(f'create database "{name}" template "{url.database}"'))
        server.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def kill_everywhere(address: str, mode: str) -> None:
    """Print one line for every kill, until an upgrade ends by itself."""
    old = tables_of(address)
    # One upgrade here first: what it imports, no child has to.
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        main(["--database", _copy(address, f"{mode}_first"), "init"])
    for statement in count(1):
        copy = _copy(address, f"{mode}_{statement}")
        if _init(copy, mode, statement) != -signal.SIGKILL:
            return
        left, version = sorted(tables_of(copy) - old), version_of(copy)
        again = _init(copy, mode, 0)
        told = {"left": left, "version": version, "again": again, "after": version_of(copy), "kept": digest(copy, old)}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    kill_everywhere(sys.argv[1], sys.argv[2])
