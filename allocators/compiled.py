"""The walk of `queue_order`, compiled by numba: the same result, for a nation at once (rules A4, A5, C1-C4).

Most of those who get nothing are let go after one look at a mask: which kinds are left in the queue, and with an
organisation. Importing and compiling cost about half a second from the cache, so a single city's night takes the plain
path. Needs the extra `fast`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba import njit

from allocators.arrays import FIRST_PRIORITY, GENERAL, NONE, Applicants, Int32, Int64, Places, Proposal, Turns
from allocators.shelves import LAST_BIT, Records, Shelves, order_kinds
from allocators.sorting import CLASSES, Looks, Sorted

__all__ = ["Sorted", "allocate", "allocate_sorted"]

Function = TypeVar("Function", bound=Callable[..., Any])

SHELF = np.dtype([("start", np.int32), ("end", np.int32), ("kinds", np.int64)])
"""What an organisation has in the queue being served: spots start to end, none if equal; mask of the kinds left."""

LEAST, GREATEST = np.iinfo(np.int32).min, np.iinfo(np.int32).max


def _inner(function: Function) -> Function:
    """Compile what `_walk` calls, without counting references to arrays: counting made the walk twice as long.

    `_walk` holds every array to its end; such a function must not make one. numba does not document `_nrt`, and refuses
    options it does not know, so a release without it fails at once. All of them stand in the file of `_walk`, because
    the cache on disk is renewed by file.
    """
    options: dict[str, Any] = {"cache": True, "forceinline": True, "_nrt": False}
    compiled: Function = njit(**options)(function)
    return compiled


class People(NamedTuple):
    """Columns of `Applicants` and `Sorted` that a choice reads."""

    profile: Int32
    birth_day: Int32
    wish_start: Int64
    wishes: Int32
    barred_start: Int32
    barred_place: Int32


class Tastes(NamedTuple):
    """`preferences`, and what `order_kinds` makes of them."""

    suits: Int32
    in_order: Int32
    mask: Int64


class Offer(NamedTuple):
    """What is left; all but the spots is of the queue being served, and empty between queues.

    spots:   (p,) SPOT
    shelves: (organisations,) SHELF
    of_kind: (kinds,) int32, the first spot of a kind by rank; NONE = no more
    of_bit:  (64,) int32, how many spots have a place left, by bit of the masks
    """

    spots: Records
    shelves: Records
    of_kind: Int32
    of_bit: Int32


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
        wishes = (asked.wish_start, asked.wish_organization)
        people = People(asked.profile, asked.birth_day, *wishes, applicants.barred_start, applicants.barred_place)
        tastes = Tastes(preferences, *order_kinds(preferences))
        shelved = Shelves.of(places, len(position))
        offer = Offer(
            shelved.spots,
            np.zeros(shelved.organizations, SHELF),
            np.full(preferences.shape[1], NONE, np.int32),
            np.zeros(LAST_BIT + 1, np.int32),
        )
        streams = (applicants.order, applicants.stream_start, applicants.looks)
        shelves = (shelved.queue_start, shelved.by_rank)
        _walk(*streams, people, tastes, *shelves, offer, turns.first_priority, turns.general, given, position)
    return Proposal(given, position)


@njit(cache=True)
def _walk(
    order: Int32,
    stream_start: Int64,
    looks: Looks,
    people: People,
    tastes: Tastes,
    queue_start: Int32,
    by_rank: Int32,
    offer: Offer,
    first_turns: Int32,
    general_turns: Int32,
    given: Int32,
    position: Int32,
) -> None:
    """Serve every queue with places; writes `given`, `position` and the offer."""
    for queue in range(len(position)):
        low, high = queue_start[queue], queue_start[queue + 1]
        if low < high:
            _open(low, high, by_rank, offer)
            turns = (first_turns[queue], general_turns[queue], position[queue])
            position[queue] = _serve(queue, low, high, turns, order, stream_start, looks, people, tastes, offer, given)
            _close(low, high, offer)


@_inner
def _open(low: int, high: int, by_rank: Int32, offer: Offer) -> None:
    """Set out the spots `low` to `high`, those of one queue."""
    spots, shelves = offer.spots, offer.shelves
    for at in range(high - 1, low - 1, -1):
        spot = by_rank[at]
        if spots[spot].left > 0:
            spots[spot].next = offer.of_kind[spots[spot].kind]
            offer.of_kind[spots[spot].kind] = spot
    for spot in range(low, high):
        shelf = spots[spot].organization
        if shelves[shelf].end == 0:
            shelves[shelf].start = spot
        shelves[shelf].end = spot + 1
        if spots[spot].left > 0:
            bit = spots[spot].kind & LAST_BIT
            shelves[shelf].kinds |= np.int64(1) << bit
            offer.of_bit[bit] += 1


@_inner
def _close(low: int, high: int, offer: Offer) -> None:
    """Put the spots `low` to `high` away."""
    for spot in range(low, high):
        shelf, kind = offer.spots[spot].organization, offer.spots[spot].kind
        offer.shelves[shelf].start = 0
        offer.shelves[shelf].end = 0
        offer.shelves[shelf].kinds = 0
        offer.of_kind[kind] = NONE
        offer.of_bit[kind & LAST_BIT] = 0


@_inner
def _serve(
    queue: int,
    low: int,
    high: int,
    turns: tuple[int, int, int],
    order: Int32,
    stream_start: Int64,
    looks: Looks,
    people: People,
    tastes: Tastes,
    offer: Offer,
    given: Int32,
) -> int:
    """Serve one queue until its places or its applicants are gone (rule A5); return the turns spent of the round."""
    first_turns, general_turns, position = turns
    left, kinds, oldest, youngest = _bounds(low, high, offer.spots)
    strict = first_turns + general_turns == 0
    stream = queue * CLASSES
    cursor = stream_start[stream]
    end = stream_start[stream + CLASSES] if strict else stream_start[stream + FIRST_PRIORITY]
    # The two streams of a ratio; both empty under the strict order.
    first, first_end = end, end if strict else stream_start[stream + GENERAL]
    general, general_end = first_end, end if strict else stream_start[stream + CLASSES]
    while left > 0 and (cursor < end or first < first_end or general < general_end):
        spends_turn = False
        if cursor < end:
            at = cursor
            cursor += 1
        elif general >= general_end or (position < first_turns and first < first_end):
            at = first
            first += 1
            spends_turn = position < first_turns
        else:
            at = general
            general += 1
            spends_turn = position >= first_turns
        born = looks[at].birth_day
        if tastes.mask[looks[at].profile] & kinds == 0 or born < oldest or born > youngest:
            continue
        row = order[at]
        spot = _choose(row, people, tastes, offer)
        if spot == NONE:
            continue
        given[row] = offer.spots[spot].row
        left -= 1
        offer.spots[spot].left -= 1
        if offer.spots[spot].left == 0:
            kinds = _use_up(spot, kinds, offer)
        if spends_turn:
            position = (position + 1) % (first_turns + general_turns)
    return position


@_inner
def _bounds(low: int, high: int, spots: Records) -> tuple[int, np.int64, int, int]:
    """Of the spots `low` to `high`: places left, mask of their kinds, first and last birth day that suits any."""
    left, kinds = 0, np.int64(0)
    oldest, youngest = GREATEST, LEAST
    for spot in range(low, high):
        if spots[spot].left > 0:
            left += spots[spot].left
            kinds |= np.int64(1) << (spots[spot].kind & LAST_BIT)
            oldest = min(oldest, spots[spot].first)
            youngest = max(youngest, spots[spot].last)
    return left, kinds, oldest, youngest


@_inner
def _use_up(spot: int, kinds: np.int64, offer: Offer) -> np.int64:
    """Take a spot whose last place is gone out of the masks; returns that of the queue."""
    spots, shelf = offer.spots, offer.spots[spot].organization
    still = np.int64(0)
    for other in range(offer.shelves[shelf].start, offer.shelves[shelf].end):
        if spots[other].left > 0:
            still |= np.int64(1) << (spots[other].kind & LAST_BIT)
    offer.shelves[shelf].kinds = still
    bit = spots[spot].kind & LAST_BIT
    offer.of_bit[bit] -= 1
    return kinds if offer.of_bit[bit] else kinds & ~(np.int64(1) << bit)


@_inner
def _choose(row: int, people: People, tastes: Tastes, offer: Offer) -> int:
    """The best spot left for one applicant, or NONE (rules C1, C2)."""
    mask = tastes.mask[people.profile[row]]
    spot = NONE
    for wish in range(people.wish_start[row], people.wish_start[row + 1]):
        shelf = people.wishes[wish]
        if shelf < 0:
            spot = _choose_any(row, people, tastes, offer)
        elif shelf < len(offer.shelves) and mask & offer.shelves[shelf].kinds != 0:
            spot = _choose_named(row, shelf, people, tastes, offer)
        if spot != NONE:
            break
    return spot


@_inner
def _choose_named(row: int, shelf: int, people: People, tastes: Tastes, offer: Offer) -> int:
    """The best spot of one organisation."""
    spots, profile = offer.spots, people.profile[row]
    best, best_preference = NONE, 0
    for spot in range(offer.shelves[shelf].start, offer.shelves[shelf].end):
        preference = tastes.suits[profile, spots[spot].kind]
        if preference >= 0 and (best == NONE or preference < best_preference) and _may_have(row, spot, people, spots):
            best, best_preference = spot, preference
    return best


@_inner
def _choose_any(row: int, people: People, tastes: Tastes, offer: Offer) -> int:
    """The best spot of an organisation not named: of each kind the first that suits, kinds in the profile's order."""
    spots, of_kind, profile = offer.spots, offer.of_kind, people.profile[row]
    best, best_preference = NONE, 0
    for nth in range(len(of_kind)):
        kind = tastes.in_order[profile, nth]
        if kind == NONE or (best != NONE and tastes.suits[profile, kind] > best_preference):
            break
        while of_kind[kind] != NONE and spots[of_kind[kind]].left == 0:  # used up for all who come later
            of_kind[kind] = spots[of_kind[kind]].next
        spot = of_kind[kind]
        while spot != NONE:
            if _may_have(row, spot, people, spots) and not _is_named(row, spots[spot].organization, people):
                if best == NONE or spots[spot].rank < spots[best].rank:
                    best, best_preference = spot, tastes.suits[profile, kind]
                break
            spot = spots[spot].next
    return best


@_inner
def _may_have(row: int, spot: int, people: People, spots: Records) -> bool:
    """A place is left, the age suits, and the applicant is not barred; the kind is judged elsewhere."""
    born = people.birth_day[row]
    return (
        spots[spot].left > 0
        and spots[spot].first <= born <= spots[spot].last
        and not _is_barred(row, spots[spot].row, people)
    )


@_inner
def _is_named(row: int, organization: int, people: People) -> bool:
    found = False
    for wish in range(people.wish_start[row], people.wish_start[row + 1]):
        found |= people.wishes[wish] == organization
    return found


@_inner
def _is_barred(row: int, place: int, people: People) -> bool:
    if len(people.barred_start) == 0:
        return False
    found = False
    for pair in range(people.barred_start[row], people.barred_start[row + 1]):
        found |= people.barred_place[pair] == place
    return found
