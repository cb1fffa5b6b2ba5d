"""An import gives the same records however its rows fall into chunks (rules A4, A7; decision 1.10)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from queue_engine.intake import applications as intake
from queue_engine.store.engine import Database
from support.department import Department
from support.rows import Row, application

CHILDREN = 12


def rows_that_clash(seed: int, count: int = 60) -> list[Row]:
    """Ids that come again, children who are asked for again, numbers that pass from child to child, bad cells."""
    dice = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        child = application(f"C{int(dice.integers(CHILDREN))}")["child_iin"]
        row = application(
            f"A{int(dice.integers(count // 2))}",
            child_iin=child,
            filed_at=f"2026-01-{int(dice.integers(10, 20))}T{int(dice.integers(8, 18)):02d}:00:00+05:00",
            languages=("kk", "ru", "kk|ru")[int(dice.integers(3))],
            organizations=("K1", "K2|K1", "*")[int(dice.integers(3))],
        )
        rows.append({**row, "regimes": "night"} if dice.random() < 0.1 else row)
    return rows


def taken(folder: Path, rows: list[Row], chunk: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[object], list[str]]:
    """What is on record of the applications and of their steps, and the lines told, after two imports."""
    monkeypatch.setattr(intake, "CHUNK", chunk)
    department = Department(folder)
    told = []
    for part in (rows[: len(rows) // 2], rows):
        told += department.applications(*part, expect=None).err.splitlines()
    columns = "a.application_id, a.filed_at_us, a.child_iin, a.state, a.source_line, a.registered_change, p.languages"
    applications = (
        f"select {columns}, a.wishes from application a join profile p on p.profile_id = a.profile_id order by 1"
    )
    steps = (
        "select a.application_id, m.change_id, m.step, m.why, m.on_day from movement m "
        "join application a on a.application_row = m.application_row order by 1, m.movement_id"
    )
    with Database(department.database).read() as connection:
        organizations = connection.exec_driver_sql("select organization_id, organization from organization")
        codes = {0: "*"} | {row.organization_id: row.organization for row in organizations}
        found: list[object] = []
        for *facts, wishes in connection.exec_driver_sql(applications):
            found.append((*facts, [codes[each] for each in np.frombuffer(wishes, "<i4").tolist()]))
        found += [tuple(row) for row in connection.exec_driver_sql(steps)]
    return found, sorted(told)


@pytest.mark.parametrize("seed", range(6))
def test_rows_that_clash_give_the_same_records_in_chunks_of_any_size(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_that_clash(seed)
    one_by_one = taken(tmp_path / "1", rows, 1, monkeypatch)
    assert len(one_by_one[0]) > CHILDREN
    for chunk in (7, 500):
        assert taken(tmp_path / str(chunk), rows, chunk, monkeypatch) == one_by_one


def test_without_the_look_for_clashes_within_a_chunk_they_would_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: rows of one chunk that clash are registered together with the others."""
    seeds = range(6)
    with monkeypatch.context() as patched:
        as_should_be = [taken(tmp_path / f"1-{seed}", rows_that_clash(seed), 1, patched) for seed in seeds]
        patched.setattr(intake, "alone", lambda good, _others: (good, []))
        damaged = [taken(tmp_path / f"500-{seed}", rows_that_clash(seed), 500, patched) for seed in seeds]
    assert damaged != as_should_be


INDEXES = "select name from sqlite_master where type = 'index' and sql is not null order by name"


@pytest.mark.parametrize("strict", [False, True])
def test_the_first_import_leaves_every_index_there(tmp_path: Path, strict: bool) -> None:
    """Kept or taken back, with good rows and bad."""
    department = Department(tmp_path)

    def indexes() -> list[str]:
        with Database(f"sqlite:///{tmp_path / 'kezek.db'}").read() as connection:
            return [str(name) for (name,) in connection.exec_driver_sql(INDEXES)]

    before = indexes()
    assert "ix_application_queue" in before
    bad = application("A2", regimes="night")
    department.applications(application("A1"), bad, expect=1, strict=strict)
    assert indexes() == before
    department.applications(application("A1"), expect=0)
    assert indexes() == before
