"""What the fault tests share: both stores, a made nation, and processes that do not outlive a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import postgres
from support.nation import Nation
from support.processes import finish


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
def nation(tmp_path_factory: pytest.TempPathFactory) -> Nation:
    """Four localities of some 230 applications each."""
    return Nation.make(tmp_path_factory.mktemp("nation"), scale=0.02, localities=4)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that a test has started; none outlives it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        finish(process)
