"""T4: kill -9 of the night before every statement of it and at random moments, on both stores (rule F3)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from faults.night_kills import copy_of, digest
from support import postgres
from support.figures import Figure, sized
from support.nation import Nation
from support.processes import finish, kezek, start_module

INTAKE = "2021-08-10"
MOMENTS = sized(20, 200)
STRIDE = sized(3, 1)
"""In continuous integration every third statement."""
RESTART_SECONDS = 30


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Nation:
    """Two localities of some hundred applications each."""
    return Nation.make(tmp_path_factory.mktemp("town"), scale=0.005, localities=2)


def kills(where: str, mode: str, stride: int, moments: int) -> list[dict[str, str | int | float]]:
    """What every kill of the intake nights left, and what the next run made of it."""
    answer = finish(start_module("faults.night_kills", where, INTAKE, mode, str(stride), str(moments)))
    assert answer.code == 0, answer.told
    return [json.loads(line) for line in answer.out.splitlines()]


def borders(where: str, town: Nation) -> list[str]:
    """Digests of the records before the intake nights, after each of them, and so after the last."""
    copy = copy_of(where, "borders")
    found = [digest(copy)]
    for locality in town.localities:
        assert kezek(copy, "run", "--date", INTAKE, "--locality", locality).code == 0
        found.append(digest(copy))
    assert len(set(found)) == len(town.localities) + 1
    return found


def test_a_night_killed_anywhere_ends_as_if_nothing_had_been(
    store: str, kind: str, town: Nation, monkeypatch: pytest.MonkeyPatch, figure: Callable[[Figure], None]
) -> None:
    """What is left is the state before or after a night. The twin commits every statement at once, and is torn."""
    if kind == "postgresql":
        monkeypatch.setenv(postgres.SERVER_VARIABLE, postgres.server().render_as_string(hide_password=False))
    town.take_in(store)
    whole = borders(store, town)
    seen = kills(store, "whole", STRIDE, MOMENTS)
    assert len(seen) > MOMENTS + 50 // STRIDE
    lost = [kill for kill in seen if kill["again"] != 0 or kill["after"] != whole[-1] or kill["left"] not in whole]
    assert {kill["left"] for kill in seen} >= set(whole[:-1])
    longest = max(float(kill["seconds"]) for kill in seen)
    assert longest < RESTART_SECONDS
    torn = kills(store, "split", 7, 0)
    damage = [kill for kill in torn if kill["left"] not in whole or kill["after"] != whole[-1]]
    assert damage
    figure(
        Figure(
            "T4",
            f"kill -9 of the night before {'every' if STRIDE == 1 else f'every {STRIDE}rd'} statement "
            f"and at {MOMENTS} random moments ({kind})",
            len(seen),
            len(lost),
            f"torn by {len(damage)} of {len(torn)} kills",
            f"run again and equal to a calm night after at most {longest:.1f} s",
        )
    )
