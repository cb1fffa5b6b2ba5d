"""Reading a night's queues and free places as arrays (rules A4, B, C1, F1).

Only queues with a free place are read; wishes come as one blob an application, never a row per wish.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from allocators.arrays import ANY_ORGANIZATION, NONE, Int8, Int32, Int64, Turns
from bulletins.vacancy import AdmissionOrder
from queue_engine.domain.asking import Asked, Kind
from queue_engine.law.age import birth_window
from queue_engine.law.rulebook import Rules
from queue_engine.store.bulk import rows_of
from queue_engine.store.records import ANY_ID, Locality

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class FreePlaces:
    """Vacancies with a free place, one row each, in the order of C2 (start date, publication, id).

    years:        birth years with a free place, ascending; `queue` indexes it
    begun:        (p,) bool, the voucher's term runs from its issue (rules B2, B3)
    others:       see allocators.arrays.Places
    """

    years: list[int]
    vacancy_row: Int64
    queue: Int32
    organization: Int32
    kind: Int32
    kinds: list[Kind]
    rank: Int32
    free: Int32
    birth_first: Int32
    birth_last: Int32
    begun: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Standings:
    """Applications that stand in the queues read, one row each.

    application_row: (n,) int64; application_id: n texts; confirmed: (n,) bool, out-of-turn benefit proved
    asks:            (n,) int32, row of `asked`
    others:          see allocators.arrays.Applicants
    """

    application_row: Int64
    application_id: Sequence[str]
    queue: Int32
    class_rank: Int8
    filed_at_us: Int64
    id_rank: Int32
    birth_day: Int32
    asks: Int32
    asked: list[Asked]
    wish_start: Int64
    wish_organization: Int32
    confirmed: NDArray[np.bool_]


def read_free_places(
    connection: Connection,
    locality: Locality,
    day: date,
    cutoff_us: int,
    rules: Rules,
    held_later: Collection[tuple[int, int]],
) -> FreePlaces:
    """What is free at the end of `day`: published, less withdrawn, held and used (rule F2).

    held_later: (application, vacancy) of vouchers still live at the end of the day (decision 1.2).
    """
    rows = rows_of(
        connection,
        "select vacancy_row, birth_year, organization_id, language, group_type, regime, admission, start_date, "
        "vacated_on, places - withdrawn - held - used from vacancy "
        "where locality_id = ? and withdrawn + held + used < places and published_at_us < ? "
        "and (attend_until is null or attend_until > ?) order by start_date, published_at_us, vacancy_id",
        (locality.locality_id, cutoff_us, day.isoformat()),
    )
    still_held = Counter(vacancy for _, vacancy in held_later)
    rows = [row for row in rows if row[9] > still_held[row[0]]]
    years = sorted({row[1] for row in rows})
    kinds = sorted({Kind(*row[3:7]) for row in rows})
    year_index = {year: index for index, year in enumerate(years)}
    kind_index = {kind: index for index, kind in enumerate(kinds)}
    windows = {text: _window(date.fromisoformat(text), rules) for text in {row[7] for row in rows}}
    today = day.isoformat()
    return FreePlaces(
        years=years,
        vacancy_row=np.array([row[0] for row in rows], dtype=np.int64),
        queue=np.array([year_index[row[1]] for row in rows], dtype=np.int32),
        organization=np.array([row[2] for row in rows], dtype=np.int32),
        kind=np.array([kind_index[Kind(*row[3:7])] for row in rows], dtype=np.int32),
        kinds=kinds,
        rank=np.arange(len(rows), dtype=np.int32),
        free=np.array([row[9] - still_held[row[0]] for row in rows], dtype=np.int32),
        birth_first=np.array([windows[row[7]][0] for row in rows], dtype=np.int32),
        birth_last=np.array([windows[row[7]][1] for row in rows], dtype=np.int32),
        begun=np.array(
            [row[6] != AdmissionOrder.EARLY_BOOKING.value or bool(row[8] and row[8] <= today) for row in rows],
            dtype=np.bool_,
        ),
    )


def _window(start_date: date, rules: Rules) -> tuple[int, int]:
    """First and last birth day, as days since 1970, whose age suits the start date (rule A8)."""
    first, last = birth_window(start_date, rules.age_min_months, rules.age_max_months)
    return first.toordinal() - EPOCH_ORDINAL, last.toordinal() - EPOCH_ORDINAL


def read_standings(
    connection: Connection, locality: Locality, cutoff_us: int, years: Sequence[int], without: Collection[int]
) -> Standings:
    """Applications in the queues of `years` filed before `cutoff_us`, but those `without`."""
    marks = ", ".join("?" * len(years))
    rows = rows_of(
        connection,
        "select application_row, application_id, birth_year, class_rank, filed_at_us, birth_date, profile_id, "
        "temporary_until is not null, benefit_confirmed_on is not null, wishes from application "
        f"where locality_id = ? and state = 'queued' and birth_year in ({marks}) and filed_at_us < ?",
        (locality.locality_id, *years, cutoff_us),
    )
    if without:
        rows = [row for row in rows if row[0] not in without]
    count = len(rows)
    columns = list(zip(*rows, strict=True)) if rows else [()] * 10
    wishes = np.frombuffer(b"".join(columns[9]), dtype="<i4").astype(np.int32)
    wish_count = np.fromiter((len(blob) for blob in columns[9]), dtype=np.int64, count=count) // 4
    profile = np.fromiter(columns[6], dtype=np.int64, count=count) * 2 + np.fromiter(
        columns[7], dtype=np.int64, count=count
    )
    used, asks = np.unique(profile, return_inverse=True)
    return Standings(
        application_row=np.fromiter(columns[0], dtype=np.int64, count=count),
        application_id=columns[1],
        queue=np.searchsorted(
            np.array(years, dtype=np.int32), np.fromiter(columns[2], dtype=np.int32, count=count)
        ).astype(np.int32),
        class_rank=np.fromiter(columns[3], dtype=np.int8, count=count),
        filed_at_us=np.fromiter(columns[4], dtype=np.int64, count=count),
        id_rank=_ranks(columns[1], columns[2:5]),
        birth_day=np.array(columns[5], dtype="datetime64[D]").astype(np.int32),
        asks=asks.astype(np.int32),
        asked=_asked(connection, used.tolist()),
        wish_start=np.concatenate([[0], np.cumsum(wish_count)]).astype(np.int64),
        wish_organization=np.where(wishes == ANY_ID, np.int32(ANY_ORGANIZATION), wishes),
        confirmed=np.fromiter(columns[8], dtype=np.bool_, count=count),
    )


def _ranks(ids: Sequence[str], keys: Sequence[Sequence[int]]) -> Int32:
    """Numbers that order ids as text wherever queue, class and moment are the same; elsewhere only different."""
    ranks = np.arange(len(ids), dtype=np.int32)
    if len(ids) < 2:
        return ranks
    columns = [np.fromiter(key, dtype=np.int64, count=len(ids)) for key in keys]
    order = np.lexsort(columns[::-1])
    tied = np.ones(len(ids) + 1, dtype=np.bool_)
    tied[0] = tied[-1] = False
    for column in columns:
        tied[1:-1] &= column[order[1:]] == column[order[:-1]]
    # tied[i]: row order[i] stands level with the one before it; so a run of equals starts before and ends after.
    starts, ends = np.flatnonzero(~tied[:-1] & tied[1:]), np.flatnonzero(tied[:-1] & ~tied[1:])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        level = order[start : end + 1]
        ranks[sorted(level.tolist(), key=ids.__getitem__)] = np.sort(level)
    return ranks


def _asked(connection: Connection, used: Sequence[int]) -> list[Asked]:
    """What the profiles ask; `used` holds profile id * 2 + (1 in a temporary stay)."""
    rows = rows_of(connection, "select profile_id, languages, group_type, regimes, accepts from profile")
    by_id = {row[0]: row[1:] for row in rows}
    return [_parsed(*by_id[key // 2], in_stay=bool(key % 2)) for key in used]


@lru_cache(maxsize=4096)
def _parsed(languages: str, group_type: str, regimes: str, accepts: str, *, in_stay: bool) -> Asked:
    """A profile as it is stored; localities ask for much the same."""
    lists = [tuple(text.split("|")) for text in (languages, regimes, accepts)]
    return Asked(lists[0], group_type, lists[1], lists[2], in_stay=in_stay)


def read_turns(connection: Connection, locality: Locality, rules: Rules, years: Sequence[int]) -> Turns:
    """Turn pattern in force and the turns spent of the present round, by birth year (rule A5).

    A pattern other than that of the last night starts its round anew (decision 1.25).
    """
    pattern = (rules.turn.first_priority, rules.turn.general)
    rows = rows_of(
        connection,
        "select birth_year, first_priority_turns, general_turns, position from queue_turn where locality_id = ?",
        (locality.locality_id,),
    )
    kept = {row[0]: row[3] for row in rows if (row[1], row[2]) == pattern}
    return Turns(
        first_priority=np.full(len(years), pattern[0], dtype=np.int32),
        general=np.full(len(years), pattern[1], dtype=np.int32),
        position=np.array([kept.get(year, 0) for year in years], dtype=np.int32),
    )


def read_barred(connection: Connection, locality: Locality, free: FreePlaces, standings: Standings) -> Int32:
    """(b, 2) int32 pairs of applicant and place: declined or refused before (rule C1)."""
    rows = rows_of(
        connection,
        "select application_row, vacancy_row from voucher where locality_id = ? and status in ('declined', 'refused')",
        (locality.locality_id,),
    )
    if not rows:
        return np.empty((0, 2), dtype=np.int32)
    pairs = np.array(rows, dtype=np.int64)
    applicant = _positions(standings.application_row, pairs[:, 0])
    place = _positions(free.vacancy_row, pairs[:, 1])
    both = (applicant != NONE) & (place != NONE)
    return np.unique(np.stack([applicant[both], place[both]], axis=1), axis=0).astype(np.int32)


def _positions(rows: Int64, wanted: Int64) -> Int64:
    """Index of each wanted row id in `rows`, NONE if it is not there."""
    order = np.argsort(rows)
    at = np.minimum(np.searchsorted(rows[order], wanted), max(len(rows) - 1, 0))
    if not len(rows):
        return np.full(len(wanted), NONE, dtype=np.int64)
    found = order[at]
    return np.where(rows[found] == wanted, found, NONE)
