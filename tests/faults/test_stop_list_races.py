"""T18: the stop-list while a night goes on, taken back, and a child whose IIN changes (rules E1, A7, C3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from queue_engine.night import run, serve
from queue_engine.night.run import run_night
from queue_engine.night.sanity import check_records
from queue_engine.officer.acts import act
from queue_engine.store import acts
from queue_engine.store.acts import ActKind
from queue_engine.store.engine import Database
from support.department import Department
from support.figures import Figure, sized
from support.races import NIGHT, Field, code, name, paused, unguarded_write
from support.rows import application, iin, place, vacancy

ROUNDS = sized(100, 1_000)
TWIN_ROUNDS = 30
STOPPED_WITH_A_VOUCHER = (
    "select a.application_id from application a join stop_list s on s.application_row = a.application_row "
    "join voucher v on v.application_row = a.application_row where s.ended_on is null and v.status = 'issued'"
)


def stops(database: Database, turn: int) -> str:
    return act(database, ActKind.STOP, name(turn), "false address", NIGHT)


def gives(database: Database, turn: int) -> str:
    return str(run_night(database, code(turn), NIGHT).vouchers)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause when the night has seen who stands in the queue, and the officer that there is no voucher."""
    monkeypatch.setattr(serve, "read_standings", paused(serve.read_standings))
    monkeypatch.setattr(acts, "close_live_voucher", paused(acts.close_live_voucher))


def played(folder: Path, rounds: int, *, guarded: bool) -> tuple[list[str], int]:
    """What was wrong in each round, and how often the night came first."""
    field = Field(folder, rounds, 2)
    field.night(NIGHT - timedelta(days=1))
    field.hand_over()
    if not guarded:
        field.disarm()
    wrong, nights = [], 0
    for turn in range(rounds):
        got = field.race([partial(stops, turn=turn), partial(gives, turn=turn)][:: 1 - turn % 2 * 2])
        given, told = sorted(map(str, got), key=len)
        nights += given == "1"
        if "stop-list from 2026-02-02" not in told or ("is cancelled" in told) is not (given == "1"):
            wrong.append(f"round {turn}: {got}")
        if guarded:
            why = field.department.explain(name(turn), str(NIGHT))
            if ("Served: voucher" if given == "1" else "on the stop-list by an officer's act") not in why:
                wrong.append(f"round {turn}: {why}")
    wrong += [f"{row[0]} holds a voucher on the stop-list" for row in field.ask(STOPPED_WITH_A_VOUCHER)]
    wrong += [f"{row[0]} is still held" for row in field.ask("select vacancy_id from vacancy where held > 0")]
    field.close()
    return wrong, nights


@pytest.mark.usefixtures("slow")
def test_nobody_on_the_stop_list_has_a_voucher_whenever_the_entry_comes(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[Figure], None]
) -> None:
    """Rules E1, C3, decision 1.23. The twin: without locks and the night's own check a voucher follows the entry."""
    wrong, nights = played(tmp_path / "guarded", ROUNDS, guarded=True)
    assert ROUNDS // 20 < nights < ROUNDS - ROUNDS // 20
    monkeypatch.setattr(Database, "write", unguarded_write)
    monkeypatch.setattr(run, "STEPS", tuple(step for step in run.STEPS if step is not check_records))
    damage, _nights = played(tmp_path / "twin", TWIN_ROUNDS, guarded=False)
    seen = [line for line in damage if "holds a voucher" in line]
    assert seen
    figure(
        Figure(
            "T18",
            f"an officer's stop at the moment of the night ({kind})",
            ROUNDS,
            len(wrong),
            f"a voucher on the stop-list in {len(seen)} of {TWIN_ROUNDS} rounds",
            f"{nights} vouchers cancelled by the stop, {ROUNDS - nights} children passed over; each explained",
        )
    )


@pytest.mark.usefixtures("kind")
def test_a_stop_follows_the_application_through_a_changed_iin(tmp_path: Path) -> None:
    """Rules E1 and A7: neither a corrected IIN nor a second application of the child gets round the stop-list.

    The twin is the same child when the stop is removed: it gets the place that others were to have.
    """
    city = Department(tmp_path)
    old, new = application("A1"), {"child_iin": iin("B7", "2023-05-15")}
    city.applications(old, application("A2", filed_at="2026-01-13T10:00:00+05:00"))
    city.run("2026-02-01")
    city.stop_list_add("A1")
    city.applications({**old, **new})
    again = city.applications(application("A3", **new), expect=1)
    assert "A7" in again.err
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    assert city.given() == {"A2": "V1"}
    assert "on the stop-list by an officer's act" in city.explain("A1", "2026-02-02")
    city.bulletin(place("V2", "2026-02-03"))
    city.applications(application("A4"))
    city.stop_list_remove("A1")
    city.run("2026-02-03")
    assert city.given("2026-02-03") == {"A1": "V2"}
    assert "Served: voucher" in city.explain("A1", "2026-02-03")
    assert "number 1 general" in city.explain("A4", "2026-02-03")
