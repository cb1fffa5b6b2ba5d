"""One night judged from the public files alone: rows of text in, what is wrong out (rules A4, A5, C1-C3, A8).

The encoding is made anew from formats.md and rules.md, and shares nothing with the engine's own: an error of
the engine in reading a queue shows as a finding. Only the arrays and the judge of the allocators are used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from allocators.arrays import (
    ANY_ORGANIZATION,
    FIRST_PRIORITY,
    GENERAL,
    NONE,
    OUT_OF_TURN,
    Applicants,
    Int32,
    Int64,
    Places,
    Proposal,
    Turns,
)
from allocators.checks import judge
from allocators.findings import Finding

Cells = Mapping[str, str]
Kind = tuple[str, str, str, str]
"""Language, group type, regime, admission order."""
Asked = tuple[tuple[str, ...], str, tuple[str, ...], tuple[str, ...]]
"""Languages, group type, regimes, admission orders that may be offered now."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)
STANDARD, TEMPORARY = "standard", "temporary"
CLASSES = {
    "military": OUT_OF_TURN,
    "special_state_body": OUT_OF_TURN,
    "disabled_guardian": FIRST_PRIORITY,
    "special_needs": FIRST_PRIORITY,
    "without_parental_care": FIRST_PRIORITY,
    "orphan": FIRST_PRIORITY,
    "large_family": FIRST_PRIORITY,
    "teacher": FIRST_PRIORITY,
    "disabled_sibling": FIRST_PRIORITY,
    "none": GENERAL,
}
"""Rule A3 since the rules of 2020."""


def judge_night(
    applications: Sequence[Cells],
    vacancies: Sequence[Cells],
    free: Mapping[str, int],
    issued: Mapping[str, str],
    *,
    age_min_months: int,
    age_max_years: int,
    turn: tuple[int, int] = (0, 0),
    positions: Mapping[int, int] | None = None,
    positions_after: Mapping[int, int] | None = None,
    barred: Collection[tuple[str, str]] = (),
    in_stay: Collection[str] = (),
) -> list[Finding]:
    """Return what is wrong with the vouchers of one night of one locality; empty = the only lawful outcome.

    Args:
        applications: rows of applications.csv, what each says that night; only those that stand in a queue when the
            night begins to serve (filed by the end of the day, no live voucher, not stop-listed, not archived).
        vacancies: rows of bulletin.csv; those not in `free` were not offered.
        free: vacancy id to places free when the night begins to serve.
        issued: application id to vacancy id, the vouchers of the night.
        turn: turns of first-priority and general in a round; (0, 0) = the strict order.
        positions: birth year to turns of the round spent before the night; a year left out has spent none.
        positions_after: the same after the night; a year left out has not moved. None: not judged.
        barred: (application id, vacancy id) declined or refused before.
        in_stay: applications of children who are in a temporary place (rule D3).

    `applicant`, `other` and `place` of a finding are rows of the first two arguments (see `told`).
    AssertionError if a voucher went to an application not in the queue or to an unknown vacancy, or if the
    rows are of more than one locality.
    """
    book = _Book.of(applications, vacancies, in_stay)
    unknown = sorted(set(issued) - set(book.row_of)) + sorted(set(issued.values()) - set(book.place_of))
    assert not unknown, f"vouchers of applications not in the queue, or for unknown vacancies: {unknown}"
    place = np.full(len(applications), NONE, np.int32)
    for application, vacancy in issued.items():
        place[book.row_of[application]] = book.place_of[vacancy]
    before = {year: (positions or {}).get(year, 0) for year in book.years}
    after = [(positions_after or {}).get(year, before[year]) for year in book.years]
    turns = Turns(
        first_priority=_int32(turn[0] for _ in before),
        general=_int32(turn[1] for _ in before),
        position=_int32(before.values()),
    )
    findings = judge(
        _applicants(book, applications, barred),
        _places(book, vacancies, free, age_min_months, age_max_years),
        turns,
        np.array([[_preference(each, kind) for kind in book.kinds] for each in book.profiles], np.int32).reshape(
            len(book.profiles), len(book.kinds)
        ),
        Proposal(place, _int32(after)),
    )
    return [each for each in findings if positions_after is not None or each.code != "turn.position"]


class _Book(NamedTuple):
    """What the numbers of the arrays stand for, in the order of the numbers; rows and places by id."""

    years: list[int]
    organizations: dict[str, int]
    kinds: dict[Kind, int]
    profiles: dict[Asked, int]
    asked: list[Asked]
    row_of: dict[str, int]
    place_of: dict[str, int]

    @classmethod
    def of(cls, applications: Sequence[Cells], vacancies: Sequence[Cells], in_stay: Collection[str]) -> _Book:
        assert len({row["locality"] for row in (*applications, *vacancies)}) <= 1, "one locality at a time"
        asked = [_asked(row, row["application_id"] in in_stay) for row in applications]
        return cls(
            years=sorted({_year(row) for row in applications} | {int(row["birth_year"]) for row in vacancies}),
            organizations={code: number for number, code in enumerate(sorted(_organizations(applications, vacancies)))},
            kinds={kind: number for number, kind in enumerate(sorted({_kind(row) for row in vacancies}))},
            profiles={each: number for number, each in enumerate(sorted(set(asked)))},
            asked=asked,
            row_of={row["application_id"]: number for number, row in enumerate(applications)},
            place_of={row["vacancy_id"]: number for number, row in enumerate(vacancies)},
        )


def _applicants(book: _Book, applications: Sequence[Cells], barred: Collection[tuple[str, str]]) -> Applicants:
    wishes = [_list(row["organizations"]) for row in applications]
    pairs = [(book.row_of[a], book.place_of[v]) for a, v in sorted(barred) if a in book.row_of and v in book.place_of]
    return Applicants(
        queue=_int32(book.years.index(_year(row)) for row in applications),
        class_rank=np.array([CLASSES[row["benefit"]] for row in applications], np.int8),
        filed_at_us=_int64(_moment(row["filed_at"]) for row in applications),
        id_rank=_ranks([row["application_id"] for row in applications]),
        birth_day=_int32(_day(row["birth_date"]) for row in applications),
        profile=_int32(book.profiles[each] for each in book.asked),
        wish_start=_int64(accumulate((len(codes) for codes in wishes), initial=0)),
        wish_organization=_int32(
            ANY_ORGANIZATION if code == "*" else book.organizations[code] for codes in wishes for code in codes
        ),
        barred=np.array(pairs, np.int32).reshape(-1, 2),
    )


def _places(
    book: _Book, vacancies: Sequence[Cells], free: Mapping[str, int], age_min_months: int, age_max_years: int
) -> Places:
    windows = [birth_window(row["start_date"], age_min_months, age_max_years) for row in vacancies]
    return Places(
        queue=_int32(book.years.index(int(row["birth_year"])) for row in vacancies),
        organization=_int32(book.organizations[row["organization"]] for row in vacancies),
        kind=_int32(book.kinds[_kind(row)] for row in vacancies),
        rank=_ranks([(row["start_date"], _moment(row["published_at"]), row["vacancy_id"]) for row in vacancies]),
        free=_int32(free.get(row["vacancy_id"], 0) for row in vacancies),
        birth_first=_int32(first for first, _ in windows),
        birth_last=_int32(last for _, last in windows),
    )


def told(findings: Iterable[Finding], applications: Sequence[Cells], vacancies: Sequence[Cells]) -> list[str]:
    """Findings with the ids they speak of, for the message of a failed test."""
    return [
        f"{each.code}: applicant {_named(applications, 'application_id', each.applicant)}, "
        f"place {_named(vacancies, 'vacancy_id', each.place)}, "
        f"other {_named(applications, 'application_id', each.other)}: {each.words}"
        for each in findings
    ]


@lru_cache(maxsize=4096)
def birth_window(start_date: str, age_min_months: int, age_max_years: int) -> tuple[int, int]:
    """First and last birth day, days since 1970, whose age suits a start date (rule A8, decision 1.12)."""
    start = date.fromisoformat(start_date)
    year = timedelta(days=366)
    born = start - age_max_years * year - year
    while reached_on(born, age_max_years * 12) <= start:
        born += timedelta(days=1)
    first = born
    born = start
    while reached_on(born, age_min_months) > start:
        born -= timedelta(days=1)
    return (first - EPOCH_DAY).days, (born - EPOCH_DAY).days


def reached_on(born: date, months: int) -> date:
    """The same day of the month that many months later; where there is none, the first of the next month."""
    year, month = divmod(born.year * 12 + born.month - 1 + months, 12)
    try:
        return date(year, month + 1, born.day)
    except ValueError:
        year, month = divmod(year * 12 + month + 1, 12)
        return date(year, month + 1, 1)


def _organizations(applications: Sequence[Cells], vacancies: Sequence[Cells]) -> set[str]:
    named = {code for row in applications for code in _list(row["organizations"])} - {"*"}
    return named | {row["organization"] for row in vacancies}


def _year(row: Cells) -> int:
    return date.fromisoformat(row["birth_date"]).year


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split("|") if part)


def _kind(row: Cells) -> Kind:
    return row["language"], row["group_type"], row["regime"], row["admission"] or STANDARD


def _asked(row: Cells, in_stay: bool) -> Asked:
    """The lists of an application; a child in a temporary place is offered no other (rule D3)."""
    accepts = _list(row["accepts"]) or (STANDARD,)
    if in_stay:
        accepts = tuple(order for order in accepts if order != TEMPORARY)
    return _list(row["languages"]), row["group_type"], _list(row["regimes"]), accepts


def _preference(asked: Asked, kind: Kind) -> int:
    """Rule C2 after the organisation: admission order, then language, then regime; -1 = does not suit (C1)."""
    languages, group_type, regimes, accepts = asked
    language, group, regime, admission = kind
    if group != group_type or language not in languages or regime not in regimes or admission not in accepts:
        return NONE
    order = accepts.index(admission) * len(languages) + languages.index(language)
    return order * len(regimes) + regimes.index(regime)


def _moment(cell: str) -> int:
    """Microseconds since 1970-01-01T00:00Z."""
    return (datetime.fromisoformat(cell) - EPOCH) // timedelta(microseconds=1)


def _day(cell: str) -> int:
    return (date.fromisoformat(cell) - EPOCH_DAY).days


def _ranks(keys: Sequence[str] | Sequence[tuple[str, int, str]]) -> Int32:
    """Place of each key in their order."""
    ranks = np.empty(len(keys), np.int32)
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return ranks


def _int32(values: Iterable[int]) -> Int32:
    return np.fromiter(values, np.int32)


def _int64(values: Iterable[int]) -> Int64:
    return np.fromiter(values, np.int64)


def _named(rows: Sequence[Cells], column: str, row: int) -> str:
    return "-" if row == NONE else rows[row][column]
