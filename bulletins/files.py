"""The bulletin of vacated places and the withdrawals, read row by row from CSV or XLSX (rules B1-B6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from bulletins.columns import (
    FIRST_YEAR,
    LARGEST_NUMBER,
    LAST_YEAR,
    LONGEST_ID,
    LONGEST_TEXT,
    Check,
    Column,
    code,
    coded,
    day,
    empty_as,
    free_text,
    language,
    moment,
    one_of,
    remembered,
    text_id,
    whole_number,
)
from bulletins.reader import Reader
from bulletins.refusals import ReadRow, Refusal, RefusedRow, Row, TableError
from bulletins.vacancy import AdmissionOrder, GroupType, Regime, Vacancy, Withdrawal

__all__ = ["ReadRow", "Reader", "Refusal", "RefusedRow", "Row", "TableError", "read_bulletin", "read_withdrawals"]

AN_ID = f"1 to {LONGEST_ID} printable characters, without '|'"
A_CODE = f"a code of 1 to {LONGEST_ID} printable characters, without '|' and other than '*'"
A_DATE = "a date, YYYY-MM-DD"
A_TIMESTAMP = "a timestamp in ISO 8601 with its offset from UTC, such as 2026-03-20T09:00:00+05:00"
A_LANGUAGE = "an ISO 639-1 code, such as kk or ru"


def read_bulletin(path: Path) -> Reader[Vacancy]:
    """The vacancies of a bulletin of vacated places; TableError if `path` is no such table (rule B1)."""
    columns = (
        Column("vacancy_id", text_id, AN_ID, "B1"),
        Column("published_at", remembered(moment), A_TIMESTAMP, "B5"),
        Column("locality", remembered(code), A_CODE, "A1"),
        Column("organization", remembered(code), A_CODE, "B1"),
        Column("age_group", remembered(free_text(required=False)), text_of_at_most(LONGEST_TEXT), "B1"),
        Column("birth_year", remembered(whole_number(FIRST_YEAR, LAST_YEAR)), "a year, YYYY", "A1"),
        Column("language", remembered(language()), A_LANGUAGE, "B1"),
        Column("group_type", remembered(coded("group_type", GroupType)), one_of(GroupType), "B1"),
        Column("regime", remembered(coded("regime", Regime)), one_of(Regime), "B1"),
        Column("admission", remembered(admission()), one_of(AdmissionOrder), "B1", optional=True),
        Column("places", remembered(places()), a_number_of_places(), "B1"),
        Column("start_date", remembered(day), A_DATE, "B1"),
        Column("vacated_on", remembered(day_or_none), A_DATE, "B3", optional=True),
        Column("attend_until", remembered(day_or_none), A_DATE, "B4", optional=True),
    )
    return Reader(path, columns, Vacancy, _VACANCY_CHECKS)


def read_withdrawals(path: Path) -> Reader[Withdrawal]:
    """The requests to take places back; TableError if `path` is no such table (rule B6)."""
    columns = (
        Column("withdrawal_id", text_id, AN_ID, "B6"),
        Column("withdrawn_at", remembered(moment), A_TIMESTAMP, "B6"),
        Column("vacancy_id", text_id, AN_ID, "B6"),
        Column("places", remembered(places()), a_number_of_places(), "B6"),
        Column(
            "reason",
            free_text(required=False),
            text_of_at_most(LONGEST_TEXT),
            "B6",
            private=True,
            optional=True,
        ),
    )
    return Reader(path, columns, Withdrawal)


def admission() -> Callable[[str], AdmissionOrder]:
    """An admission order; an empty cell is `standard` (formats)."""
    return empty_as(AdmissionOrder.STANDARD, coded("admission", AdmissionOrder))


def places() -> Callable[[str], int]:
    """A number of places: at least one."""
    return whole_number(1, LARGEST_NUMBER)


def a_number_of_places() -> str:
    return f"a whole number from 1 to {LARGEST_NUMBER}"


def text_of_at_most(characters: int) -> str:
    return f"text of at most {characters} printable characters"


def day_or_none(cell: str) -> date | None:
    """A date; an empty cell means that it is not given."""
    return day(cell) if cell.strip() else None


def _only_when_booked_early(admitted: AdmissionOrder, vacated_on: date | None) -> bool:
    return vacated_on is None or admitted is AdmissionOrder.EARLY_BOOKING


def _only_when_temporary(admitted: AdmissionOrder, attend_until: date | None) -> bool:
    return attend_until is None or admitted is AdmissionOrder.TEMPORARY


def _always_when_temporary(admitted: AdmissionOrder, attend_until: date | None) -> bool:
    return attend_until is not None or admitted is not AdmissionOrder.TEMPORARY


def _not_before(start_date: date, attend_until: date | None) -> bool:
    return attend_until is None or attend_until >= start_date


_VACANCY_CHECKS = (
    Check(
        ("admission", "vacated_on"),
        "vacated_on",
        _only_when_booked_early,
        "an empty cell: only an early_booking place has vacated_on",
        "B3",
    ),
    Check(
        ("admission", "attend_until"),
        "attend_until",
        _only_when_temporary,
        "an empty cell: only a temporary place has attend_until",
        "B4",
    ),
    Check(
        ("admission", "attend_until"),
        "attend_until",
        _always_when_temporary,
        "a date: a temporary place always has attend_until",
        "B4",
    ),
    Check(("start_date", "attend_until"), "attend_until", _not_before, "a day not before start_date", "B4"),
)
