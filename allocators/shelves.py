"""Places and preferences laid out for the compiled walk (rules C1, C2); part of the extra `fast`.

What suits whom is also kept as masks of kinds, one bit a kind modulo 64: with more kinds a mask only lets more through
to the full check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from allocators.arrays import NONE, Int32, Int64, Places

Records: TypeAlias = NDArray[np.void]

LAST_BIT = 63

SPOT = np.dtype([(name, np.int32) for name in ("organization", "kind", "rank", "left", "first", "last", "row", "next")])
"""A place on its shelf, side by side in memory because a choice reads most of it.

organization, kind, rank: as in `Places`
left:                     places not given yet
first, last:              `birth_first` and `birth_last` of `Places`
row:                      row of `Places`
next:                     next spot of its kind by rank, kept while its queue is served; NONE = no more
"""


@dataclass(frozen=True, slots=True)
class Shelves:
    """Places by queue, organisation and rank; a spot is a place in this order.

    queue_start:   (queues + 1,) int32, spots of queue q are spots[queue_start[q]:queue_start[q + 1]]
    spots:         (p,) SPOT
    by_rank:       (p,) int32, the spots of each queue by rank
    organizations: how many there may be: more than the greatest of a place
    """

    queue_start: Int32
    spots: Records
    by_rank: Int32
    organizations: int

    @classmethod
    def of(cls, places: Places, queues: int) -> Shelves:
        """Lay out places, at least one. O(p log p) for the ranks, and O(p + queues + organisations)."""
        organizations = int(places.organization.max()) + 1
        in_rank = np.argsort(places.rank)
        queue_start, row, by_rank = _arrange(in_rank, places.queue, places.organization, queues, organizations)
        spots = np.empty(len(row), SPOT)
        spots["organization"] = places.organization[row]
        spots["kind"] = places.kind[row]
        spots["rank"] = places.rank[row]
        spots["left"] = places.free[row]
        spots["first"] = places.birth_first[row]
        spots["last"] = places.birth_last[row]
        spots["row"] = row
        spots["next"] = NONE
        return cls(queue_start, spots, by_rank, organizations)


@njit(cache=True)
def _arrange(
    in_rank: Int64, queue: Int32, organization: Int32, queues: int, organizations: int
) -> tuple[Int32, Int32, Int32]:
    """`queue_start`, rows by spot, and `by_rank` of `Shelves`: three counting sorts of places that come by rank."""
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
def order_kinds(preferences: Int32) -> tuple[Int32, Int64]:
    """The kinds that suit each profile.

    Args:
        preferences: (profiles, kinds) int32, less is better, negative = not at all.
    Returns:
        in_order: (profiles, kinds) int32, best first, the lesser kind first among equals; NONE behind the last.
        mask:     (profiles,) int64, their bits.
    """
    profiles, kinds = preferences.shape
    in_order = np.full((profiles, kinds), NONE, np.int32)
    mask = np.zeros(profiles, np.int64)
    for profile in range(profiles):
        count = 0
        for kind in range(kinds):
            preference = preferences[profile, kind]
            if preference < 0:
                continue
            at = count  # by insertion: few kinds suit a profile
            while at > 0 and preference < preferences[profile, in_order[profile, at - 1]]:
                in_order[profile, at] = in_order[profile, at - 1]
                at -= 1
            in_order[profile, at] = kind
            mask[profile] |= np.int64(1) << (kind & LAST_BIT)
            count += 1
    return in_order, mask
