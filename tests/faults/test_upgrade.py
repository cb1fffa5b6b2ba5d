"""T24: a database of the first release is upgraded with its data kept, whatever kills the upgrade; never downgraded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from queue_engine.store.engine import SCHEMA, Database
from queue_engine.store.tables import metadata
from support import old_release, postgres
from support.figures import Figure
from support.processes import finish, kezek_here, start_module, url

STORES = ("sqlite", "postgresql")
LATER = {"heartbeat", "night_outcome"}
"""Tables that schema 0001 had not."""


@pytest.fixture(params=STORES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, on each store."""
    return postgres.new_database() if request.param == "postgresql" else url(tmp_path / "old.db")


def kills(where: str, mode: str) -> list[dict[str, object]]:
    """What a kill before each statement of the upgrade left, and what the next `kezek init` made of it."""
    answer = finish(start_module("faults.upgrade_kills", where, mode))
    assert answer.code == 0, answer.told
    return [json.loads(line) for line in answer.out.splitlines()]


def test_an_upgrade_keeps_every_row_and_the_nights_go_on(where: str, tmp_path: Path) -> None:
    """The records are the same byte for byte, the tables those of the code, and the next night is run."""
    city = old_release.make(where, tmp_path)
    before = old_release.tables_of(where)
    assert before == set(metadata.tables) - LATER | {"alembic_version"}
    kept = old_release.digest(where, before)
    assert "[database.version]" in kezek_here(where, "run", "--date", "2026-02-03").err
    assert "kezek init" in kezek_here(where, "status").err
    assert "up to date" in city.kezek("init").err
    assert old_release.version_of(where) == SCHEMA
    assert old_release.digest(where, before) == kept
    exports = city.records()
    assert "V-20260202-A1" in exports[0]
    city.kezek("init")
    assert city.records() == exports
    assert ",A7," in exports[1]
    assert "2026-02-09: 1 places withdrawn" in city.run("2026-02-20").err
    assert ",A7," not in city.export("queue")


def test_an_upgrade_killed_at_any_statement_is_completed_by_the_next(
    where: str, tmp_path: Path, figure: Callable[[Figure], None]
) -> None:
    """What a kill leaves is the old schema and nothing else; the twin, outside its transaction, cannot be completed."""
    old_release.make(where, tmp_path)
    kept = old_release.digest(where, old_release.tables_of(where))
    whole = kills(where, "whole")
    wanted = {"again": 0, "after": SCHEMA, "kept": kept, "left": [], "version": old_release.FIRST_SCHEMA}
    lost = [kill for kill in whole if kill != wanted]
    assert len(whole) > len(LATER)
    split = kills(where, "split")
    stuck = [kill for kill in split if kill["again"] != 0 or kill["after"] != SCHEMA]
    assert stuck, split
    assert all(kill["left"] for kill in stuck)
    store = "PostgreSQL" if where.startswith("postgresql") else "SQLite"
    figure(
        Figure(
            "T24",
            f"upgrade from the first release killed before each statement, {store}",
            len(whole),
            len(lost),
            f"outside its transaction {len(stuck)} of {len(split)} kills left a database that no upgrade completes",
        )
    )


def test_a_database_of_a_later_release_is_refused_with_words(where: str, tmp_path: Path) -> None:
    """No downgrade: exit 2, the version and the way out are named, and nothing is touched."""
    old_release.make(where, tmp_path)
    database = Database(where)
    with database.engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    database.engine.dispose()
    tables = old_release.tables_of(where)
    before = old_release.digest(where, tables)
    for words in (("init",), ("run",), ("scheduler",), ("status",), ("export", "queue")):
        answer = kezek_here(where, *words)
        assert answer.code == 2, answer.told
        for word in ("[database.version]", "9999", "release"):
            assert word in answer.err, answer.told
    assert old_release.version_of(where) == "9999"
    assert old_release.tables_of(where) == tables
    assert old_release.digest(where, tables) == before
