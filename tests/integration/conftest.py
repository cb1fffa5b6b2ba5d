"""A department with the parameters of the law and nothing of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from queue_engine.night import run
from queue_engine.night.context import Night
from support.department import Department
from support.desk import Desk
from support.rows import application, vacancy


@pytest.fixture
def city(tmp_path: Path) -> Department:
    return Department(tmp_path)


@pytest.fixture
def desk(city: Department) -> Iterator[Desk]:
    """Two localities whose first night, of Monday 2 February 2026, is done; the clock stands at noon of Tuesday."""
    city.applications(application("A1"), application("A2"), application("B1", locality="astana"))
    city.bulletin(vacancy("V1"), vacancy("V2", locality="astana"))
    city.run("2026-02-02")
    made = Desk(city, "2026-02-03 12:00")
    yield made
    made.database.engine.dispose()


@pytest.fixture
def astana_fails(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """While it holds an error, the nights of Astana end with it."""
    errors: list[Exception] = []

    def fail(night: Night) -> None:
        if errors and night.locality.locality == "astana":
            raise errors[-1]

    monkeypatch.setattr(run, "STEPS", (*run.STEPS, fail))
    return errors
