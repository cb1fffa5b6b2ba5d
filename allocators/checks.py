"""Judges a proposal, whoever made it: lawful pairs, places given once, nobody skipped, no envy.

Rules A4, A5, C1-C3. The judge never walks through a queue. It asks of the finished proposal four things:

1. Is every pair compatible (C1), and no place given more often than it is free (C3)?
2. When was everyone served? The winners alone determine it. A stream, in the order of A4, falls into blocks:
   the losers before a winner, then that winner; the losers after the last winner are a last block, perhaps
   an empty one. A turn tries exactly one block, for it ends with a voucher or with nobody left to try. So
   block b of a stream is tried at the stream's turn number b from the present turn on; turns are numbered on
   through the rounds, and sorting by that number is the sequence of service. The turn of a stream's last
   block is the one that waits: whichever stream's comes first stands still, and that turn is kept for the
   next night. What the other stream still has comes after it in its own order, as sorting has it.
3. When did every vacancy run out? When its last taker was served, if it is full, else never.
4. Did anyone pass over a compatible vacancy that had not run out, and is better than what they got (C2)?

What passes is the one lawful outcome, so winners need not be computed anew. Suppose two proposals pass, and
their sequences agree on the first t served and on what these got. Then the turn, the heads of the streams and
the places left are the same, so the same applicant x is served next. In both, x has the best compatible
vacancy v that has a place left: anything else is either worse than v, and then v, which had a place left, is
found under 4; or has no place left, and then it is overfull, found under 1. So they agree on t + 1 served,
and by induction on all.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

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
from allocators.findings import Finding, malformed

Bool: TypeAlias = NDArray[np.bool_]

FAR = np.iinfo(np.int64).max
"""Position of what is not wished; worse than any wish."""
PAIRS_AT_ONCE = 1 << 21
"""Pairs of applicant and vacancy looked at together; bounds the memory, not the answer."""
CLASSES = 3


def judge(
    applicants: Applicants, places: Places, turns: Turns, preferences: Int32, proposal: Proposal
) -> list[Finding]:
    """Return what is wrong with a proposal; empty = lawful, and then the only lawful one.

    Args:
        preferences: (profiles, kinds) int32, rank of a kind of place for a profile, less is better,
            -1 = does not suit.

    Later questions build on earlier ones: malformed arrays are reported alone; unlawful pairs and overfull
    places without what follows from them for others. Under the last question an applicant appears at most
    once for each code. Takes O((n + m + p) log n), and a pass over the pairs of an applicant with vacancies
    of wished organisations and suiting kinds that had not run out. No argument is modified.
    """
    wrong_arrays = malformed(applicants, places, turns, preferences, proposal)
    if wrong_arrays:
        return wrong_arrays
    service = _service(applicants, turns, proposal.place)
    positions = _wrong_positions(service, proposal)
    own = _own(applicants, places, preferences, proposal.place)
    unlawful = _unlawful_pairs(applicants, places, preferences, proposal.place, own)
    unlawful += _overfull(places, proposal.place, service)
    if unlawful:
        return unlawful + positions
    return positions + _passed_over(applicants, places, preferences, proposal.place, service, own)


# --- order of service -----------------------------------------------------------------------------


class _Service(NamedTuple):
    """The sequence of service and where it leaves the turns.

    served_at: (n,) int64, moment of service, 0 .. n-1, all different
    position:  (q,) int64, turns of the round spent after the last voucher
    """

    served_at: Int64
    position: Int64


def _service(applicants: Applicants, turns: Turns, place: Int32) -> _Service:
    """The sequence of service that the winners determine (rules A4, A5; argued in the module)."""
    n, n_queues = applicants.queue.size, turns.position.size
    ratio = turns.first_priority > 0
    first = np.where(ratio, turns.first_priority, 1).astype(np.int64)
    general = np.where(ratio, turns.general, 1).astype(np.int64)
    position = turns.position.astype(np.int64)

    line = np.lexsort((applicants.id_rank, applicants.filed_at_us, applicants.class_rank, applicants.queue))
    queue, rank = applicants.queue[line], applicants.class_rank[line]
    stream = queue.astype(np.int64) * CLASSES + rank
    won = place[line] != NONE
    won_before = np.concatenate(([0], np.cumsum(won)))
    stream_start = np.searchsorted(stream, np.arange(n_queues * CLASSES))
    block = won_before[:-1] - won_before[stream_start][stream]

    f, g, spent = first[queue], general[queue], position[queue]
    turn = np.where(rank == FIRST_PRIORITY, _first_turn(block, f, g, spent), _general_turn(block, f, g, spent))
    turn[rank == OUT_OF_TURN] = -1
    turn = np.where(ratio[queue], turn, rank)  # strict: class by class
    served_at = np.empty(n, np.int64)
    served_at[line[np.lexsort((turn, queue))]] = np.arange(n)  # stable: the order of A4 within a turn

    winners = np.bincount(stream[won], minlength=n_queues * CLASSES).reshape(n_queues, CLASSES)
    waiting = np.minimum(
        _first_turn(winners[:, FIRST_PRIORITY], first, general, position),
        _general_turn(winners[:, GENERAL], first, general, position),
    )
    return _Service(served_at, np.where(ratio, waiting % (first + general), 0))


def _first_turn(nth: Int64, first: Int64, general: Int64, position: Int64) -> Int64:
    """Number, from the start of the present round, of the nth (0-based) first-priority turn yet to come."""
    nth = nth + np.minimum(position, first)
    turn: Int64 = nth // first * (first + general) + nth % first
    return turn


def _general_turn(nth: Int64, first: Int64, general: Int64, position: Int64) -> Int64:
    """The same for the general stream."""
    nth = nth + np.maximum(position - first, 0)
    turn: Int64 = nth // general * (first + general) + first + nth % general
    return turn


def _wrong_positions(service: _Service, proposal: Proposal) -> list[Finding]:
    return [
        Finding(
            "turn.position",
            NONE,
            NONE,
            NONE,
            f"queue {queue} is left with {proposal.position_after[queue]} turns of its round spent; its "
            f"vouchers spent {service.position[queue]} (rule A5).",
        )
        for queue in np.flatnonzero(proposal.position_after != service.position)
    ]


# --- pairs ----------------------------------------------------------------------------------------


class _Own(NamedTuple):
    """How good is what everyone got, by rule C2; FAR without a place or a wish.

    at:             (n,) int64, position of the organisation in the wishes
    choice:         (n,) int64, see `_choice`
    any_at:         (n,) int64, position of ANY_ORGANIZATION
    owner, wish_at: (m,) int64, applicant and position of each wish
    """

    at: Int64
    choice: Int64
    any_at: Int64
    owner: Int64
    wish_at: Int64


def _choice(kind_rank: Int32, rank_order: Int64) -> Int64:
    """Rank of the kind, then of the vacancy, in one number; meaningless where the kind does not suit."""
    return kind_rank.astype(np.int64) << 32 | rank_order


def _own(applicants: Applicants, places: Places, preferences: Int32, place: Int32) -> _Own:
    n = applicants.queue.size
    owner = np.repeat(np.arange(n), np.diff(applicants.wish_start))
    wish_at = np.arange(owner.size) - applicants.wish_start[owner]
    any_at = np.full(n, FAR)
    is_any = applicants.wish_organization == ANY_ORGANIZATION
    np.minimum.at(any_at, owner[is_any], wish_at[is_any])

    holders = np.flatnonzero(place != NONE)
    held = place[holders]
    organization = np.full(n, NONE - 1, np.int64)  # equals no wish
    organization[holders] = places.organization[held]
    at = np.full(n, FAR)
    named = applicants.wish_organization == organization[owner]
    np.minimum.at(at, owner[named], wish_at[named])
    at[holders] = np.where(at[holders] < FAR, at[holders], any_at[holders])
    choice = np.full(n, FAR)
    kind_rank = preferences[applicants.profile[holders], places.kind[held]]
    choice[holders] = _choice(kind_rank, _rank_order(places)[held])
    return _Own(at, choice, any_at, owner, wish_at)


def _rank_order(places: Places) -> Int64:
    """(p,) int64, the ranks as 0 .. p-1, so that they fit into `_choice`."""
    order = np.empty(places.rank.size, np.int64)
    order[np.argsort(places.rank)] = np.arange(places.rank.size)
    return order


def _of_age(applicants: Applicants, places: Places, asker: Int64, place: Int64) -> Bool:
    birth = applicants.birth_day[asker]
    return (places.birth_first[place] <= birth) & (birth <= places.birth_last[place])


def _is_barred(applicants: Applicants, asker: Int64, place: Int64) -> Bool:
    barred = applicants.barred.astype(np.int64)
    return _among(np.sort(barred[:, 0] << 32 | barred[:, 1]), asker << 32 | place)


def _among(known: Int64, values: Int64) -> Bool:
    """Which values stand in `known`, which is sorted."""
    return np.searchsorted(known, values, side="left") < np.searchsorted(known, values, side="right")


def _unlawful_pairs(
    applicants: Applicants, places: Places, preferences: Int32, place: Int32, own: _Own
) -> list[Finding]:
    holder = np.flatnonzero(place != NONE)
    held = place[holder].astype(np.int64)
    conditions = (
        ("queue", "is of another queue", applicants.queue[holder] != places.queue[held]),
        ("organization", "is of an organisation not wished", own.at[holder] == FAR),
        (
            "kind",
            "is of a kind that does not suit",
            preferences[applicants.profile[holder], places.kind[held]] < 0,
        ),
        ("age", "does not suit the age on its start date (A8)", ~_of_age(applicants, places, holder, held)),
        ("barred", "was declined or refused before", _is_barred(applicants, holder, held)),
    )
    return [
        Finding(
            f"pair.{condition}",
            int(holder[at]),
            int(held[at]),
            NONE,
            f"applicant {holder[at]} got place {held[at]}, which {words} (rule C1).",
        )
        for condition, words, failed in conditions
        for at in np.flatnonzero(failed)
    ]


def _overfull(places: Places, place: Int32, service: _Service) -> list[Finding]:
    """Everyone who got a place that was gone; `other` is the last who could still have it."""
    holder = np.flatnonzero(place != NONE)
    holder = holder[np.lexsort((service.served_at[holder], place[holder]))]
    held = place[holder]
    start = np.searchsorted(held, held)
    findings = []
    for at in np.flatnonzero(np.arange(holder.size) - start >= places.free[held]):
        free = int(places.free[held[at]])
        last = int(holder[start[at] + free - 1]) if free else NONE
        words = f"applicant {holder[at]} got place {held[at]}, all {free} of which were gone (rule C3)."
        findings.append(Finding("place.overfull", int(holder[at]), int(held[at]), last, words))
    return findings


# --- nobody skipped, no envy ----------------------------------------------------------------------


class _Pairs(NamedTuple):
    """Applicants, vacancies left at their moment, and positions in their wishes; all (k,) int64."""

    asker: Int64
    place: Int64
    at: Int64


class _Shelf:
    """Vacancies by a key, those that run out last first: what was left at a moment is a range of them."""

    def __init__(self, key: Int64, gone_at: Int64, moments: int) -> None:
        self._place = np.lexsort((-gone_at, key))
        self._keys, group = np.unique(key, return_inverse=True)
        self._moments = moments
        self._sorted = (group * (moments + 2) + moments - gone_at)[self._place]

    def left(self, key: Int64, asker: Int64, at: Int64, served_at: Int64) -> Iterator[_Pairs]:
        """What of `key` had not run out when `asker` was served, in parts that memory bears."""
        group = np.searchsorted(self._keys, key)
        known = group < self._keys.size
        known[known] = self._keys[group[known]] == key[known]
        asker, at, base = asker[known], at[known], group[known] * (self._moments + 2)
        start = np.searchsorted(self._sorted, base)
        count = np.searchsorted(self._sorted, base + self._moments - served_at[asker]) - start
        end = np.cumsum(count)
        total = int(end[-1]) if end.size else 0
        cuts = [*np.searchsorted(end, np.arange(0, total, PAIRS_AT_ONCE)).tolist(), end.size]
        for low, high in pairwise(cuts):
            size = count[low:high]
            offer = np.repeat(np.arange(low, high), size)
            nth = np.arange(offer.size) - np.repeat(np.cumsum(size) - size, size)
            yield _Pairs(asker[offer], self._place[start[offer] + nth], at[offer])


def _seen(
    applicants: Applicants, places: Places, preferences: Int32, gone_at: Int64, service: _Service, own: _Own
) -> Iterator[_Pairs]:
    """What was left at everyone's moment, at positions of their wishes not worse than what they got."""
    n, wished = applicants.queue.size, applicants.wish_organization
    queue, places_queue = applicants.queue.astype(np.int64) << 32, places.queue.astype(np.int64) << 32
    wish = np.flatnonzero((wished != ANY_ORGANIZATION) & (own.wish_at <= own.at[own.owner]))
    asker = own.owner[wish]
    by_organization = _Shelf(places_queue | places.organization, gone_at, n)
    yield from by_organization.left(queue[asker] | wished[wish], asker, own.wish_at[wish], service.served_at)

    by_kind = _Shelf(places_queue | places.kind, gone_at, n)
    asks_any = np.flatnonzero((own.any_at < FAR) & (own.any_at <= own.at))
    for kind in np.unique(places.kind):
        rank = preferences[applicants.profile[asks_any], kind]
        not_worse = (own.any_at[asks_any] < own.at[asks_any]) | (rank <= own.choice[asks_any] >> 32)
        asker = asks_any[(rank >= 0) & not_worse]
        yield from by_kind.left(queue[asker] | kind, asker, own.any_at[asker], service.served_at)


def _preferred(
    applicants: Applicants, places: Places, preferences: Int32, seen: Iterator[_Pairs], own: _Own
) -> Iterator[tuple[Int64, Int64, Int64, Int64]]:
    """Of what was seen, the compatible and better: asker, place, at, choice (rules C1, C2)."""
    rank_order = _rank_order(places)
    is_name = applicants.wish_organization != ANY_ORGANIZATION
    names = np.sort(own.owner[is_name] << 32 | applicants.wish_organization[is_name])
    for asker, place, at in seen:
        kind_rank = preferences[applicants.profile[asker], places.kind[place]]
        choice = _choice(kind_rank, rank_order[place])
        better = (at < own.at[asker]) | ((at == own.at[asker]) & (choice < own.choice[asker]))
        keep = np.flatnonzero((kind_rank >= 0) & better & _of_age(applicants, places, asker, place))
        asker, place, at, choice = asker[keep], place[keep], at[keep], choice[keep]
        # ANY_ORGANIZATION is every organisation not named: a named one counts at its own position alone.
        elsewhere = (at == own.any_at[asker]) & _among(names, asker << 32 | places.organization[place])
        lawful = ~elsewhere & ~_is_barred(applicants, asker, place)
        yield asker[lawful], place[lawful], at[lawful], choice[lawful]


def _passed_over(
    applicants: Applicants, places: Places, preferences: Int32, place: Int32, service: _Service, own: _Own
) -> list[Finding]:
    """Whoever would have preferred a vacancy that had not run out at their moment (rules C2, C3)."""
    holders = np.flatnonzero(place != NONE)
    last_taken_at = np.full(places.queue.size, -1)
    np.maximum.at(last_taken_at, place[holders], service.served_at[holders])
    left = np.bincount(place[holders], minlength=places.queue.size) < places.free
    gone_at = np.where(left, applicants.queue.size, last_taken_at)
    seen = _seen(applicants, places, preferences, gone_at, service, own)
    parts = list(_preferred(applicants, places, preferences, seen, own))
    if not parts:
        return []
    asker, vacancy, at, choice = (np.concatenate(column) for column in zip(*parts, strict=True))

    code = np.where(left[vacancy], np.where(place[asker] == NONE, _SKIPPED, _BETTER_LEFT), _ENVY)
    order = np.lexsort((choice, at, asker, code))
    code, asker, vacancy = code[order], asker[order], vacancy[order]
    best = np.ones(code.size, np.bool_)  # one finding an applicant and code: what they would have liked best
    best[1:] = (code[1:] != code[:-1]) | (asker[1:] != asker[:-1])
    served = np.argsort(service.served_at)
    return [
        _passed_over_finding(int(code[i]), int(asker[i]), int(vacancy[i]), int(served[last_taken_at[vacancy[i]]]))
        for i in np.flatnonzero(best)
    ]


_SKIPPED, _BETTER_LEFT, _ENVY = range(3)


def _passed_over_finding(code: int, asker: int, place: int, taker: int) -> Finding:
    if code == _SKIPPED:
        words = f"applicant {asker} got nothing, and place {place}, which suits, was left free (rule C3)."
        return Finding("service.skipped", asker, place, NONE, words)
    if code == _BETTER_LEFT:
        words = f"applicant {asker} prefers place {place}, which was left free, to what they got (rule C2)."
        return Finding("service.better_left", asker, place, NONE, words)
    words = f"applicant {asker} prefers place {place}, which went to applicant {taker}, served later (rule C3)."
    return Finding("service.envy", asker, place, taker, words)
