"""Plain Python lists with bit masks: as fast as plain Python goes without arrays.

A kind of place is a bit; one AND tells whether an organisation, or the whole queue, still has a kind that suits.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from allocators.arrays import ANY_ORGANIZATION, NONE, Proposal
from benchmarks.peers import Peer, serve_by_turns
from benchmarks.workloads import Workload

CLASSES = 3


class Night(NamedTuple):
    queue: list[int]
    class_rank: list[int]
    filed_at_us: list[int]
    id_rank: list[int]
    birth_day: list[int]
    profile: list[int]
    wishes: list[list[int]]
    barred: set[tuple[int, int]]
    by_queue: dict[int, list[int]]
    organization: list[int]
    kind: list[int]
    rank: list[int]
    free: list[int]
    birth: list[tuple[int, int]]
    suits: list[list[int]]
    mask: list[int]
    kinds_in_order: list[list[int]]
    turns: list[tuple[int, int, int]]


class Outcome(NamedTuple):
    place: list[int]
    positions: list[int]


def prepare(workload: Workload) -> Night:
    applicants, places, turns, preferences = workload
    start, wishes = applicants.wish_start.tolist(), applicants.wish_organization.tolist()
    by_queue: dict[int, list[int]] = {}
    for row in np.argsort(places.rank).tolist():
        if places.free[row]:
            by_queue.setdefault(int(places.queue[row]), []).append(row)
    suits = preferences.tolist()
    suiting = [[kind for kind, preference in enumerate(row) if preference >= 0] for row in suits]
    patterns = zip(turns.first_priority.tolist(), turns.general.tolist(), turns.position.tolist(), strict=True)
    return Night(
        queue=applicants.queue.tolist(),
        class_rank=applicants.class_rank.tolist(),
        filed_at_us=applicants.filed_at_us.tolist(),
        id_rank=applicants.id_rank.tolist(),
        birth_day=applicants.birth_day.tolist(),
        profile=applicants.profile.tolist(),
        wishes=[wishes[low:high] for low, high in pairwise(start)],
        barred=set(map(tuple, applicants.barred.tolist())),
        by_queue=by_queue,
        organization=places.organization.tolist(),
        kind=places.kind.tolist(),
        rank=places.rank.tolist(),
        free=places.free.tolist(),
        birth=list(zip(places.birth_first.tolist(), places.birth_last.tolist(), strict=True)),
        suits=suits,
        mask=[sum(1 << kind for kind in row) for row in suiting],
        kinds_in_order=[sorted(row, key=one.__getitem__) for row, one in zip(suiting, suits, strict=True)],
        turns=list(patterns),
    )


def run(night: Night) -> Outcome:
    streams: dict[int, tuple[list[int], list[int], list[int]]] = {queue: ([], [], []) for queue in night.by_queue}
    for row, (queue, rank) in enumerate(zip(night.queue, night.class_rank, strict=True)):
        if queue in streams:
            streams[queue][rank].append(row)
    keys = [filed << 32 | rank for filed, rank in zip(night.filed_at_us, night.id_rank, strict=True)]
    place = [NONE] * len(night.queue)
    positions = [position for _first, _general, position in night.turns]
    left = night.free.copy()
    for queue, three in streams.items():
        for stream in three:
            stream.sort(key=keys.__getitem__)
        shelf = _Shelf(night, night.by_queue[queue], left, place)
        positions[queue] = serve_by_turns(three, *night.turns[queue], shelf.serve)
    return Outcome(place, positions)


class _Shelf:
    """The vacancies of one queue: by organisation and by kind, with the bits of what is left."""

    __slots__ = ("_by_kind", "_by_organization", "_kinds_left", "_left", "_masks", "_night", "_place", "_total_mask")

    def __init__(self, night: Night, rows: list[int], left: list[int], place: list[int]) -> None:
        self._night, self._left, self._place = night, left, place
        self._by_organization: dict[int, list[int]] = {}
        self._by_kind: dict[int, list[int]] = {}
        self._masks: dict[int, int] = {}
        self._total_mask = 0
        for row in rows:
            organization, kind = night.organization[row], night.kind[row]
            self._by_organization.setdefault(organization, []).append(row)
            self._by_kind.setdefault(kind, []).append(row)
            self._masks[organization] = self._masks.get(organization, 0) | 1 << kind
            self._total_mask |= 1 << kind

    def serve(self, row: int) -> bool:
        night = self._night
        mask = night.mask[night.profile[row]]
        if not mask & self._total_mask:
            return False
        masks, wishes = self._masks, night.wishes[row]
        for wish in wishes:
            if wish == ANY_ORGANIZATION:
                best = self._any(row, wishes)
            elif masks.get(wish, 0) & mask:
                best = self._named(row, wish)
            else:
                continue
            if best != NONE:
                self._place[row] = best
                self._take(best)
                return True
        return False

    def _named(self, row: int, organization: int) -> int:
        night = self._night
        suits, born = night.suits[night.profile[row]], night.birth_day[row]
        best, best_preference = NONE, -1
        for place in self._by_organization[organization]:
            preference = suits[night.kind[place]]
            if preference < 0 or (best != NONE and preference >= best_preference):
                continue
            first, last = night.birth[place]
            if first <= born <= last and (row, place) not in night.barred:
                best, best_preference = place, preference
        return best

    def _any(self, row: int, wishes: list[int]) -> int:
        night = self._night
        suits, born = night.suits[night.profile[row]], night.birth_day[row]
        best = NONE
        for kind in night.kinds_in_order[night.profile[row]]:
            if best != NONE and suits[kind] > suits[night.kind[best]]:
                break
            for place in self._by_kind.get(kind, ()):
                first, last = night.birth[place]
                if (
                    first <= born <= last
                    and night.organization[place] not in wishes
                    and (row, place) not in night.barred
                ):
                    if best == NONE or night.rank[place] < night.rank[best]:
                        best = place
                    break
        return best

    def _take(self, place: int) -> None:
        self._left[place] -= 1
        if self._left[place]:
            return
        organization, kind = self._night.organization[place], self._night.kind[place]
        here, alike = self._by_organization[organization], self._by_kind[kind]
        here.remove(place)
        alike.remove(place)
        self._masks[organization] = 0
        for other in here:
            self._masks[organization] |= 1 << self._night.kind[other]
        if not alike:
            self._total_mask &= ~(1 << kind)


def read(_workload: Workload, outcome: Outcome) -> Proposal:
    return Proposal(np.array(outcome.place, np.int32), np.array(outcome.positions, np.int32))


PEERS = (Peer("Python lists with bit masks", prepare, run, read),)
