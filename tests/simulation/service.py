"""The service as people meet it: files and acts in, nights, tables out; and the onlooker's books kept with it.

Everything goes by the functions the command calls. A fault is forced from outside (`simulation.faults`): it raises
`Killed` where the process would have died, and then the service is started anew on the same records.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import event

from queue_engine.errors import RuleBroken
from queue_engine.intake.applications import import_applications
from queue_engine.intake.bulletins import import_bulletin, import_withdrawals
from queue_engine.intake.decisions import import_decisions
from queue_engine.intake.report import ImportReport
from queue_engine.night.context import NightReport
from queue_engine.night.run import run_nights
from queue_engine.officer.acts import act
from queue_engine.officer.setup import import_calendar, import_rules
from queue_engine.settings import yesterday
from queue_engine.store.bulk import rows_of
from queue_engine.store.engine import Database
from simulation.operations import COLUMNS, Act, File, Operation, Rule
from support.processes import records_of

IMPORTS = {
    "applications": import_applications,
    "bulletin": import_bulletin,
    "withdrawals": import_withdrawals,
    "decisions": import_decisions,
}
ALREADY = "already done"


class Killed(BaseException):
    """The process dies here. Not an Exception: nothing of the engine may catch it."""


@dataclass(frozen=True)
class Clock:
    """The machine's clock, in the simulation: asked for the moment, it says this one."""

    moment: datetime

    @classmethod
    def at_night_of(cls, day: date, zone: ZoneInfo, seconds: int = 3600) -> Clock:
        """So many seconds (0 to 86399) after the end of the day."""
        after = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        return cls(after + timedelta(seconds=seconds))

    def __call__(self) -> datetime:
        return self.moment


class Service:
    """One process of the service on its records; `restart` ends it and starts another.

    prepare: told of every connection's engine as it is opened (durability off, guards off, faults in).
    """

    def __init__(self, address: str, folder: Path, prepare: Callable[[Any], None]) -> None:
        self.address = address
        self.folder = folder
        self.prepare = prepare
        self._open()

    def _open(self) -> None:
        self.database = Database(self.address)
        self._opened: list[Any] = []
        event.listen(self.database.engine, "connect", lambda dbapi, _record: self._opened.append(dbapi))
        if self.database.path is not None:
            # Power loss is not what this tests, and a simulated night costs a tenth without waiting for the disk.
            event.listen(self.database.engine, "connect", _without_waiting)
        self.prepare(self.database.engine)

    def restart(self) -> None:
        """What the system does for a dead process: its connections are closed, and what was open is rolled back."""
        for connection in self._opened:
            connection.close()
        self.close()
        self._open()

    def close(self) -> None:
        self.database.engine.dispose()

    def hand_in(self, operation: Operation) -> ImportReport | str:
        """Hand one thing in; what the service says of it. An act it does not allow gives the rule's error code."""
        if isinstance(operation, File):
            return self._file(operation)
        if isinstance(operation, Rule):
            path = self.folder / "rules.toml"
            path.write_text(operation.toml(), encoding="utf-8")
            return import_rules(self.database, path)
        return self._act(operation)

    def _file(self, operation: File) -> ImportReport:
        path = self.folder / f"{operation.kind}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS[operation.kind])
            writer.writeheader()
            writer.writerows(operation.rows)
        if operation.kind == "calendar":
            return import_calendar(self.database, path, _unheard)
        return IMPORTS[operation.kind](self.database, path, strict=False, tell=_unheard, progress=_unheard)

    def _act(self, operation: Act) -> str:
        try:
            return act(self.database, operation.kind, operation.application_id, operation.reason, operation.day)
        except RuleBroken as broken:
            return f"refused: {broken.code}"

    def nights(self, clock: Clock) -> Iterator[NightReport]:
        """`kezek run` without a date: yesterday by that clock, missed days first."""
        return run_nights(self.database, lambda entry: yesterday(clock, entry.timezone))

    def exports(self) -> tuple[str, str, str]:
        """The three exports as text."""
        with self.database.read() as connection:
            return records_of(connection)

    def states(self) -> str:
        """What no export shows of the applications, a line each: state, archive, class, benefit, stay."""
        with self.database.read() as connection:
            rows = rows_of(
                connection,
                "select application_id, state, archived_on, archive_reason, class_rank, benefit, temporary_until "
                "from application order by application_id",
            )
        return "\n".join(",".join(map(str, row)) for row in rows)


def _without_waiting(dbapi: Any, _record: Any) -> None:
    dbapi.execute("pragma synchronous=off")


def _unheard(*_words: object) -> None:
    """Nobody listens to progress and words here; the counts of the report are compared."""
