"""Vouchers and places in the store: one place moves between free, held and used, or nothing does (rules B6, D)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, select, update

from bulletins.vacancy import AdmissionOrder
from queue_engine.domain.moments import start_of
from queue_engine.domain.voucher import GIVES_PLACE_BACK, Closing, Voucher, VoucherStatus
from queue_engine.store import tables as t
from queue_engine.store.bulk import insert_many
from queue_engine.store.records import Locality


@dataclass(frozen=True, slots=True)
class StoredVoucher:
    """A voucher with the rows it stands on."""

    voucher: Voucher
    voucher_row: int
    application_row: int
    vacancy_row: int
    locality_id: int


_v, _p, _a, _s = t.voucher.c, t.vacancy.c, t.application.c, t.stop_list.c
VOUCHERS = (
    select(t.voucher, _p.vacancy_id, _p.admission, _p.vacated_on, _p.attend_until, _a.application_id, _s.back_on)
    .join(t.vacancy, _p.vacancy_row == _v.vacancy_row)
    .join(t.application, _a.application_row == _v.application_row)
    .join(t.stop_list, and_(_s.application_row == _v.application_row, _s.ended_on.is_(None)), isouter=True)
    .order_by(_v.issued_on, _v.voucher_id)
)
"""Vouchers with their vacancy and open stop-list entry, by day of issue and id."""


def read_vouchers(
    connection: Connection, statement: Select[Any], parameters: Mapping[str, object]
) -> list[StoredVoucher]:
    """Vouchers of a statement made from `VOUCHERS`."""
    return [_stored(row) for row in connection.execute(statement, parameters)]


def vouchers_where(connection: Connection, *conditions: Any) -> list[StoredVoucher]:
    """Vouchers with their vacancy and open stop-list entry, by day of issue and id."""
    return read_vouchers(connection, VOUCHERS.where(*conditions), {})


def _stored(row: Row[Any]) -> StoredVoucher:
    voucher = Voucher(
        voucher_id=row.voucher_id,
        application_id=row.application_id,
        vacancy_id=row.vacancy_id,
        admission=AdmissionOrder(row.admission),
        issued_on=row.issued_on,
        expires_on=row.expires_on,
        status=VoucherStatus(row.status),
        vacated_on=row.vacated_on,
        extended_on=row.extended_on,
        stop_list_until=row.back_on,
        attend_until=row.attend_until,
        confirm_by=row.confirm_by if row.confirmed_on is None else None,
    )
    return StoredVoucher(voucher, row.voucher_row, row.application_row, row.vacancy_row, row.locality_id)


def last_vouchers(connection: Connection, application_rows: Iterable[int]) -> dict[int, StoredVoucher]:
    """By application: the live voucher, or else the one issued last."""
    last: dict[int, StoredVoucher] = {}
    for stored in vouchers_where(connection, t.voucher.c.application_row.in_(list(application_rows))):
        kept = last.get(stored.application_row)
        if kept is None or kept.voucher.status is not VoucherStatus.ISSUED:
            last[stored.application_row] = stored
    return last


def live_voucher(connection: Connection, application_row: int) -> StoredVoucher | None:
    """The live voucher of an application."""
    found = vouchers_where(
        connection,
        t.voucher.c.application_row == application_row,
        t.voucher.c.status == VoucherStatus.ISSUED.value,
    )
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a live voucher ends. `at_us`: the moment its place returns; None = the first of the day (decision 1.21)."""

    stored: StoredVoucher
    closing: Closing
    day: date
    reason: str
    at_us: int | None = None

    @property
    def status(self) -> VoucherStatus:
        return self.stored.voucher.closed(self.closing)


def end_vouchers(connection: Connection, locality: Locality, endings: Sequence[Ending]) -> None:
    """End live vouchers: each place becomes used, or returns to the bulletin of the day (rules B5, D3, D5, D6)."""
    if not endings:
        return
    v, p = t.voucher.c, t.vacancy.c
    connection.execute(
        update(t.voucher)
        .where(v.voucher_row == bindparam("row"))
        .values(status=bindparam("ended"), closed_on=bindparam("day"), reason=bindparam("why")),
        [{"row": e.stored.voucher_row, "ended": e.status.value, "day": e.day, "why": e.reason} for e in endings],
    )
    connection.execute(
        update(t.vacancy)
        .where(p.vacancy_row == bindparam("row"))
        .values(held=p.held - 1, used=p.used + bindparam("used")),
        [{"row": e.stored.vacancy_row, "used": int(e.closing is Closing.ADMIT)} for e in endings],
    )
    returned: Counter[tuple[date, int, int]] = Counter()
    for ending in endings:
        if ending.status in GIVES_PLACE_BACK:
            at_us = start_of(ending.day, locality.timezone) if ending.at_us is None else ending.at_us
            returned[locality.entry_day(ending.day), ending.stored.vacancy_row, at_us] += 1
    insert_many(
        connection,
        t.bulletin_entry,
        ("locality_id", "on_day", "kind", "vacancy_row", "places", "at_us"),
        [
            (locality.locality_id, day.isoformat(), "returned", row, count, at_us)
            for (day, row, at_us), count in returned.items()
        ],
    )


def close_live_voucher(
    connection: Connection, locality: Locality, application_row: int, closing: Closing, day: date, reason: str
) -> StoredVoucher | None:
    """End the live voucher of an application, if there is one."""
    stored = live_voucher(connection, application_row)
    if stored is not None:
        end_vouchers(connection, locality, [Ending(stored, closing, day, reason)])
    return stored
