"""Opens a table, CSV or XLSX by its content, and gives its rows one by one as `(line, cells)`.

The header is line 1; the line of a record is the physical line where it starts, quoted line breaks counted.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Protocol

from bulletins.refusals import CellError, MarkedCells, TableError
from bulletins.workbooks import XlsxTable

__all__ = ["CsvTable", "MarkedCells", "Table", "TableError", "open_table"]

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BLOCK = 1 << 20
"""Bytes read at a time; no line of a text table may be longer."""

UTF8_ADVICE = "Save it as CSV UTF-8 or XLSX and hand it in again."
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Table(Protocol):
    """Rows of text with a header. `position` runs to `size` while `rows` is read: for a progress bar."""

    name: str
    header: list[str]
    size: int
    notes: list[str]
    words: str
    """What was read, for messages: the file, or the file and its sheet."""

    @property
    def position(self) -> int: ...

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The records under the header. A damaged row comes as MarkedCells; a lost file as TableError."""
        ...


def open_table(path: Path) -> Table:
    """Open `path` and read its header; TableError if there is no table in it."""
    path = Path(path)
    try:
        if not path.is_file():
            raise TableError("table.no_file", f"{path.name}: there is no such file.", "Check the path.")
        with path.open("rb") as stream:
            start = stream.read(8)
        if not start:
            raise TableError("table.empty", f"{path.name}: the file is empty.", "Hand in a file with a header row.")
        if start[:4] in (ZIP_MAGIC, EMPTY_ZIP_MAGIC):
            return XlsxTable(path)
        if start == OLE_MAGIC:
            raise TableError(
                "table.old_excel",
                f"{path.name}: an old Excel file (.xls) or one locked by a password.",
                "Save it as XLSX without a password, or as CSV UTF-8.",
            )
        return CsvTable(path)
    except OSError as error:
        raise TableError(
            "table.cannot_open",
            f"{path.name}: cannot be opened ({error.strerror}).",
            "Check the path and the rights.",
        ) from None


class CsvTable:
    """A text table: UTF-8, UTF-16 with BOM, or kz1048; comma or semicolon. Memory stays flat."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.words = path.name
        self.notes: list[str] = []
        self.size = path.stat().st_size
        self._path = path
        self._bytes: BufferedReader | None = None
        self._encoding, self._errors = self._look_through()
        self._delimiter = ","
        self.header = self._read_header()

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._bytes.tell() if self._bytes is not None and not self._bytes.closed else 0

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        with self._path.open("rb") as self._bytes, self._text(self._bytes) as text:
            reader = csv.reader(text, delimiter=self._delimiter, strict=True)
            try:
                next(reader)
                yield from self._records(reader)
            except UnicodeDecodeError:
                raise self._broken_text() from None

    def _records(self, reader: _CsvReader) -> Iterator[tuple[int, list[str]]]:
        line = reader.line_num + 1
        while True:
            try:
                for cells in reader:
                    if cells:
                        yield line, cells
                    line = reader.line_num + 1
                return
            except csv.Error as error:
                if "expected after" not in str(error):
                    # An open quotation mark took in all that follows: nobody can say what the later rows are.
                    raise TableError(
                        "table.open_quote",
                        f"{self.name}, line {line}: a quotation mark is opened and not closed, "
                        f"or the cell is longer than {csv.field_size_limit()} characters.",
                        "Close it, or write it twice if it belongs to the text.",
                    ) from None
                yield line, MarkedCells([], {}, _stray_quote(line, reader.line_num))
                line = reader.line_num + 1

    def _text(self, stream: BufferedReader) -> TextIOWrapper:
        return TextIOWrapper(stream, encoding=self._encoding, errors=self._errors, newline="")

    def _read_header(self) -> list[str]:
        try:
            with self._path.open("rb") as stream, self._text(stream) as text:
                first = text.readline()
                self._delimiter = ";" if first.count(";") > first.count(",") else ","
                text.seek(0)
                header = next(csv.reader(text, delimiter=self._delimiter, strict=True), [])
        except UnicodeDecodeError:
            raise self._broken_text() from None
        except csv.Error:
            raise TableError(
                "table.header", f"{self.name}, line 1: the header has an open quotation mark.", "Close it."
            ) from None
        if not any(cell.strip() for cell in header):
            raise TableError("table.header", f"{self.name}, line 1: the header is empty.", "Name the columns there.")
        return header

    def _look_through(self) -> tuple[str, str]:
        """Read the file once to know its encoding: (codec, what to do with wrong bytes)."""
        with self._path.open("rb") as stream:
            block = stream.read(BLOCK)
            for bom, codec in _BOMS:
                if block.startswith(bom):
                    wide = codec == "utf-16"
                    if wide:
                        self.notes.append("read as UTF-16")
                    return codec, "strict" if wide else "surrogateescape"
            if _is_binary(block):
                raise TableError("table.not_text", f"{self.name}: not a text table (binary data).", UTF8_ADVICE)
            decoder = codecs.getincrementaldecoder("utf-8")()
            try:
                while block:
                    if len(block) == BLOCK and b"\n" not in block and b"\r" not in block:
                        what = f"{self.name}: a line is longer than {BLOCK} bytes."
                        raise TableError("table.not_text", what, UTF8_ADVICE)
                    decoder.decode(block)
                    block = stream.read(BLOCK)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return self._guess()
        return "utf-8", "surrogateescape"

    def _guess(self) -> tuple[str, str]:
        """Not clean UTF-8: a few damaged cells in a UTF-8 file, or an old code page?"""
        letters = wrong = 0
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        with self._path.open("rb") as stream:
            while block := stream.read(BLOCK):
                text = decoder.decode(block)
                wrong += sum(map(len, _ESCAPED.findall(text)))
                letters += sum(map(len, _LETTERS.findall(text)))
        if letters > wrong:
            self.notes.append("some bytes are not UTF-8; their cells are refused")
            return "utf-8", "surrogateescape"
        self.notes.append(
            "not UTF-8: read in the old Kazakh code page kz1048; check the letters, better save as CSV UTF-8"
        )
        return "kz1048", "strict"

    def _broken_text(self) -> TableError:
        return TableError("table.not_text", f"{self.name}: bytes that are not {self._encoding} text.", UTF8_ADVICE)


class _CsvReader(Protocol):
    """What csv.reader gives; its class has no public name."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


_ESCAPED = re.compile("[\udc80-\udcff]+")
_LETTERS = re.compile("[\u0080-\ud7ff\ue000-\U0010ffff]+")


def _is_binary(block: bytes) -> bool:
    """Control bytes in the header, or many of them; a few in cells cost only their rows."""
    controls = len(_NOT_IN_TEXT.findall(block))
    return controls * 100 > len(block) or (controls > 0 and _NOT_IN_TEXT.search(block.partition(b"\n")[0]) is not None)


def _stray_quote(first: int, last: int) -> CellError:
    lines = f" (lines {first} to {last} were read as one row)" if last > first else ""
    return CellError(
        f"a comma or semicolon after a closing quotation mark{lines}",
        "Write a quotation mark inside a cell twice.",
    )
