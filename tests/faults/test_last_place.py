"""T1: the last place, and 2 to 64 who would take it at the same moment; exactly one gets it (rules B6, C3, F1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import pytest

from queue_engine.intake import bulletins
from queue_engine.night import serve
from queue_engine.night.run import run_night
from queue_engine.store.engine import Database
from support.figures import Figure, sized
from support.races import NIGHT, Field, code, paused, unguarded_write
from support.rows import WITHDRAWAL_COLUMNS, withdrawal

ROUNDS = sized(120, 1_000)
TWIN_ROUNDS = 12
SIZES = (2, 3, 2, 4, 2, 3, 2, 8, 2, 4, 2, 16, 2, 3, 2, 4, 2, 8, 2, 64)
"""Takers of the rounds, over and over."""
GUARDS = ("drop index uq_voucher_live",)
GUARDS_OF_POSTGRESQL = (
    "alter table vacancy drop constraint ck_vacancy_scarcity",
    "alter table run drop constraint uq_run_locality_id_on_day",
)


def by_night(database: Database, turn: int) -> int:
    """A night of the locality: places it gave."""
    return run_night(database, code(turn), NIGHT).vouchers


def by_withdrawal(database: Database, path: Path) -> int:
    """The place taken back: 1, or 0 if that was refused."""
    report = bulletins.import_withdrawals(
        database, path, strict=False, tell=lambda _words: None, progress=lambda _done, _total: None
    )
    assert report.refused == report.waiting == 0
    assert report.new + report.against_rules == 1
    return report.new


def takers(field: Field, turn: int, count: int) -> list[Callable[[Database], int]]:
    """Nights and withdrawals by turns."""
    found: list[Callable[[Database], int]] = []
    for number in range(count):
        if (number + turn) % 2:
            found.append(partial(by_night, turn=turn))
            continue
        row = withdrawal(f"W{turn}-{number}", vacancy_id=f"V{turn}", withdrawn_at="2026-02-02T12:00:00+05:00")
        found.append(partial(by_withdrawal, path=field.department.table("w", WITHDRAWAL_COLUMNS, [row])))
    return found


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause after each check: the night has seen what is free, the withdrawal that the place is."""
    monkeypatch.setattr(serve, "read_free_places", paused(serve.read_free_places))
    monkeypatch.setattr(bulletins, "_check_free", paused(bulletins._check_free))


def played(folder: Path, rounds: int, sizes: list[int], *, guarded: bool) -> tuple[list[str], dict[str, int]]:
    """What was wrong in each round, and how often which kind of taker won."""
    field = Field(folder, rounds, max(sizes))
    field.night(NIGHT - timedelta(days=1))
    field.hand_over()
    if not guarded:
        field.disarm(*GUARDS, *(GUARDS_OF_POSTGRESQL if field.databases[0].path is None else ()))
    wrong, errors = [], 0
    for turn in range(rounds):
        got = field.race(takers(field, turn, sizes[turn]))
        errors += sum(isinstance(one, Exception) for one in got)
        won = sum(one for one in got if isinstance(one, int))
        if won != 1 or (guarded and errors):
            wrong.append(f"round {turn}: {won} of {sizes[turn]} got it; {[e for e in got if isinstance(e, Exception)]}")
    taken = field.ask("select vacancy_id, held + withdrawn from vacancy where held + withdrawn <> 1")
    wrong += [f"{vacancy}: {count} on record" for vacancy, count in taken]
    wins = dict(
        field.ask("select case held when 0 then 'withdrawals' else 'nights' end, count(*) from vacancy group by 1")
    )
    field.close()
    return wrong, wins


@pytest.mark.usefixtures("slow")
def test_the_last_place_goes_to_exactly_one(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[Figure], None]
) -> None:
    """Rules B6, C3 and F1. The twin: without locks and the guards of the schema more than one gets it."""
    sizes = list(islice(cycle(SIZES), ROUNDS))
    wrong, wins = played(tmp_path / "guarded", ROUNDS, sizes, guarded=True)
    assert min(wins.get("nights", 0), wins.get("withdrawals", 0)) > ROUNDS // 20
    monkeypatch.setattr(Database, "write", unguarded_write)
    damage, _wins = played(tmp_path / "twin", TWIN_ROUNDS, [8] * TWIN_ROUNDS, guarded=False)
    doubled = [line for line in damage if "on record" in line and not line.endswith(": 0 on record")]
    assert doubled
    figure(
        Figure(
            "T1",
            f"the last place, {min(sizes)} to {max(sizes)} takers at once, a pause after the check ({kind})",
            ROUNDS,
            len(wrong),
            f"given more than once in {len(doubled)} of {TWIN_ROUNDS} rounds",
            f"won by {wins['nights']} nights and {wins['withdrawals']} withdrawals",
        )
    )
