"""Serving the queues: read what is free and who asks, allocate, write vouchers in bulk (rules A5, C, D1)."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np

from allocators.arrays import NONE, Applicants, Int32, Places, Proposal, Turns
from allocators.queue_order import allocate
from queue_engine.domain.application import ServiceClass
from queue_engine.domain.queue import Turn, number_of
from queue_engine.domain.voucher import VoucherStatus, voucher_id
from queue_engine.night.context import Night
from queue_engine.night.steps import admitted_later, held_until_later
from queue_engine.store import tables as t
from queue_engine.store.bulk import execute_many, insert_many
from queue_engine.store.queues import (
    FreePlaces,
    Standings,
    read_barred,
    read_free_places,
    read_standings,
    read_turns,
)
from queue_engine.store.records import MOVEMENT_COLUMNS, Why


class Served(NamedTuple):
    """One voucher to write: rows of the night's arrays, and the number in the queue."""

    applicant: int
    place: int
    number: int


def serve(night: Night) -> None:
    """Offer the free places to every queue that has some (rule F2); nobody in suspended days (rule B7)."""
    night.report.suspended = night.rules.is_suspended(night.day)
    if night.report.suspended:
        return
    held_later = held_until_later(night)
    connection, locality = night.connection, night.locality
    free = read_free_places(connection, locality, night.day, night.cutoff_us, night.rules, held_later)
    if not len(free.vacancy_row):
        return
    turns = read_turns(connection, locality, night.rules, free.years)
    holding = {row for row, _ in held_later} | admitted_later(night)
    standings = read_standings(connection, locality, night.cutoff_us, free.years, holding)
    barred = read_barred(connection, locality, free, standings)
    applicants, places, preferences = _encode(free, standings, barred)
    proposal = allocate(applicants, places, turns, preferences)
    night.report.free = int(free.free.sum())
    night.report.standing = len(standings.application_row)
    _write_run(night, free, turns, proposal)
    _write_vouchers(night, free, standings, _numbered(applicants, turns, proposal))


def _encode(free: FreePlaces, standings: Standings, barred: Int32) -> tuple[Applicants, Places, Int32]:
    """The arrays of the allocators; see allocators/arrays.py for shapes and units."""
    applicants = Applicants(
        queue=standings.queue,
        class_rank=standings.class_rank,
        filed_at_us=standings.filed_at_us,
        id_rank=standings.id_rank,
        birth_day=standings.birth_day,
        profile=standings.asks,
        wish_start=standings.wish_start,
        wish_organization=standings.wish_organization,
        barred=barred,
    )
    places = Places(
        queue=free.queue,
        organization=free.organization,
        kind=free.kind,
        rank=free.rank,
        free=free.free,
        birth_first=free.birth_first,
        birth_last=free.birth_last,
    )
    return applicants, places, _preferences(standings, free)


def _preferences(standings: Standings, free: FreePlaces) -> Int32:
    """(profiles, kinds) int32: a kind's rank by admission order, language, regime; -1 = unsuitable (rules C1, C2)."""
    table = np.full((max(len(standings.asked), 1), len(free.kinds)), NONE, dtype=np.int32)
    for row, asked in enumerate(standings.asked):
        for column, kind in enumerate(free.kinds):
            table[row, column] = asked.preference(kind)
    return table


def _numbered(applicants: Applicants, turns: Turns, proposal: Proposal) -> list[Served]:
    """Who gets what, each with the number it had when the night began to serve (rule A6)."""
    order = np.lexsort((applicants.id_rank, applicants.filed_at_us, applicants.class_rank, applicants.queue))
    queue, rank = applicants.queue[order], applicants.class_rank[order]
    # A stream is one class of one queue; `ahead` counts those before in the same stream.
    stream = queue.astype(np.int64) * len(ServiceClass) + rank
    sizes = np.bincount(stream, minlength=len(turns.position) * len(ServiceClass)).reshape(-1, len(ServiceClass))
    ahead = np.arange(len(order)) - np.searchsorted(stream, stream, side="left")
    served = np.flatnonzero(proposal.place[order] != NONE)
    result = []
    for at in served.tolist():
        applicant, own_queue = int(order[at]), int(queue[at])
        turn = Turn(
            int(turns.first_priority[own_queue]),
            int(turns.general[own_queue]),
            int(turns.position[own_queue]),
        )
        counts = (int(sizes[own_queue, 0]), int(sizes[own_queue, 1]), int(sizes[own_queue, 2]))
        number = number_of(int(ahead[at]), counts, int(rank[at]), turn)
        result.append(Served(applicant, int(proposal.place[applicant]), number))
    return result


def _write_run(night: Night, free: FreePlaces, turns: Turns, proposal: Proposal) -> None:
    """What was free, and the turns before and after, for explanations and numbers."""
    insert_many(
        night.connection,
        t.run_place,
        ("run_id", "vacancy_row", "free"),
        [(night.run_id, row, count) for row, count in zip(free.vacancy_row.tolist(), free.free.tolist(), strict=True)],
    )
    queues = []
    for index, year in enumerate(free.years):
        pattern = (int(turns.first_priority[index]), int(turns.general[index]))
        queues.append((year, *pattern, int(turns.position[index]), int(proposal.position_after[index])))
    insert_many(
        night.connection,
        t.run_queue,
        (
            "run_id",
            "birth_year",
            "first_priority_turns",
            "general_turns",
            "position_before",
            "position_after",
        ),
        [(night.run_id, *row) for row in queues],
    )
    execute_many(
        night.connection,
        "insert into queue_turn (locality_id, birth_year, first_priority_turns, general_turns, position) "
        "values (?, ?, ?, ?, ?) on conflict (locality_id, birth_year) do update set "
        "first_priority_turns = excluded.first_priority_turns, general_turns = excluded.general_turns, "
        "position = excluded.position",
        [(night.locality.locality_id, year, f, g, after) for year, f, g, _before, after in queues],
    )


def _write_vouchers(night: Night, free: FreePlaces, standings: Standings, served: list[Served]) -> None:
    """Vouchers, states, places and movements of the night, in bulk."""
    if not served:
        return
    day = night.day.isoformat()
    days = night.rules.voucher_validity
    last = night.calendar.last_day(night.day, days).isoformat()
    confirm_by = _confirm_by(night)
    locality_id = night.locality.locality_id
    vouchers, movements, holders, taken = [], [], [], []
    for applicant, place, number in served:
        row = int(standings.application_row[applicant])
        year, rank = free.years[free.queue[place]], int(standings.class_rank[applicant])
        begun = free.begun[place]
        proof = confirm_by if rank == ServiceClass.OUT_OF_TURN and not standings.confirmed[applicant] else None
        vouchers.append(
            (
                voucher_id(night.day, standings.application_id[applicant]),
                row,
                int(free.vacancy_row[place]),
                locality_id,
                year,
                day,
                last if begun else None,
                VoucherStatus.ISSUED.value,
                rank,
                number,
                night.calendar.fingerprint,
                days if begun else None,
                day if begun else None,
                proof,
            )
        )
        filed = int(standings.filed_at_us[applicant])
        movements.append((night.ledger.change_id, row, locality_id, year, rank, filed, -1, Why.VOUCHER, day, ""))
        holders.append((row,))
        taken.append((int(free.vacancy_row[place]),))
    insert_many(night.connection, t.voucher, VOUCHER_COLUMNS, vouchers)
    insert_many(night.connection, t.movement, MOVEMENT_COLUMNS, movements)
    execute_many(night.connection, "update application set state = 'holding' where application_row = ?", holders)
    execute_many(night.connection, "update vacancy set held = held + 1 where vacancy_row = ?", taken)
    night.report.vouchers = len(served)


VOUCHER_COLUMNS = (
    "voucher_id",
    "application_row",
    "vacancy_row",
    "locality_id",
    "birth_year",
    "issued_on",
    "expires_on",
    "status",
    "class_rank",
    "number",
    "calendar",
    "term_days",
    "term_from",
    "confirm_by",
)


def _confirm_by(night: Night) -> str | None:
    """The last day for the proof of an out-of-turn benefit, if it is required (rule D7)."""
    if not night.rules.confirmation_required:
        return None
    last: date = night.calendar.last_day(night.day, night.rules.confirmation_days)
    return last.isoformat()
