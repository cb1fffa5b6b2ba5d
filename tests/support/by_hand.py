"""Damage by hand: one row deleted or one cell changed in a SQLite file, past all code and guards of ours."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from numpy.random import Generator

WORDS = {
    ("application", "state"): ("queued", "holding", "stopped", "archived"),
    ("application", "benefit"): ("none", "orphan", "military"),
    ("application_version", "benefit"): ("none", "orphan", "military"),
    ("profile", "group_type"): ("general", "special"),
    ("profile", "regimes"): ("full_day", "half_day", "full_day|half_day"),
    ("profile", "accepts"): ("standard", "temporary", "standard|temporary"),
    ("vacancy", "group_type"): ("general", "special"),
    ("vacancy", "regime"): ("full_day", "half_day"),
    ("waiting_act", "kind"): ("stop-list add", "archive"),
    ("vacancy", "admission"): ("standard", "temporary", "early_booking"),
    ("voucher", "status"): ("issued", "admitted", "declined", "refused", "expired", "cancelled"),
    ("withdrawal", "state"): ("waiting", "taken", "refused"),
    ("bulletin_entry", "kind"): ("vacated", "returned", "withdrawn"),
    ("decision", "decision"): ("admit", "decline", "refuse", "extend"),
}
"""Values that look right, where any other would be refused at sight."""


class Damage(NamedTuple):
    """One thing done by hand; `column` is empty where the row was deleted."""

    table: str
    column: str
    told: str


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file itself, its guards off: keys, bounds."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma foreign_keys=off")
    connection.execute("pragma ignore_check_constraints=on")
    try:
        yield connection
    finally:
        connection.close()


def tables(connection: sqlite3.Connection) -> list[str]:
    """Tables of records that hold a row."""
    names = connection.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
    kept = [name for (name,) in names if name != "alembic_version"]
    return [name for name in kept if connection.execute(f"select 1 from {name} limit 1").fetchone()]


def columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, str, bool]]:
    """Name, type and whether it must be given, of every column of a table."""
    return [(row[1], row[2], bool(row[3])) for row in connection.execute(f"pragma table_info({table})")]


def delete_row(connection: sqlite3.Connection, table: str, rng: Generator) -> Damage:
    """Delete a row at random."""
    [(row, key)] = _random_row(connection, table, columns(connection, table)[0][0], rng)
    connection.execute(f"delete from {table} where rowid = ?", (row,))
    return Damage(table, "", f"{table} {key} deleted")


def change_cell(connection: sqlite3.Connection, table: str, column: str, rng: Generator) -> Damage | None:
    """Give a cell at random another value that looks right; None if the schema will not have it."""
    kind, required = next((kind, required) for name, kind, required in columns(connection, table) if name == column)
    [(row, value)] = _random_row(connection, table, column, rng)
    other = _other(table, column, kind, value, required, rng)
    if other == value:
        return None
    try:
        connection.execute(f"update {table} set {column} = ? where rowid = ?", (other, row))
    except sqlite3.IntegrityError:
        return None
    return Damage(table, column, f"{table}.{column} of row {row}: {value!r} to {other!r}")


def _random_row(connection: sqlite3.Connection, table: str, column: str, rng: Generator) -> list[tuple[int, Any]]:
    (count,) = connection.execute(f"select count(*) from {table}").fetchone()
    return connection.execute(
        f"select rowid, {column} from {table} limit 1 offset {int(rng.integers(count))}"
    ).fetchall()


def _other(table: str, column: str, kind: str, value: Any, required: bool, rng: Generator) -> Any:
    """Another value for a cell: a word of the same kind, a day or a count nearby, or nothing where that may be."""
    if not required and value is not None and rng.random() < 0.3:
        return None
    if (table, column) in WORDS:
        return str(rng.choice([word for word in WORDS[table, column] if word != value]))
    if kind == "DATE":
        base = date.fromisoformat(value) if value else date(2021, 8, 25)
        return str(base + timedelta(days=int(rng.choice([-1, 1, 7]))))
    if isinstance(value, bytes):
        return value[:-4] + (1).to_bytes(4, "little")
    if isinstance(value, int) or kind in ("INTEGER", "BIGINT", "SMALLINT", "BOOLEAN"):
        return 1 - value if kind == "BOOLEAN" else (value or 0) + int(rng.choice([-1, 1]))
    if column in ("rules", "report"):
        kept = json.loads(value)
        name = str(rng.choice(sorted(name for name in kept if isinstance(kept[name], int))))
        return json.dumps({**kept, name: int(kept[name]) + 1})
    if column == "child_iin":
        return value[:9] + str((int(value[9]) + 1) % 10) + value[10:]
    return f"{value or ''}x"
