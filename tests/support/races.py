"""Many takers of one thing at the same moment: threads with connections of their own, let go together.

A field is one database with a locality for every round, so that a round costs no more than its takers.
"""

from __future__ import annotations

import string
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, event

from queue_engine.night.run import run_nights
from queue_engine.store.engine import Database
from support.department import Department
from support.rows import Row, application, vacancy

T = TypeVar("T")
PAUSE = 0.003
"""Seconds between looking and taking."""
NIGHT = date(2026, 2, 2)


def name(turn: int) -> str:
    """A different id for every round, of those that `support.rows` makes an IIN of: A10 to Z99."""
    return f"{string.ascii_uppercase[turn // 90]}{10 + turn % 90}"


def code(turn: int) -> str:
    """The locality of a round."""
    return f"town{turn:04d}"


class Field:
    """`rounds` localities, each with one child and one place of its own, and `takers` ways into the database."""

    def __init__(self, folder: Path, rounds: int, takers: int, rules: str | None = None) -> None:
        self.department = Department(folder, rules=rules)
        self.rounds = rounds
        children = [application(name(turn), locality=code(turn)) for turn in range(rounds)]
        self.department.applications(*children)
        self.databases = [Database(self.department.database) for _ in range(takers)]
        self.threads = ThreadPoolExecutor(takers)

    def hand_over(self, **columns: str) -> None:
        """One place for every locality."""
        places: list[Row] = [vacancy(f"V{n}", locality=code(n), **columns) for n in range(self.rounds)]
        self.department.bulletin(*places)

    def night(self, day: date) -> None:
        """An undisturbed night of every locality."""
        assert all(report.failure is None for report in run_nights(self.databases[0], lambda _entry: day))

    def race(self, takers: Sequence[Callable[[Database], T]]) -> list[T | Exception]:
        """Let all go at the same moment, each with a database of its own; what each got, or its error."""
        ready = threading.Barrier(len(takers))

        def go(taker: Callable[[Database], T], database: Database) -> T | Exception:
            ready.wait()
            try:
                return taker(database)
            except Exception as error:
                return error

        return list(self.threads.map(go, takers, self.databases))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.databases[0].read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def disarm(self, *statements: str) -> None:
        """Take guards of the schema away: checks on SQLite, and on either what the statements name."""
        for database in self.databases:
            if database.path is not None:
                event.listen(database.engine, "connect", ignore_checks)
                database.engine.dispose()
        with self.databases[0].engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def close(self) -> None:
        self.threads.shutdown()
        for database in self.databases:
            database.engine.dispose()


def ignore_checks(dbapi: Any, _record: Any) -> None:
    """A listener of new connections of SQLite: checks of the schema are off."""
    dbapi.execute("pragma ignore_check_constraints=on")


def paused(whole: Callable[..., T]) -> Callable[..., T]:
    """The same with a pause after it, in which others may come."""

    def slow(*arguments: Any, **named: Any) -> T:
        result = whole(*arguments, **named)
        time.sleep(PAUSE)
        return result

    return slow


@contextmanager
def unguarded_write(database: Database, _locality: str | None = None) -> Iterator[Connection]:
    """In place of `Database.write`: no locks; on SQLite, whose file has one writer by nature, no transaction either."""
    with database.engine.connect() as connection:
        connection.begin()
        if database.path is not None:
            connection.connection.dbapi_connection.execute("commit")  # each statement is committed by itself
            yield connection
            return
        yield connection
        connection.commit()
