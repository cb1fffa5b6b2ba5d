"""A made city of two localities, ready for its nights: every test works on a copy of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from queue_engine.demo.city import APPLICATION_COLUMNS, BULLETIN_COLUMNS, City, write_rows
from support.processes import kezek

LOCALITIES = ("almaty", "astana")
FIRST_NIGHT = "2021-08-09"
SCALE = 0.065  # of the real city: some 3,000 applications
SMALL_SCALE = 0.005
WITHDRAWALS = "withdrawal_id,withdrawn_at,vacancy_id,places,reason\n"

CopyOf = Callable[[Path, str], Path]


def _make_city(folder: Path, scale: float) -> Path:
    """Files in, one night before anything is handed over, and some requests that wait for their days."""
    city = City.make(scale=scale)
    applications, bulletin, withdrawals = (folder / name for name in ("a.csv", "b.csv", "w.csv"))
    write_rows(applications, APPLICATION_COLUMNS, _spread(city.applications))
    write_rows(bulletin, BULLETIN_COLUMNS, _spread(city.vacancies))
    taken = [f"W{n},2021-08-1{n % 2}T20:00:00+06:00,{city.vacancies[n][0]},1,repair\n" for n in range(12)]
    withdrawals.write_text(WITHDRAWALS + "".join(taken), encoding="utf-8")
    path = folder / "city.db"
    for words in (
        ("init",),
        ("import", "applications", str(applications)),
        ("import", "bulletin", str(bulletin)),
        ("run", "--date", FIRST_NIGHT),
        ("import", "withdrawals", str(withdrawals)),
        ("stop-list", "add", "A000007", "--reason", "false address", "--date", "2021-08-12"),
        ("archive", "A000008", "--reason", "asked by parent", "--date", "2021-08-13"),
    ):
        answer = kezek(path, *words)
        assert answer.code == 0, answer.told
    return path


def _spread(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows with their locality (the third column of both files) one after another."""
    return [(*row[:2], LOCALITIES[n % len(LOCALITIES)], *row[3:]) for n, row in enumerate(rows)]


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the city; never to be written to."""
    return _make_city(tmp_path_factory.mktemp("city"), SCALE)


@pytest.fixture(scope="session")
def small_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of some 200 applications, for tests that run its night hundreds of times."""
    return _make_city(tmp_path_factory.mktemp("small_city"), SMALL_SCALE)


@pytest.fixture
def copy_of(tmp_path: Path) -> CopyOf:
    """Make a copy of a database under a name of its own."""

    def copy(database: Path, name: str) -> Path:
        return Path(shutil.copyfile(database, tmp_path / f"{name}.db"))

    return copy
