"""What a reader says of a file, a row or a cell it cannot take; no IIN, phone or e-mail is ever in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeAlias, TypeVar

R = TypeVar("R")

LONGEST_SHOWN = 60
"""Characters of a refused value that a message shows."""

_MOMENT_OR_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_MANY_DIGITS = re.compile(r"\+?\d(?:[ ().\-]*\d){6,}")
_EMAIL = re.compile(r"\S*@\S*")


class TableError(Exception):
    """A file that cannot be read as a table at all: a stable code, what is wrong, what to do next."""

    def __init__(self, code: str, what: str, next_step: str = "") -> None:
        self.code = code
        self.what = what
        self.next_step = next_step
        super().__init__(f"[{code}] {what} {next_step}".rstrip())


class CellError(ValueError):
    """A cell that its column does not take. If given, its words replace the column's own."""

    def __init__(self, expected: str = "", next_step: str = "") -> None:
        self.expected = expected
        self.next_step = next_step
        super().__init__(expected)


class MarkedCells(list[str]):
    """The cells of a row with something wrong in the file itself.

    `marks` maps a 0-based cell to what is wrong with it; `whole` is set if the row as a whole is wrong.
    """

    def __init__(self, cells: list[str], marks: dict[int, CellError], whole: CellError | None = None) -> None:
        super().__init__(cells)
        self.marks = marks
        self.whole = whole


@dataclass(frozen=True, slots=True)
class Refusal:
    """One cell refused; `column` and `value` are empty if it is the whole row. `value` is masked already."""

    file: str
    line: int
    column: str
    value: str
    expected: str
    rule: str
    next_step: str = ""

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}"
        what = f"{where}, column {self.column}: '{self.value}'" if self.column else f"{where}: row"
        words = [f"{what} refused: expected {self.expected}."]
        if self.rule:
            words.append(f"Rule {self.rule}.")
        if self.next_step:
            words.append(self.next_step)
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not taken, with one refusal for each of its bad cells."""

    line: int
    refusals: tuple[Refusal, ...]


class Row(NamedTuple, Generic[R]):
    """A row that is taken; `line` is the physical line where it starts, the header being line 1."""

    line: int
    record: R


ReadRow: TypeAlias = Row[R] | RefusedRow


def shown(value: str, private: bool) -> str:
    """The value as a message may show it.

    A private value is all stars. In any other, what looks like an IIN, a phone or an e-mail is masked too:
    cells slip into a neighbour's column.

    >>> shown("020304500123", private=True)
    '************'
    >>> shown("2026-13-01", private=False), shown("call +7 701 123 45 67", private=False)
    ('2026-13-01', 'call ****************')
    """
    if private:
        return "*" * min(len(value), LONGEST_SHOWN)
    # Long values are cut before the search, which keeps it short whatever the file holds.
    cut = value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…"
    if not _MOMENT_OR_DATE.fullmatch(cut):
        cut = _EMAIL.sub(_stars, cut)
        cut = _MANY_DIGITS.sub(_stars_but_dates, cut)
    return "".join(letter if letter.isprintable() else "�" for letter in cut)


def _stars(found: re.Match[str]) -> str:
    return "*" * len(found[0])


def _stars_but_dates(found: re.Match[str]) -> str:
    return found[0] if re.fullmatch(r"\d{4}-\d\d-\d\d|\d\d\.\d\d\.\d{4}", found[0]) else _stars(found)
