"""Vacancies and withdrawals in the store (rules B1-B6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bulletins.vacancy import Vacancy, Withdrawal
from queue_engine.domain.moments import day_of, to_us
from queue_engine.store import tables as t
from queue_engine.store.records import Locality

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


def publish(connection: Connection, locality: Locality, organization_id: int, vacancy: Vacancy, change_id: int) -> None:
    """Record a vacancy and list it in its bulletin, or in the open one if that is closed (decision 1.4)."""
    at_us = to_us(vacancy.published_at)
    result = connection.execute(
        insert(t.vacancy).values(
            vacancy_id=vacancy.vacancy_id,
            locality_id=locality.locality_id,
            organization_id=organization_id,
            published_at_us=at_us,
            age_group=vacancy.age_group,
            birth_year=vacancy.birth_year,
            language=vacancy.language,
            group_type=vacancy.group_type.value,
            regime=vacancy.regime.value,
            admission=vacancy.admission.value,
            start_date=vacancy.start_date,
            vacated_on=vacancy.vacated_on,
            attend_until=vacancy.attend_until,
            places=vacancy.places,
            registered_change=change_id,
        )
    )
    assert result.inserted_primary_key is not None
    connection.execute(
        insert(t.bulletin_entry).values(
            locality_id=locality.locality_id,
            on_day=locality.entry_day(day_of(at_us, locality.timezone)),
            kind="vacated",
            vacancy_row=result.inserted_primary_key[0],
            places=vacancy.places,
            at_us=at_us,
        )
    )


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
