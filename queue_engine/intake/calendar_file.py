"""Corrections of the working calendar: days moved by an act after the calendar was published (rule D1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from bulletins.columns import LONGEST_TEXT, Column, coded, day, free_text, one_of, remembered
from bulletins.files import A_DATE, text_of_at_most
from bulletins.reader import Reader


class DayKind(StrEnum):
    WORKING = "working"
    DAY_OFF = "day_off"


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """One day that an act makes a working day or a day off; `act` names the act."""

    day: date
    kind: DayKind
    act: str


def read_calendar_corrections(path: Path) -> Reader[CalendarRow]:
    """The corrections of a file with columns `day`, `kind`, `act`; TableError if `path` is no such table."""
    columns = (
        Column("day", day, A_DATE, "D1"),
        Column("kind", remembered(coded("day_kind", DayKind)), one_of(DayKind), "D1"),
        Column(
            "act",
            free_text(required=True),
            f"the act that moves the day: {text_of_at_most(LONGEST_TEXT)}",
            "D1",
        ),
    )
    return Reader(path, columns, CalendarRow)
