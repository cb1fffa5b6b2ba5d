"""The order of filing for a nation at once (rule A4), compiled by numba; part of the extra `fast`.

A table holds applications nearly as they came in, so within a queue and class the rows stand nearly in order already:
a counting sort puts them side by side, one pass settles those that are almost in place, and the few late ones are
sorted apart and merged in. Rows in no order at all only make everyone late: O(n log n) instead of O(n).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from allocators.arrays import Applicants, Int8, Int32, Int64

CLASSES = 3
NEAR = 8
"""How far back a row is put in its place at once before it is set aside as late."""


Looks: TypeAlias = NDArray[np.void]
LOOK = np.dtype([("profile", np.int32), ("birth_day", np.int32)])
"""Most of those who get nothing are let go after one look at these."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Applicants in the order of filing, kept from night to night; a change of any applicant makes a new one.

    Barred places are rows of `Places`: a night that numbers its places anew takes new barred columns.

    applicants:   (n,) the columns that were sorted, as they were given
    order:        (s,) int32, rows of the applicants by queue, class, moment of filing, application id
    stream_start: (3 * queues + 1,) int64, class c of queue q is order[start[3 * q + c]:start[3 * q + c + 1]]
    looks:        (s,) LOOK, what the first look at each row of `order` reads, side by side
    barred_start: (n + 1,) int32, places barred to applicant i are barred_place[barred_start[i]:barred_start[i + 1]];
                  empty if nobody is barred
    barred_place: (b,) int32
    """

    applicants: Applicants
    order: Int32
    stream_start: Int64
    looks: Looks
    barred_start: Int32
    barred_place: Int32

    @classmethod
    def of(cls, applicants: Applicants, queues: int, wanted: NDArray[np.bool_] | None = None) -> Sorted:
        """Sort the applicants of all queues, or only of those where `wanted`, (queues,) bool, is true.

        The streams of an unwanted queue are empty. O(n) for rows nearly in the order of filing, else O(n log n).
        """
        if wanted is None:
            wanted = np.ones(queues, np.bool_)
        columns = (applicants.queue, applicants.class_rank, applicants.filed_at_us, applicants.id_rank)
        order, stream_start = _sort(*columns, wanted)
        if len(applicants.barred):
            barred = _group_barred(applicants.barred, len(applicants.queue))
        else:
            barred = (np.empty(0, np.int32), np.empty(0, np.int32))
        looks = _gather(order, applicants.profile, applicants.birth_day, np.empty(len(order), LOOK))
        return cls(applicants, order, stream_start, looks, *barred)


@njit(cache=True)
def _gather(order: Int32, profile: Int32, birth_day: Int32, looks: Looks) -> Looks:
    for at in range(len(order)):
        looks[at].profile = profile[order[at]]
        looks[at].birth_day = birth_day[order[at]]
    return looks


@njit(cache=True)
def _group_barred(pairs: Int32, applicants: int) -> tuple[Int32, Int32]:
    """Barred places side by side by applicant: barred_start and barred_place of `Sorted`."""
    start = np.zeros(applicants + 1, np.int32)
    for pair in range(len(pairs)):
        start[pairs[pair, 0] + 1] += 1
    for applicant in range(applicants):
        start[applicant + 1] += start[applicant]
    free_at = start.copy()
    place = np.empty(len(pairs), np.int32)
    for pair in range(len(pairs)):
        applicant = pairs[pair, 0]
        place[free_at[applicant]] = pairs[pair, 1]
        free_at[applicant] += 1
    return start, place


@njit(cache=True)
def _is_before(filed: int, id_rank: int, other_filed: int, other_id_rank: int) -> bool:
    return filed < other_filed or (filed == other_filed and id_rank < other_id_rank)


class Rows(NamedTuple):
    """Rows on their way into order: moment of filing, rank of the id, row of the applicants."""

    filed: Int64
    ids: Int32
    row: Int32


@njit(cache=True)
def _sort(
    queue: Int32, class_rank: Int8, filed_at_us: Int64, id_rank: Int32, wanted: NDArray[np.bool_]
) -> tuple[Int32, Int64]:
    """`order` and `stream_start` of `Sorted`."""
    stream_start = _count_streams(queue, class_rank, wanted)
    total = stream_start[-1]
    rows = Rows(np.empty(total, np.int64), np.empty(total, np.int32), np.empty(total, np.int32))
    free_at = stream_start.copy()
    for row in range(len(queue)):
        if wanted[queue[row]]:
            stream = np.int64(queue[row]) * CLASSES + class_rank[row]
            at = free_at[stream]
            free_at[stream] = at + 1
            rows.filed[at], rows.ids[at], rows.row[at] = filed_at_us[row], id_rank[row], row
    longest = 0
    for stream in range(len(stream_start) - 1):
        longest = max(longest, stream_start[stream + 1] - stream_start[stream])
    late = Rows(np.empty(longest, np.int64), np.empty(longest, np.int32), np.empty(longest, np.int32))
    for stream in range(len(stream_start) - 1):
        low, high = stream_start[stream], stream_start[stream + 1]
        kept = _settle_near(low, high, rows, late)
        if kept < high:
            _merge_late(low, kept, high, rows, late)
    return rows.row, stream_start


@njit(cache=True)
def _count_streams(queue: Int32, class_rank: Int8, wanted: NDArray[np.bool_]) -> Int64:
    start = np.zeros(len(wanted) * CLASSES + 1, np.int64)
    for row in range(len(queue)):
        if wanted[queue[row]]:
            start[np.int64(queue[row]) * CLASSES + class_rank[row] + 1] += 1
    for stream in range(len(start) - 1):
        start[stream + 1] += start[stream]
    return start


@njit(cache=True)
def _settle_near(low: int, high: int, rows: Rows, late: Rows) -> int:
    """Put the rows of one stream in order where they are, but those that belong more than `NEAR` rows back.

    Returns the end of the sorted rows; the others stand in `late`, from the first on.
    """
    filed, ids, order = rows
    kept, set_aside = low, 0
    for at in range(low, high):
        of, one, row = filed[at], ids[at], order[at]
        to, least = kept, max(low, kept - NEAR)
        while to > least and _is_before(of, one, filed[to - 1], ids[to - 1]):
            to -= 1
        if to == least and to > low and _is_before(of, one, filed[to - 1], ids[to - 1]):
            late.filed[set_aside], late.ids[set_aside], late.row[set_aside] = of, one, row
            set_aside += 1
            continue
        for move in range(kept, to, -1):
            filed[move], ids[move], order[move] = filed[move - 1], ids[move - 1], order[move - 1]
        filed[to], ids[to], order[to] = of, one, row
        kept += 1
    return kept


@njit(cache=True)
def _merge_late(low: int, kept: int, high: int, rows: Rows, late: Rows) -> None:
    """Sort the late rows of one stream and merge them with the sorted ones, from the last backwards."""
    filed, ids, order = rows
    by_id = np.argsort(late.ids[: high - kept], kind="mergesort")
    in_order = by_id[np.argsort(late.filed[by_id], kind="mergesort")]
    left = len(in_order) - 1
    to = high - 1
    while left >= 0:
        one = in_order[left]
        if kept > low and _is_before(late.filed[one], late.ids[one], filed[kept - 1], ids[kept - 1]):
            kept -= 1
            filed[to], ids[to], order[to] = filed[kept], ids[kept], order[kept]
        else:
            filed[to], ids[to], order[to] = late.filed[one], late.ids[one], late.row[one]
            left -= 1
        to -= 1
