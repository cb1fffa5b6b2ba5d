"""One night as a city's programmer would write it: rows into objects, a walk over them, rows back.

The peer of `kezek run`: the same records read from the same database, the same rule, the same rows written.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass
class PlainVacancy:
    row: int
    vacancy_id: str
    birth_year: int
    organization: int
    language: str
    group_type: str
    regime: str
    admission: str
    start_date: str
    published_at_us: int
    free: int


@dataclass
class PlainApplication:
    row: int
    application_id: str
    birth_year: int
    class_rank: int
    filed_at_us: int
    birth_date: str
    languages: list[str]
    group_type: str
    regimes: list[str]
    accepts: list[str]
    organizations: list[int]


def suits(application: PlainApplication, vacancy: PlainVacancy) -> tuple[int, int, int, int, str, int, str] | None:
    """The wish of rule C2, the least is best; None if the vacancy does not suit (C1)."""
    if vacancy.organization in application.organizations:
        position = application.organizations.index(vacancy.organization)
    elif 0 in application.organizations:
        position = application.organizations.index(0)
    else:
        return None
    if vacancy.group_type != application.group_type or vacancy.language not in application.languages:
        return None
    if vacancy.regime not in application.regimes or vacancy.admission not in application.accepts:
        return None
    return (
        position,
        application.accepts.index(vacancy.admission),
        application.languages.index(vacancy.language),
        application.regimes.index(vacancy.regime),
        vacancy.start_date,
        vacancy.published_at_us,
        vacancy.vacancy_id,
    )


def plain_night(database: Path, locality: int, day: date, last_day: date) -> int:
    """Run the night of a day with plain objects and return the count of vouchers."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("pragma synchronous=full")
    connection.execute("begin immediate")
    vacancies = [
        PlainVacancy(*row)
        for row in connection.execute(
            "select vacancy_row, vacancy_id, birth_year, organization_id, language, group_type, regime, admission, "
            "start_date, published_at_us, places - withdrawn - held - used from vacancy "
            "where locality_id = ? and withdrawn + held + used < places",
            (locality,),
        )
    ]
    applications = [
        PlainApplication(
            *row[:6],
            row[6].split("|"),
            row[7],
            row[8].split("|"),
            row[9].split("|"),
            list(struct.unpack(f"<{len(row[10]) // 4}i", row[10])),
        )
        for row in connection.execute(
            "select application_row, application_id, birth_year, class_rank, filed_at_us, birth_date, languages, "
            "group_type, regimes, accepts, wishes from application join profile using (profile_id) "
            "where locality_id = ? and state = 'queued'",
            (locality,),
        )
    ]
    numbers: dict[int, int] = {}
    served: list[tuple[PlainApplication, PlainVacancy, int]] = []
    for application in sorted(
        applications, key=lambda a: (a.birth_year, a.class_rank, a.filed_at_us, a.application_id)
    ):
        numbers[application.birth_year] = number = numbers.get(application.birth_year, 0) + 1
        best, best_wish = None, None
        for vacancy in vacancies:
            if vacancy.free and vacancy.birth_year == application.birth_year:
                wish = suits(application, vacancy)
                if wish is not None and (best_wish is None or wish < best_wish):
                    best, best_wish = vacancy, wish
        if best is not None:
            best.free -= 1
            served.append((application, best, number))
    _write(connection, locality, day, last_day, vacancies, served)
    connection.close()
    return len(served)


def _write(
    connection: sqlite3.Connection,
    locality: int,
    day: date,
    last_day: date,
    vacancies: list[PlainVacancy],
    served: list[tuple[PlainApplication, PlainVacancy, int]],
) -> None:
    """The same rows as a night of the engine writes, one statement after another."""
    change = connection.execute("insert into change (kind, on_day) values ('night', ?)", (day.isoformat(),)).lastrowid
    run = connection.execute(
        "insert into run (locality_id, on_day, change_id, calendar, suspended, rules, report) "
        "values (?, ?, ?, 'plain', 0, '{}', ?)",
        (locality, day.isoformat(), change, json.dumps({})),
    ).lastrowid
    for vacancy in vacancies:
        connection.execute("insert into run_place values (?, ?, ?)", (run, vacancy.row, vacancy.free))
    for application, vacancy, number in served:
        connection.execute(
            "insert into voucher (voucher_id, application_row, vacancy_row, locality_id, birth_year, issued_on, "
            "expires_on, status, class_rank, number, calendar, term_days, term_from) "
            "values (?, ?, ?, ?, ?, ?, ?, 'issued', ?, ?, 'plain', 5, ?)",
            (
                f"V-{day:%Y%m%d}-{application.application_id}",
                application.row,
                vacancy.row,
                locality,
                application.birth_year,
                day.isoformat(),
                last_day.isoformat(),
                application.class_rank,
                number,
                day.isoformat(),
            ),
        )
        connection.execute(
            "insert into movement (change_id, application_row, locality_id, birth_year, class_rank, filed_at_us, step, "
            "why, on_day) values (?, ?, ?, ?, ?, ?, -1, 'voucher_issued', ?)",
            (
                change,
                application.row,
                locality,
                application.birth_year,
                application.class_rank,
                application.filed_at_us,
                day.isoformat(),
            ),
        )
        connection.execute("update application set state = 'holding' where application_row = ?", (application.row,))
        connection.execute("update vacancy set held = held + 1 where vacancy_row = ?", (vacancy.row,))
    connection.execute(
        "update locality set last_run_on = ?, first_run_on = ? where locality_id = ?",
        (day.isoformat(), day.isoformat(), locality),
    )
    connection.execute("commit")
