"""T3: a place that a voucher holds is never taken back, by no way there is, and never in silence (rule B6)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from queue_engine.intake import bulletins
from queue_engine.store.engine import Database
from support.department import Department
from support.figures import Figure
from support.races import ignore_checks
from support.rows import Row, application, decision, vacancy, withdrawal

NIGHT = "2026-02-02"
MOMENTS = {
    "the second it was handed over": "2026-02-02T09:00:00+05:00",
    "dated back before it was": "2026-01-05T09:00:00+05:00",
    "the last second of the night's day": "2026-02-02T23:59:59+05:00",
    "the first second after the night": "2026-02-03T00:00:00+05:00",
    "the last day of the voucher": "2026-02-09T12:00:00+05:00",
    "dated a month ahead": "2026-03-02T12:00:00+05:00",
    "by another zone": "2026-02-02T23:00:00-10:00",
}
HOLDERS = {
    "a voucher": [],
    "an extended voucher": [decision("D1", decision="extend", decided_on="2026-02-02")],
    "a pupil": [decision("D1", decided_on="2026-02-02")],
    "a voucher declined on a later day": [decision("D1", decision="decline", decided_on="2026-02-09")],
}


def with_a_holder(folder: Path, decisions: list[Row]) -> Department:
    """A1 holds the one place of V1 since the night."""
    city = Department(folder)
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run(NIGHT)
    city.decisions(*decisions)
    assert city.given() == {"A1": "V1"}
    return city


def lost(city: Department, row: Row) -> bool:
    """Whether a withdrawal is taken, leaves a trace, or is refused without saying why."""
    before = city.records()
    told = city.withdrawals(row, expect=None)
    refused = (
        told.code == 3 and "[withdrawal.not_free]" in told.err and f"withdrawal {row['withdrawal_id']}" in told.err
    )
    return not refused or city.records() != before


def taken_without_guards(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> int:
    """Places withdrawn from under one voucher when neither code nor schema looks."""
    city = with_a_holder(folder, [])
    monkeypatch.setattr(bulletins, "_check_free", lambda *_arguments: None)
    database = Database(city.database)
    if kind == "sqlite":
        event.listen(Engine, "connect", ignore_checks)
    else:
        with database.write() as connection:
            connection.exec_driver_sql("alter table vacancy drop constraint ck_vacancy_scarcity")
    try:
        for n, moment in enumerate(MOMENTS.values()):
            city.withdrawals(withdrawal(f"W{n}", withdrawn_at=moment))
    finally:
        if kind == "sqlite":
            event.remove(Engine, "connect", ignore_checks)
    with database.read() as connection:
        held, withdrawn = connection.exec_driver_sql("select held, withdrawn from vacancy").one()
    database.engine.dispose()
    assert held == 1
    return int(withdrawn)


def test_a_held_place_is_withdrawn_at_no_moment(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[Figure], None]
) -> None:
    """The twin: without the check of the code and that of the schema, the place is withdrawn from under the child."""
    tries, losses = 0, 0
    for number, (holder, decisions) in enumerate(HOLDERS.items()):
        city = with_a_holder(tmp_path / str(number), decisions)
        for n, moment in enumerate(MOMENTS.values()):
            if "declined" in holder and moment > "2026-02-09":
                continue  # by then it is free again
            tries += 1
            losses += lost(city, withdrawal(f"W{n}", withdrawn_at=moment))
    taken = taken_without_guards(tmp_path / "twin", monkeypatch, kind)
    assert taken > 1
    figure(
        Figure(
            "T3",
            f"a held place taken back at {len(MOMENTS)} moments, from {len(HOLDERS)} holders ({kind})",
            tries,
            losses,
            f"one held place withdrawn {taken} times",
        )
    )


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("queued", [True, False], ids=["a child waits", "nobody waits"])
def test_a_withdrawal_that_an_earlier_night_overtook_is_refused_by_name(tmp_path: Path, queued: bool) -> None:
    """Decision 1.3: it waits for its day; the night before gave the place. With nobody in the queue it is taken."""
    city = Department(tmp_path)
    city.applications(application("A1", **({} if queued else {"filed_at": "2026-02-20T10:00:00+05:00"})))
    city.run("2026-02-01")
    city.bulletin(vacancy("V1"))
    assert "1 waiting" in city.withdrawals(withdrawal("W1")).err
    city.run(NIGHT)
    told = city.run("2026-02-03")
    assert ("W1" in told.err) is queued, told.err
    assert city.given() == ({"A1": "V1"} if queued else {})
    assert city.listed("2026-02-03", "withdrawn") == ([] if queued else [("V1", "1")])
