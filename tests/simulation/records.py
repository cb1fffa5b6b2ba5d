"""What is on record of one locality, read by plain SQL: the material of the checks."""

from __future__ import annotations

import struct
from collections import Counter
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from queue_engine.store.bulk import rows_of


class Voucher(NamedTuple):
    """One voucher; days as ISO text, empty = none."""

    voucher_id: str
    application_id: str
    vacancy_id: str
    child_iin: str
    issued_on: str
    expires_on: str
    closed_on: str
    status: str
    number: int
    term_from: str
    reason: str


class Record(NamedTuple):
    """A locality on the morning after its last night.

    turns:  birth year to (turns of the pattern, turns of the round spent), as kept now
    served: birth year to turns spent before and after the last night, of the queues that had something free
    withdrawn: by vacancy, places of withdrawals that were taken
    """

    locality_id: int
    locality: str
    last_run: date
    vouchers: list[Voucher]
    turns: dict[int, tuple[tuple[int, int], int]]
    served: dict[int, tuple[int, int]]
    withdrawn: Counter[str]


def read_record(connection: Connection, locality: str) -> Record | None:
    """None before the first night."""
    found = rows_of(connection, "select locality_id, last_run_on from locality where locality = ?", (locality,))
    if not found or found[0][1] is None:
        return None
    [(key, last_run)] = found
    vouchers = rows_of(
        connection,
        "select voucher_id, application_id, vacancy_id, child_iin, v.issued_on, v.expires_on, v.closed_on, v.status, "
        "v.number, v.term_from, v.reason from voucher v join application using (application_row) "
        "join vacancy using (vacancy_row) where v.locality_id = ?",
        (key,),
    )
    turns = rows_of(
        connection,
        "select birth_year, first_priority_turns, general_turns, position from queue_turn where locality_id = ?",
        (key,),
    )
    served = rows_of(
        connection,
        "select birth_year, position_before, position_after from run_queue join run using (run_id) "
        "where locality_id = ? and on_day = ?",
        (key, last_run),
    )
    withdrawn: Counter[str] = Counter()
    for name, places in rows_of(
        connection,
        "select vacancy_id, w.places from withdrawal w join vacancy using (vacancy_row) "
        "where w.locality_id = ? and w.state = 'taken'",
        (key,),
    ):
        withdrawn[name] += places
    return Record(
        key,
        locality,
        date.fromisoformat(last_run),
        [Voucher(*("" if cell is None else cell for cell in row)) for row in vouchers],
        {year: ((first, general), spent) for year, first, general, spent in turns},
        {year: (before, after) for year, before, after in served},
        withdrawn,
    )


def read_states(connection: Connection, key: int) -> dict[str, tuple[Any, ...]]:
    """By application id: state, filed_at_us, archived, live vouchers, open stop-list entries, sum of its steps."""
    rows = rows_of(
        connection,
        "select application_id, state, filed_at_us, archived_on is not null, "
        "(select count(*) from voucher v where v.application_row = a.application_row and status = 'issued'), "
        "(select count(*) from stop_list s where s.application_row = a.application_row and ended_on is null), "
        "(select coalesce(sum(step), 0) from movement m where m.application_row = a.application_row) "
        "from application a where locality_id = ?",
        (key,),
    )
    return {row[0]: row[1:] for row in rows}


def read_contents(connection: Connection, key: int) -> dict[str, tuple[str, ...]]:
    """By application id what the family said, in the words of the file (see `said`)."""
    names = dict(
        rows_of(connection, "select organization_id, organization from organization where locality_id = ?", (key,))
    )
    rows = rows_of(
        connection,
        "select application_id, birth_date, child_iin, benefit, email, languages, group_type, regimes, accepts, wishes "
        "from application join profile using (profile_id) where locality_id = ?",
        (key,),
    )
    found = {}
    for name, *cells, wishes in rows:
        codes = (names.get(number, "*") for (number,) in struct.iter_unpack("<i", wishes))
        found[name] = (*map(str, cells), "|".join(codes))
    return found
