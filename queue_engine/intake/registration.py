"""Registering the new applications of a chunk together, column by column (rules A1-A4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import compress, repeat
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from bulletins.columns import Memo
from queue_engine.domain.application import ApplicationState, ServiceClass
from queue_engine.domain.moments import days_of
from queue_engine.intake.application_rows import Applications
from queue_engine.store import applications as store
from queue_engine.store import tables as t
from queue_engine.store.records import Ledger, Locality, Registry, Standing, new_change, next_row_id, rulebook

# Before a locality's first run its day is not known yet: benefits are classed by the latest law,
# and the first run puts right what its own day's law says otherwise.
LATEST = date.max
_year_of = attrgetter("year")


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
        rows = self.allot(len(new.raw))
        places = list(map(self.registry.locality, new.locality))
        locality_ids = [place.locality_id for place in places]
        ranks = list(map(self._class_ranks.__getitem__, zip(new.locality, new.benefit, strict=True)))
        standings = list(map(Standing, rows, locality_ids, map(_year_of, new.birth_date), ranks, new.filed_at_us))
        out = store.register_absent(self.connection, self._values(new, standings))
        taken = [row not in out for row in rows] if out else [True] * len(rows)
        if out:
            standings, places = list(compress(standings, taken)), list(compress(places, taken))
        self.ledger.register(standings, _days(standings, places))
        return taken

    def _values(self, new: Applications, standings: Sequence[Standing]) -> list[tuple[Any, ...]]:
        """Tuples of store.COLUMNS."""
        rows, locality_ids, years, ranks, filed = zip(*standings, strict=True)
        columns = (
            rows,
            new.application_id,
            locality_ids,
            years,
            ranks,
            filed,
            repeat(ApplicationState.QUEUED.value),
            map(date.isoformat, new.birth_date),
            self.registry.profiles(new.profile),
            self.registry.wishes(locality_ids, new.organizations),
            new.benefit,
            new.child_iin,
            new.phones,
            new.email,
            new.notice_language,
            repeat(self.change_id),
            [line for line, _cells in new.raw],
        )
        return list(zip(*columns, strict=False))


def _days(standings: Sequence[Standing], places: Sequence[Locality]) -> list[date]:
    """The civil day of each filing in its locality."""
    zones = {place.timezone for place in places}
    if len(zones) == 1:
        return days_of([standing.filed_at_us for standing in standings], zones.pop())
    of_zone = defaultdict(list)
    for at, place in enumerate(places):
        of_zone[place.timezone].append(at)
    days: dict[int, date] = {}
    for zone, found in of_zone.items():
        days.update(zip(found, days_of([standings[at].filed_at_us for at in found], zone), strict=True))
    return [days[at] for at in range(len(places))]
