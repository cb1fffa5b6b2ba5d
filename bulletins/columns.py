"""Typed columns: one cell of text in, a checked value out, or a CellError (formats: "Files others rely on").

A parser is a plain function of the cell. Cells that repeat (days, codes, coded values) go through a `Memo`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from bulletins.look_alikes import word
from bulletins.refusals import CellError, Refusal, RefusedRow
from bulletins.vocabulary import language_words, value_words

__all__ = ["Check", "Column", "Memo", "Refusal", "RefusedRow"]

K = TypeVar("K")
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

LONGEST_ID = 64
LONGEST_TEXT = 1000
LONGEST_EMAIL = 254
LARGEST_NUMBER = 1_000_000
FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Years that a date, moment or year may name; a slip of the hand (0206 for 2026) falls outside."""

SAVE_AS_UTF8 = "Save the file as CSV UTF-8 and hand it in again."
KEEP_AS_TEXT = "If the file comes from Excel, format the column as text before filling it in."

# Cells that programs write, each taken by its parser as it stands: for `chunks.AllFit`.
PLAIN_ID = r"[!-{}~]{1,64}"
PLAIN_EMAIL = r"(?:[A-Za-z0-9._+\-]{1,64}@[A-Za-z0-9.\-]{1,128}\.[A-Za-z0-9]{2,24})?"
PLAIN_MOMENT = r"(?:199\d|20\d\d|2100)-\d\d-\d\dT\d\d:\d\d:\d\d[+\-]\d\d:\d\d"

_WHOLE_NUMBER = re.compile(r"[1-9][0-9]*", re.ASCII)
_EMAIL = re.compile(r"[^\s@|;,<>\"]+@[^\s@|;,<>\"]+\.[^\s@|;,<>\".]{2,}")
_LOST_LETTER = re.compile(r"\?+(?=[^\W\d_])|(?<=[^\W\d_])\?")
_LOST_LETTER_INSIDE = re.compile(r"\?+(?=[^\W\d_])")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file.

    `parse` raises CellError (or ValueError) for a cell it does not take; `expected` says what it takes.
    A `private` value is never shown. An `optional` column may be missing: its cells are empty then.
    """

    name: str
    parse: Callable[[str], object]
    expected: str
    rule: str = ""
    private: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A condition between columns of one row; if it does not hold, the cell of `blames` is refused."""

    columns: tuple[str, ...]
    blames: str
    holds: Callable[..., bool]
    expected: str
    rule: str = ""
    next_step: str = ""


class Memo(dict[K, T], Generic[K, T]):
    """Remembers what each cell (or several) stands for; forgets all at `limit`, so that memory stays flat."""

    def __init__(self, parse: Callable[[K], T], limit: int = 20_000) -> None:
        super().__init__()
        self._parse = parse
        self._limit = limit

    def __missing__(self, cell: K) -> T:
        value = self._parse(cell)
        if len(self) >= self._limit:
            self.clear()
        self[cell] = value
        return value


def text_id(cell: str) -> str:
    """An id or a code: 1 to 64 printable characters, outer spaces cut, canonical Unicode."""
    text = cell.strip()
    if not text or len(text) > LONGEST_ID or not text.isprintable() or "\ufffd" in text or "|" in text:
        raise CellError
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def code(cell: str) -> str:
    """The code of a locality or an organisation: as an id, no letter lost to a code page, and not `*`."""
    text = text_id(cell)
    if text == "*":
        raise CellError
    if "?" in text and _LOST_LETTER.search(text):
        raise CellError("Kazakh letters, found '?' in place of them", SAVE_AS_UTF8)
    return text


def free_text(required: bool) -> Callable[[str], str]:
    """Text for people: at most 1000 printable characters."""

    def parse(cell: str) -> str:
        text = cell.strip()
        if (required and not text) or len(text) > LONGEST_TEXT or not text.isprintable() or "\ufffd" in text:
            raise CellError
        if "?" in text and _LOST_LETTER_INSIDE.search(text):
            raise CellError("Kazakh letters, found '?' in place of them", SAVE_AS_UTF8)
        return unicodedata.normalize("NFC", text)

    return parse


def moment(cell: str) -> datetime:
    """A timestamp in ISO 8601 with an offset, as an aware moment in UTC.

    >>> moment("2026-03-20T09:00:00+05:00")
    datetime.datetime(2026, 3, 20, 4, 0, tzinfo=datetime.timezone.utc)
    """
    text = cell.strip()
    at = datetime.fromisoformat(text)
    if text[10:11] not in ("T", " ") or text[4] != "-" or text[7] != "-":
        raise CellError
    if at.tzinfo is None:
        raise CellError(
            "a timestamp with its offset from UTC, such as 2026-03-20T09:00:00+05:00",
            "An Excel date cell cannot hold an offset: format the column as text." if len(text) != 25 else "",
        )
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise CellError
    return at.astimezone(UTC)


def day(cell: str) -> date:
    """A date, exactly YYYY-MM-DD."""
    text = cell.strip()
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        raise CellError
    on = date.fromisoformat(text)
    if not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise CellError
    return on


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A whole number between `least` and `most`, both included; ASCII digits, no sign, no leading zero."""

    def parse(cell: str) -> int:
        text = cell.strip()
        if len(text) > len(str(most)) or not _WHOLE_NUMBER.fullmatch(text):
            raise CellError
        number = int(text)
        if not least <= number <= most:
            raise CellError
        return number

    return parse


def email(cell: str) -> str:
    """An e-mail address, or nothing."""
    text = cell.strip()
    if text and (len(text) > LONGEST_EMAIL or not text.isprintable() or not _EMAIL.fullmatch(text)):
        raise CellError
    return text


def empty_as(default: T, parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse`, but an empty cell is `default`."""
    return lambda cell: parse(cell) if cell.strip() else default


def coded(kind: str, enum: type[E]) -> Callable[[str], E]:
    """One of the values of `enum`, by its code or by a Kazakh or Russian word of values.yaml."""
    members = {spelling: enum(value) for spelling, value in value_words(kind, tuple(enum)).items()}

    def parse(cell: str) -> E:
        member = members.get(word(cell))
        if member is None:
            raise CellError
        return member

    return parse


def one_of(enum: type[StrEnum]) -> str:
    """The codes of `enum` in words for `expected`."""
    return "one of " + ", ".join(enum)


def language() -> Callable[[str], str]:
    """An ISO 639-1 code, or the name of a language in Kazakh or Russian."""
    spellings = language_words()

    def parse(cell: str) -> str:
        found = spellings.get(word(cell))
        if found is None:
            raise CellError
        return found

    return parse


def ordered(parse: Callable[[str], T], least: int = 1, most: int | None = None) -> Callable[[str], tuple[T, ...]]:
    """An ordered list with `|` between its values, none twice; an empty cell is an empty list."""

    def parse_list(cell: str) -> tuple[T, ...]:
        if not cell.strip():
            items: tuple[T, ...] = ()
        elif "|" not in cell:
            items = (parse(cell),)
        else:
            items = tuple(map(parse, cell.split("|")))
            if len(set(items)) != len(items):
                raise CellError("each value of the list once")
        if len(items) < least or (most is not None and len(items) > most):
            raise CellError
        return items

    return parse_list


def remembered(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` through a Memo of its own: for cells that repeat."""
    return Memo(parse).__getitem__
