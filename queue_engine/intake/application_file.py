"""applications.csv: requests for a place, read row by row from CSV or XLSX (rules A2, A7, C1, G1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from bulletins.columns import (
    Check,
    Column,
    code,
    coded,
    day,
    email,
    language,
    moment,
    one_of,
    ordered,
    remembered,
    text_id,
)
from bulletins.files import A_CODE, A_DATE, A_TIMESTAMP, AN_ID
from bulletins.reader import Reader
from bulletins.refusals import CellError
from bulletins.vacancy import AdmissionOrder, GroupType, Regime
from queue_engine.domain.application import ANY_ORGANIZATION, Application, Benefit, NoticeLanguage
from queue_engine.domain.iin import IinError, birth_date_of, check_iin
from queue_engine.domain.phones import PhoneError, to_e164

MOST_PHONES = 2  # rule G1: SMS to at most two numbers
STANDARD_ONLY = (AdmissionOrder.STANDARD,)


def read_applications(path: Path) -> Reader[Application]:
    """The applications of a file; TableError if `path` is no such table.

    Each record has a valid IIN that agrees with the birth date, and phones in E.164. IIN, phones and e-mail
    are private: no refusal shows them.
    """
    columns = (
        Column("application_id", text_id, AN_ID, "A4"),
        Column("filed_at", moment, A_TIMESTAMP, "A4"),
        Column("locality", remembered(code), A_CODE, "A1"),
        Column("child_iin", iin, "12 digits with a valid check digit", "A7", private=True),
        Column("birth_date", remembered(day), A_DATE, "A1"),
        Column("benefit", remembered(coded("benefit", Benefit)), one_of(Benefit), "A2"),
        Column("languages", remembered(ordered(language())), "ISO 639-1 codes, best first, such as kk|ru", "C2"),
        Column("group_type", remembered(coded("group_type", GroupType)), one_of(GroupType), "C1"),
        Column("regimes", remembered(ordered(coded("regime", Regime))), _list_of(one_of(Regime)), "C2"),
        Column("organizations", ordered(remembered(organization)), f"{A_CODE}; '*' alone = any other", "C2"),
        Column("accepts", remembered(accepts()), _list_of(one_of(AdmissionOrder)), "C2", optional=True),
        Column("phones", phones, "at most two mobile numbers of Kazakhstan", "G1", private=True, optional=True),
        Column("email", email, "an e-mail address or nothing", "G1", private=True, optional=True),
        Column(
            "notice_language",
            remembered(coded("notice_language", NoticeLanguage)),
            one_of(NoticeLanguage),
            "G1",
        ),
    )
    return Reader(path, columns, Application, (_IIN_AGREES,))


def iin(cell: str) -> str:
    """A number that may have been issued."""
    number = cell.strip()
    try:
        check_iin(number)
    except IinError as error:
        raise CellError(str(error)) from None
    return number


def _iin_agrees(iin: str, birth_date: date) -> bool:
    return birth_date_of(iin) == birth_date


def organization(cell: str) -> str:
    """The code of an organisation, or ANY_ORGANIZATION."""
    return ANY_ORGANIZATION if cell.strip() == ANY_ORGANIZATION else code(cell)


def accepts() -> Callable[[str], tuple[AdmissionOrder, ...]]:
    """Admission orders, best first; an empty cell is `standard` alone (formats)."""
    orders = ordered(coded("admission", AdmissionOrder), least=0)
    return lambda cell: orders(cell) or STANDARD_ONLY


def _phone(cell: str) -> str:
    try:
        return to_e164(cell.strip())
    except PhoneError as error:
        raise CellError(f"mobile numbers of Kazakhstan, found what is not {error}", "") from None


def _list_of(one: str) -> str:
    return f"a list, best first, with '|' between: each {one}"


phones = ordered(_phone, least=0, most=MOST_PHONES)

_IIN_AGREES = Check(
    ("child_iin", "birth_date"),
    "child_iin",
    _iin_agrees,
    "a number whose first seven digits agree with birth_date",
    "A7",
    "Correct the number or the date.",
)
