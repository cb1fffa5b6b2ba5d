"""The order of filing for a nation at once (rule A4), compiled by numba; part of the extra `fast`.

A table holds applications nearly as they came in, so within a queue and class the rows stand nearly in order already:
a counting sort puts them side by side, one pass settles those that are almost in place, and the few late ones are
sorted apart and merged in. Rows in no order at all only make everyone late: O(n log n) instead of O(n).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from allocators.arrays import Applicants, Int8, Int32, Int64

CLASSES = 3
NEAR = 8
"""How far back a row is put in its place at once before it is set aside as late."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Applicants in the order of filing, kept from night to night; a change of any applicant makes a new one.

    Barred places are rows of `Places`: a night that numbers its places anew takes new barred columns.

    applicants:   (n,) the columns that were sorted, as they were given
    order:        (s,) int32, rows of the applicants by queue, class, moment of filing, application id
    stream_start: (3 * queues + 1,) int64, class c of queue q is order[start[3 * q + c]:start[3 * q + c + 1]]
    barred_start: (n + 1,) int32, places barred to applicant i are barred_place[barred_start[i]:barred_start[i + 1]];
                  empty if nobody is barred
    barred_place: (b,) int32
    """

    applicants: Applicants
    order: Int32
    stream_start: Int64
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
        return cls(applicants, order, stream_start, *barred)


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


@njit(cache=True)
def _sort(
    queue: Int32, class_rank: Int8, filed_at_us: Int64, id_rank: Int32, wanted: NDArray[np.bool_]
) -> tuple[Int32, Int64]:
    """`order` and `stream_start` of `Sorted`."""
    stream_start = _count_streams(queue, class_rank, wanted)
    total = stream_start[-1]
    filed, ids, order = np.empty(total, np.int64), np.empty(total, np.int32), np.empty(total, np.int32)
    free_at = stream_start.copy()
    for row in range(len(queue)):
        if wanted[queue[row]]:
            stream = np.int64(queue[row]) * CLASSES + class_rank[row]
            at = free_at[stream]
            free_at[stream] = at + 1
            filed[at], ids[at], order[at] = filed_at_us[row], id_rank[row], row
    longest = 0
    for stream in range(len(stream_start) - 1):
        longest = max(longest, stream_start[stream + 1] - stream_start[stream])
    late_filed, late_ids, late_order = (
        np.empty(longest, np.int64),
        np.empty(longest, np.int32),
        np.empty(longest, np.int32),
    )
    for stream in range(len(stream_start) - 1):
        low, high = stream_start[stream], stream_start[stream + 1]
        kept = _settle_near(low, high, filed, ids, order, late_filed, late_ids, late_order)
        if kept < high:
            _merge_late(low, kept, high, filed, ids, order, late_filed, late_ids, late_order)
    return order, stream_start


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
def _settle_near(
    low: int,
    high: int,
    filed: Int64,
    ids: Int32,
    order: Int32,
    late_filed: Int64,
    late_ids: Int32,
    late_order: Int32,
) -> int:
    """Put the rows of one stream in order where they are, but those that belong more than `NEAR` rows back.

    Returns the end of the sorted rows; the others stand in the late columns, from the first on.
    """
    kept, late = low, 0
    for at in range(low, high):
        of, one, row = filed[at], ids[at], order[at]
        to, least = kept, max(low, kept - NEAR)
        while to > least and _is_before(of, one, filed[to - 1], ids[to - 1]):
            to -= 1
        if to == least and to > low and _is_before(of, one, filed[to - 1], ids[to - 1]):
            late_filed[late], late_ids[late], late_order[late] = of, one, row
            late += 1
            continue
        for move in range(kept, to, -1):
            filed[move], ids[move], order[move] = filed[move - 1], ids[move - 1], order[move - 1]
        filed[to], ids[to], order[to] = of, one, row
        kept += 1
    return kept


@njit(cache=True)
def _merge_late(
    low: int,
    kept: int,
    high: int,
    filed: Int64,
    ids: Int32,
    order: Int32,
    late_filed: Int64,
    late_ids: Int32,
    late_order: Int32,
) -> None:
    """Sort the late rows of one stream and merge them with the sorted ones, from the last backwards."""
    by_id = np.argsort(late_ids[: high - kept], kind="mergesort")
    in_order = by_id[np.argsort(late_filed[by_id], kind="mergesort")]
    late = len(in_order) - 1
    to = high - 1
    while late >= 0:
        one = in_order[late]
        if kept > low and _is_before(late_filed[one], late_ids[one], filed[kept - 1], ids[kept - 1]):
            kept -= 1
            filed[to], ids[to], order[to] = filed[kept], ids[kept], order[kept]
        else:
            filed[to], ids[to], order[to] = late_filed[one], late_ids[one], late_order[one]
            late -= 1
        to -= 1
