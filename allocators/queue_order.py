"""The order of service, strict or by turns, and the walk through it (rules A4, A5, C1-C3).

The walk is a serial dictatorship: in the order of service each applicant takes the best place left.
Hence nobody is skipped, and nobody holds a place that someone served before them would have preferred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from allocators.arrays import (
    ANY_ORGANIZATION,
    FIRST_PRIORITY,
    GENERAL,
    NONE,
    OUT_OF_TURN,
    Applicants,
    Int32,
    Int64,
    Places,
    Proposal,
    Turns,
)

# How many used-up places a list for "any organisation" may hold before it is swept.
SWEEP_AFTER = 64


def order_of_filing(applicants: Applicants) -> Int64:
    """Rows of the applicants by queue, class, moment of filing and application id (rule A4).

    Returns: (n,) int64, a permutation of the rows.
    """
    by_id = np.empty(len(applicants.id_rank), dtype=np.int64)
    by_id[np.argsort(applicants.id_rank, kind="stable")] = np.arange(len(by_id))
    return np.lexsort((by_id, applicants.filed_at_us, applicants.class_rank, applicants.queue))


def allocate(applicants: Applicants, places: Places, turns: Turns, preferences: Int32) -> Proposal:
    """Give the places of all queues to their applicants, each queue in its order of service (rules A5, C1-C4).

    Args:
        preferences: (profiles, kinds) int32, how well a kind of place suits a profile: less is better, -1 = not at all.

    The result depends on the values only, never on the order of rows. A queue whose places are gone is done.
    O(n log n + wishes looked at).
    """
    given = np.full(len(applicants.queue), NONE, dtype=np.int32)
    position_after = turns.position.copy()
    free_by_queue = np.bincount(places.queue, weights=places.free, minlength=len(turns.position))
    with_places = np.flatnonzero(free_by_queue > 0)
    rows = np.flatnonzero(free_by_queue[applicants.queue] > 0)
    if len(rows) == 0:
        return Proposal(given, position_after)
    subset = _rows_of(applicants, rows)
    order = rows[order_of_filing(subset)]
    people = _People.of(applicants, preferences)
    queue_of = applicants.queue[order]
    starts = np.searchsorted(queue_of, with_places, side="left")
    ends = np.searchsorted(queue_of, with_places, side="right")
    tables = preferences.tolist()
    for queue, start, end in zip(with_places.tolist(), starts.tolist(), ends.tolist(), strict=True):
        shelf = _Shelf(places, np.flatnonzero(places.queue == queue), tables)
        position_after[queue] = _serve_queue(
            order[start:end], applicants, people, shelf, _Round.of(turns, queue), given
        )
    return Proposal(given, position_after)


def _rows_of(applicants: Applicants, rows: Int64) -> Applicants:
    """The columns that decide the order, of some rows only."""
    return Applicants(
        queue=applicants.queue[rows],
        class_rank=applicants.class_rank[rows],
        filed_at_us=applicants.filed_at_us[rows],
        id_rank=applicants.id_rank[rows],
        birth_day=applicants.birth_day,
        profile=applicants.profile,
        wish_start=applicants.wish_start,
        wish_organization=applicants.wish_organization,
        barred=applicants.barred,
    )


@dataclass(slots=True)
class _Round:
    """The present round of a queue: whose turn it is, and what a voucher spends."""

    first_priority: int
    general: int
    position: int

    @classmethod
    def of(cls, turns: Turns, queue: int) -> _Round:
        return cls(int(turns.first_priority[queue]), int(turns.general[queue]), int(turns.position[queue]))

    @property
    def strict(self) -> bool:
        return self.first_priority + self.general == 0

    @property
    def stream(self) -> int:
        return FIRST_PRIORITY if self.position < self.first_priority else GENERAL

    def spend(self) -> None:
        self.position = (self.position + 1) % (self.first_priority + self.general)


@dataclass(slots=True)
class _People:
    """The columns the walk reads one by one, as plain lists: four times quicker to index than arrays."""

    profile: list[int]
    kinds: list[int]  # masks of what suits, by profile
    birth_day: list[int]
    wish_start: list[int]
    wishes: list[int]
    barred: dict[int, set[int]]

    @classmethod
    def of(cls, applicants: Applicants, preferences: Int32) -> _People:
        barred: dict[int, set[int]] = {}
        for applicant, place in applicants.barred.tolist():
            barred.setdefault(applicant, set()).add(place)
        return cls(
            applicants.profile.tolist(),
            [_mask_of(np.flatnonzero(row >= 0).tolist()) for row in preferences],
            applicants.birth_day.tolist(),
            applicants.wish_start.tolist(),
            applicants.wish_organization.tolist(),
            barred,
        )


def _mask_of(kinds: Iterable[int]) -> int:
    """One bit a kind, so that one AND tells whether anything of some kinds is left."""
    return sum(1 << kind for kind in kinds)


class _Shelf:
    """The free places of one queue, and the choice of rule C2 among them; `kinds` is the mask of the kinds left."""

    __slots__ = (
        "_any",
        "_birth",
        "_by_organization",
        "_kind",
        "_kind_spots",
        "_left",
        "_organization",
        "_preferences",
        "_ranked",
        "kinds",
        "total",
    )

    def __init__(self, places: Places, rows: Int64, preferences: list[list[int]]) -> None:
        ranked: list[int] = rows[np.argsort(places.rank[rows])].tolist()
        self._preferences = preferences
        self._ranked = [row for row in ranked if places.free[row] > 0]
        self._left = {row: int(places.free[row]) for row in self._ranked}
        self._kind = {row: int(places.kind[row]) for row in self._ranked}
        self._birth = {row: (int(places.birth_first[row]), int(places.birth_last[row])) for row in self._ranked}
        self._organization = {row: int(places.organization[row]) for row in self._ranked}
        self._by_organization: dict[int, list[int]] = {}
        for row, organization in self._organization.items():
            self._by_organization.setdefault(organization, []).append(row)
        self._any: dict[int, list[tuple[int, int]]] = {}
        self._kind_spots = Counter(self._kind.values())
        self.kinds = _mask_of(self._kind_spots)
        self.total = sum(self._left.values())

    def choose(self, profile: int, wishes: Sequence[int], birth_day: int, barred: set[int] | None) -> int:
        """The best place left for one applicant, or NONE (rules C1, C2)."""
        suits = self._preferences[profile]
        for organization in wishes:
            if organization == ANY_ORGANIZATION:
                best = self._choose_any(profile, wishes, birth_day, barred)
                if best != NONE:
                    return best
                continue
            best, best_preference = NONE, -1
            for row in self._by_organization.get(organization, ()):
                preference = suits[self._kind[row]]
                if preference < 0 or (best != NONE and preference >= best_preference):
                    continue
                first, last = self._birth[row]
                if first <= birth_day <= last and not (barred and row in barred):
                    best, best_preference = row, preference
            if best != NONE:
                return best
        return NONE

    def take(self, row: int) -> None:
        """One place of the vacancy is gone."""
        self.total -= 1
        self._left[row] -= 1
        if self._left[row] == 0:
            self._by_organization[self._organization[row]].remove(row)
            kind = self._kind[row]
            self._kind_spots[kind] -= 1
            if self._kind_spots[kind] == 0:
                self.kinds &= ~(1 << kind)

    def _choose_any(self, profile: int, wishes: Sequence[int], birth_day: int, barred: set[int] | None) -> int:
        """The best place of an organisation not named in the wishes."""
        used_up = 0
        chosen = NONE
        named = {row for organization in wishes for row in self._by_organization.get(organization, ())}
        for _preference, row in self._ordered_for(profile):
            if self._left[row] == 0:
                used_up += 1
                continue
            first, last = self._birth[row]
            if row not in named and first <= birth_day <= last and not (barred and row in barred):
                chosen = row
                break
        if used_up > SWEEP_AFTER:
            self._any[profile] = [entry for entry in self._any[profile] if self._left[entry[1]]]
        return chosen

    def _ordered_for(self, profile: int) -> list[tuple[int, int]]:
        ordered = self._any.get(profile)
        if ordered is None:
            suits = self._preferences[profile]
            ordered = [
                (suits[self._kind[row]], row) for row in self._ranked if self._left[row] and suits[self._kind[row]] >= 0
            ]
            ordered.sort(key=lambda entry: entry[0])  # stable: within a preference the rank decides
            self._any[profile] = ordered
        return ordered


def _serve_queue(
    order: Int64, applicants: Applicants, people: _People, shelf: _Shelf, turn: _Round, given: Int32
) -> int:
    """Serve one queue until its places or its applicants are gone; return the turns spent of the round."""
    classes = applicants.class_rank[order]
    if turn.strict:
        for _ in _winners(order.tolist(), people, shelf, given):
            pass
        return 0
    out_of_turn = order[classes == OUT_OF_TURN].tolist()
    for _ in _winners(out_of_turn, people, shelf, given):
        pass
    streams: dict[int, Iterator[int]] = {
        stream: _winners(order[classes == stream].tolist(), people, shelf, given)
        for stream in (FIRST_PRIORITY, GENERAL)
    }
    while next(streams[turn.stream], None) is not None:
        turn.spend()
    # The stream whose turn it is has nobody left to try: the other is served and the turn waits.
    for stream in (FIRST_PRIORITY, GENERAL):
        if stream != turn.stream:
            for _ in streams[stream]:
                pass
    return turn.position


def _winners(order: list[int], people: _People, shelf: _Shelf, given: Int32) -> Iterator[int]:
    """Try applicants in order, write down what each gets, and yield after each voucher."""
    for applicant in order:
        if shelf.total == 0:
            return
        profile = people.profile[applicant]
        if not people.kinds[profile] & shelf.kinds:
            continue  # nothing left suits
        wishes = people.wishes[people.wish_start[applicant] : people.wish_start[applicant + 1]]
        row = shelf.choose(profile, wishes, people.birth_day[applicant], people.barred.get(applicant))
        if row != NONE:
            given[applicant] = row
            shelf.take(row)
            yield applicant
