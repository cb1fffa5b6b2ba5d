"""A database as the first release made it: schema 0001, filled by the commands that it had."""

from __future__ import annotations

import hashlib
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import MetaData, select

from queue_engine.store import engine
from support.department import Department
from support.processes import Where, url
from support.rows import application, rule, vacancy, withdrawal

FIRST_SCHEMA = "0001"
CODES = ("almaty", "astana")


def make(where: Where, folder: Path) -> Department:
    """Make it at `where`: two localities with a night each, vouchers, a stop-list, rules, an act that waits.

    The first migration makes the tables, and the commands of the first release fill them: they touch no later table.
    """
    with patch.object(engine, "SCHEMA", FIRST_SCHEMA):
        city = Department(folder, database=url(where), rules=rule("age.min", 18))
        city.applications(*(application(f"A{n}", locality=CODES[n % 2]) for n in range(1, 9)))
        city.bulletin(*(vacancy(f"V{n}", locality=CODES[n % 2]) for n in range(1, 5)))
        city.bulletin(vacancy("V5", birth_year="2022"))  # for nobody, so it stays free
        city.run("2026-02-02")
        city.decide("A1", "admit", "2026-02-03")
        city.stop_list_add("A8")
        city.archive("A7", day="2026-02-20")
        city.withdrawals(withdrawal("W1", withdrawn_at="2026-02-09T12:00:00+05:00", vacancy_id="V5"))
    return city


def tables_of(where: Where) -> set[str]:
    """The names of the tables that the database has."""
    return set(_reflected(where).tables)


def version_of(where: Where) -> str:
    """The schema that the database says it has."""
    database = engine.Database(url(where))
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql("select version_num from alembic_version").scalar_one()
    database.engine.dispose()
    return str(found)


def digest(where: Where, tables: set[str]) -> str:
    """A short name of every row of these tables, and of how many there are."""
    database = engine.Database(url(where))
    found = _reflected(where)
    text = []
    with database.engine.connect() as connection:
        for name in sorted(tables - {"alembic_version"}):
            rows = connection.execute(select(found.tables[name])).all()
            text += [name, *sorted(repr(tuple(row)) for row in rows)]
    database.engine.dispose()
    assert len(text) > 60
    return hashlib.sha256("\n".join(text).encode()).hexdigest()[:16]


def _reflected(where: Where) -> MetaData:
    database = engine.Database(url(where))
    found = MetaData()
    found.reflect(database.engine)
    database.engine.dispose()
    return found
