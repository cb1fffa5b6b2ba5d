"""T17: the last second of a voucher's term, by the locality's time zone, and admission racing the night's lapse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from queue_engine.intake import decisions
from queue_engine.night import run, steps
from queue_engine.night.run import run_night, run_nights
from queue_engine.night.sanity import check_records
from queue_engine.settings import yesterday
from queue_engine.store.engine import Database
from support.department import Department
from support.figures import Figure, sized
from support.races import NIGHT, Field, code, name, paused, unguarded_write
from support.rows import DECISION_COLUMNS, application, decision, rule, vacancy

ROUNDS = sized(150, 1_000)
TWIN_ROUNDS = 30
LAST_DAY = NIGHT + timedelta(days=1)
"""Of a term of one working day, from Monday to Tuesday."""
WHOLE = {("admitted", 0, 1, "archived", 1, 0), ("expired", 0, 0, "stopped", 0, 1)}
"""Status, held, used, state, decisions and stop-list entries: the two ends that there may be."""
ENDS = (
    "select v.status, p.held, p.used, a.state, (select count(*) from decision d where d.voucher_row = v.voucher_row), "
    "(select count(*) from stop_list s where s.application_row = v.application_row) from voucher v "
    "join vacancy p on p.vacancy_row = v.vacancy_row join application a on a.application_row = v.application_row"
)


@pytest.mark.parametrize("timezone", ["Asia/Almaty", "Asia/Aqtobe", "Asia/Tokyo", "UTC"])
def test_a_voucher_holds_to_the_last_second_of_its_last_day(tmp_path: Path, kind: str, timezone: str) -> None:
    """Rules D1, D3, D6 and F1: at 23:59:59 admitted, at 00:00:00 refused, before the night and after it.

    The twin: a day taken from another time zone has not ended yet, and the night leaves the voucher live.
    """
    zone = ZoneInfo(timezone)
    last_second = datetime(2026, 2, 9, 23, 59, 59, tzinfo=zone).astimezone(UTC)
    over = last_second + timedelta(seconds=1)
    city = Department(tmp_path, timezone=timezone)
    city.applications(application("A1"), application("A2"))
    city.bulletin(vacancy("V1", places="2"))
    city.run("2026-02-02")
    assert city.voucher("A1")["expires_on"] == "2026-02-09"
    database = Database(city.database)

    def run_at(moment: datetime, own_zone: bool = True) -> None:
        day_of = partial(yesterday, lambda: moment)
        for _ in run_nights(database, lambda entry: day_of(entry.timezone if own_zone else ZoneInfo("America/Adak"))):
            pass

    run_at(last_second)
    city.decide("A1", "admit", str(last_second.astimezone(zone).date()))
    assert (city.status("A1"), city.status("A2")) == ("admitted", "issued")
    late = city.decide("A2", "admit", str(over.astimezone(zone).date()), expect=3)
    assert "[voucher.lapsed]" in late.err
    run_at(over, own_zone=False)
    assert city.status("A2") == "issued", kind
    run_at(over)
    assert city.status("A2") == "expired"
    assert "[voucher.lapsed]" in city.decide("A2", "admit", "2026-02-09", expect=3).err
    database.engine.dispose()


def lapses(database: Database, turn: int) -> int:
    return run_night(database, code(turn), LAST_DAY).lapsed


def admits(database: Database, path: Path) -> int:
    told: list[str] = []
    report = decisions.import_decisions(
        database, path, strict=False, tell=told.append, progress=lambda _done, _total: None
    )
    assert report.refused == 0
    assert report.new == 1 or "[voucher.lapsed]" in told[0]
    return report.new


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause after each has seen that the voucher is live."""
    monkeypatch.setattr(decisions, "check_decision", paused(decisions.check_decision))
    monkeypatch.setattr(steps, "read_vouchers", paused(steps.read_vouchers))


def played(folder: Path, rounds: int, *, guarded: bool) -> tuple[list[str], dict[str, int]]:
    """What was wrong in each round, and what became of the vouchers."""
    field = Field(folder, rounds, 2, rules=rule("voucher.validity", 1))
    field.hand_over()
    field.night(NIGHT)
    if not guarded:
        field.disarm()
    if not guarded and field.databases[0].path is None:
        field.disarm("alter table vacancy drop constraint ck_vacancy_counts")
    wrong = []
    for turn in range(rounds):
        row = decision(f"D{turn}", application_id=name(turn), decided_on=str(LAST_DAY))
        path = field.department.table("d", DECISION_COLUMNS, [row])
        got = field.race([partial(lapses, turn=turn), partial(admits, path=path)][:: 1 - turn % 2 * 2])
        if sorted(map(str, got)) != ["0", "1"]:
            wrong.append(f"round {turn}: {got}")
    ends = field.ask(ENDS)
    wrong += [f"on record: {end}" for end in ends if end not in WHOLE]
    assert len(ends) == rounds
    field.close()
    statuses = [end[0] for end in ends]
    return wrong, {status: statuses.count(status) for status in ("admitted", "expired")}


@pytest.mark.usefixtures("slow")
def test_admission_and_lapse_at_the_same_moment_have_one_winner(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[Figure], None]
) -> None:
    """Rules D3 and D6: the records say which. The twin: without locks and the night's own check both win."""
    wrong, ends = played(tmp_path / "guarded", ROUNDS, guarded=True)
    assert min(ends.values()) > ROUNDS // 20
    monkeypatch.setattr(Database, "write", unguarded_write)
    monkeypatch.setattr(run, "STEPS", tuple(step for step in run.STEPS if step is not check_records))
    damage, _ends = played(tmp_path / "twin", TWIN_ROUNDS, guarded=False)
    both = [line for line in damage if line.endswith(": [1, 1]")]
    assert both
    figure(
        Figure(
            "T17",
            f"admission on the last day at the moment of the night that lapses the voucher ({kind})",
            ROUNDS,
            len(wrong),
            f"both won in {len(both)} of {TWIN_ROUNDS} rounds",
            f"{ends['admitted']} admitted, {ends['expired']} lapsed",
        )
    )
