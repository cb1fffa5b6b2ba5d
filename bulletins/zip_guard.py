"""The guard before the workbook reader: no zip bomb passes, and no formula hides behind its last value.

A workbook of a few kilobytes can unpack to gigabytes, declare any size it likes, or name one cell in the far
corner of the sheet, for which the reader would reserve the whole sheet. So every part is first unpacked piece by
piece and counted, and cells that hold a formula or an Excel error are noted, which the reader does not tell.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bulletins.refusals import TableError

MOST_PACKED = 64 << 20
MOST_UNPACKED = 200 << 20
MOST_RATIO = 200
RATIO_COUNTS_FROM = 10 << 20
MOST_PARTS = 2_000
MOST_DIRECTORY = 1 << 20
MOST_CELLS = 2_500_000
MOST_MARKED_ROWS = 20_000
PIECE = 1 << 18
LONGEST_TAG = 1 << 20


AS_CSV = "Save the sheet as CSV UTF-8 and hand that in."
SAVE_AGAIN = "Open it in Excel or LibreOffice and save it again as XLSX, or as CSV UTF-8."
UNZIP = "Unpack it, or save the sheet as XLSX or CSV UTF-8."

# Self-closed cells are empty, and the reader leaves them out.
_CELL = re.compile(rb"<(?:\w+:)?c(?:\s[^>]*(?<!/))?>")
_ATTRIBUTE = rb"[\w:.\-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*')\s+"
_PLACE = re.compile(
    rb"<(?:\w+:)?c\s+(?:" + _ATTRIBUTE + rb")*?r\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"'](?:[^>]*(?<!/))?>"
)
_USUAL_PLACE = re.compile(rb"<c r=\"([A-Z]{1,3})([0-9]{1,7})\"")
_CELL_STARTS = (b"<c ", b"<c>", b"<c/", b"<c\n", b"<c\t", b"<c\r")
_MARK_HINTS = (b"<f", b":f", b'"e"', b"'e'")
_CELL_OR_FORMULA = re.compile(rb"<(?:\w+:)?c\s([^>]*(?<!/))>|<(?:\w+:)?f[\s/>]")
_REFERENCE = re.compile(rb"(?:^|\s)r\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_IS_ERROR = re.compile(rb"(?:^|\s)t\s*=\s*[\"']e[\"']")

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Mark(NamedTuple):
    """A cell (0-based column) that holds a formula, or else an Excel error."""

    column: int
    formula: bool


@dataclass(slots=True)
class Contents:
    """What the guard found in the first sheet: marked cells by row (1-based)."""

    marks: dict[int, list[Mark]] = field(default_factory=dict)


def look_through(path: Path) -> Contents:
    """Unpack and count every part of a workbook; TableError if it is too large, damaged or no workbook."""
    name = path.name
    if path.stat().st_size > MOST_PACKED:
        raise _too_large(name, f"more than {MOST_PACKED >> 20} MB packed")
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _look_through(name, archive)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ElementTree.ParseError,
    ):
        raise TableError("table.damaged", f"{name}: the XLSX file is damaged or locked.", SAVE_AGAIN) from None


def _look_through(name: str, archive: zipfile.ZipFile) -> Contents:
    parts = archive.infolist()
    declared = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or declared > MOST_UNPACKED:
        raise _too_large(name, f"{len(parts)} parts that unpack to {declared >> 20} MB")
    by_name = {_plain(part.filename): part for part in parts}
    if len(by_name) != len(parts):
        raise TableError("table.damaged", f"{name}: the XLSX file holds two parts of one name.", SAVE_AGAIN)
    if "xl/workbook.xml" not in by_name:
        raise TableError("table.not_xlsx", f"{name}: a ZIP archive, but not an XLSX workbook.", UNZIP)
    left = MOST_UNPACKED
    first = _first_sheet_part(archive, by_name)
    contents = Contents()
    for plain, part in by_name.items():
        scan = _Scan(name, contents.marks if plain == first else None)
        unpacked = 0
        for piece in _unpacked(archive, part):
            unpacked += len(piece)
            if unpacked > left or (unpacked > RATIO_COUNTS_FROM and unpacked > MOST_RATIO * part.compress_size):
                raise _too_large(name, f"a part unpacks to more than {unpacked >> 20} MB")
            if plain.endswith((".xml", ".rels")):
                scan.take(piece)
        left -= unpacked
    return contents


def _check_directory(path: Path) -> None:
    """Refuse an archive whose directory alone would fill the memory, before it is read."""
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - (1 << 16) - 22, 0))
        tail = stream.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise TableError("table.damaged", f"{path.name}: the XLSX file is cut short.", SAVE_AGAIN)
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    if directory > MOST_DIRECTORY or b"PK\x06\x07" in tail[max(end - 20, 0) : end]:
        raise _too_large(path.name, "a directory of parts out of all proportion")


def _unpacked(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """What is really in the part, piece by piece; the size that the archive declares is not believed."""
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile
    # Not the declared size: a reader that stops there would not see the rest.
    part.file_size = MOST_UNPACKED * 2 if part.compress_type == zipfile.ZIP_DEFLATED else part.compress_size
    with archive.open(part) as stream:
        while piece := stream.read(PIECE):
            yield piece


def _first_sheet_part(archive: zipfile.ZipFile, by_name: dict[str, zipfile.ZipInfo]) -> str:
    """The name of the part that holds the first sheet."""
    workbook = ElementTree.fromstring(_small(archive, by_name["xl/workbook.xml"]))
    relations = by_name.get("xl/_rels/workbook.xml.rels")
    sheet = workbook.find(f"{_MAIN}sheets/{_MAIN}sheet")
    if sheet is None or relations is None:
        return "xl/worksheets/sheet1.xml"
    wanted = sheet.get(_RELATION)
    for relation in ElementTree.fromstring(_small(archive, relations)):
        if relation.get("Id") == wanted:
            target = relation.get("Target", "").replace("\\", "/")
            return _plain(posixpath.normpath(posixpath.join("/xl", target)).lstrip("/"))
    return "xl/worksheets/sheet1.xml"


def _small(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    text = b""
    for piece in _unpacked(archive, part):
        text += piece
        if len(text) > LONGEST_TAG or b"<!DOCTYPE" in text:
            raise zipfile.BadZipFile
    return text


class _Scan:
    """Counts the cells and strings of one part as it is unpacked, and notes its marked cells."""

    def __init__(self, name: str, marks: dict[int, list[Mark]] | None) -> None:
        self._name = name
        self._marks = marks
        self._rest = b""
        self._items = 0
        self._last_row = 0
        self._last_column = 0
        self._at = (b"A", b"1")

    def take(self, piece: bytes) -> None:
        piece = self._rest + piece
        cut = piece.rfind(b">") + 1
        piece, self._rest = piece[:cut], piece[cut:]
        if len(self._rest) > LONGEST_TAG or b"<!DOCTYPE" in piece:
            raise zipfile.BadZipFile
        self._items += piece.count(b"<si") + piece.count(b":si")
        places = self._places(piece)
        self._items += len(places)
        if places:
            self._last_row, self._last_column = self._reach(places)
        if max(self._items, self._last_row * (self._last_column + 1)) > MOST_CELLS:
            raise _too_large(self._name, f"a sheet of more than {MOST_CELLS} cells")
        if self._marks is not None and any(hint in piece for hint in _MARK_HINTS):
            self._note(piece)
        if places:
            self._at = places[-1]

    def _places(self, piece: bytes) -> list[tuple[bytes, bytes]]:
        """Where the cells of the piece stand, as (letters, row)."""
        places: list[tuple[bytes, bytes]] = _USUAL_PLACE.findall(piece)
        usual = b":c" not in piece and len(places) == sum(piece.count(start) for start in _CELL_STARTS)
        if usual:
            row, column = self._reach(places)
            if row * (column + 1) <= MOST_CELLS:
                return places
        # Written in another manner, or empty styled cells far out, which the reader leaves out.
        places = _PLACE.findall(piece)
        if len(_CELL.findall(piece)) != len(places):
            raise TableError(
                "table.damaged", f"{self._name}: cells of the sheet do not say where they stand.", SAVE_AGAIN
            )
        return places

    def _reach(self, places: list[tuple[bytes, bytes]]) -> tuple[int, int]:
        """The last row and column with these cells added."""
        rows = {row for _, row in places}
        columns = {letters for letters, _ in places}
        return (
            max(self._last_row, *map(int, rows), 0),
            max(self._last_column, *map(_column_index, columns), 0),
        )

    def _note(self, piece: bytes) -> None:
        assert self._marks is not None
        for found in _CELL_OR_FORMULA.finditer(piece):
            attributes = found[1]
            if attributes is not None:
                place = _REFERENCE.search(attributes)
                if place is not None:
                    self._at = (place[1], place[2])
                if not _IS_ERROR.search(attributes):
                    continue
            letters, row = self._at
            mark = Mark(_column_index(letters), formula=attributes is None)
            of_row = self._marks.setdefault(int(row), [])
            of_row[:] = [known for known in of_row if known.column != mark.column] + [mark]
            if len(self._marks) > MOST_MARKED_ROWS:
                raise TableError(
                    "table.formulas",
                    f"{self._name}: more than {MOST_MARKED_ROWS} rows with formulas or Excel errors.",
                    "Copy the sheet and paste it back as values only.",
                )


def column_letters(index: int) -> str:
    """The letters of a 0-based column.

    >>> column_letters(0), column_letters(25), column_letters(26), column_letters(16383)
    ('A', 'Z', 'AA', 'XFD')
    """
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - ord("A") + 1
    return index - 1


def _plain(name: str) -> str:
    return name.replace("\\", "/").lower()


def _too_large(name: str, what: str) -> TableError:
    return TableError("table.too_large", f"{name}: {what}; that is no table of ours.", AS_CSV)
