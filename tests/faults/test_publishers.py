"""T2: fifty who publish and withdraw, nights in between: what they were told is what is on record (rules B6, F3)."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from queue_engine.intake import bulletins
from queue_engine.intake.report import ImportReport
from queue_engine.night.run import run_nights
from queue_engine.store.engine import Database
from support.department import Department
from support.figures import Figure, sized
from support.races import paused, unguarded_write
from support.rows import BULLETIN_COLUMNS, WITHDRAWAL_COLUMNS, Row, application, vacancy, withdrawal

CLIENTS = 50
SECONDS = sized(10, 60)
TWIN_SECONDS = 3
GROUPS = 8
"""Vacancies of the start, from which all withdraw."""
PLACES = 1_000
FIRST = date(2026, 2, 1)
THINKING = 0.5
"""Seconds between two requests of one client."""


class Told(NamedTuple):
    """What one request came to, as the client heard it: `answer` is taken, refused, or the kind of an error."""

    what: str
    name: str
    answer: str
    seconds: float


class Client:
    """One who publishes a vacancy, withdraws places of the common ones, and keeps a history of the answers."""

    def __init__(self, city: Department, number: int) -> None:
        self.folder = city
        self.number = number
        self.database = Database(city.database)
        self.history: list[Told] = []

    def work(self, until: float) -> None:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            name = f"{self.number}-{turn}"
            if turn % 2:
                row = vacancy(f"P{name}", locality="almaty", places="2")
                self._ask("published", f"P{name}", bulletins.import_bulletin, BULLETIN_COLUMNS, row)
            else:
                group = f"G{(self.number + turn) % GROUPS}"
                row = withdrawal(f"W{name}", vacancy_id=group, withdrawn_at="2026-02-01T12:00:00+05:00")
                self._ask("withdrawn", f"W{name}", bulletins.import_withdrawals, WITHDRAWAL_COLUMNS, row)
            time.sleep(THINKING * (0.5 + self.number / CLIENTS))

    def _ask(self, what: str, name: str, take: Callable[..., ImportReport], columns: tuple[str, ...], row: Row) -> None:
        path = self.folder.folder / f"{name}.csv"
        path.write_text(",".join(columns) + "\n" + ",".join(row[column] for column in columns) + "\n", "utf-8")
        started = time.perf_counter()
        try:
            report = take(self.database, path, strict=False, tell=lambda _words: None, progress=lambda *_: None)
            answer = "taken" if report.new == 1 and not report.bad else "refused"
        except Exception as error:
            answer = type(error).__name__
        self.history.append(Told(what, name, answer, time.perf_counter() - started))


class Played(NamedTuple):
    """Histories of all clients, nights run meanwhile, and what differs between histories and records."""

    history: list[Told]
    nights: int
    wrong: list[str]


def play(folder: Path, seconds: float) -> Played:
    """Let all of them work so long, with a night about once a second."""
    city = Department(folder)
    city.applications(*(application(f"A{n}") for n in range(1, 60)))
    city.run(str(FIRST))
    city.bulletin(
        *(vacancy(f"G{n}", places=str(PLACES), published_at="2026-02-01T09:00:00+05:00") for n in range(GROUPS))
    )
    clients = [Client(city, number) for number in range(CLIENTS)]
    until = time.monotonic() + seconds
    nights, wrong = 0, []
    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(client.work, until) for client in clients]
        database = Database(city.database)
        while time.monotonic() < until:
            nights += 1
            day = FIRST + timedelta(days=nights)
            wrong += [str(one.failure) for one in run_nights(database, lambda _, day=day: day) if one.failure]
            time.sleep(1)
        for client in working:
            client.result()
    history = [told for client in clients for told in client.history]
    wrong += differences(database, history)
    for one in (database, *(client.database for client in clients)):
        one.engine.dispose()
    return Played(history, nights, wrong)


def differences(database: Database, history: list[Told]) -> list[str]:
    """What was acknowledged and is not on record, or is on record and was not acknowledged."""
    with database.read() as connection:
        ask = connection.exec_driver_sql
        vacancies = {row[0] for row in ask("select vacancy_id from vacancy where vacancy_id like 'P%%'")}
        withdrawals = {row[0] for row in ask("select withdrawal_id from withdrawal where state = 'taken'")}
        taken = int(ask("select sum(withdrawn) from vacancy").scalar_one())
        listed = int(ask("select count(*) from bulletin_entry where kind = 'withdrawn'").scalar_one())
        broken = int(ask("select count(*) from vacancy where withdrawn + held + used > places").scalar_one())
        live = int(ask("select count(*) from voucher where status = 'issued'").scalar_one())
        held = int(ask("select sum(held) from vacancy").scalar_one())
    told = {
        what: {one.name for one in history if (one.what, one.answer) == (what, "taken")}
        for what in ("published", "withdrawn")
    }
    wrong = [f"published: {name}" for name in vacancies ^ told["published"]]
    wrong += [f"withdrawn: {name}" for name in withdrawals ^ told["withdrawn"]]
    if not taken == listed == len(withdrawals) or broken or live != held:
        wrong.append(
            f"{taken} places withdrawn, {listed} listed, {len(withdrawals)} requests; {live} vouchers, {held} held"
        )
    return wrong


def test_nothing_acknowledged_is_lost_and_nobody_is_told_of_locks(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[Figure], None]
) -> None:
    """The twin: without locks clients are told of the database's trouble, or their answers are not on record."""
    played = play(tmp_path / "guarded", SECONDS)
    errors = [one.answer for one in played.history if one.answer not in ("taken", "refused")]
    assert len(played.history) > CLIENTS
    assert played.nights > 1
    waiting = np.array([one.seconds for one in played.history])
    monkeypatch.setattr(Database, "write", unguarded_write)
    monkeypatch.setattr(bulletins, "new_change", paused(bulletins.new_change))
    monkeypatch.setattr(bulletins.store, "next_row_id", paused(bulletins.store.next_row_id))
    twin = play(tmp_path / "twin", TWIN_SECONDS)
    trouble = [one.answer for one in twin.history if one.answer not in ("taken", "refused")] + twin.wrong
    assert trouble
    figure(
        Figure(
            "T2",
            f"{CLIENTS} publish and withdraw for {SECONDS} s, {played.nights} nights in between ({kind})",
            len(played.history),
            len(errors) + len(played.wrong),
            f"{len(trouble)} of {len(twin.history)} requests failed or lost in {TWIN_SECONDS} s",
            f"waiting: p95 {np.percentile(waiting, 95) * 1000:.0f} ms, longest {waiting.max() * 1000:.0f} ms",
        )
    )
