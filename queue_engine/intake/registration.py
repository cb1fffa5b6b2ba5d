"""Registering the new applications of a chunk together, column by column (rules A1-A4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import compress, repeat
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bulletins.columns import Memo
from queue_engine.domain.application import ApplicationState, ServiceClass
from queue_engine.domain.moments import days_of, steady_offset
from queue_engine.intake.application_rows import Applications
from queue_engine.store import applications as store
from queue_engine.store import tables as t
from queue_engine.store.bulk import POSTGRESQL
from queue_engine.store.records import Ledger, Locality, Registry, new_change, next_row_id, rulebook

# Before a locality's first run its day is not known yet: benefits are classed by the latest law,
# and the first run puts right what its own day's law says otherwise.
LATEST = date.max


class Standings(NamedTuple):
    """Columns of `store.records.Standing`."""

    rows: range
    locality_ids: Sequence[int]
    birth_years: Sequence[int]
    class_ranks: Sequence[int]
    filed_at_us: Sequence[int]


class Registration:
    """What registering needs of one import: its change, ledger and row ids, and the classes of benefits."""

    def __init__(self, connection: Connection, registry: Registry) -> None:
        self.connection = connection
        self.registry = registry
        self.change_id = new_change(connection, "import applications")
        self.ledger = Ledger(connection, self.change_id)
        self._rules = rulebook(connection)
        self._next_row = next_row_id(connection, t.application.c.application_row)
        self._class_ranks = Memo(self._class_rank)

    def class_rank(self, locality: Locality, benefit: str) -> int:
        """The class of a benefit by the law of the open day (rule A3)."""
        return self._class_ranks[locality.locality, benefit]

    def _class_rank(self, key: tuple[str, str]) -> int:
        code, benefit = key
        rules = self._rules.on(self.registry.locality(code).open_day or LATEST, code)
        return ServiceClass[rules.benefit_classes[benefit].upper()].value

    def allot(self, count: int) -> range:
        """Row ids for so many applications."""
        first, self._next_row = self._next_row, self._next_row + count
        return range(first, self._next_row)

    def register(self, new: Applications) -> list[bool]:
        """Write applications with their step into the queue; which of them were taken.

        Not taken is one whose id is known, or whose child has a live application. None may share its id or its child
        with another of them.
        """
        places = self._places(new.locality)
        years = [born.year for born in new.birth_date]
        ranks = list(map(self._class_ranks.__getitem__, zip(new.locality, new.benefit, strict=True)))
        standing = Standings(
            self.allot(len(new.raw)), [places[code].locality_id for code in new.locality], years, ranks, new.filed_at_us
        )
        out = store.register_absent(self.connection, self._values(new, standing))
        taken = [row not in out for row in standing.rows]
        if any(taken):
            self._enter(standing, taken, [places[code].timezone for code in new.locality])
        return taken

    def _places(self, codes: Sequence[str]) -> dict[str, Locality]:
        """Localities by code; new ones are put on record in the order in which they are named."""
        return {code: self.registry.locality(code) for code in dict.fromkeys(codes)}

    def _enter(self, standing: Standings, taken: Sequence[bool], zones: Sequence[ZoneInfo]) -> None:
        """Note that the applications taken have come into their queues."""
        filed = standing.filed_at_us
        if len(set(zones)) == 1 and self.connection.dialect.name != POSTGRESQL:
            offset = steady_offset(min(filed), max(filed), zones[0])
            if offset is not None:
                self.ledger.register_range(standing.rows, offset)
                return
        days = [date.min] * len(filed)
        for zone in set(zones):
            found = [at for at, of_row in enumerate(zones) if of_row == zone]
            for at, day in zip(found, days_of([filed[at] for at in found], zone), strict=True):
                days[at] = day
        self.ledger.register(compress(zip(*standing, strict=True), taken), compress(days, taken))

    def _values(self, new: Applications, standing: Standings) -> list[tuple[Any, ...]]:
        """Tuples of store.COLUMNS."""
        columns = (
            standing.rows,
            new.application_id,
            standing.locality_ids,
            standing.birth_years,
            standing.class_ranks,
            standing.filed_at_us,
            repeat(ApplicationState.QUEUED.value),
            map(date.isoformat, new.birth_date),
            self.registry.profiles(new.profile),
            self.registry.wishes(standing.locality_ids, new.organizations),
            new.benefit,
            new.child_iin,
            new.phones,
            new.email,
            new.notice_language,
            repeat(self.change_id),
            [line for line, _cells in new.raw],
        )
        return list(zip(*columns, strict=False))
