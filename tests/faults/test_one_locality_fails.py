"""T22: one locality's failure leaves the others done, and is made good later for the same days (decision 1.31)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from sqlalchemy import text

from queue_engine.store.engine import Database
from queue_engine.store.postgresql import RUN
from support import postgres
from support.figures import Figure
from support.nation import LAST_NIGHT, Nation
from support.processes import Records, kezek, records, runs_on_record

FAILS = "region01"
NIGHTS = 9
"""From the first night of `Nation` to the last."""
STOPS_AT_ONCE = """
from queue_engine.night import run, side_by_side
def bare(database, due, patience_ms=0):
    with database.locality_lock(due.locality, patience_ms):
        with database.read() as connection:
            entry = run.find_locality(connection, due.locality)
        yield from run._run_locality(database, entry, due.day)
run.run_locality = bare
"""
NO_LOCALITY_LOCK = """
from contextlib import nullcontext
from queue_engine.store.engine import Database
Database.locality_lock = lambda database, locality, patience_ms=0: nullcontext()
"""
CUT = """
from queue_engine.night import run
def cut(night, serve=run.STEPS[-1]):
    serve(night)
    if night.locality.locality == "region01":
        if night.connection.dialect.name == "postgresql":
            night.connection.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
        night.connection.connection.dbapi_connection.close()
run.STEPS = (*run.STEPS[:-1], cut)
"""
OF_THE_LOCALITY = "where locality_id = (select locality_id from locality where locality = 'region01')"


@contextmanager
def cells(where: str, table: str, key: str, column: str, spoilt: object) -> Iterator[None]:
    """While this is open, a column of the locality's records holds what cannot be read."""
    database = Database(where)
    with database.write() as connection:
        kept = connection.execute(text(f"select {key}, {column} from {table} {OF_THE_LOCALITY}")).all()
        connection.execute(text(f"update {table} set {column} = :spoilt {OF_THE_LOCALITY}"), {"spoilt": spoilt})
    yield
    with database.write() as connection:
        for row in kept:
            back = {"key": row[0], "value": row[1]}
            connection.execute(text(f"update {table} set {column} = :value where {key} = :key"), back)
    database.engine.dispose()


@contextmanager
def held(where: str) -> Iterator[None]:
    """While this is open, another connection holds the run of the locality."""
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute(f"select pg_advisory_lock({RUN}, locality_id) from locality {OF_THE_LOCALITY}")
        yield


@contextmanager
def nothing(_where: str) -> Iterator[None]:
    yield


def wishes(where: str) -> AbstractContextManager[None]:
    return cells(where, "application", "application_row", "wishes", b"\x01")


def rules_of_the_last_run(where: str) -> AbstractContextManager[None]:
    return cells(where, "run", "run_id", "rules", "{")


FAULTS = {
    "its wishes unreadable": (wishes, ""),
    "the rules of its last run unreadable": (rules_of_the_last_run, ""),
    "its connection cut": (nothing, CUT),
}
SOME_NIGHTS = ("run", "--date", "2021-08-12")
DAYS = 3


def tried(where: str, nation: Nation, way: tuple[str, ...], told: tuple[int, str], prologue: str = "") -> None:
    """Run while the fault lasts: it is told of its locality, and the others are done."""
    answer = kezek(where, *SOME_NIGHTS, *way, prologue=prologue)
    assert (answer.code, answer.err.count(f"[{told[1]}]")) == (told[0], 1), answer.told
    assert f"{FAILS}, night of" in answer.err
    assert "Traceback" not in answer.err
    assert runs_on_record(where) == len(nation.localities) + (len(nation.localities) - 1) * DAYS


def lost(where: str, nation: Nation, calm: Records) -> int:
    """What differs from calm nights when the fault is over and the same command is given again."""
    assert kezek(where, "run", "--date", LAST_NIGHT).code == 0
    return int(records(where) != calm) + abs(runs_on_record(where) - len(nation.localities) * NIGHTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_locality_s_failure_leaves_the_others_done(
    store: str, kind: str, nation: Nation, calm: Records, fault: str, figure: Callable[[Figure], None]
) -> None:
    """The same command later ends as if nothing had been. The twin stops at the first failure."""
    spoil, prologue = FAULTS[fault]
    nation.take_in(store)
    with spoil(store):
        assert kezek(store, *SOME_NIGHTS, prologue=STOPS_AT_ONCE + prologue).code != 0
        undone = len(nation.localities) * (DAYS + 1) - DAYS - runs_on_record(store)
        assert undone > 0
        tried(store, nation, (), (3, "run.failed"), prologue)
        if kind == "postgresql" and not prologue:
            tried(store, nation, ("--workers", "2"), (3, "run.failed"))
    figure(
        Figure(
            "T22",
            f"one locality of {len(nation.localities)} fails: {fault} ({kind})",
            1,
            lost(store, nation, calm),
            f"{undone} nights of others not done",
            "run later for the same days, equal to calm nights",
        )
    )


def test_a_locality_that_another_run_holds_leaves_the_others_done(
    taken_in: str, nation: Nation, calm: Records, figure: Callable[[Figure], None]
) -> None:
    """Exit 75 for that one. The twin does not ask for the lock, and runs what another run holds.

    On SQLite one lock covers all localities of the file; see `concurrency/test_locks.py`.
    """
    where, twin = postgres.new_database(like=taken_in), postgres.new_database(like=taken_in)
    with held(where), held(twin):
        for way in ((), ("--workers", "2")):
            tried(where, nation, way, (75, "run.held"))
        assert kezek(twin, *SOME_NIGHTS, prologue=NO_LOCALITY_LOCK).code == 0
        assert runs_on_record(twin) == len(nation.localities) * (DAYS + 1)
    figure(
        Figure(
            "T22",
            f"one locality of {len(nation.localities)} fails: its lock held (postgresql)",
            2,
            lost(where, nation, calm),
            "the locality is run beside the run that holds it",
            "run later for the same days, equal to calm nights",
        )
    )
