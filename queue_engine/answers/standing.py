"""Which turn a queue has now (rule A5), and an application's number with the reason of its last change (A6)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from queue_engine.domain.application import ApplicationState, ServiceClass
from queue_engine.domain.moments import day_of
from queue_engine.domain.queue import Queue, QueueKey, Turn, number_of
from queue_engine.law.values import TurnPattern
from queue_engine.store import applications
from queue_engine.store import tables as t
from queue_engine.store.bulk import rows_of
from queue_engine.store.records import Locality, Why, locality_of, rulebook
from queue_engine.store.vouchers import live_voucher

WORDS = {
    Why.REGISTERED: "registered",
    Why.BENEFIT_CHANGED: "benefit changed",
    Why.BIRTH_DATE_CORRECTED: "birth date corrected",
    Why.CLASS_CHANGED: "classed anew by the law of the day",
    Why.VOUCHER: "got a voucher",
    Why.DECLINED: "declined the place",
    Why.REFUSED: "refused by the organisation",
    Why.CANCELLED: "voucher cancelled",
    Why.TEMPORARY: "admitted for a time, and back in the queue",
    Why.STOPPED: "went to the stop-list",
    Why.BACK: "came back from the stop-list",
    Why.ARCHIVED: "went to the archive",
    Why.OVER_AGE: "over age",
    Why.RESTORED: "restored from the archive",
}


Sizes = tuple[int, int, int]
"""Applications in a queue by class."""


@dataclass(frozen=True, slots=True)
class OpenTurns:
    """The turn of each queue of a locality on its open day."""

    pattern: TurnPattern
    positions: dict[int, int]

    def of(self, birth_year: int) -> Turn:
        return Turn(self.pattern.first_priority, self.pattern.general, self.positions.get(birth_year, 0))


def open_turns(connection: Connection, locality: Locality) -> OpenTurns:
    """Positions kept, and the pattern in force on the open day (before the first run: of the latest filing)."""
    day = locality.open_day or _latest_filing(connection, locality)
    pattern = rulebook(connection).on(day, locality.locality).turn
    rows = rows_of(
        connection,
        "select birth_year, position from queue_turn where locality_id = ? and first_priority_turns = ? "
        "and general_turns = ?",
        (locality.locality_id, pattern.first_priority, pattern.general),
    )
    return OpenTurns(pattern, dict(rows))


def queues_of(connection: Connection, locality: Locality) -> dict[int, Queue]:
    """Every queue of a locality as it stands now, by birth year, ready to answer numbers (rules A1, A4, A6)."""
    turns = open_turns(connection, locality)
    members: dict[int, list[QueueKey]] = {}
    for year, *key in rows_of(
        connection,
        "select birth_year, class_rank, filed_at_us, application_id from application "
        "where locality_id = ? and state = 'queued' order by birth_year",
        (locality.locality_id,),
    ):
        members.setdefault(year, []).append(QueueKey(*key))
    return {year: Queue(keys, turns.of(year)) for year, keys in members.items()}


def _latest_filing(connection: Connection, locality: Locality) -> date:
    a = t.application.c
    latest = connection.execute(select(func.max(a.filed_at_us)).where(a.locality_id == locality.locality_id)).scalar()
    return date.max if latest is None else day_of(latest, locality.timezone)


@dataclass(slots=True)
class _Change:
    """What one change did to a queue, seen from one application."""

    change_id: int
    kind: str
    day: date | None
    own: int = 0
    # (class, why, before this application in its class) -> steps
    steps: dict[tuple[int, str, bool], int] = field(default_factory=dict)
    # The turn of the queue before and after, where this change had to do with it (rule A5).
    turn_before: Turn | None = None
    turn_after: Turn | None = None


def describe(connection: Connection, application_id: str) -> str:
    """Queue, class, number, and why it last changed; or where the application is instead.

    Raises: WrongUsage for an unknown application.
    """
    row = applications.find(connection, application_id)
    locality = locality_of(connection, row)
    words = [
        f"Application {application_id}: queue {locality.locality} {row.birth_year}, "
        f"class {ServiceClass(row.class_rank).code}."
    ]
    if row.state != ApplicationState.QUEUED.value:
        words.append(_instead_of_number(connection, row))
        return "\n".join(words)
    turn = open_turns(connection, locality).of(row.birth_year)
    sizes, ahead = _counts(connection, row)
    words.append(f"Number {number_of(ahead, sizes, row.class_rank, turn)} of {sum(sizes)}.")
    words.append(_last_change(connection, row, sizes, ahead, turn))
    if row.temporary_until is not None:
        words.append(f"In a temporary stay until {row.temporary_until} (rule D3).")
    return "\n".join(words)


def _counts(connection: Connection, row: Row[Any]) -> tuple[Sizes, int]:
    """The queue of an application as counts: by class, and of its own class before it."""
    sizes, ahead = [0, 0, 0], 0
    for rank, count, before in rows_of(
        connection,
        "select class_rank, count(*), sum(case when (filed_at_us, application_id) < (?, ?) then 1 else 0 end) "
        "from application where locality_id = ? and birth_year = ? and state = 'queued' group by class_rank",
        (row.filed_at_us, row.application_id, row.locality_id, row.birth_year),
    ):
        sizes[rank] = count
        if rank == row.class_rank:
            ahead = before
    return (sizes[0], sizes[1], sizes[2]), ahead


def _instead_of_number(connection: Connection, row: Row[Any]) -> str:
    """Why there is no number (decision 1.7)."""
    if row.state == ApplicationState.HOLDING.value:
        stored = live_voucher(connection, row.application_row)
        assert stored is not None
        until = stored.voucher.expires_on
        term = f" up to and including {until}" if until else "; its term begins when the place is vacated (rule B3)"
        return f"No number: voucher {stored.voucher.voucher_id} keeps a place{term}."
    if row.state == ApplicationState.STOPPED.value:
        s = t.stop_list.c
        entry = connection.execute(
            select(t.stop_list).where(s.application_row == row.application_row, s.ended_on.is_(None))
        ).one()
        return (
            f"No number: on the stop-list since {entry.from_day} ({entry.reason}), "
            f"back in the run of {entry.back_on} at the old moment of filing (rule E1)."
        )
    return f"No number: in the archive since {row.archived_on} ({row.archive_reason}; rule E2)."


def _changes(connection: Connection, row: Row[Any]) -> list[_Change]:
    """Changes of the application's queue, the last first."""
    found = rows_of(
        connection,
        "select m.change_id, c.kind, c.on_day, m.class_rank, m.why, "
        "(m.filed_at_us, a.application_id) < (?, ?), m.application_row = ?, sum(m.step) "
        "from movement m join application a on a.application_row = m.application_row "
        "join change c on c.change_id = m.change_id "
        "where m.locality_id = ? and m.birth_year = ? and m.step <> 0 "
        "group by 1, 2, 3, 4, 5, 6, 7 order by m.change_id desc",
        (row.filed_at_us, row.application_id, row.application_row, row.locality_id, row.birth_year),
    )
    changes: dict[int, _Change] = {}
    for change_id, kind, day, rank, why, before, own, steps in found:
        change = changes.setdefault(change_id, _Change(change_id, kind, date.fromisoformat(day) if day else None))
        if own:
            change.own += abs(steps) or 1
        key = (rank, why, bool(before))
        change.steps[key] = change.steps.get(key, 0) + steps
    for change_id, kind, day, before, after in _turns_changed(connection, row):
        change = changes.setdefault(change_id, _Change(change_id, kind, day))
        change.turn_before, change.turn_after = before, after
    return sorted(changes.values(), key=lambda change: -change.change_id)


def _turns_changed(connection: Connection, row: Row[Any]) -> Iterable[tuple[int, str, date | None, Turn, Turn]]:
    """(change, kind, day, turn before, turn after) of the nights that served the queue, and of other patterns given."""
    nights = rows_of(
        connection,
        "select r.change_id, r.on_day, q.first_priority_turns, q.general_turns, q.position_before, q.position_after "
        "from run_queue q join run r on r.run_id = q.run_id where r.locality_id = ? and q.birth_year = ?",
        (row.locality_id, row.birth_year),
    )
    for change_id, day, f, g, before, after in nights:
        yield change_id, "night", date.fromisoformat(day), Turn(f, g, before), Turn(f, g, after)
    code = locality_of(connection, row).locality
    for change_id, kind, note in rows_of(connection, "select change_id, kind, note from change where note <> ''"):
        patterns = json.loads(note).get(code)
        if patterns:
            before, after = (TurnPattern.parse(text) for text in patterns)
            yield (
                change_id,
                kind,
                None,
                Turn(before.first_priority, before.general),
                Turn(after.first_priority, after.general),
            )


def _last_change(connection: Connection, row: Row[Any], sizes_now: Sizes, ahead: int, turn: Turn) -> str:
    """The latest change that gave this number, told by class and reason, without names."""
    rank = row.class_rank
    sizes = list(sizes_now)
    now = number_of(ahead, sizes_now, rank, turn)
    for change in _changes(connection, row):
        if change.turn_after is not None and _pattern(change.turn_after) != _pattern(turn):
            # Between this change and now another pattern came into force by its day.
            was = number_of(ahead, (sizes[0], sizes[1], sizes[2]), rank, change.turn_after)
            if was != now:
                return (
                    f"Last changed from {was} to {now} by the turn pattern now in force, {_in_words(turn)} (rule A5)."
                )
        if change.own:
            return f"It has stood so since {_told(change)}: this application came to this place in the queue."
        for (of, _why, before), steps in change.steps.items():
            sizes[of] -= steps
            if of == rank and before:
                ahead -= steps
        turn = change.turn_before or turn
        was = number_of(ahead, (sizes[0], sizes[1], sizes[2]), rank, turn)
        if was != now:
            reasons = _reasons(change) or "another turn pattern (rule A5)"
            return f"Last changed from {was} to {now} by {_told(change)}: {reasons}."
    return "It has not changed since the application was registered."


def _pattern(turn: Turn) -> tuple[int, int]:
    return turn.first_priority, turn.general


def _in_words(turn: Turn) -> str:
    return "strict" if turn.strict else f"{turn.first_priority}:{turn.general}"


KINDS = {
    "import applications": "the import of applications",
    "import decisions": "the import of decisions",
    "rules import": "the import of rules",
}


def _told(change: _Change) -> str:
    if change.kind == "night":
        return f"the night of {change.day}"
    kind = KINDS.get(change.kind, f"the officer's act ({change.kind})")
    return f"{kind} of {change.day}" if change.day else kind


def _reasons(change: _Change) -> str:
    """Who came in and who left, by class, no names (rule A6)."""
    counts: dict[tuple[str, int, int], int] = {}
    for (rank, why, _before), steps in change.steps.items():
        if steps:
            at = (why, rank, 1 if steps > 0 else -1)
            counts[at] = counts.get(at, 0) + abs(steps)
    return "; ".join(_phrases(sorted(counts.items())))


def _phrases(counts: Iterable[tuple[tuple[str, int, int], int]]) -> Iterable[str]:
    for (why, rank, sign), count in counts:
        verb = "came in" if sign > 0 else "left"
        yield f"{count} {ServiceClass(rank).code} {verb} ({WORDS.get(why, why)})"
