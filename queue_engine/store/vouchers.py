"""Vouchers and places in the store: one place moves between free, held and used, or nothing does (rules B6, D)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, select, update

from bulletins.vacancy import AdmissionOrder
from queue_engine.domain.moments import start_of
from queue_engine.domain.voucher import GIVES_PLACE_BACK, Closing, Voucher, VoucherStatus
from queue_engine.store import tables as t
from queue_engine.store.records import Locality


@dataclass(frozen=True, slots=True)
class StoredVoucher:
    """A voucher with the rows it stands on."""

    voucher: Voucher
    voucher_row: int
    application_row: int
    vacancy_row: int
    locality_id: int
    attend_until: date | None


def vouchers_where(connection: Connection, *conditions: Any) -> list[StoredVoucher]:
    """Vouchers with their vacancy and open stop-list entry, by day of issue and id."""
    v, p, a, s = t.voucher.c, t.vacancy.c, t.application.c, t.stop_list.c
    rows = connection.execute(
        select(
            t.voucher,
            p.vacancy_id,
            p.admission,
            p.vacated_on,
            p.attend_until,
            a.application_id,
            s.back_on,
        )
        .join(t.vacancy, p.vacancy_row == v.vacancy_row)
        .join(t.application, a.application_row == v.application_row)
        .join(t.stop_list, and_(s.application_row == v.application_row, s.ended_on.is_(None)), isouter=True)
        .where(*conditions)
        .order_by(v.issued_on, v.voucher_id)
    )
    return [_stored(row) for row in rows]


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
        unconfirmed=row.confirm_by is not None and row.confirmed_on is None,
    )
    return StoredVoucher(
        voucher, row.voucher_row, row.application_row, row.vacancy_row, row.locality_id, row.attend_until
    )


def last_voucher(connection: Connection, application_row: int) -> StoredVoucher | None:
    """The live voucher of an application, or else the one issued last."""
    found = vouchers_where(connection, t.voucher.c.application_row == application_row)
    live = [stored for stored in found if stored.voucher.status is VoucherStatus.ISSUED]
    return (live or found or [None])[-1]


def live_voucher(connection: Connection, application_row: int) -> StoredVoucher | None:
    """The live voucher of an application."""
    found = vouchers_where(
        connection,
        t.voucher.c.application_row == application_row,
        t.voucher.c.status == VoucherStatus.ISSUED.value,
    )
    return found[0] if found else None


def close_vouchers(
    connection: Connection,
    locality: Locality,
    vouchers: Sequence[StoredVoucher],
    closing: Closing,
    day: date,
    reason: str,
    at_us: int | None = None,
) -> None:
    """End live vouchers: the place becomes used or returns to the bulletin of the day (rules B5, D3, D5, D6).

    `at_us` is the moment of return; by default the first of the day (decision 1.21).
    """
    if not vouchers:
        return
    v, p = t.voucher.c, t.vacancy.c
    connection.execute(
        update(t.voucher)
        .where(v.voucher_row == bindparam("row"))
        .values(status=bindparam("closed"), closed_on=day, reason=reason),
        [{"row": s.voucher_row, "closed": s.voucher.closed(closing).value} for s in vouchers],
    )
    places = [{"row": s.vacancy_row} for s in vouchers]
    if closing is Closing.ADMIT:
        connection.execute(
            update(t.vacancy).where(p.vacancy_row == bindparam("row")).values(held=p.held - 1, used=p.used + 1),
            places,
        )
        return
    connection.execute(update(t.vacancy).where(p.vacancy_row == bindparam("row")).values(held=p.held - 1), places)
    assert vouchers[0].voucher.closed(closing) in GIVES_PLACE_BACK
    returned: dict[int, int] = {}
    for stored in sorted(vouchers, key=lambda stored: stored.voucher.vacancy_id):
        returned[stored.vacancy_row] = returned.get(stored.vacancy_row, 0) + 1
    connection.execute(
        insert(t.bulletin_entry),
        [
            {
                "locality_id": locality.locality_id,
                "on_day": locality.entry_day(day),
                "kind": "returned",
                "vacancy_row": row,
                "places": count,
                "at_us": start_of(day, locality.timezone) if at_us is None else at_us,
            }
            for row, count in returned.items()
        ],
    )


def close_live_voucher(
    connection: Connection, locality: Locality, application_row: int, closing: Closing, day: date, reason: str
) -> StoredVoucher | None:
    """End the live voucher of an application, if there is one."""
    stored = live_voucher(connection, application_row)
    if stored is not None:
        close_vouchers(connection, locality, [stored], closing, day, reason)
    return stored
