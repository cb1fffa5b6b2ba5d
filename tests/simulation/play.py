"""A seed played: the same life with faults and without, side by side, and now and then a second time."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

from queue_engine.officer.setup import make_database
from queue_engine.store.engine import Database
from simulation.faults import Faults
from simulation.history import Broken, History, Size
from simulation.service import Service
from support import postgres

MEMORY = Path("/dev/shm")
"""Storage that is backed by memory, where there is such."""
COMPARED = 4
"""Histories are compared after every so many spans, and at the end."""
TWICE = 10
"""Of so many seeds one is played a second time with the same faults."""


def play(
    seed: int,
    *,
    localities: int | None = None,
    days: int | None = None,
    faults: bool = True,
    server: bool = False,
    say: Callable[[str], None] = lambda _words: None,
) -> dict[str, int]:
    """Play the histories of a seed; how much was done, and how often each fault. Raises Broken."""
    size = Size.drawn(seed, localities, days)
    say(f"seed {seed}: {size}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)))
        wanted = [Faults(seed), None] if faults else [None]
        wanted += [Faults(seed)] if faults and seed % TWICE == 0 else []
        histories = []
        for number, fault in enumerate(wanted):
            service = _service(folder / str(number), size.zone, fault, server)
            stack.enter_context(closing(service))
            histories.append(History(seed, size, service, fault, say if number == 0 else lambda _words: None))
        _side_by_side(seed, size, histories)
        return _summary(histories)


def _service(folder: Path, zone: str, faults: Faults | None, server: bool) -> Service:
    folder.mkdir()
    if server:
        address = postgres.new_database()
        make_database(Database(address), zone, None)
    else:
        shutil.copyfile(_made(zone), folder / "kezek.db")
        address = f"sqlite:///{folder / 'kezek.db'}"
    return Service(address, folder, faults.watch if faults else lambda _engine: None)


@cache
def _made(zone: str) -> Path:
    """An empty database, made once and copied."""
    path = _kept() / f"{zone.replace('/', '-')}.db"
    database = Database(f"sqlite:///{path}")
    make_database(database, zone, None)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
    database.engine.dispose()
    return path


@cache
def _folder() -> Any:
    return tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


def _kept() -> Path:
    """A folder that goes with the process."""
    return Path(_folder().name)


def _side_by_side(seed: int, size: Size, histories: list[History]) -> None:
    """Play span by span, and compare what each history exports (rules C4, F1, F3)."""
    for number, days in enumerate(zip(*(history.spans() for history in histories), strict=True), 1):
        if number % COMPARED == 0:
            _compare(seed, size, histories, str(days[0]))
    _compare(seed, size, histories, "the end")


def _compare(seed: int, size: Size, histories: list[History], when: str) -> None:
    first, *others = ((*history.service.exports(), history.service.states()) for history in histories)
    for history, other in zip(histories[1:], others, strict=True):
        kind = "without faults" if history.faults is None else "a second time"
        for name, one, two in zip(("vouchers", "bulletin", "queue", "states"), first, other, strict=True):
            if one != two:
                found = [
                    line
                    for line in difflib.unified_diff(two.splitlines(), one.splitlines(), lineterm="", n=0)
                    if line[:1] in "+-" and line[:3] not in ("+++", "---")
                ]
                what = f"the table of {name} differs from the history {kind}: {' | '.join(found[:6])}"
                raise Broken(seed, size, f"step {histories[0].steps} (compared after {when})", what)
        if history.faults and (history.trace, history.faults) != (histories[0].trace, histories[0].faults):
            raise Broken(seed, size, f"step {histories[0].steps}", "the seed did not repeat itself")


def _summary(histories: list[History]) -> dict[str, int]:
    faulty = histories[0]
    counts = dict(faulty.faults.counts) if faulty.faults else {}
    return {
        "histories": len(histories),
        "nights": sum(history.nights() for history in histories),
        "operations": sum(history.operations for history in histories),
        "checks": sum(history.checks for history in histories),
        "vouchers": faulty.service.exports()[0].count("\n") - 1,
        **counts,
    }
