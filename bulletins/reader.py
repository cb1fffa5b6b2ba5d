"""One mechanism for every file handed in: a schema of typed columns over a table, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

from bulletins.chunks import RawRow
from bulletins.columns import KEEP_AS_TEXT, Check, Column
from bulletins.look_alikes import word
from bulletins.refusals import (
    CellError,
    MarkedCells,
    ReadRow,
    Refusal,
    RefusedRow,
    Row,
    TableError,
    shown,
)
from bulletins.tables import Table, open_table
from bulletins.vocabulary import header_words

R = TypeVar("R")


class Reader(Generic[R]):
    """The rows of one file: each a Row with its record, or a RefusedRow with a refusal for every bad cell.

    Opening reads the header and raises TableError if the file is no such table. Iterating may raise it too, when
    the rest of the file is lost (an open quotation mark) or no row stands under the header. Memory stays flat for
    CSV.

    `position` runs to `size` (bytes) while rows are read; `notes` says what was guessed or ignored, in words.
    """

    def __init__(
        self, path: Path, columns: tuple[Column, ...], make: Callable[..., R], checks: Iterable[Check] = ()
    ) -> None:
        """`make` takes the values of `columns` in their order."""
        self._table: Table = open_table(path)
        self._columns = columns
        self._make = make
        self._checks = tuple(checks)
        self._width = len(self._table.header)
        self.notes = self._table.notes
        self._places = self._bind()
        self._pick = itemgetter(*self._places)
        self._parsers = tuple(column.parse for column in columns)
        self._crossing = tuple((itemgetter(*self._indices(check)), check.holds) for check in self._checks)

    @property
    def name(self) -> str:
        """The name of the file, as refusals show it."""
        return self._table.name

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._table.size

    @property
    def position(self) -> int:
        """Bytes read so far, up to `size`."""
        return self._table.position

    def __iter__(self) -> Iterator[ReadRow[R]]:
        found = False
        for line, cells in self._table.rows():
            read = self.read(line, cells)
            if read is not None:
                found = True
                yield read
        self._note_rows(found)

    @property
    def width(self) -> int:
        """Cells of the header."""
        return self._width

    def chunks(self, size: int) -> Iterator[list[RawRow]]:
        """The rows as they stand, at most `size` at a time, not read yet; raises what iterating raises."""
        rows = self._table.rows()
        found = False
        while True:
            chunk: list[RawRow] = []
            try:
                for row in islice(rows, size):
                    chunk.append(row)
            except TableError:
                yield chunk
                raise
            if not chunk:
                break
            found = found or any(self._says_something(cells) for _line, cells in chunk)
            yield chunk
        self._note_rows(found)

    def column(self, name: str, columns: Sequence[Sequence[str]]) -> Sequence[str]:
        """The cells of a column out of all columns of a chunk; empty ones if the file does not have it."""
        place = self._places[[column.name for column in self._columns].index(name)]
        return columns[place] if place < self._width else [""] * len(columns[0])

    def read(self, line: int, cells: list[str]) -> ReadRow[R] | None:
        """Read one row; None if there is nothing in it."""
        if len(cells) == self._width and type(cells) is list:
            picked = self._pick([*cells, ""])  # a missing optional column is read from the last
            try:
                values = [parse(cell) for parse, cell in zip(self._parsers, picked, strict=True)]
            except ValueError:
                pass
            else:
                if all(holds(*of_check(values)) for of_check, holds in self._crossing):
                    return Row(line, self._make(*values))
        return self._again(line, cells)

    def _note_rows(self, found: bool) -> None:
        if not found:
            # A day without withdrawals, say, is a file too.
            self.notes.append(f"{self._table.words}: no rows under the header, so nothing to take")

    @staticmethod
    def _says_something(cells: list[str]) -> bool:
        return isinstance(cells, MarkedCells) or any(cell.strip() for cell in cells)

    def _bind(self) -> tuple[int, ...]:
        """The place of each column in the header; a missing optional one is read past the end of the row."""
        names = tuple(column.name for column in self._columns)
        spellings = header_words(names)
        places: dict[str, int] = {}
        ignored = []
        for place, header in enumerate(self._table.header):
            name = spellings.get(word(header))
            if name is None:
                if header.strip():
                    ignored.append(shown(header.strip(), private=False))
            elif name in places:
                raise TableError(
                    "table.columns",
                    f"{self._table.words}: column {name} stands twice in the header.",
                    "Leave one of them.",
                )
            else:
                places[name] = place
        missing = [column.name for column in self._columns if column.name not in places]
        mandatory = [column.name for column in self._columns if column.name not in places and not column.optional]
        if mandatory:
            # Without one known column, line 1 may be a record: nothing of it is shown.
            raise self._missing(mandatory, ignored if places else [])
        if ignored:
            self.notes.append(f"columns ignored: {', '.join(ignored[:20])}")
        if missing:
            self.notes.append(f"columns not in the file, taken as empty: {', '.join(missing)}")
        return tuple(places.get(name, self._width) for name in names)

    def _missing(self, mandatory: list[str], ignored: list[str]) -> TableError:
        words = f"{self._table.words}: the header lacks {', '.join(mandatory)}"
        if ignored:
            words += f"; it has unknown columns: {', '.join(ignored[:20])}"
        return TableError(
            "table.columns",
            words + ".",
            "The header is line 1, with commas or semicolons; in XLSX the table stands in the first sheet.",
        )

    def _indices(self, check: Check) -> tuple[int, ...]:
        names = [column.name for column in self._columns]
        return tuple(names.index(name) for name in check.columns)

    def _again(self, line: int, cells: list[str]) -> ReadRow[R] | None:
        """Read a row that is not plainly good once more, cell by cell, to say all that is wrong with it."""
        marks: dict[int, CellError] = {}
        if isinstance(cells, MarkedCells):
            marks = cells.marks
            if cells.whole is not None:
                return RefusedRow(line, (self._of_row(line, cells.whole),))
        elif not self._says_something(cells):
            return None
        if len(cells) < self._width or any(cells[self._width :]):
            wrong = CellError(
                f"{self._width} cells as in the header, found {len(cells)}",
                "Put quotation marks around a cell that holds the separator.",
            )
            return RefusedRow(line, (self._of_row(line, wrong),))
        cells = [*cells[: self._width], ""]  # a missing optional column is read from the last
        values, refusals = self._cells(line, cells, marks)
        refusals += self._crossed(line, cells, values)
        if refusals:
            return RefusedRow(line, tuple(refusals))
        return Row(line, self._make(*(values[column.name] for column in self._columns)))

    def _cells(self, line: int, cells: list[str], marks: dict[int, CellError]) -> tuple[dict[str, Any], list[Refusal]]:
        values: dict[str, Any] = {}
        refusals = []
        for column, place in zip(self._columns, self._places, strict=True):
            cell = cells[place]
            try:
                if place in marks:
                    raise marks[place]
                values[column.name] = column.parse(cell)
            except ValueError as error:
                said = error if isinstance(error, CellError) else CellError()
                next_step = said.next_step or _advice(column, cell)
                refusals.append(
                    Refusal(
                        self.name,
                        line,
                        column.name,
                        shown(cell, column.private),
                        said.expected or column.expected,
                        column.rule,
                        next_step,
                    )
                )
        return values, refusals

    def _crossed(self, line: int, cells: list[str], values: dict[str, Any]) -> list[Refusal]:
        refusals = []
        by_name = dict(zip((column.name for column in self._columns), self._places, strict=True))
        private = {column.name for column in self._columns if column.private}
        for check in self._checks:
            if all(name in values for name in check.columns) and not check.holds(
                *(values[name] for name in check.columns)
            ):
                value = shown(cells[by_name[check.blames]], check.blames in private)
                refusals.append(
                    Refusal(self.name, line, check.blames, value, check.expected, check.rule, check.next_step)
                )
        return refusals

    def _of_row(self, line: int, wrong: CellError) -> Refusal:
        return Refusal(self.name, line, "", "", wrong.expected, "", wrong.next_step)


def _advice(column: Column, cell: str) -> str:
    """A word of help where Excel is known to spoil a column."""
    bare = cell.strip()
    if column.private and bare.isdigit() and 8 <= len(bare) < 12:
        return "Excel drops leading zeros: " + KEEP_AS_TEXT[0].lower() + KEEP_AS_TEXT[1:]
    return ""
