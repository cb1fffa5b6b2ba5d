"""Making and opening the database: the migrations give the tables of the code, and what cannot be used is refused."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Engine, Index, Integer, MetaData, Table, create_engine, inspect

from queue_engine.store.engine import SCHEMA, Database
from queue_engine.store.tables import metadata
from support.department import Department
from support.processes import Finished, kezek_here, url
from support.rows import application, vacancy

COMMANDS = (
    ("run", "--date", "2026-02-02"),
    ("export", "queue"),
    ("number", "A1"),
    ("explain", "A1"),
    ("init",),
    ("rules", "show"),
    ("demo",),
)
OPENING = COMMANDS[:4]
"""Commands that need a database that is there."""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Engine]:
    """The database as `kezek init` makes it from nothing."""
    Department(tmp_path)
    engine = create_engine(url(tmp_path / "kezek.db"))
    yield engine
    engine.dispose()


@pytest.fixture
def declared(tmp_path: Path) -> Iterator[Engine]:
    """The database as the tables of the code declare it."""
    engine = create_engine(url(tmp_path / "declared.db"))
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def differences(connection: Connection, wanted: MetaData) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), wanted))


def test_an_upgrade_from_nothing_gives_exactly_the_tables_of_the_code(made: Engine) -> None:
    """The twin asks for one table and one index more, and sees both missing."""
    with made.connect() as connection:
        assert differences(connection, metadata) == []
        more = MetaData()
        for table in metadata.tables.values():
            table.to_metadata(more)
        Table("more", more, Column("more_id", Integer, primary_key=True))
        Index("ix_run_day", more.tables["run"].c.on_day)
        assert {found[0] for found in differences(connection, more)} == {"add_table", "add_index"}


def indexes(engine: Engine) -> dict[str, str]:
    """Every index of our own by name, with its statement in one spelling (conditions included)."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select name, sql from sqlite_master where type = 'index' and sql <> ''")
        return {name: " ".join(re.sub(r'["()]', " ", sql).lower().split()) for name, sql in rows}


def test_indexes_are_those_of_the_code_by_name_columns_and_condition(made: Engine, declared: Engine) -> None:
    """The guards of rules A7, C3 and E1 are partial indexes: their conditions are compared too."""
    found = indexes(made)
    assert {"uq_voucher_live", "uq_application_live_child", "uq_stop_list_open"} <= set(found)
    assert "where status = 'issued'" in found["uq_voucher_live"]
    assert found == indexes(declared)


def test_columns_are_those_of_the_code_by_type_and_default(made: Engine, declared: Engine) -> None:
    """Name, type, whether it may be empty, default and place in the key, of every column."""
    found: dict[str, list[tuple[object, ...]]] = {}
    wanted: dict[str, list[tuple[object, ...]]] = {}
    for engine, columns in ((made, found), (declared, wanted)):
        with engine.connect() as connection:
            for table in metadata.tables:
                rows = connection.exec_driver_sql(f"pragma table_info({table})")
                columns[table] = sorted(tuple(row)[1:] for row in rows)
    assert found == wanted
    assert len(found["voucher"]) > 10


def test_constraints_are_those_of_the_code(made: Engine, declared: Engine) -> None:
    """Checks, unique and foreign keys, and keys, by name and text, table by table."""
    ours, wanted = inspect(made), inspect(declared)
    assert set(ours.get_table_names()) - {"alembic_version"} == set(metadata.tables)
    compared = 0
    for table in metadata.tables:
        for ask in ("get_check_constraints", "get_unique_constraints", "get_foreign_keys"):
            found = sorted(map(str, getattr(ours, ask)(table)))
            assert found == sorted(map(str, getattr(wanted, ask)(table))), (table, ask)
            compared += len(found)
        assert ours.get_pk_constraint(table) == wanted.get_pk_constraint(table)
    assert compared > 50


def test_init_twice_does_no_harm(tmp_path: Path) -> None:
    """Rule F3 for the database itself: the records and the rules of the department stay."""
    city = Department(
        tmp_path, rules='[[rule]]\nname = "age.min"\nvalue = 18\nfrom = 2020-01-01\nreference = "Order 1"'
    )
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    before, shown = city.records(), city.kezek("rules", "show", "--date", "2026-02-02").out
    again = city.kezek("init")
    assert "up to date" in again.err
    assert city.records() == before
    assert city.kezek("rules", "show", "--date", "2026-02-02").out == shown
    assert "18" in shown


def assert_refused(answer: Finished, *words: str) -> None:
    """Exit 2, with words and without a stack trace."""
    assert answer.code == 2, answer.told
    assert answer.out == ""
    for word in words:
        assert word in answer.err


@pytest.mark.parametrize("words", OPENING, ids=" ".join)
def test_a_database_of_another_schema_version_is_refused_with_words(tmp_path: Path, words: tuple[str, ...]) -> None:
    """The words name both versions and what to do; nothing in the file is touched."""
    Department(tmp_path)
    path = tmp_path / "kezek.db"
    _set_version(path, "0000")
    assert_refused(kezek_here(path, *words), "[database.version]", "0000", SCHEMA, "kezek init")
    assert _version(path) == "0000"
    _set_version(path, SCHEMA)
    assert "[database.version]" not in kezek_here(path, *words).err


def test_init_refuses_a_database_of_a_version_that_it_does_not_know(tmp_path: Path) -> None:
    """A file of a later release is left alone, with words and not with a stack trace."""
    Department(tmp_path)
    path = tmp_path / "kezek.db"
    _set_version(path, "9999")
    assert_refused(kezek_here(path, "init"), "9999")
    assert _version(path) == "9999"


def _set_version(path: Path, version: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("update alembic_version set version_num = ?", (version,))
    connection.commit()
    connection.close()


def _version(path: Path) -> str:
    connection = sqlite3.connect(path)
    version = connection.execute("select version_num from alembic_version").fetchone()[0]
    connection.close()
    return str(version)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Exit 2 with words, whatever was asked: it may be somebody's only copy of something else."""
    path = tmp_path / "letters.txt"
    path.write_text("Dear department, \n" * 400)
    answer = kezek_here(path, *words)
    assert path.read_text() == "Dear department, \n" * 400
    assert_refused(answer, "[database.")


def test_a_missing_database_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    answer = kezek_here(tmp_path / "none.db", "run", "--date", "2026-02-02")
    assert_refused(answer, "kezek init")
    assert not (tmp_path / "none.db").exists()


def test_a_connection_that_writes_is_durable_and_guarded(tmp_path: Path) -> None:
    """Full synchronisation (an acknowledged voucher outlives a loss of power), write-ahead log, foreign keys.

    The twin: a plain connection to the same file has no foreign keys.
    """
    city = Department(tmp_path)
    database = Database(city.database)
    with database.write() as connection:
        told = {
            name: connection.exec_driver_sql(f"pragma {name}").scalar()
            for name in ("synchronous", "journal_mode", "foreign_keys")
        }
        driver = connection.connection.dbapi_connection
        assert driver is not None
        assert driver.in_transaction
    database.engine.dispose()
    assert told == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}
    plain = sqlite3.connect(tmp_path / "kezek.db")
    assert plain.execute("pragma foreign_keys").fetchone() == (0,)
    plain.close()


BAD_RULES = {
    "no TOML": "[[rule]\nname=",
    "unknown name": '[[rule]]\nname = "age.least"\nvalue = 18\nfrom = 2020-01-01\nreference = "Order 1"',
    "second entry bad": '[[rule]]\nname = "age.min"\nvalue = 18\nfrom = 2020-01-01\nreference = "Order 1"\n'
    '[[rule]]\nname = "age.max"\nvalue = "six"\nfrom = 2020-01-01\nreference = "Order 1"',
}


@pytest.mark.parametrize("text", BAD_RULES.values(), ids=list(BAD_RULES))
def test_init_with_a_bad_rules_file_leaves_nothing_half_done(tmp_path: Path, text: str) -> None:
    """No database is there after it; with the file put right, `kezek init` makes it from nothing."""
    rules, path = tmp_path / "rules.toml", tmp_path / "new" / "kezek.db"
    rules.write_text(text)
    answer = kezek_here(path, "init", "--rules", str(rules))
    assert answer.code in (1, 2), answer.told
    assert "rules.toml" in answer.err
    assert not path.exists()
    rules.write_text(BAD_RULES["second entry bad"].replace('"six"', "7"))
    assert kezek_here(path, "init", "--rules", str(rules)).code == 0
    assert "[[" not in kezek_here(path, "rules", "show", "--date", "2026-02-02").err


def test_init_with_a_bad_rules_file_leaves_a_database_as_it_was(tmp_path: Path) -> None:
    """Not even the good entries of the file are taken."""
    city = Department(tmp_path)
    before = city.kezek("rules", "show", "--date", "2026-02-02").out
    path = city.file("bad.toml", BAD_RULES["second entry bad"])
    city.kezek("init", "--rules", str(path), expect=(1, 2))
    assert city.kezek("rules", "show", "--date", "2026-02-02").out == before
