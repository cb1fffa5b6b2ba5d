"""The walk of `queue_order`, compiled by numba: the same result, for a nation at once (rules A4, A5, C1-C4).

Most of those who get nothing are let go after one look at a mask: which kinds are left in the queue, and with an
organisation. Importing and compiling cost about half a second from the cache, so a single city's night takes the plain
path. Needs the extra `fast`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from allocators.arrays import FIRST_PRIORITY, GENERAL, NONE, Applicants, Int32, Int64, Places, Proposal, Turns
from allocators.shelves import LAST_BIT, Shelves, Tastes
from allocators.sorting import CLASSES, Sorted

__all__ = ["Sorted", "allocate", "allocate_sorted"]

# What is compiled and called from compiled code stands in this file: the cache on disk is renewed by file.


class People(NamedTuple):
    """The columns of `Applicants` and `Sorted` that a choice reads."""

    profile: Int32
    birth_day: Int32
    wish_start: Int64
    wishes: Int32
    barred_start: Int32
    barred_place: Int32


class Open(NamedTuple):
    """What is left, in the queue being served; empty between queues but for `left`.

    left:            (p,) int32, free places of a spot
    of_kind:         (kinds,) int32, the first spot of a kind by rank, NONE = no more
    next_of_kind:    (p,) int32, the next one after a spot
    first_spot:      (organisations,) int32, first spot of an organisation
    end_spot:        (organisations,) int32, after its last one; equal to the first = none
    kinds:           (organisations,) int64, mask of the kinds an organisation has left
    spots_of_bit:    (64,) int32, spots left by bit of the masks
    """

    left: Int32
    of_kind: Int32
    next_of_kind: Int32
    first_spot: Int32
    end_spot: Int32
    kinds: Int64
    spots_of_bit: Int32


def allocate(applicants: Applicants, places: Places, turns: Turns, preferences: Int32) -> Proposal:
    """As `queue_order.allocate`, bit for bit: only queues with a free place are sorted and walked."""
    wanted = np.zeros(len(turns.position), np.bool_)
    wanted[places.queue[places.free > 0]] = True
    return allocate_sorted(Sorted.of(applicants, len(wanted), wanted), places, turns, preferences)


def allocate_sorted(applicants: Sorted, places: Places, turns: Turns, preferences: Int32) -> Proposal:
    """As `allocate`, for applicants sorted before: looks only at queues with a free place, until it is gone.

    Costs O(places log places + applicants looked at), and writing one int32 an applicant.
    """
    asked = applicants.applicants
    given = np.full(len(asked.queue), NONE, np.int32)
    position = turns.position.copy()
    if len(applicants.order) and len(places.queue):
        people = People(
            asked.profile,
            asked.birth_day,
            asked.wish_start,
            asked.wish_organization,
            applicants.barred_start,
            applicants.barred_place,
        )
        shelves, tastes = Shelves.of(places, len(position)), Tastes.of(preferences)
        streams = (applicants.order, applicants.stream_start)
        _walk(*streams, people, shelves, tastes, turns.first_priority, turns.general, given, position)
    return Proposal(given, position)


@njit(cache=True)
def _walk(
    order: Int32,
    stream_start: Int64,
    people: People,
    shelves: Shelves,
    tastes: Tastes,
    first_turns: Int32,
    general_turns: Int32,
    given: Int32,
    position: Int32,
) -> None:
    """Serve every queue with places; writes `given` and `position`."""
    count, kinds = len(shelves.row), tastes.suits.shape[1]
    organizations = shelves.organization.max() + 1
    shelf = Open(
        shelves.free.copy(),
        np.full(kinds, NONE, np.int32),
        np.full(count, NONE, np.int32),
        np.zeros(organizations, np.int32),
        np.zeros(organizations, np.int32),
        np.zeros(organizations, np.int64),
        np.zeros(LAST_BIT + 1, np.int32),
    )
    for queue in range(len(position)):
        low, high = shelves.queue_start[queue], shelves.queue_start[queue + 1]
        if low == high:
            continue
        _open(shelf, shelves, low, high)
        position[queue] = _serve_queue(
            order,
            stream_start[queue * CLASSES : (queue + 1) * CLASSES + 1],
            people,
            shelves,
            tastes,
            shelf,
            low,
            high,
            first_turns[queue],
            general_turns[queue],
            position[queue],
            given,
        )
        _close(shelf, shelves, low, high)


@njit(cache=True)
def _open(shelf: Open, shelves: Shelves, low: int, high: int) -> None:
    """Set out the spots `low` to `high`, those of one queue."""
    for at in range(high - 1, low - 1, -1):
        spot = shelves.by_rank[at]
        if shelf.left[spot] > 0:
            shelf.next_of_kind[spot] = shelf.of_kind[shelves.kind[spot]]
            shelf.of_kind[shelves.kind[spot]] = spot
    for spot in range(low, high):
        organization = shelves.organization[spot]
        if shelf.end_spot[organization] == 0:
            shelf.first_spot[organization] = spot
        shelf.end_spot[organization] = spot + 1
        if shelf.left[spot] > 0:
            shelf.kinds[organization] |= np.int64(1) << (shelves.kind[spot] & LAST_BIT)
            shelf.spots_of_bit[shelves.kind[spot] & LAST_BIT] += 1


@njit(cache=True)
def _close(shelf: Open, shelves: Shelves, low: int, high: int) -> None:
    for spot in range(low, high):
        organization, kind = shelves.organization[spot], shelves.kind[spot]
        shelf.of_kind[kind] = NONE
        shelf.first_spot[organization] = 0
        shelf.end_spot[organization] = 0
        shelf.kinds[organization] = 0
        shelf.spots_of_bit[kind & LAST_BIT] = 0


@njit(cache=True)
def _serve_queue(
    order: Int32,
    stream: Int64,
    people: People,
    shelves: Shelves,
    tastes: Tastes,
    shelf: Open,
    low: int,
    high: int,
    first_turns: int,
    general_turns: int,
    position: int,
    given: Int32,
) -> int:
    """Serve one queue until its places or its applicants are gone (rule A5); return the turns spent of the round."""
    left, kinds, oldest, youngest = _bounds(shelf, shelves, low, high)
    strict = first_turns + general_turns == 0
    cursor, end = stream[0], stream[CLASSES] if strict else stream[FIRST_PRIORITY]
    # The two streams of a ratio; both empty under the strict order.
    first, first_end = end, end if strict else stream[GENERAL]
    general, general_end = first_end, end if strict else stream[CLASSES]
    while left > 0:
        spends_turn = False
        if cursor < end:
            row = order[cursor]
            cursor += 1
        elif first < first_end or general < general_end:
            first_turn = position < first_turns
            if (first_turn and first < first_end) or general >= general_end:
                row = order[first]
                first += 1
                spends_turn = first_turn
            else:
                row = order[general]
                general += 1
                spends_turn = not first_turn
        else:
            break
        born = people.birth_day[row]
        if tastes.mask[people.profile[row]] & kinds == 0 or born < oldest or born > youngest:
            continue
        spot = _choose(row, born, people, shelves, tastes, shelf)
        if spot == NONE:
            continue
        given[row] = shelves.row[spot]
        left -= 1
        shelf.left[spot] -= 1
        if shelf.left[spot] == 0:
            kinds = _use_up(spot, kinds, shelves, shelf)
        if spends_turn:
            position += 1
            if position == first_turns + general_turns:
                position = 0
    return position


@njit(cache=True)
def _bounds(shelf: Open, shelves: Shelves, low: int, high: int) -> tuple[int, int, int, int]:
    """Of the spots `low` to `high`: places left, mask of their kinds, first and last birth day that suits any."""
    left, kinds = 0, np.int64(0)
    oldest, youngest = np.iinfo(np.int32).max, np.iinfo(np.int32).min
    for spot in range(low, high):
        if shelf.left[spot] > 0:
            left += shelf.left[spot]
            kinds |= np.int64(1) << (shelves.kind[spot] & LAST_BIT)
            oldest = min(oldest, shelves.birth_first[spot])
            youngest = max(youngest, shelves.birth_last[spot])
    return left, kinds, oldest, youngest


@njit(cache=True)
def _use_up(spot: int, kinds: int, shelves: Shelves, shelf: Open) -> int:
    """Take a spot whose last place is gone out of the masks; returns that of the queue."""
    organization = shelves.organization[spot]
    still = np.int64(0)
    for other in range(shelf.first_spot[organization], shelf.end_spot[organization]):
        if shelf.left[other] > 0:
            still |= np.int64(1) << (shelves.kind[other] & LAST_BIT)
    shelf.kinds[organization] = still
    bit = shelves.kind[spot] & LAST_BIT
    shelf.spots_of_bit[bit] -= 1
    return kinds if shelf.spots_of_bit[bit] else kinds & ~(np.int64(1) << bit)


@njit(cache=True)
def _choose(row: int, born: int, people: People, shelves: Shelves, tastes: Tastes, shelf: Open) -> int:
    """The best spot left for one applicant, or NONE (rules C1, C2)."""
    profile = people.profile[row]
    for wish in range(people.wish_start[row], people.wish_start[row + 1]):
        organization = people.wishes[wish]
        if organization < 0:
            spot = _choose_any(row, profile, born, people, shelves, tastes, shelf)
        elif organization < len(shelf.kinds) and tastes.mask[profile] & shelf.kinds[organization] != 0:
            spot = _choose_named(row, profile, born, organization, people, shelves, tastes, shelf)
        else:
            continue
        if spot != NONE:
            return spot
    return NONE


@njit(cache=True)
def _choose_named(
    row: int, profile: int, born: int, organization: int, people: People, shelves: Shelves, tastes: Tastes, shelf: Open
) -> int:
    best, best_preference = NONE, 0
    for spot in range(shelf.first_spot[organization], shelf.end_spot[organization]):
        preference = tastes.suits[profile, shelves.kind[spot]]
        if (
            shelf.left[spot] > 0
            and preference >= 0
            and (best == NONE or preference < best_preference)
            and shelves.birth_first[spot] <= born <= shelves.birth_last[spot]
            and not _is_barred(row, shelves.row[spot], people)
        ):
            best, best_preference = spot, preference
    return best


@njit(cache=True)
def _choose_any(
    row: int, profile: int, born: int, people: People, shelves: Shelves, tastes: Tastes, shelf: Open
) -> int:
    """The best spot of an organisation not named: the first that suits, by kind in the profile's order."""
    best, best_preference = NONE, 0
    for nth in range(tastes.suiting[profile]):
        kind = tastes.in_order[profile, nth]
        preference = tastes.suits[profile, kind]
        if best != NONE and preference > best_preference:
            break
        # Used-up spots at the head stay so for all who come later.
        while shelf.of_kind[kind] != NONE and shelf.left[shelf.of_kind[kind]] == 0:
            shelf.of_kind[kind] = shelf.next_of_kind[shelf.of_kind[kind]]
        spot = shelf.of_kind[kind]
        while spot != NONE:
            if (
                shelf.left[spot] > 0
                and shelves.birth_first[spot] <= born <= shelves.birth_last[spot]
                and not _is_named(row, shelves.organization[spot], people)
                and not _is_barred(row, shelves.row[spot], people)
            ):
                if best == NONE or shelves.rank[spot] < shelves.rank[best]:
                    best, best_preference = spot, preference
                break
            spot = shelf.next_of_kind[spot]
    return best


@njit(cache=True)
def _is_named(row: int, organization: int, people: People) -> bool:
    found = False
    for wish in range(people.wish_start[row], people.wish_start[row + 1]):
        found |= people.wishes[wish] == organization
    return found


@njit(cache=True)
def _is_barred(row: int, place: int, people: People) -> bool:
    if len(people.barred_start) == 0:
        return False
    found = False
    for pair in range(people.barred_start[row], people.barred_start[row + 1]):
        found |= people.barred_place[pair] == place
    return found
