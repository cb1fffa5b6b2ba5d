"""Vacancies and withdrawals in the store (rules B1-B6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bulletins.vacancy import Vacancy, Withdrawal
from queue_engine.domain.moments import day_of, to_us
from queue_engine.domain.voucher import GIVES_PLACE_BACK
from queue_engine.store import tables as t
from queue_engine.store.bulk import insert_many
from queue_engine.store.records import Locality, next_row_id

WAITING, TAKEN, REFUSED = "waiting", "taken", "refused"


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, Row[Any]]:
    """Stored vacancies by vacancy id, with the codes of organisation and locality."""
    rows = connection.execute(
        select(t.vacancy, t.organization.c.organization, t.locality.c.locality)
        .join(t.organization, t.organization.c.organization_id == t.vacancy.c.organization_id)
        .join(t.locality, t.locality.c.locality_id == t.vacancy.c.locality_id)
        .where(t.vacancy.c.vacancy_id.in_(list(ids)))
    )
    return {row.vacancy_id: row for row in rows}


VACANCY_COLUMNS = (
    "vacancy_row",
    "vacancy_id",
    "locality_id",
    "organization_id",
    "published_at_us",
    "age_group",
    "birth_year",
    "language",
    "group_type",
    "regime",
    "admission",
    "start_date",
    "vacated_on",
    "attend_until",
    "places",
    "registered_change",
)
ENTRY_COLUMNS = ("locality_id", "on_day", "kind", "vacancy_row", "places", "at_us")


class Publication:
    """Vacancies handed over in one change, written together: each with its line of the bulletin (rules B1, B5)."""

    def __init__(self, connection: Connection, change_id: int) -> None:
        self._connection = connection
        self._change_id = change_id
        self._next_row = next_row_id(connection, t.vacancy.c.vacancy_row)
        self._vacancies: list[tuple[Any, ...]] = []
        self._entries: list[tuple[Any, ...]] = []

    def add(self, locality: Locality, organization_id: int, vacancy: Vacancy) -> None:
        """Note a vacancy; its line goes to the bulletin of its day, or to the open one if that is closed (1.4)."""
        at_us = to_us(vacancy.published_at)
        day = locality.entry_day(day_of(at_us, locality.timezone))
        self._vacancies.append(
            (
                self._next_row,
                vacancy.vacancy_id,
                locality.locality_id,
                organization_id,
                at_us,
                vacancy.age_group,
                vacancy.birth_year,
                vacancy.language,
                vacancy.group_type.value,
                vacancy.regime.value,
                vacancy.admission.value,
                vacancy.start_date.isoformat(),
                vacancy.vacated_on.isoformat() if vacancy.vacated_on else None,
                vacancy.attend_until.isoformat() if vacancy.attend_until else None,
                vacancy.places,
                self._change_id,
            )
        )
        entry = (locality.locality_id, day.isoformat(), "vacated", self._next_row, vacancy.places, at_us)
        self._entries.append(entry)
        self._next_row += 1

    def write(self) -> None:
        insert_many(self._connection, t.vacancy, VACANCY_COLUMNS, self._vacancies)
        insert_many(self._connection, t.bulletin_entry, ENTRY_COLUMNS, self._entries)
        self._vacancies.clear()
        self._entries.clear()


def set_vacated_on(connection: Connection, vacancy_row: int, day: date) -> None:
    """The day an early-booking place is really vacated (rule B3)."""
    connection.execute(update(t.vacancy).where(t.vacancy.c.vacancy_row == vacancy_row).values(vacated_on=day))


def reserved_by_waiting(connection: Connection, vacancy_row: int) -> int:
    """Places that withdrawals waiting for their day ask for (decision 1.3)."""
    w = t.withdrawal.c
    return int(
        connection.execute(
            select(func.coalesce(func.sum(w.places), 0)).where(w.vacancy_row == vacancy_row, w.state == WAITING)
        ).scalar_one()
    )


def held_until_later(connection: Connection, vacancy_row: int, day: date) -> int:
    """Places given back by vouchers that ended after `day`: on that day they were still held (decision 1.2)."""
    v = t.voucher.c
    return int(
        connection.execute(
            select(func.count()).where(
                v.vacancy_row == vacancy_row,
                v.closed_on > day,
                v.status.in_([status.value for status in GIVES_PLACE_BACK]),
            )
        ).scalar_one()
    )


def record_withdrawal(
    connection: Connection, locality: Locality, vacancy_row: int, withdrawal: Withdrawal, change_id: int
) -> bool:
    """Record a withdrawal and list it; take it at once if its day has come. False if it waits for its day."""
    at_us = to_us(withdrawal.withdrawn_at)
    day = day_of(at_us, locality.timezone)
    come = locality.open_day is not None and day <= locality.open_day
    connection.execute(
        insert(t.withdrawal).values(
            withdrawal_id=withdrawal.withdrawal_id,
            vacancy_row=vacancy_row,
            locality_id=locality.locality_id,
            withdrawn_at_us=at_us,
            places=withdrawal.places,
            reason=withdrawal.reason,
            state=TAKEN if come else WAITING,
            change_id=change_id,
        )
    )
    connection.execute(
        insert(t.bulletin_entry).values(
            locality_id=locality.locality_id,
            on_day=locality.entry_day(day),
            kind="withdrawn",
            vacancy_row=vacancy_row,
            places=withdrawal.places,
            at_us=at_us,
            withdrawal_id=withdrawal.withdrawal_id,
        )
    )
    if come:
        take_places(connection, vacancy_row, withdrawal.places)
    return come


def take_places(connection: Connection, vacancy_row: int, places: int) -> None:
    """Withdraw free places; the schema refuses more than are free."""
    connection.execute(
        update(t.vacancy).where(t.vacancy.c.vacancy_row == vacancy_row).values(withdrawn=t.vacancy.c.withdrawn + places)
    )
