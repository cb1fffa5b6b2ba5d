"""Places and preferences laid out for the compiled walk (rules C1, C2); part of the extra `fast`.

What suits whom is also kept as masks of kinds, one bit a kind modulo 64: with more kinds a mask only lets more through
to the full check.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from allocators.arrays import Int32, Int64, Places

LAST_BIT = 63


class Shelves(NamedTuple):
    """Places by queue, organisation and rank; a spot is a place in this order.

    queue_start:  (queues + 1,) int32, spots of queue q are queue_start[q] to queue_start[q + 1]
    row:          (p,) int32, row of `Places`; as all below in the order of spots
    organization: (p,) int32
    kind:         (p,) int32
    rank:         (p,) int32
    free:         (p,) int32, before the night
    birth_first:  (p,) int32
    birth_last:   (p,) int32
    by_rank:      (p,) int32, the spots of each queue by rank
    """

    queue_start: Int32
    row: Int32
    organization: Int32
    kind: Int32
    rank: Int32
    free: Int32
    birth_first: Int32
    birth_last: Int32
    by_rank: Int32

    @classmethod
    def of(cls, places: Places, queues: int) -> Shelves:
        """Lay out places, at least one. O(p log p) for the ranks, and O(p + queues + organisations)."""
        in_rank = np.argsort(places.rank)
        organizations = int(places.organization.max()) + 1
        queue_start, row, by_rank = _arrange(in_rank, places.queue, places.organization, queues, organizations)
        columns = (places.organization, places.kind, places.rank, places.free, places.birth_first, places.birth_last)
        return cls(queue_start, row, *(column[row] for column in columns), by_rank)


class Tastes(NamedTuple):
    """What suits each profile.

    suits:    (profiles, kinds) int32, `preferences` as given
    in_order: (profiles, kinds) int32, the kinds that suit a profile, best first; the lesser kind first among equals
    suiting:  (profiles,) int32, how many do
    mask:     (profiles,) int64, their bits
    """

    suits: Int32
    in_order: Int32
    suiting: Int32
    mask: Int64

    @classmethod
    def of(cls, preferences: Int32) -> Tastes:
        return cls(preferences, *_order_kinds(preferences))


@njit(cache=True)
def _arrange(
    in_rank: Int64, queue: Int32, organization: Int32, queues: int, organizations: int
) -> tuple[Int32, Int32, Int32]:
    """`queue_start`, `row` and `by_rank` of `Shelves`, by three counting sorts of places that come by rank."""
    count = len(in_rank)
    by_organization = _group(in_rank, organization, _starts(organization, organizations), np.empty(count, np.int32))
    queue_start = _starts(queue, queues)
    row = _group(by_organization, queue, queue_start.copy(), np.empty(count, np.int32))
    by_rank = _group(in_rank, queue, queue_start.copy(), np.empty(count, np.int32))
    spot_of = np.empty(count, np.int32)
    for spot in range(count):
        spot_of[row[spot]] = spot
    for at in range(count):
        by_rank[at] = spot_of[by_rank[at]]
    return queue_start, row, by_rank


@njit(cache=True)
def _starts(group: Int32, groups: int) -> Int32:
    start = np.zeros(groups + 1, np.int32)
    for row in range(len(group)):
        start[group[row] + 1] += 1
    for one in range(groups):
        start[one + 1] += start[one]
    return start


@njit(cache=True)
def _group(rows: Int64 | Int32, group: Int32, free_at: Int32, grouped: Int32) -> Int32:
    """Rows by group, in the order they come in within one; `free_at`, the starts of the groups, is used up."""
    for at in range(len(rows)):
        row = rows[at]
        grouped[free_at[group[row]]] = row
        free_at[group[row]] += 1
    return grouped


@njit(cache=True)
def _order_kinds(preferences: Int32) -> tuple[Int32, Int32, Int64]:
    """`in_order`, `suiting` and `mask` of `Tastes`; each profile by insertion: few kinds suit one."""
    profiles, kinds = preferences.shape
    in_order = np.empty((profiles, kinds), np.int32)
    suiting = np.zeros(profiles, np.int32)
    mask = np.zeros(profiles, np.int64)
    for profile in range(profiles):
        for kind in range(kinds):
            preference = preferences[profile, kind]
            if preference < 0:
                continue
            at = suiting[profile]
            while at > 0 and preference < preferences[profile, in_order[profile, at - 1]]:
                in_order[profile, at] = in_order[profile, at - 1]
                at -= 1
            in_order[profile, at] = kind
            suiting[profile] += 1
            mask[profile] |= np.int64(1) << (kind & LAST_BIT)
    return in_order, suiting, mask
