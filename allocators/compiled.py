"""The walk of `queue_order`, compiled by numba: the same result, for a nation at once (rules A4, A5, C1-C4).

Importing and compiling cost about half a second from the cache, so a single city's night takes the plain path.
Needs the extra `fast`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from allocators.arrays import (
    ANY_ORGANIZATION,
    FIRST_PRIORITY,
    GENERAL,
    NONE,
    Applicants,
    Int8,
    Int32,
    Int64,
    Places,
    Proposal,
    Turns,
)

CLASSES = 3
KEY_BITS = 63


@dataclass(frozen=True, slots=True)
class Sorted:
    """Applicants in the order of filing (rule A4), kept from night to night; read one after another by the walk.

    order:             (n,) int64, rows of the applicants by queue, class, moment of filing, application id
    stream_start:      (3 * queues + 1,) int64, class c of queue q starts at stream_start[3 * q + c]
    profile:           (n,) int32, in that order, as all below
    birth_day:         (n,) int32
    wish_start:        (n + 1,) int64
    wish_organization: (m,) int32
    barred_start:      (n + 1,) int64, or empty if nobody is barred
    barred_place:      (b,) int32
    """

    order: Int64
    stream_start: Int64
    profile: Int32
    birth_day: Int32
    wish_start: Int64
    wish_organization: Int32
    barred_start: Int64
    barred_place: Int32

    @classmethod
    def of(cls, applicants: Applicants, queues: int) -> Sorted:
        """Sort applicants; O(n log n) by one packed key, exact where the key is too short to tell two apart."""
        stream_start = _count_streams(applicants.queue, applicants.class_rank, queues)
        order = _order(applicants, queues)
        gathered = _gather(
            order, applicants.profile, applicants.birth_day, applicants.wish_start, applicants.wish_organization
        )
        return cls(order, stream_start, *gathered, *_barred(applicants, order))


def _order(applicants: Applicants, queues: int) -> Int64:
    rows = len(applicants.queue)
    if rows == 0:
        return np.empty(0, dtype=np.int64)
    row_bits = max(rows - 1, 1).bit_length()
    stream_bits = max(queues * CLASSES, 1).bit_length()
    earliest = int(applicants.filed_at_us.min())
    span_bits = (int(applicants.filed_at_us.max()) - earliest).bit_length()
    shift = max(0, span_bits + row_bits + stream_bits - KEY_BITS)
    key = _pack(
        applicants.queue, applicants.class_rank, applicants.filed_at_us, earliest, shift, span_bits - shift, row_bits
    )
    key.sort()
    return _unpack(key, row_bits, applicants.filed_at_us, applicants.id_rank)


def allocate(applicants: Applicants, places: Places, turns: Turns, preferences: Int32) -> Proposal:
    """As `queue_order.allocate`, bit for bit."""
    return allocate_sorted(Sorted.of(applicants, len(turns.position)), places, turns, preferences)


def allocate_sorted(applicants: Sorted, places: Places, turns: Turns, preferences: Int32) -> Proposal:
    """As `allocate`, for applicants sorted before: looks only at queues with a free place, until it is gone.

    Costs O(places log places + applicants looked at), and writing one int32 an applicant.
    """
    given = np.full(len(applicants.order), NONE, dtype=np.int32)
    position_after = turns.position.copy()
    if len(given) and len(places.queue):
        # Places of a queue side by side, in the order of C2: what comes first has the lesser rank.
        by_queue = np.lexsort((places.rank, places.queue))
        _walk(
            applicants.order,
            applicants.stream_start,
            applicants.profile,
            applicants.birth_day,
            applicants.wish_start,
            applicants.wish_organization,
            applicants.barred_start,
            applicants.barred_place,
            by_queue,
            places.queue[by_queue],
            places.organization[by_queue],
            places.kind[by_queue],
            places.free[by_queue],
            places.birth_first[by_queue],
            places.birth_last[by_queue],
            preferences,
            np.argsort(preferences, axis=1, kind="stable"),
            turns.first_priority,
            turns.general,
            given,
            position_after,
        )
    return Proposal(given, position_after)


def _barred(applicants: Applicants, order: Int64) -> tuple[Int64, Int32]:
    """The barred places of each applicant in the order of filing; empty if nobody is barred."""
    if not len(applicants.barred):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    sorted_at = np.empty(len(order), dtype=np.int64)
    sorted_at[order] = np.arange(len(order))
    at = sorted_at[applicants.barred[:, 0]]
    by_applicant = np.argsort(at, kind="stable")
    start = np.zeros(len(order) + 1, dtype=np.int64)
    np.cumsum(np.bincount(at, minlength=len(order)), out=start[1:])
    return start, np.ascontiguousarray(applicants.barred[by_applicant, 1])


@njit(cache=True)
def _count_streams(queue: Int32, class_rank: Int8, queues: int) -> Int64:
    start = np.zeros(queues * CLASSES + 1, dtype=np.int64)
    for row in range(len(queue)):
        start[queue[row] * CLASSES + class_rank[row] + 1] += 1
    for stream in range(queues * CLASSES):
        start[stream + 1] += start[stream]
    return start


@njit(cache=True)
def _pack(
    queue: Int32, class_rank: Int8, filed_at_us: Int64, earliest: int, shift: int, time_bits: int, row_bits: int
) -> Int64:
    """One key a row: stream, moment of filing in units of 2^shift microseconds, row."""
    key = np.empty(len(queue), dtype=np.int64)
    for row in range(len(queue)):
        stream = np.int64(queue[row]) * CLASSES + class_rank[row]
        moment = (filed_at_us[row] - earliest) >> shift
        key[row] = (((stream << time_bits) | moment) << row_bits) | row
    return key


@njit(cache=True)
def _unpack(key: Int64, row_bits: int, filed_at_us: Int64, id_rank: Int32) -> Int64:
    """Rows of the sorted keys; runs of one key are put in the exact order of filing and id."""
    count = len(key)
    mask = (np.int64(1) << row_bits) - 1
    order = np.empty(count, dtype=np.int64)
    run = 0
    for at in range(count):
        if at and (key[at] >> row_bits) != (key[at - 1] >> row_bits):
            run = at
        row = key[at] & mask
        to = at
        while to > run and (
            filed_at_us[order[to - 1]] > filed_at_us[row]
            or (filed_at_us[order[to - 1]] == filed_at_us[row] and id_rank[order[to - 1]] > id_rank[row])
        ):
            order[to] = order[to - 1]
            to -= 1
        order[to] = row
    return order


@njit(cache=True)
def _gather(
    order: Int64, profile: Int32, birth_day: Int32, wish_start: Int64, wishes: Int32
) -> tuple[Int32, Int32, Int64, Int32]:
    """Columns in the order of filing: one pass of independent reads, so that the walk reads in sequence."""
    count = len(order)
    profile_sorted = np.empty(count, dtype=np.int32)
    birth_sorted = np.empty(count, dtype=np.int32)
    start_sorted = np.empty(count + 1, dtype=np.int64)
    start_sorted[0] = 0
    for at in range(count):
        row = order[at]
        profile_sorted[at] = profile[row]
        birth_sorted[at] = birth_day[row]
        start_sorted[at + 1] = start_sorted[at] + wish_start[row + 1] - wish_start[row]
    wishes_sorted = np.empty(start_sorted[count], dtype=np.int32)
    for at in range(count):
        begin = wish_start[order[at]]
        to = start_sorted[at]
        for step in range(start_sorted[at + 1] - to):
            wishes_sorted[to + step] = wishes[begin + step]
    return profile_sorted, birth_sorted, start_sorted, wishes_sorted


@njit(cache=True)
def _walk(
    order: Int64,
    stream_start: Int64,
    profile: Int32,
    birth_day: Int32,
    wish_start: Int64,
    wishes: Int32,
    barred_start: Int64,
    barred_place: Int32,
    place_row: Int64,
    queue_of: Int32,
    organization: Int32,
    kind: Int32,
    left: Int32,
    birth_first: Int32,
    birth_last: Int32,
    preferences: Int32,
    kinds_in_order: Int64,
    first_turns: Int32,
    general_turns: Int32,
    given: Int32,
    position: Int32,
) -> None:
    """Serve every queue with places, in place of `given` and `position`.

    head_of[o]: the first place of organisation o in the present queue, following[v] the next in rank;
    kind_head[k], kind_following[v]: the same for places of one kind. NONE ends a list.
    """
    organizations = 0
    for place in range(len(organization)):
        organizations = max(organizations, organization[place] + 1)
    head_of = np.full(organizations, NONE, dtype=np.int32)
    following = np.full(len(organization), NONE, dtype=np.int32)
    kind_head = np.full(preferences.shape[1], NONE, dtype=np.int32)
    kind_following = np.full(len(organization), NONE, dtype=np.int32)
    first = 0
    while first < len(queue_of):
        queue = queue_of[first]
        last = first
        total = 0
        while last < len(queue_of) and queue_of[last] == queue:
            total += left[last]
            last += 1
        for place in range(last - 1, first - 1, -1):
            if left[place] > 0:
                following[place] = head_of[organization[place]]
                head_of[organization[place]] = place
                kind_following[place] = kind_head[kind[place]]
                kind_head[kind[place]] = place
        f, g = first_turns[queue], general_turns[queue]
        strict = f + g == 0
        cursor = stream_start[queue * CLASSES]
        end = stream_start[(queue + 1) * CLASSES] if strict else stream_start[queue * CLASSES + FIRST_PRIORITY]
        # The two streams of a ratio; both empty under the strict order.
        first_cursor = end
        first_end = end if strict else stream_start[queue * CLASSES + GENERAL]
        general_cursor = first_end
        general_end = end if strict else stream_start[(queue + 1) * CLASSES]
        while total > 0:
            in_round = cursor >= end
            first_turn = False
            if not in_round:
                at = cursor
                cursor += 1
            else:
                first_turn = position[queue] < f
                if first_cursor >= first_end and general_cursor >= general_end:
                    break
                if (first_turn and first_cursor < first_end) or general_cursor >= general_end:
                    at = first_cursor
                    first_cursor += 1
                    in_round = first_turn
                else:
                    at = general_cursor
                    general_cursor += 1
                    in_round = not first_turn
            place = _choose(
                at,
                preferences[profile[at]],
                kinds_in_order[profile[at]],
                birth_day[at],
                wishes[wish_start[at] : wish_start[at + 1]],
                barred_start,
                barred_place,
                place_row,
                organization,
                kind,
                left,
                birth_first,
                birth_last,
                head_of,
                following,
                kind_head,
                kind_following,
            )
            if place != NONE:
                given[order[at]] = place_row[place]
                left[place] -= 1
                total -= 1
                if in_round:
                    position[queue] = (position[queue] + 1) % (f + g)
        for place in range(first, last):
            head_of[organization[place]] = NONE
            kind_head[kind[place]] = NONE
        first = last


@njit(cache=True)
def _choose(
    at: int,
    suits: Int32,
    kinds: Int64,
    born: int,
    wishes: Int32,
    barred_start: Int64,
    barred_place: Int32,
    place_row: Int64,
    organization: Int32,
    kind: Int32,
    left: Int32,
    birth_first: Int32,
    birth_last: Int32,
    head_of: Int32,
    following: Int32,
    kind_head: Int32,
    kind_following: Int32,
) -> int:
    """The best place left for one applicant, or NONE (rules C1, C2)."""
    for wish in wishes:
        best = NONE
        best_preference = 0
        if wish != ANY_ORGANIZATION:
            if wish >= len(head_of):
                continue
            place = head_of[wish]
            while place != NONE:
                preference = suits[kind[place]]
                if (
                    left[place] > 0
                    and preference >= 0
                    and (best == NONE or preference < best_preference)
                    and birth_first[place] <= born <= birth_last[place]
                    and not _is_barred(at, place_row[place], barred_start, barred_place)
                ):
                    best = place
                    best_preference = preference
                place = following[place]
        else:
            for of_kind in kinds:
                preference = suits[of_kind]
                if preference < 0:
                    continue
                if best != NONE and preference > best_preference:
                    break
                while kind_head[of_kind] != NONE and left[kind_head[of_kind]] == 0:
                    kind_head[of_kind] = kind_following[kind_head[of_kind]]
                place = kind_head[of_kind]
                while place != NONE:
                    if (
                        left[place] > 0
                        and birth_first[place] <= born <= birth_last[place]
                        and not _is_named(organization[place], wishes)
                        and not _is_barred(at, place_row[place], barred_start, barred_place)
                    ):
                        if best == NONE or place < best:
                            best = place
                            best_preference = preference
                        break
                    place = kind_following[place]
        if best != NONE:
            return best
    return NONE


@njit(cache=True)
def _is_named(organization: int, wishes: Int32) -> bool:
    found = False
    for wish in wishes:
        found |= wish == organization
    return found


@njit(cache=True)
def _is_barred(at: int, place: int, barred_start: Int64, barred_place: Int32) -> bool:
    if len(barred_start) == 0:
        return False
    found = False
    for pair in range(barred_start[at], barred_start[at + 1]):
        found |= barred_place[pair] == place
    return found
