"""PostgreSQL keeps the same records as SQLite, guards them itself, and lets nights run side by side (decision 7).

Every test has a real server (`support.postgres`) and a database of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import IntegrityError

from queue_engine.demo.show import show
from queue_engine.store.bulk import execute_many, insert_many, rows_of
from queue_engine.store.engine import Database, driver_words
from queue_engine.store.tables import metadata
from support import postgres
from support.department import Department
from support.nation import LAST_NIGHT, Nation
from support.processes import CHECKOUT, finish, go_on, kezek, kezek_here, records, runs_on_record, start, told_line
from support.rows import application, vacancy

SEED, SCALE = 2021, 0.05
PAUSED_IN_THE_NIGHT = """
import sys
from queue_engine.night import run
def paused(night, serve=run.STEPS[-1]):
    serve(night)
    print("inside", flush=True)
    sys.stdin.readline()
run.STEPS = (*run.STEPS[:-1], paused)
"""
NO_LOCALITY_LOCK = """
from contextlib import nullcontext
from queue_engine.store.engine import Database
Database.locality_lock = lambda database, locality, patience_ms=0: nullcontext()
"""


@pytest.fixture
def where() -> str:
    """The address of an empty database."""
    return postgres.new_database()


def played(where: Path | str) -> tuple[list[str], tuple[str, str, str]]:
    """The demo on a database: what it told (but the seconds and the place), and the three exports."""
    told: list[str] = []
    path = where if isinstance(where, str) else f"sqlite:///{where}"
    database = Database(path)
    show(database, SEED, told.append, SCALE)
    database.engine.dispose()
    return [line for line in told if "seconds" not in line], records(where)


def test_a_city_and_ten_days_of_its_life_give_the_same_files_on_both_stores(where: str, tmp_path: Path) -> None:
    """Rule C4: the same records, the same bytes; intake, decisions, changes, withdrawals, lapses and returns."""
    told, files = played(tmp_path / "city.db")
    again, same = played(where)
    assert files[0].count("\n") > 1_000
    assert {"issued", "admitted", "declined", "expired"} <= {line.split(",")[-1] for line in files[0].splitlines()}
    assert same == files
    assert again == told


def test_numbers_and_explanations_are_the_same_on_both_stores(where: str, nation: Nation, tmp_path: Path) -> None:
    """Rules A6 and H2: what a family is told does not depend on the store."""
    answers: list[list[str]] = []
    for place in (tmp_path / "nation.db", where):
        nation.take_in(place)
        assert kezek(place, "run", "--date", LAST_NIGHT).code == 0
        given = records(place).vouchers.splitlines()[1:40:5]
        waiting = records(place).queue.splitlines()[1:200:20]
        asked = [line.split(",")[1] for line in given] + [line.split(",")[3] for line in waiting]
        assert len(asked) == 18
        answers.append([])
        for who in asked:
            for words in (("number", who), ("explain", who, "--date", "2021-08-10"), ("explain", who)):
                answer = kezek_here(place, *words)
                assert answer.code == 0, answer.told
                answers[-1].append(answer.out)
    assert answers[0] == answers[1]


def test_the_migrations_give_exactly_the_tables_of_the_code(where: str) -> None:
    assert kezek(where, "init").code == 0
    assert "up to date" in kezek(where, "init").err
    engine = create_engine(where)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        indexes = inspect(connection).get_indexes("voucher")
        guard = next(index for index in indexes if index["name"] == "uq_voucher_live")
        assert (guard["unique"], "issued" in str(guard["dialect_options"])) == (True, True)
    engine.dispose()


def test_a_server_that_cannot_be_used_is_told_in_words(where: str) -> None:
    """Exit 2 or 1, no stack trace, no password."""
    assert "kezek init" in kezek(where, "run").err
    for address in ("postgresql://who:secret@127.0.0.1:1/none", where.replace("/kezek_", "/none_")):
        for words in (("run",), ("init",), ("rules", "show")):
            answer = kezek(address, *words)
            assert answer.code in (1, 2), answer.told
            assert "[database." in answer.err
            assert "secret" not in answer.told
            assert "Traceback" not in answer.err
    assert "psycopg 3" in kezek(where.replace("postgresql:", "postgresql+asyncpg:"), "run").err


def test_another_program_s_database_is_left_alone(where: str) -> None:
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("create table letters (letter text)")
    for words in (("init",), ("demo",), ("run",)):
        answer = kezek(where, *words)
        assert (answer.code, "[database." in answer.err) == (2, True), answer.told


# Guards of the schema: statement that must be refused, what refuses it, and how the twin takes the guard away.
GUARDS = {
    "one live voucher an application (C3)": (
        "insert into voucher (voucher_id, application_row, vacancy_row, locality_id, birth_year, issued_on, status, "
        "class_rank, number, calendar) select 'again', application_row, vacancy_row, locality_id, birth_year, "
        "issued_on, status, class_rank, number, calendar from voucher",
        "uq_voucher_live",
        "drop index uq_voucher_live",
    ),
    "no more places than there are (B6)": (
        "update vacancy set held = held + 1",
        "ck_vacancy_scarcity",
        "alter table vacancy drop constraint ck_vacancy_scarcity",
    ),
    "one live application a child (A7)": (
        "update application set child_iin = (select min(child_iin) from application)",
        "uq_application_live_child",
        "drop index uq_application_live_child",
    ),
    "one run a locality and day (F1)": (
        "insert into run (locality_id, on_day, change_id, calendar, suspended, rules, report) "
        "select locality_id, on_day, change_id, calendar, suspended, rules, report from run",
        "uq_run_locality_id_on_day",
        "alter table run drop constraint uq_run_locality_id_on_day",
    ),
    "one open entry of the stop-list (E1)": (
        "insert into stop_list (application_row, locality_id, from_day, back_on, reason) "
        "select application_row, locality_id, from_day, back_on, reason from stop_list",
        "uq_stop_list_open",
        "drop index uq_stop_list_open",
    ),
    "a state that there is (D, E)": (
        "update voucher set status = 'lost'",
        "ck_voucher_status",
        "alter table voucher drop constraint ck_voucher_status",
    ),
}


@pytest.mark.parametrize(("statement", "guard", "without"), GUARDS.values(), ids=list(GUARDS))
def test_the_schema_refuses_what_must_never_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, guard: str, without: str
) -> None:
    """Rules A7, B6, C3, E1, F1. The twin: without the guard named, the same statement does its damage."""
    monkeypatch.setenv(postgres.STORE_VARIABLE, "postgresql")
    city = Department(tmp_path)
    city.applications(application("A1"), application("A2"), application("A3"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.stop_list_add("A2")
    with psycopg.connect(city.database, autocommit=True) as connection:
        with pytest.raises(psycopg.IntegrityError) as refused:
            connection.execute(statement)
        assert refused.value.diag.constraint_name == guard
        connection.execute(without)
        assert connection.execute(statement).rowcount > 0


def test_rows_in_bulk_are_the_same_on_both_stores(where: str, tmp_path: Path) -> None:
    """Dates as ISO text, bytes as bytes, nothing as None; a percent sign in a statement is only a percent sign."""
    answers = []
    for address in (f"sqlite:///{tmp_path / 'kezek.db'}", where):
        assert kezek(address, "init").code == 0
        database = Database(address)
        with database.write() as connection:
            insert_many(connection, metadata.tables["change"], ("kind", "on_day"), [("a%b", "2026-02-03"), ("c", None)])
            execute_many(connection, "update change set note = ? where kind = ?", [("n?", "c"), ("%s", "a%b")])
            found = rows_of(
                connection,
                "select kind, on_day, note, on_day > ?, 7 % 4 from change where kind like 'a%' or kind = ? order by 1",
                ("2026-02-02", "c"),
            )
        answers.append([tuple(cell + 0 if isinstance(cell, bool) else cell for cell in row) for row in found])
        database.engine.dispose()
    assert answers[0] == [("a%b", "2026-02-03", "%s", 1, 3), ("c", None, "n?", None, 3)]
    assert answers[1] == answers[0]


def test_words_of_the_driver_hold_nothing_of_a_row(where: str) -> None:
    """PostgreSQL quotes the values of a row in its messages, an IIN among them: they are not passed on."""
    assert kezek(where, "init").code == 0
    database = Database(where)
    rows = [("040506500123", "UTC", None)] * 2
    with pytest.raises(IntegrityError) as refused, database.write() as connection:
        insert_many(connection, metadata.tables["locality"], ("locality", "timezone", "first_run_on"), rows)
    assert "040506500123" in str(refused.value.orig)
    assert driver_words(refused.value) == 'duplicate key value violates unique constraint "uq_locality_locality"'
    database.engine.dispose()


def test_a_killed_night_leaves_nothing_and_the_next_one_does_it(
    where: str, nation: Nation, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    """Rule F3: kill -9 when all of a night is written and nothing committed."""
    nation.take_in(where)
    before, nights = records(where), runs_on_record(where)
    process = start(where, "run", "--date", LAST_NIGHT, prologue=PAUSED_IN_THE_NIGHT)
    started.append(process)
    assert told_line(process) == "inside"
    process.kill()
    finish(process)
    assert (records(where), runs_on_record(where)) == (before, nights)
    again = kezek(where, "run", "--date", LAST_NIGHT)
    assert again.code == 0, again.told
    calm = tmp_path / "calm.db"
    nation.take_in(calm)
    assert kezek(calm, "run", "--date", LAST_NIGHT).code == 0
    assert records(where) == records(calm)
    assert records(where) != before


def test_a_second_run_of_a_locality_exits_75_and_another_locality_goes_on(
    where: str, nation: Nation, started: list[subprocess.Popen[str]]
) -> None:
    """Rule F1. The twin: without the lock of the locality the second run waits, and finds the night on record."""
    nation.take_in(where)
    first, second = nation.localities[:2]
    night = ("run", "--date", "2021-08-10", "--locality")
    process = start(where, *night, first, prologue=PAUSED_IN_THE_NIGHT)
    started.append(process)
    assert told_line(process) == "inside"
    held = kezek(where, *night, first)
    assert (held.code, "[run.held]" in held.err) == (75, True), held.told
    beside = kezek(where, *night, second)
    assert beside.code == 0, beside.told
    everywhere = kezek(where, "run", "--date", "2021-08-10")
    assert everywhere.code == 75, everywhere.told
    assert everywhere.err.count("vouchers issued") == len(nation.localities) - 2
    unguarded = start(where, *night, first, prologue=NO_LOCALITY_LOCK)
    started.append(unguarded)
    go_on(process)
    assert finish(process).code == 0
    told = finish(unguarded)
    assert (told.code, "on record already" in told.err) == (0, True), told.told


def test_an_officer_s_act_waits_for_the_night_and_a_reader_does_not(
    where: str, nation: Nation, started: list[subprocess.Popen[str]]
) -> None:
    """Decision 7: changes that are no night stand alone; reading never waits."""
    nation.take_in(where)
    locality = nation.localities[0]
    process = start(where, "run", "--date", "2021-08-10", "--locality", locality, prologue=PAUSED_IN_THE_NIGHT)
    started.append(process)
    assert told_line(process) == "inside"
    before = records(where)
    act = start(where, "archive", "A000008", "--reason", "asked by parent", "--date", "2021-08-10")
    started.append(act)
    with pytest.raises(subprocess.TimeoutExpired):
        act.wait(3)
    assert records(where) == before
    go_on(process)
    assert finish(process).code == 0
    done = finish(act)
    assert done.code == 0, done.told


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_side_by_side_equal_one(where: str, nation: Nation, tmp_path: Path, workers: int) -> None:
    """Rule C4: the records are those of one process; the reports come in the order of the localities."""
    alone = tmp_path / "alone.db"
    for place in (where, alone):
        nation.take_in(place)
    told = kezek(alone, "run", "--date", LAST_NIGHT)
    beside = kezek(where, "run", "--date", LAST_NIGHT, "--workers", str(workers))
    assert beside.code == 0, beside.told
    assert beside.err == told.err
    assert records(where) == records(alone)


def test_a_file_has_one_writer_whatever_workers_says(nation: Nation, tmp_path: Path) -> None:
    path = tmp_path / "nation.db"
    nation.take_in(path)
    answer = kezek(path, "run", "--date", "2021-08-10", "--workers", "2")
    assert answer.code == 0, answer.told
    assert "one writer at a time" in answer.err
    assert answer.err.count("vouchers issued") == len(nation.localities)


def test_the_rules_hold_on_postgresql() -> None:
    """A part of the acceptance tests on the server; all of them with KEZEK_TEST_STORE=postgresql."""
    chosen = ("test_rules_c.py", "test_rules_e.py", "test_contract_rules.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        + [str(CHECKOUT / "tests" / "acceptance" / name) for name in chosen],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            postgres.STORE_VARIABLE: "postgresql",
            postgres.SERVER_VARIABLE: postgres.server().render_as_string(hide_password=False),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
