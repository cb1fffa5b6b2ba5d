"""What the fault tests share: both stores, a made nation, and processes that do not outlive a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import postgres
from support.nation import LAST_NIGHT, Nation
from support.processes import Records, kezek, records


@pytest.fixture(scope="module")
def taken_in(nation: Nation) -> str:
    """The address of a database of PostgreSQL with the nation in it, before its nights; to be copied."""
    where = postgres.new_database()
    nation.take_in(where)
    return where


@pytest.fixture
def where() -> str:
    """The address of an empty database of PostgreSQL."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each kind of store in turn; every `Department` keeps its records there."""
    monkeypatch.setenv(postgres.STORE_VARIABLE, request.param)
    return str(request.param)


@pytest.fixture
def store(kind: str, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    return f"sqlite:///{tmp_path / 'kezek.db'}" if kind == "sqlite" else postgres.new_database()


@pytest.fixture(scope="module")
def calm(nation: Nation, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """What the nation's undisturbed nights come to."""
    path = tmp_path_factory.mktemp("calm") / "calm.db"
    nation.take_in(path)
    assert kezek(path, "run", "--date", LAST_NIGHT).code == 0
    return records(path)
