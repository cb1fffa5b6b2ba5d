"""An application as one past night saw it: what it asked, its class and number, or why it was not in the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from queue_engine.domain.application import ServiceClass
from queue_engine.domain.asking import Asked
from queue_engine.domain.moments import end_of
from queue_engine.domain.queue import Turn, number_of
from queue_engine.store import tables as t
from queue_engine.store.bulk import rows_of
from queue_engine.store.records import ANY_ID, Locality, Why

# These hold from the day they are dated, even when recorded before an earlier night (decision 1.2).
DATED = (Why.DECLINED, Why.REFUSED, Why.TEMPORARY)

NOT_THERE = {
    Why.VOUCHER: "It held a live voucher that night, and one voucher at a time is the rule (C3).",
    Why.LAPSED: "It was on the stop-list: its voucher had lapsed (rules D6, E1).",
    Why.UNCONFIRMED: "It was on the stop-list: its out-of-turn benefit was not confirmed in time (rules D7, E1).",
    Why.STOPPED: "It was on the stop-list by an officer's act (rule E1).",
    Why.ADMITTED: "It was in the archive: the child was admitted (rule D3).",
    Why.ARCHIVED: "It was in the archive (rule E2).",
    Why.OVER_AGE: "It was archived as over age (rules A8, E2).",
}


@dataclass(frozen=True, slots=True)
class Past:
    """What the night knew of the application.

    absent:   why it was not in the queue, empty if it was; then number and standing are 0
    standing: applications in its queue when the night began to serve
    """

    application_row: int
    change_id: int
    absent: str
    birth_year: int
    birth_date: date
    class_rank: int
    asked: Asked
    wishes: tuple[int, ...]
    number: int
    standing: int

    def wish(self, organization_id: int) -> tuple[int, bool] | None:
        """(position in the wishes, reached by "any other") of an organisation; None if it is not wished."""
        if organization_id in self.wishes:
            return self.wishes.index(organization_id), False
        return (self.wishes.index(ANY_ID), True) if ANY_ID in self.wishes else None

    def barred(self, connection: Connection) -> set[int]:
        """Vacancies that it had declined or been refused before that night (rule C1)."""
        rows = rows_of(
            connection,
            "select v.vacancy_row from decision d join voucher v on v.voucher_row = d.voucher_row "
            "where v.application_row = ? and v.status in ('declined', 'refused') and d.change_id < ?",
            (self.application_row, self.change_id),
        )
        return {row[0] for row in rows}


def past_of(connection: Connection, locality: Locality, row: Row[Any], run: Row[Any]) -> Past:
    """The application as the night of `run` saw it when it began to serve."""
    v = t.application_version.c
    said = (
        connection.execute(
            select(t.application_version)
            .where(v.application_row == row.application_row, v.until_change > run.change_id)
            .order_by(v.until_change)
            .limit(1)
        ).one_or_none()
        or row
    )
    absent = _absent(connection, locality, row, run)
    number, standing = (0, 0) if absent else _number(connection, locality, row, said, run)
    return Past(
        application_row=row.application_row,
        change_id=run.change_id,
        absent=absent,
        birth_year=said.birth_year,
        birth_date=said.birth_date,
        class_rank=said.class_rank,
        asked=_asked(connection, said.profile_id, _in_stay(connection, row, run)),
        wishes=tuple(np.frombuffer(said.wishes, dtype="<i4").tolist()),
        number=number,
        standing=standing,
    )


def _asked(connection: Connection, profile_id: int, in_stay: bool) -> Asked:
    p = connection.execute(select(t.profile).where(t.profile.c.profile_id == profile_id)).one()
    return Asked(
        tuple(p.languages.split("|")),
        p.group_type,
        tuple(p.regimes.split("|")),
        tuple(p.accepts.split("|")),
        in_stay=in_stay,
    )


def _in_stay(connection: Connection, row: Row[Any], run: Row[Any]) -> bool:
    """Whether the child was in a temporary place that night (rule D3)."""
    rows = rows_of(
        connection,
        "select 1 from voucher v join vacancy p on p.vacancy_row = v.vacancy_row "
        "where v.application_row = ? and v.status = 'admitted' and v.closed_on <= ? and p.attend_until > ?",
        (row.application_row, run.on_day.isoformat(), run.on_day.isoformat()),
    )
    return bool(rows)


def _counts(why: str, on_day: str, change_id: int, run: Row[Any]) -> bool:
    """Whether a movement was over when the night began to serve."""
    if change_id == run.change_id:
        return why != Why.VOUCHER
    return change_id < run.change_id and not (why in DATED and on_day > run.on_day.isoformat())


def _absent(connection: Connection, locality: Locality, row: Row[Any], run: Row[Any]) -> str:
    if row.filed_at_us >= end_of(run.on_day, locality.timezone):
        return "It was filed after that day (rule F1)."
    moves = rows_of(
        connection,
        "select why, on_day, change_id, step from movement where application_row = ? order by movement_id",
        (row.application_row,),
    )
    seen = [(why, step) for why, on_day, change_id, step in moves if _counts(why, on_day, change_id, run)]
    if not seen:
        return "It was not on record yet when that night was run."
    if sum(step for _, step in seen) > 0:
        return ""
    return next((NOT_THERE[why] for why, _ in reversed(seen) if why in NOT_THERE), "It was not in the queue.")


def _number(connection: Connection, locality: Locality, row: Row[Any], said: Any, run: Row[Any]) -> tuple[int, int]:
    """Number in the queue when the night began to serve, and how many stood there (rule A6)."""
    dated = ", ".join("?" * len(DATED))
    found = rows_of(
        connection,
        "select m.class_rank, (m.filed_at_us, a.application_id) < (?, ?), sum(m.step) "
        "from movement m join application a on a.application_row = m.application_row "
        "where m.locality_id = ? and m.birth_year = ? and m.filed_at_us < ? "
        f"and (m.change_id < ? and not (m.why in ({dated}) and m.on_day > ?) or m.change_id = ? and m.why <> ?) "
        "group by 1, 2",
        (
            row.filed_at_us,
            row.application_id,
            locality.locality_id,
            said.birth_year,
            end_of(run.on_day, locality.timezone),
            run.change_id,
            *DATED,
            run.on_day.isoformat(),
            run.change_id,
            Why.VOUCHER,
        ),
    )
    sizes = [0] * len(ServiceClass)
    ahead = 0
    for rank, before, steps in found:
        sizes[rank] += steps
        if rank == said.class_rank and before:
            ahead += steps
    queue = connection.execute(
        select(t.run_queue).where(t.run_queue.c.run_id == run.run_id, t.run_queue.c.birth_year == said.birth_year)
    ).one_or_none()
    turn = Turn(queue.first_priority_turns, queue.general_turns, queue.position_before) if queue else Turn()
    return number_of(ahead, (sizes[0], sizes[1], sizes[2]), said.class_rank, turn), sum(sizes)
