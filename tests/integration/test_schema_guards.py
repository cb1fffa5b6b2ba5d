"""The schema itself refuses what must never be, whatever the code does; each guard with its twin, the guard taken away.

Statements go straight to the file, past all code of ours. A twin shows that the refusal came from the guard named,
and from nothing else: without it the same statement does its damage.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.department import Department
from support.rows import application, vacancy


@pytest.fixture
def records(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A1 holds the one place of V1, A2 is on the stop-list, A3 stands in the queue; the night of 2 February is over."""
    city = Department(tmp_path)
    city.applications(application("A1"), application("A2"), application("A3"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.stop_list_add("A2")
    assert city.given() == {"A1": "V1"}
    connection = sqlite3.connect(tmp_path / "kezek.db", isolation_level=None)
    connection.execute("pragma foreign_keys=on")
    yield connection
    connection.close()


COPY = "insert into {table} ({columns}) select {values} from {table} {where}"


def copy_row(connection: sqlite3.Connection, table: str, where: str, **changed: str) -> str:
    """The statement that enters a row once more, under a new key, with some columns changed (SQL expressions)."""
    columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
    kept = [name for name in columns[1:] if changed.get(name, name) != ""]
    values = [changed.get(name, name) for name in kept]
    return COPY.format(table=table, columns=", ".join(kept), values=", ".join(values), where=where)


def count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def drop_index(name: str) -> str:
    return f"drop index {name}"


def test_a_second_live_voucher_of_an_application_is_refused(records: sqlite3.Connection) -> None:
    """Rule C3: one voucher at a time per application."""
    second = copy_row(records, "voucher", "", voucher_id="'V-again'")
    live = "select count(*) from voucher where status = 'issued'"
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE.*voucher\.application_row"):
        records.execute(second)
    assert count(records, live) == 1
    records.execute(drop_index("uq_voucher_live"))
    records.execute(second)
    assert count(records, live) == 2


def test_a_voucher_after_one_that_has_ended_is_not_refused(records: sqlite3.Connection) -> None:
    """Rule C3: the guard is about live vouchers; a family may have had one before."""
    records.execute("update voucher set status = 'declined', closed_on = '2026-02-03'")
    records.execute(copy_row(records, "voucher", "", voucher_id="'V-again'", status="'issued'"))
    assert count(records, "select count(*) from voucher") == 2


@pytest.mark.parametrize("column", ["held", "used", "withdrawn"])
def test_more_places_in_use_than_there_are_is_refused(records: sqlite3.Connection, column: str) -> None:
    """Rule B6: held, used and withdrawn together never pass the places of a vacancy."""
    one_more = f"update vacancy set {column} = {column} + 1"
    assert count(records, "select places - withdrawn - held - used from vacancy") == 0
    with pytest.raises(sqlite3.IntegrityError, match="ck_vacancy_scarcity"):
        records.execute(one_more)
    records.execute("pragma ignore_check_constraints=on")
    records.execute(one_more)
    assert count(records, "select places - withdrawn - held - used from vacancy") == -1


def test_fewer_places_in_use_than_none_is_refused(records: sqlite3.Connection) -> None:
    """Rule B6: a place given back twice would be a place out of nothing."""
    records.execute("update vacancy set held = held - 1")
    with pytest.raises(sqlite3.IntegrityError, match="ck_vacancy_counts"):
        records.execute("update vacancy set held = held - 1")
    records.execute("pragma ignore_check_constraints=on")
    records.execute("update vacancy set held = held - 1")
    assert count(records, "select places - withdrawn - held - used from vacancy") == 2


def test_a_second_live_application_of_a_child_is_refused(records: sqlite3.Connection) -> None:
    """Rule A7: one live application per child."""
    second = copy_row(records, "application", "where application_id = 'A3'", application_id="'A9'")
    live = "select max(n) from (select count(*) as n from application where state <> 'archived' group by child_iin)"
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE.*application\.child_iin"):
        records.execute(second)
    assert count(records, live) == 1
    records.execute(drop_index("uq_application_live_child"))
    records.execute(second)
    assert count(records, live) == 2


def test_an_application_of_a_child_whose_other_is_archived_is_not_refused(records: sqlite3.Connection) -> None:
    """Rule A7: the archive holds no child back."""
    records.execute("update application set state = 'archived' where application_id = 'A3'")
    once_more = "where application_id = 'A3'"
    records.execute(copy_row(records, "application", once_more, application_id="'A9'", state="'queued'"))
    assert count(records, "select count(*) from application") == 4


def test_a_second_open_stop_list_entry_is_refused(records: sqlite3.Connection) -> None:
    """Rule E1: an application is on the stop-list once."""
    second = copy_row(records, "stop_list", "")
    still_open = "select count(*) from stop_list where ended_on is null"
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE.*stop_list\.application_row"):
        records.execute(second)
    assert count(records, still_open) == 1
    records.execute(drop_index("uq_stop_list_open"))
    records.execute(second)
    assert count(records, still_open) == 2


def test_a_second_run_of_a_locality_and_day_is_refused(records: sqlite3.Connection) -> None:
    """Rule F1: one run per locality and day."""
    second = copy_row(records, "run", "")
    of_day = "select count(*) from run where on_day = '2026-02-02'"
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE.*run\.locality_id, run\.on_day"):
        records.execute(second)
    assert count(records, of_day) == 1
    records.execute("pragma foreign_keys=off")
    for step in ("create table bare as select * from run", "drop table run", "alter table bare rename to run"):
        records.execute(step)
    records.execute(second)
    assert count(records, of_day) == 2


def test_a_voucher_of_nobody_or_for_nothing_is_refused(records: sqlite3.Connection) -> None:
    """Rule H1: what a voucher names is on record; the twin is SQLite without foreign keys."""
    records.execute("update voucher set status = 'declined', closed_on = '2026-02-03'")
    for column in ("application_row", "vacancy_row"):
        orphan = copy_row(records, "voucher", "limit 1", voucher_id=f"'V-{column}'", **{column: "999"})
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            records.execute(orphan)
        records.execute("pragma foreign_keys=off")
        records.execute(orphan)
        records.execute("pragma foreign_keys=on")
    assert count(records, "select count(*) from voucher where 999 in (application_row, vacancy_row)") == 2


@pytest.mark.parametrize(("table", "column"), [("application", "state"), ("voucher", "status")])
def test_a_state_that_is_none_is_refused(records: sqlite3.Connection, table: str, column: str) -> None:
    """Rules D and E: a word that no transition knows would fall out of every count."""
    lost = f"update {table} set {column} = 'lost'"
    with pytest.raises(sqlite3.IntegrityError, match=f"ck_{table}_{column}"):
        records.execute(lost)
    assert count(records, f"select count(*) from {table} where {column} = 'lost'") == 0
    records.execute("pragma ignore_check_constraints=on")
    records.execute(lost)
    assert count(records, f"select count(*) from {table} where {column} = 'lost'") > 0
