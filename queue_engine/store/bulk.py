"""Rows in bulk, past the ORM and past one statement a row. Dates go as ISO text, moments as integers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table

T = TypeVar("T")
# Below the limit of variables of any SQLite since 3.32.
CHUNK = 5_000


def insert_many(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, one tuple of `columns` each."""
    if rows:
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"insert into {table.name} ({', '.join(columns)}) values ({marks})", list(rows))


def execute_many(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run one statement for each row of parameters."""
    if rows:
        connection.exec_driver_sql(statement, list(rows))


def rows_of(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query as plain tuples, as the driver gives them."""
    cursor: Any = connection.exec_driver_sql(statement, parameters).cursor
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of at most `size` items."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
