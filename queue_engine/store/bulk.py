"""Rows in bulk, past the ORM and past one statement a row.

Statements are written with `?`. Dates go and come as ISO text, moments as integers; a truth comes as True or 1. The
few statements that the two databases do not share are translated here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Index, Table

T = TypeVar("T")
POSTGRESQL = "postgresql"
"""The dialect whose rows in bulk go by `store.postgresql`; its driver is imported only where it is used."""
# Below the limit of variables of any SQLite since 3.32.
CHUNK = 5_000


def insert_many(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, one tuple of `columns` each."""
    if not rows:
        return
    if connection.dialect.name == POSTGRESQL:
        from queue_engine.store import postgresql

        postgresql.copy_rows(connection, table.name, columns, rows)
    else:
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"insert into {table.name} ({', '.join(columns)}) values ({marks})", list(rows))


def insert_absent(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert those rows that no unique key of the table keeps out, on SQLite alone; how many they were."""
    marks = ", ".join("?" * len(columns))
    statement = f"insert into {table.name} ({', '.join(columns)}) values ({marks}) on conflict do nothing"
    return connection.exec_driver_sql(statement, list(rows)).rowcount if rows else 0


@contextmanager
def indexes_at_the_end(connection: Connection, indexes: Sequence[Index]) -> Iterator[None]:
    """Make indexes when all rows are in, which costs less than keeping them row by row.

    They are gone meanwhile for this transaction alone; if it fails, they are there as before.
    """
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


def execute_many(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run one statement for each row of parameters."""
    if not rows:
        return
    if connection.dialect.name == POSTGRESQL:
        from queue_engine.store import postgresql

        postgresql.execute_many(connection, statement, rows)
    else:
        connection.exec_driver_sql(statement, list(rows))


def rows_of(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query as plain tuples, as the driver gives them."""
    if connection.dialect.name == POSTGRESQL:
        from queue_engine.store import postgresql

        return postgresql.rows_of(connection, statement, parameters)
    cursor: Any = connection.exec_driver_sql(statement, parameters).cursor
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of at most `size` items."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
