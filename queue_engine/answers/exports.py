"""The files others read: vouchers.csv, bulletin.csv, queue.csv (formats.md), and the same as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, TextIO

from sqlalchemy import Connection, select

from queue_engine.answers.standing import queues_of
from queue_engine.domain.application import ServiceClass
from queue_engine.domain.moments import from_us
from queue_engine.store import tables as t
from queue_engine.store.records import localities

VOUCHERS = (
    "voucher_id",
    "application_id",
    "vacancy_id",
    "locality",
    "organization",
    "birth_year",
    "issued_on",
    "expires_on",
    "status",
)
BULLETIN = ("date", "locality", "kind", "vacancy_id", "organization", "places", "at")
QUEUE = ("locality", "birth_year", "number", "application_id", "class", "filed_at")


def vouchers(connection: Connection, day: date | None = None, locality: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Rows of vouchers.csv, by day of issue, locality and id; `day`: issued on that day."""
    v, a, p = t.voucher.c, t.application.c, t.vacancy.c
    query = (
        select(
            v.voucher_id,
            a.application_id,
            p.vacancy_id,
            t.locality.c.locality,
            t.organization.c.organization,
            v.birth_year,
            v.issued_on,
            v.expires_on,
            v.status,
        )
        .join(t.application, a.application_row == v.application_row)
        .join(t.vacancy, p.vacancy_row == v.vacancy_row)
        .join(t.locality, t.locality.c.locality_id == v.locality_id)
        .join(t.organization, t.organization.c.organization_id == p.organization_id)
        .order_by(v.issued_on, t.locality.c.locality, v.voucher_id)
    )
    if day is not None:
        query = query.where(v.issued_on == day)
    if locality is not None:
        query = query.where(t.locality.c.locality == locality)
    for row in connection.execute(query):
        yield tuple(row)


def bulletin(connection: Connection, day: date | None = None, locality: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Rows of the exported bulletin.csv, by day, locality, and in the order handed over (rule B5)."""
    e, p = t.bulletin_entry.c, t.vacancy.c
    zones = {entry.locality: entry.timezone for entry in localities(connection)}
    query = (
        select(
            e.on_day,
            t.locality.c.locality,
            e.kind,
            p.vacancy_id,
            t.organization.c.organization,
            e.places,
            e.at_us,
        )
        .join(t.vacancy, p.vacancy_row == e.vacancy_row)
        .join(t.locality, t.locality.c.locality_id == e.locality_id)
        .join(t.organization, t.organization.c.organization_id == p.organization_id)
        # The moment decides; what has the same moment is ordered by what it is, never by rows of a file (rule C4).
        .order_by(e.on_day, t.locality.c.locality, e.at_us, e.kind, p.vacancy_id, e.places, e.withdrawal_id)
    )
    if day is not None:
        query = query.where(e.on_day == day)
    if locality is not None:
        query = query.where(t.locality.c.locality == locality)
    for row in connection.execute(query):
        yield (*row[:6], from_us(row.at_us, zones[row.locality]).isoformat())


def queue(connection: Connection, locality: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Rows of queue.csv: who stands in the queue now, by locality, birth year and number (rule A6)."""
    for entry in localities(connection):
        if locality is not None and entry.locality != locality:
            continue
        for year, members in queues_of(connection, entry).items():
            for number, key in enumerate(members.in_order(), 1):
                filed_at = from_us(key.filed_at_us, entry.timezone).isoformat()
                yield entry.locality, year, number, key.application_id, ServiceClass(key.class_rank).code, filed_at


def write_csv(rows: Iterable[tuple[Any, ...]], columns: tuple[str, ...], out: TextIO) -> int:
    """Write a header and the rows; empty for None. Returns the count of rows."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(["" if cell is None else cell for cell in row])
        count += 1
    return count


def write_json(rows: Iterable[tuple[Any, ...]], columns: tuple[str, ...], out: TextIO) -> int:
    """Write a list of objects, one a line; null for None, dates as ISO text. Returns the count of rows."""
    count = 0
    out.write("[")
    for row in rows:
        out.write(",\n" if count else "\n")
        cells = {
            name: cell.isoformat() if isinstance(cell, date) else cell for name, cell in zip(columns, row, strict=True)
        }
        out.write(json.dumps(cells, ensure_ascii=False))
        count += 1
    out.write("\n]\n")
    return count
