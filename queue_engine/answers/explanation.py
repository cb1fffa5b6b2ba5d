"""`kezek explain`: why an application got this place, or none, in one night (rules C, H2).

Everything is read back from the records of that night: what was free, who was served, and what the application
asked for then. Others appear by number and class only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from queue_engine.answers.past import Past, past_of
from queue_engine.domain.application import ServiceClass
from queue_engine.domain.asking import Kind
from queue_engine.errors import WrongUsage
from queue_engine.law.age import birth_window
from queue_engine.store import applications
from queue_engine.store import tables as t
from queue_engine.store.bulk import rows_of
from queue_engine.store.records import locality_of

MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Offered:
    """A vacancy with free places when the night began to serve, in the order of rule C2."""

    vacancy_row: int
    vacancy_id: str
    organization_id: int
    organization: str
    kind: Kind
    start_date: date
    free: int
    rank: int


@dataclass(frozen=True, slots=True)
class Suiting:
    """A vacancy that suited the application; `order` is the wish of rule C2, the least is best."""

    offered: Offered
    wish: int
    any_other: bool
    order: tuple[int, int, int]


def explain(connection: Connection, application_id: str, day: date | None = None) -> str:
    """The explanation of one night (by default the last) for one application, in words.

    Raises: WrongUsage for an unknown application or a day without a run.
    """
    row = applications.find(connection, application_id)
    locality = locality_of(connection, row)
    day = day or locality.last_run_on
    run = _run(connection, locality.locality_id, day)
    if run is None or day is None:
        raise WrongUsage(
            "explain.no_run",
            f"no night of {day} is on record in {locality.locality}." if day else "no night is on record yet.",
            next_step="Run it with `kezek run`.",
        )
    past = past_of(connection, locality, row, run)
    words = [f"Night of {day}, queue {locality.locality} {past.birth_year}, application {application_id}."]
    if past.absent:
        return "\n".join([*words, past.absent])
    rules = json.loads(run.rules)
    words.append(f"Class {ServiceClass(past.class_rank).code}, number {past.number} of {past.standing}.")
    if run.suspended:
        return "\n".join([*words, f"No vouchers that night: {day} lies in suspended days (rule B7)."])
    offered = _offered(connection, run.run_id, past.birth_year)
    suiting, reasons = _compare(connection, past, offered, rules)
    takers = _takers(connection, locality.locality_id, day)
    got = _got(connection, row.application_row, day)
    if got is not None:
        words += _why_this_place(past, got, suiting, takers)
    else:
        words += _why_none(offered, suiting, reasons, takers)
    return "\n".join(words)


def _run(connection: Connection, locality_id: int, day: date | None) -> Row[Any] | None:
    r = t.run.c
    return connection.execute(select(t.run).where(r.locality_id == locality_id, r.on_day == day)).one_or_none()


def _offered(connection: Connection, run_id: int, birth_year: int) -> list[Offered]:
    rows = rows_of(
        connection,
        "select p.vacancy_row, p.vacancy_id, p.organization_id, o.organization, p.language, p.group_type, p.regime, "
        "p.admission, p.start_date, r.free from run_place r join vacancy p on p.vacancy_row = r.vacancy_row "
        "join organization o on o.organization_id = p.organization_id "
        "where r.run_id = ? and p.birth_year = ? order by p.start_date, p.published_at_us, p.vacancy_id",
        (run_id, birth_year),
    )
    return [
        Offered(row[0], row[1], row[2], row[3], Kind(*row[4:8]), date.fromisoformat(row[8]), row[9], rank)
        for rank, row in enumerate(rows)
    ]


def _takers(connection: Connection, locality_id: int, day: date) -> dict[int, list[tuple[int, int]]]:
    """(number, class) of those served that night, by vacancy."""
    rows = rows_of(
        connection,
        "select vacancy_row, number, class_rank from voucher where locality_id = ? and issued_on = ? order by number",
        (locality_id, day.isoformat()),
    )
    takers: dict[int, list[tuple[int, int]]] = {}
    for vacancy_row, number, rank in rows:
        takers.setdefault(vacancy_row, []).append((number, rank))
    return takers


def _got(connection: Connection, application_row: int, day: date) -> tuple[str, int] | None:
    """(voucher id, vacancy row) of the voucher issued to the application that night."""
    rows = rows_of(
        connection,
        "select voucher_id, vacancy_row from voucher where application_row = ? and issued_on = ?",
        (application_row, day.isoformat()),
    )
    return (rows[0][0], rows[0][1]) if rows else None


def _compare(
    connection: Connection, past: Past, offered: list[Offered], rules: Mapping[str, Any]
) -> tuple[list[Suiting], Counter[str]]:
    """Which vacancies suited, best wish first; and why the others did not, counted in places (rule C1)."""
    barred = past.barred(connection)
    suiting, reasons = [], Counter[str]()
    for place in offered:
        wish = past.wish(place.organization_id)
        reason = ""
        if wish is None:
            reason = "an organisation not in the wishes"
        elif mismatch := past.asked.mismatch(place.kind):
            reason = f"another {mismatch}" if mismatch != "temporary stay under way" else mismatch
        elif not _age_suits(past.birth_date, place.start_date, rules):
            reason = "age on the start date (rule A8)"
        elif place.vacancy_row in barred:
            reason = "declined or refused before"
        if reason or wish is None:
            reasons[reason] += place.free
            continue
        order = (wish[0], past.asked.preference(place.kind), place.rank)
        suiting.append(Suiting(place, wish[0], wish[1], order))
    return sorted(suiting, key=lambda entry: entry.order), reasons


def _age_suits(birth_date: date, start_date: date, rules: Mapping[str, Any]) -> bool:
    first, last = birth_window(start_date, rules["age_min_months"], rules["age_max_years"] * MONTHS_A_YEAR)
    return first <= birth_date <= last


def _why_this_place(
    past: Past, got: tuple[str, int], suiting: list[Suiting], takers: dict[int, list[tuple[int, int]]]
) -> list[str]:
    own = next(entry for entry in suiting if entry.offered.vacancy_row == got[1])
    kind, asked = own.offered.kind, past.asked
    words = [
        f"Served: voucher {got[0]} for {_place(own)}.",
        f"Among what was left it was the best wish (rule C2): {_wish(own)}, "
        f"admission order {kind.admission} (position {asked.accepts.index(kind.admission) + 1}), "
        f"language {kind.language} (position {asked.languages.index(kind.language) + 1}), "
        f"regime {kind.regime} (position {asked.regimes.index(kind.regime) + 1}).",
    ]
    better = [entry for entry in suiting if entry.order < own.order]
    if not better:
        words.append("No place that suited it better was free that night.")
    else:
        words.append("Places that suited it better were gone, served before it:")
        words += [f"  {_place(entry)}, {_wish(entry)}: {_served(entry, takers)}." for entry in better]
    return words


def _why_none(
    offered: list[Offered],
    suiting: list[Suiting],
    reasons: Counter[str],
    takers: dict[int, list[tuple[int, int]]],
) -> list[str]:
    words = [f"No voucher. Free in its queue when the night began to serve: {sum(o.free for o in offered)} places."]
    if suiting:
        words.append("Places that suited it, and who was served there before it:")
        words += [f"  {_place(entry)}, {_wish(entry)}: {_served(entry, takers)}." for entry in suiting]
    elif offered:
        words.append("None of them suited it.")
    if reasons:
        rest = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        words.append(f"Places that did not suit, by the first condition that failed (rule C1): {rest}.")
    return words


def _place(entry: Suiting) -> str:
    place = entry.offered
    return f"vacancy {place.vacancy_id} of organisation {place.organization} ({place.free} free)"


def _wish(entry: Suiting) -> str:
    position = f"position {entry.wish + 1} of its wishes"
    return f"{position} (any other organisation)" if entry.any_other else position


def _served(entry: Suiting, takers: dict[int, list[tuple[int, int]]]) -> str:
    served = takers.get(entry.offered.vacancy_row, [])
    return ", ".join(f"number {number} {ServiceClass(rank).code}" for number, rank in served) or "nobody"
