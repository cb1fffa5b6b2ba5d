"""The first sheet of an XLSX file as a table of text: the same text that the CSV of the sheet would hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeAlias

from python_calamine import CalamineSheet, CalamineWorkbook

from bulletins.refusals import CellError, MarkedCells, TableError
from bulletins.zip_guard import Contents, Mark, column_letters, look_through

Value: TypeAlias = int | float | str | bool | time | date | datetime | timedelta

WHOLE_FLOATS = 1e15
"""Below this a cell holds every whole number exactly; above, digits may be lost: it is given as it is."""


class XlsxTable:
    """The first sheet of a workbook. `position` is in bytes of the file, by the share of rows read."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.notes: list[str] = []
        self.size = path.stat().st_size
        self._contents: Contents = look_through(path)
        sheet = _first_sheet(path)
        self.words = f"{path.name}, sheet '{sheet.name}' (the first)"
        self._sheet = sheet
        self._height = sheet.total_height + 1
        self._done = 0
        first = next(iter(sheet.iter_rows()), [])
        self.header = [_text(value) for value in first]
        while self.header and not self.header[-1].strip():
            self.header.pop()
        if not self.header:
            raise TableError(
                "table.header",
                f"{self.words}: row 1 is empty.",
                "Put the header in row 1 of the first sheet.",
            )

    @property
    def position(self) -> int:
        """Bytes of the file that answer to the rows read so far."""
        return self.size * self._done // max(self._height, 1)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        marks = self._contents.marks
        rows = iter(self._sheet.iter_rows())
        next(rows, None)
        for line, values in enumerate(rows, start=2):
            self._done = line
            cells = [value if type(value) is str else _text(value) for value in values]
            if line in marks:
                yield line, MarkedCells(cells, {mark.column: _refused(mark, line) for mark in marks[line]})
            elif any(cells):
                yield line, cells


def _first_sheet(path: Path) -> CalamineSheet:
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            return workbook.get_sheet_by_index(0)
    except MemoryError:
        raise
    except BaseException as error:
        # A damaged part can make the reader panic, and its panic does not derive from Exception.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise TableError(
                "table.damaged",
                f"{path.name}: the workbook is damaged or locked, or its first sheet holds no cells.",
                "Open it in Excel or LibreOffice and save it again as XLSX.",
            ) from None
        raise


def _refused(mark: Mark, line: int) -> CellError:
    reference = f"{column_letters(mark.column)}{line}"
    if mark.formula:
        return CellError(
            f"a value, not a formula (cell {reference})", "Copy the column and paste it back as values only."
        )
    return CellError(f"a value, not an Excel error (cell {reference})", "Correct the cell.")


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if abs(value) < WHOLE_FLOATS and value.is_integer() else repr(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
