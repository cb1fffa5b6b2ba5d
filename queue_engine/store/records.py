"""What every change of the records needs: localities, changes, movements, rules and calendar in force."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, repeat
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, Row, bindparam, func, insert, select

from queue_engine.domain.application import ANY_ORGANIZATION
from queue_engine.errors import WrongUsage
from queue_engine.law.calendar import CalendarCorrection, WorkingCalendar
from queue_engine.law.overrides import Override, from_json
from queue_engine.law.rulebook import Rulebook
from queue_engine.store import tables as t
from queue_engine.store.bulk import execute_many, insert_many

# Asked for by every night, so built once.
NEW_CHANGE = insert(t.change)
LOCALITIES = select(t.locality).order_by(t.locality.c.locality)
LOCALITY = select(t.locality).where(t.locality.c.locality == bindparam("code"))
RULES = select(t.rule_override).order_by(t.rule_override.c.override_id)
CORRECTIONS = select(t.calendar_correction).order_by(t.calendar_correction.c.day)


@dataclass(frozen=True, slots=True)
class Locality:
    """A locality and how far its nights have come."""

    locality_id: int
    locality: str
    timezone: ZoneInfo
    first_run_on: date | None
    last_run_on: date | None

    @property
    def open_day(self) -> date | None:
        """The day after the last run; None before the first (decision 1.1)."""
        return self.last_run_on + timedelta(days=1) if self.last_run_on else None

    def entry_day(self, day: date) -> date:
        """The bulletin that lists what is dated `day`: never a closed one (decision 1.4)."""
        return max(day, self.open_day) if self.open_day else day


class Standing(NamedTuple):
    """Which application, and where it stands in which queue."""

    application_row: int
    locality_id: int
    birth_year: int
    class_rank: int
    filed_at_us: int


class Why:
    """Reasons of movements; also the stages a family is told of (rules A6, G1)."""

    REGISTERED = "registered"
    CHANGED = "changed"
    BENEFIT_CHANGED = "benefit_changed"
    BIRTH_DATE_CORRECTED = "birth_date_corrected"
    CLASS_CHANGED = "class_changed"
    VOUCHER = "voucher_issued"
    DECLINED = "declined"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    ADMITTED = "admitted"
    TEMPORARY = "temporary_admitted"
    LAPSED = "lapsed"
    UNCONFIRMED = "unconfirmed"
    STOPPED = "stop_listed"
    BACK = "back"
    ARCHIVED = "archived"
    OVER_AGE = "over_age"
    RESTORED = "restored"
    CONFIRMED = "benefit_confirmed"


class Ledger:
    """The movements of one change, written together at its end."""

    def __init__(self, connection: Connection, change_id: int) -> None:
        self.connection = connection
        self.change_id = change_id
        self._rows: list[tuple[object, ...]] = []

    def move(self, who: Standing, step: int, why: str, day: date, reason: str = "") -> None:
        """Note a step into the queue (+1), out of it (-1), or beside it (0)."""
        self._rows.append(
            (
                self.change_id,
                who.application_row,
                who.locality_id,
                who.birth_year,
                who.class_rank,
                who.filed_at_us,
                step,
                why,
                day.isoformat(),
                reason,
            )
        )

    def register(self, standings: Iterable[tuple[int, ...]], days: Iterable[date]) -> None:
        """Write at once that applications, by the fields of Standing, have come into their queues, each on its day."""
        columns = zip(*standings, strict=True)
        step, why, reason = repeat(1), repeat(Why.REGISTERED), repeat("")
        rows = zip(repeat(self.change_id), *columns, step, why, map(date.isoformat, days), reason, strict=False)
        insert_many(self.connection, t.movement, MOVEMENT_COLUMNS, list(rows))

    def register_range(self, rows: range, offset: int) -> None:
        """As `register`, of those applications of the rows that were just written; on SQLite alone.

        offset: seconds by which local time is ahead of UTC, at all their moments of filing.
        """
        statement = (
            f"insert into movement ({', '.join(MOVEMENT_COLUMNS)}) select ?, application_row, locality_id, birth_year, "
            "class_rank, filed_at_us, 1, ?, date(filed_at_us / 1000000 + ?, 'unixepoch'), '' "
            "from application where application_row between ? and ?"
        )
        execute_many(self.connection, statement, [(self.change_id, Why.REGISTERED, offset, rows[0], rows[-1])])

    def write(self) -> None:
        insert_many(self.connection, t.movement, MOVEMENT_COLUMNS, self._rows)
        self._rows.clear()


MOVEMENT_COLUMNS = (
    "change_id",
    "application_row",
    "locality_id",
    "birth_year",
    "class_rank",
    "filed_at_us",
    "step",
    "why",
    "on_day",
    "reason",
)


def new_change(connection: Connection, kind: str, day: date | None = None) -> int:
    """Open a change; its id orders changes as they were committed."""
    result = connection.execute(NEW_CHANGE, {"kind": kind, "on_day": day})
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def localities(connection: Connection) -> list[Locality]:
    """All localities, by code."""
    return [_locality(row) for row in connection.execute(LOCALITIES)]


def _locality(row: Row[Any]) -> Locality:
    return Locality(row.locality_id, row.locality, ZoneInfo(row.timezone), row.first_run_on, row.last_run_on)


ANY_ID = 0
"""Stands for `*` in the wishes of an application; organisation ids start at 1."""
WISH_BYTES = 4


class Profile(NamedTuple):
    """What an application asks for besides organisations; lists as text, best first, `|` between."""

    languages: str
    group_type: str
    regimes: str
    accepts: str


class Registry:
    """Codes to ids within one transaction: localities, organisations and profiles are added as they come."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.localities = {entry.locality: entry for entry in localities(connection)}
        self._timezone = setting(connection, "timezone")
        self._organizations: defaultdict[int, dict[str, int]] = defaultdict(lambda: {ANY_ORGANIZATION: ANY_ID})
        self._last_organization = 0
        self._profiles: dict[Profile, int] = {}
        self._last_profile = 0
        self._read_organizations()
        self._read_profiles()

    def locality(self, code: str) -> Locality:
        entry = self.localities.get(code)
        if entry is None:
            row = self._connection.execute(insert(t.locality).values(locality=code, timezone=self._timezone))
            key = row.inserted_primary_key
            assert key is not None
            entry = Locality(int(key[0]), code, ZoneInfo(self._timezone), None, None)
            self.localities[code] = entry
        return entry

    def timezone(self, code: str) -> ZoneInfo:
        """The time zone of a locality, on record or not."""
        entry = self.localities.get(code)
        return entry.timezone if entry else ZoneInfo(self._timezone)

    def organization(self, locality_id: int, code: str) -> int:
        self._know([locality_id], [[code]])
        return self._organizations[locality_id][code]

    def wishes(self, locality_ids: Sequence[int], wishes: Sequence[Sequence[str]]) -> list[bytes]:
        """The ordered wishes of each application as one blob: int32 little-endian organisation ids, ANY_ID for `*`."""
        try:
            ids = self._ids(locality_ids, wishes)
        except KeyError:
            self._know(locality_ids, wishes)
            ids = self._ids(locality_ids, wishes)
        blob = struct.pack(f"<{len(ids)}i", *ids)
        ends = [WISH_BYTES * end for end in accumulate(map(len, wishes))]
        return [blob[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]

    def _ids(self, locality_ids: Sequence[int], wishes: Sequence[Sequence[str]]) -> list[int]:
        ids: list[int] = []
        for locality_id, codes in zip(locality_ids, wishes, strict=True):
            ids.extend(map(self._organizations[locality_id].__getitem__, codes))
        return ids

    def profiles(self, asked: Sequence[Profile]) -> list[int]:
        """The id of each profile."""
        if new := [each for each in dict.fromkeys(asked) if each not in self._profiles]:
            insert_many(self._connection, t.profile, Profile._fields, new)
            self._read_profiles()
        return [self._profiles[each] for each in asked]

    def _know(self, locality_ids: Sequence[int], wishes: Sequence[Sequence[str]]) -> None:
        """Add the organisations that are not on record yet, in the order in which they are named."""
        new: dict[tuple[int, str], None] = {}
        for locality_id, codes in zip(locality_ids, wishes, strict=True):
            known = self._organizations[locality_id]
            new.update(((locality_id, code), None) for code in codes if code not in known)
        if new:
            insert_many(self._connection, t.organization, ("locality_id", "organization"), list(new))
            self._read_organizations()

    def _read_organizations(self) -> None:
        """Those added since they were read last: ids only grow."""
        o = t.organization.c
        for row in self._connection.execute(select(t.organization).where(o.organization_id > self._last_organization)):
            self._organizations[row.locality_id][row.organization] = row.organization_id
            self._last_organization = max(self._last_organization, row.organization_id)

    def _read_profiles(self) -> None:
        p = t.profile.c
        for row in self._connection.execute(select(t.profile).where(p.profile_id > self._last_profile)):
            self._profiles[Profile(row.languages, row.group_type, row.regimes, row.accepts)] = row.profile_id
            self._last_profile = max(self._last_profile, row.profile_id)


def find_locality(connection: Connection, code: str) -> Locality:
    """The locality of that code; WrongUsage if there is none."""
    row = connection.execute(LOCALITY, {"code": code}).one_or_none()
    if row is None:
        raise WrongUsage(
            "locality.unknown",
            f"no locality {code} is on record.",
            next_step="Import its applications or bulletin first.",
        )
    return _locality(row)


def locality_of(connection: Connection, application: Row[Any]) -> Locality:
    """The locality an application is filed in."""
    return _locality(
        connection.execute(select(t.locality).where(t.locality.c.locality_id == application.locality_id)).one()
    )


def setting(connection: Connection, name: str) -> str:
    """One setting made by `kezek init`."""
    return str(connection.execute(select(t.settings.c.value).where(t.settings.c.name == name)).scalar_one())


def rulebook(connection: Connection) -> Rulebook:
    """The law with the department's overrides on top."""
    rows = connection.execute(RULES)
    return Rulebook(
        [
            Override(row.name, from_json(row.name, row.value), row.from_day, row.locality or None, row.reference)
            for row in rows
        ]
    )


def calendar(connection: Connection, country: str) -> WorkingCalendar:
    """The working calendar with the department's corrections on top."""
    rows = connection.execute(CORRECTIONS)
    return WorkingCalendar.of(country, [CalendarCorrection(row.day, row.kind, row.act) for row in rows])


def next_row_id(connection: Connection, column: Column[int]) -> int:
    """The next free row id of a table that only this transaction writes."""
    return int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one()) + 1
