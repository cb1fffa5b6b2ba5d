"""An application as one past night saw it: what it asked, its class and number, or why it was not in the queue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from queue_engine.domain.application import ServiceClass
from queue_engine.domain.asking import Asked
from queue_engine.domain.moments import end_of
from queue_engine.domain.queue import Turn, number_of
from queue_engine.law.values import TurnPattern
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
        "where v.application_row = ? and v.status = 'admitted' and v.issued_on < ? and v.closed_on <= ? "
        "and p.attend_until > ?",
        (row.application_row, *[run.on_day.isoformat()] * 3),
    )
    return bool(rows)


def _absent(connection: Connection, locality: Locality, row: Row[Any], run: Row[Any]) -> str:
    if row.filed_at_us >= end_of(run.on_day, locality.timezone):
        return "It was filed after that day (rule F1)."
    seen = rows_of(
        connection,
        f"select m.why, m.step from movement m where m.application_row = ? and {OVER} order by m.movement_id",
        (row.application_row, *_over(run)),
    )
    if not seen:
        return "It was not on record yet when that night was run."
    if sum(step for _, step in seen) > 0:
        return ""
    return next((NOT_THERE[why] for why, _ in reversed(seen) if why in NOT_THERE), "It was not in the queue.")


# The movements that were over when a night began to serve: recorded before it or by its own earlier steps, and not
# recorded after a decision that was dated ahead of the night (decision 1.2).
OVER = (
    "(m.change_id < ? or m.change_id = ? and m.why <> ?) and not exists (select 1 from movement d "
    "where d.application_row = m.application_row and d.movement_id <= m.movement_id and d.change_id < ? "
    f"and d.on_day > ? and d.why in ({', '.join('?' * len(DATED))}))"
)


def _over(run: Row[Any]) -> tuple[Any, ...]:
    """The parameters of OVER."""
    return run.change_id, run.change_id, Why.VOUCHER, run.change_id, run.on_day.isoformat(), *DATED


def _number(connection: Connection, locality: Locality, row: Row[Any], said: Any, run: Row[Any]) -> tuple[int, int]:
    """Number in the queue when the night began to serve, and how many stood there (rule A6)."""
    found = rows_of(
        connection,
        "select m.class_rank, (m.filed_at_us, a.application_id) < (?, ?), sum(m.step) "
        "from movement m join application a on a.application_row = m.application_row "
        f"where m.locality_id = ? and m.birth_year = ? and m.filed_at_us < ? and {OVER} group by 1, 2",
        (
            row.filed_at_us,
            row.application_id,
            locality.locality_id,
            said.birth_year,
            end_of(run.on_day, locality.timezone),
            *_over(run),
        ),
    )
    sizes = [0] * len(ServiceClass)
    ahead = 0
    for rank, before, steps in found:
        sizes[rank] += steps
        if rank == said.class_rank and before:
            ahead += steps
    turn = _turn(connection, locality, said.birth_year, run)
    return number_of(ahead, (sizes[0], sizes[1], sizes[2]), said.class_rank, turn), sum(sizes)


def _turn(connection: Connection, locality: Locality, birth_year: int, run: Row[Any]) -> Turn:
    """The turn of the queue when the night began: its own, or where the last night with free places left it."""
    pattern = TurnPattern.parse(json.loads(run.rules)["turn"])
    rows = rows_of(
        connection,
        "select r.run_id, q.first_priority_turns, q.general_turns, q.position_before, q.position_after "
        "from run_queue q join run r on r.run_id = q.run_id "
        "where r.locality_id = ? and q.birth_year = ? and r.on_day <= ? order by r.on_day desc limit 1",
        (locality.locality_id, birth_year, run.on_day.isoformat()),
    )
    if rows and rows[0][1:3] == (pattern.first_priority, pattern.general):
        position = rows[0][3] if rows[0][0] == run.run_id else rows[0][4]
        return Turn(pattern.first_priority, pattern.general, position)
    return Turn(pattern.first_priority, pattern.general)
