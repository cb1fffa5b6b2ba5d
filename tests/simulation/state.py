"""What people see of the service when they decide what to do next: who stands where, who holds which voucher."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from queue_engine.store.bulk import rows_of
from queue_engine.store.engine import Database

RECENT = timedelta(days=35)
"""How long an archived application is still thought of."""


@dataclass(frozen=True)
class Live:
    """A live voucher."""

    application_id: str
    locality: str
    vacancy_id: str
    issued_on: str
    proof_wanted: bool
    begun: bool


@dataclass(frozen=True)
class State:
    """By locality: application ids by state, in order; live vouchers by day of issue and id.

    awaited: applications with an act that waits for its day.
    """

    by_state: dict[tuple[str, str], list[str]]
    live: dict[str, list[Live]]
    awaited: set[str]

    def of(self, locality: str, *states: str) -> list[str]:
        return sorted(name for state in states for name in self.by_state.get((locality, state), ()))


def read_state(database: Database, today: date) -> State:
    by_state: dict[tuple[str, str], list[str]] = {}
    live: dict[str, list[Live]] = {}
    with database.read() as connection:
        for name, locality, state in rows_of(
            connection,
            "select application_id, locality, state from application join locality using (locality_id) "
            "where state <> 'archived' or archived_on > ?",
            ((today - RECENT).isoformat(),),
        ):
            by_state.setdefault((locality, state), []).append(name)
        for name, locality, vacancy, issued, proof, begun in rows_of(
            connection,
            "select application_id, locality, vacancy_id, v.issued_on, v.confirm_by is not null and "
            "v.confirmed_on is null, v.expires_on is not null from voucher v join locality using (locality_id) "
            "join application using (application_row) join vacancy using (vacancy_row) "
            "where v.status = 'issued' order by v.issued_on, application_id",
        ):
            live.setdefault(locality, []).append(Live(name, locality, vacancy, issued, bool(proof), bool(begun)))
        awaited = rows_of(connection, "select application_id from waiting_act join application using (application_row)")
    return State(by_state, live, {name for (name,) in awaited})
