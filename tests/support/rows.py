"""Valid rows of the public files, made up: a test names only what it is about.

IINs are made from the application id and the birth date, with the check digit of the Republic; they belong
to nobody. Monday 2 February 2026 is the first day of most tests: four plain weeks follow it.
"""

from __future__ import annotations

import zlib
from datetime import date, timedelta

Row = dict[str, str]

APPLICATION_COLUMNS = (
    "application_id",
    "filed_at",
    "locality",
    "child_iin",
    "birth_date",
    "benefit",
    "languages",
    "group_type",
    "regimes",
    "organizations",
    "accepts",
    "phones",
    "email",
    "notice_language",
)
BULLETIN_COLUMNS = (
    "vacancy_id",
    "published_at",
    "locality",
    "organization",
    "age_group",
    "birth_year",
    "language",
    "group_type",
    "regime",
    "admission",
    "places",
    "start_date",
    "vacated_on",
    "attend_until",
)
WITHDRAWAL_COLUMNS = ("withdrawal_id", "withdrawn_at", "vacancy_id", "places", "reason")
DECISION_COLUMNS = ("decision_id", "application_id", "decided_on", "decision", "reason")
CALENDAR_COLUMNS = ("day", "kind", "act")

_WEIGHTS = (
    (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2),
)


def iin(application_id: str, birth_date: str) -> str:
    """Make a valid IIN for a child: YYMMDD, century digit, four digits from the id, check digit."""
    born = date.fromisoformat(birth_date)
    serial = _serial(application_id)
    boy = 5 if born.year >= 2000 else 3
    for century in (boy, boy + 1):
        body = f"{born:%y%m%d}{century}{serial:04d}"
        check = _check_digit(body)
        if check is not None:
            return f"{body}{check}"
    raise AssertionError(f"no valid IIN for {application_id} born on this day; take another day")


def _serial(application_id: str) -> int:
    """Four digits, different for different ids of a capital letter and a number under a hundred."""
    letter, number = application_id[:1], application_id[1:]
    if "A" <= letter <= "Z" and number.isdecimal() and len(number) < 3:
        return (ord(letter) - ord("A")) * 200 + int(number) + 100 * (len(number) - 1)
    return 5200 + zlib.crc32(application_id.encode()) % 4800


def _check_digit(body: str) -> int | None:
    for weights in _WEIGHTS:
        rest = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
        if rest < 10:
            return rest
    return None


def application(application_id: str, **overrides: str) -> Row:
    """A child born on 15 May 2023 who takes any general full-day place in Kazakh; filed on 12 January 2026."""
    birth_date = overrides.get("birth_date", "2023-05-15")
    row = {
        "application_id": application_id,
        "filed_at": "2026-01-12T10:00:00+05:00",
        "locality": "almaty",
        "child_iin": iin(application_id, birth_date),
        "birth_date": birth_date,
        "benefit": "none",
        "languages": "kk",
        "group_type": "general",
        "regimes": "full_day",
        "organizations": "*",
        "accepts": "",
        "phones": f"+7701{zlib.crc32(application_id.encode()) % 10_000_000:07d}",
        "email": f"parent.{application_id.lower()}@example.kz",
        "notice_language": "kk",
    }
    return _with(row, overrides)


def vacancy(vacancy_id: str, **overrides: str) -> Row:
    """One standard place at K1 for the children of 2023, handed over on Monday 2 February 2026."""
    row = {
        "vacancy_id": vacancy_id,
        "published_at": "2026-02-02T09:00:00+05:00",
        "locality": "almaty",
        "organization": "K1",
        "age_group": "2-3",
        "birth_year": "2023",
        "language": "kk",
        "group_type": "general",
        "regime": "full_day",
        "admission": "",
        "places": "1",
        "start_date": "2026-03-02",
        "vacated_on": "",
        "attend_until": "",
    }
    return _with(row, overrides)


def place(vacancy_id: str, day: str, **overrides: str) -> Row:
    """A vacancy handed over at nine in the morning of the day, to start four weeks later."""
    start = date.fromisoformat(day) + timedelta(days=28)
    dated = {"published_at": f"{day}T09:00:00+05:00", "start_date": start.isoformat()}
    return vacancy(vacancy_id, **{**dated, **overrides})


def temporary(vacancy_id: str, day: str, until: str, **overrides: str) -> Row:
    """The place of a pupil who is away from the day it is handed over until a day."""
    dated = {"admission": "temporary", "start_date": day, "attend_until": until}
    return place(vacancy_id, day, **{**dated, **overrides})


def withdrawal(withdrawal_id: str, **overrides: str) -> Row:
    """One place of V1 taken back at noon of Tuesday 3 February 2026."""
    row = {
        "withdrawal_id": withdrawal_id,
        "withdrawn_at": "2026-02-03T12:00:00+05:00",
        "vacancy_id": "V1",
        "places": "1",
        "reason": "repair of the group room",
    }
    return _with(row, overrides)


def decision(decision_id: str, **overrides: str) -> Row:
    """The admission of A1 on Tuesday 3 February 2026."""
    row = {
        "decision_id": decision_id,
        "application_id": "A1",
        "decided_on": "2026-02-03",
        "decision": "admit",
        "reason": "",
    }
    return _with(row, overrides)


def moved_day(day: str, kind: str) -> Row:
    """One line of a calendar: kind is `working` or `day_off`."""
    return {"day": day, "kind": kind, "act": "Government resolution"}


def rule(name: str, value: object, since: str = "2020-01-01", locality: str | None = None) -> str:
    """One `[[rule]]` of a department's file; a list of (first, last) ISO days becomes TOML dates."""
    lines = ["[[rule]]", f'name = "{name}"', f"value = {_toml(value)}", f"from = {since}"]
    lines += [f'locality = "{locality}"'] if locality else []
    return "\n".join([*lines, 'reference = "Education department, order 1"', ""])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(f"[{first}, {last}]" for first, last in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def _with(row: Row, overrides: Row) -> Row:
    unknown = set(overrides) - set(row)
    assert not unknown, f"no such column: {sorted(unknown)}"
    return {**row, **overrides}
