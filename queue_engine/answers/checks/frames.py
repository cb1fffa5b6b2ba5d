"""Rows of the records as columns: numpy arrays, read in slices so that memory stays in proportion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from queue_engine.store.bulk import rows_of

SLICE = 100_000
NOTHING = -1
"""Stands for an integer that is not given."""

_EPOCH = date(1970, 1, 1).toordinal()
_NO_DAY = np.iinfo(np.int64).min  # what numpy keeps for NaT

Column = NDArray[Any]


class Frame:
    """Columns of equal length, by name: int64, datetime64[D] (NaT = not given), or texts as objects ('' = none)."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def take(self, rows: Column) -> Frame:
        """The rows of these indices, or where a mask is true, in that order."""
        return Frame({name: column[rows] for name, column in self._columns.items()})

    def beside(self, **more: Column) -> Frame:
        """The same rows with more columns."""
        return Frame({**self._columns, **more})


def read(connection: Connection, source: str, key: str, **columns: str) -> Frame:
    """Read columns of a table into a frame, in the order of `key`.

    Args:
        source: what comes after `from`, up to and including a condition.
        key: a unique column, by which the table is read slice by slice.
        columns: SQL of each column, its kind before a blank: `int`, `day` or `text`.
    Raises: ValueError or OverflowError where a column holds what its kind cannot be.
    """
    kinds = [sql.split(" ", 1)[0] for sql in columns.values()]
    asked = ", ".join(_sql(*sql.split(" ", 1)) for sql in columns.values())
    slices: list[list[Column]] = []
    after: Any = None
    while True:
        beyond, parameters = (f" and {key} > ?", (after,)) if slices else ("", ())
        query = f"select {asked}, {key} from {source}{beyond} order by {key} limit {SLICE}"
        rows = rows_of(connection, query, parameters)
        cells = list(zip(*rows, strict=True)) if rows else [()] * (len(kinds) + 1)
        slices.append([_column(kind, cell) for kind, cell in zip(kinds, cells, strict=False)])
        if len(rows) < SLICE:
            break
        after = rows[-1][-1]
    whole = [np.concatenate(parts) for parts in zip(*slices, strict=True)]
    return Frame(dict(zip(columns, whole, strict=True)))


def _sql(kind: str, sql: str) -> str:
    return {"int": f"coalesce({sql}, {NOTHING})", "text": f"coalesce({sql}, '')"}.get(kind, sql)


def _column(kind: str, cells: tuple[Any, ...]) -> Column:
    if kind == "int":
        return np.fromiter(cells, dtype=np.int64, count=len(cells))
    if kind == "day":
        # Few different days: each text is read once.
        days = {cell: _NO_DAY if cell is None else date.fromisoformat(cell).toordinal() - _EPOCH for cell in set(cells)}
        numbers = np.fromiter(map(days.__getitem__, cells), dtype=np.int64, count=len(cells))
        return numbers.view("datetime64[D]")
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def rows_at(keys: Column, wanted: Column) -> Column:
    """Index in the ascending `keys` of each wanted key, NOTHING where it is not there."""
    if not len(keys):
        return np.full(len(wanted), NOTHING, dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, NOTHING)


def differ(left: Column, right: Column) -> Column:
    """Where two columns differ; two days that are not given do not."""
    unlike = np.asarray(left != right, dtype=np.bool_)
    if left.dtype.kind == "M":
        unlike &= ~(np.isnat(left) & np.isnat(right))
    return unlike


def keyed(owner: Column, day: Column) -> Column:
    """One integer for an owner's row id and a day."""
    return owner * 4_000_000 + day.astype("datetime64[D]").astype(np.int64)
