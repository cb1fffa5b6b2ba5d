"""Small allocations as plain objects, a walk written straight from the rules, and made cases of any size.

The walk is slow and simple on purpose: one person, one vacancy, one comparison at a time, no arrays inside.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from allocators.arrays import (
    ANY_ORGANIZATION,
    FIRST_PRIORITY,
    GENERAL,
    NONE,
    OUT_OF_TURN,
    Applicants,
    Int32,
    Places,
    Proposal,
    Turns,
)

BORN_FROM, BORN_TO = 100, 104
"""Birth days of made applicants; bounds of made vacancies lie on, inside and outside them."""


@dataclass(frozen=True, slots=True)
class Asker:
    """An applicant; `id_rank` tells it from all others, `barred` are ranks of vacancies (rule C1)."""

    id_rank: int
    queue: int = 0
    class_rank: int = GENERAL
    filed_at_us: int = 0
    birth_day: int = BORN_FROM
    profile: int = 0
    wishes: tuple[int, ...] = (ANY_ORGANIZATION,)
    barred: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Spot:
    """A vacancy; `rank` tells it from all others."""

    rank: int
    queue: int = 0
    organization: int = 0
    kind: int = 0
    free: int = 1
    birth_first: int = BORN_FROM
    birth_last: int = BORN_TO


@dataclass(frozen=True, slots=True)
class Round:
    """The turn pattern of a queue; 0:0 = strict (rule A5)."""

    first_priority: int = 0
    general: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One night: everything an allocation is asked; `preferences` by profile, then kind."""

    askers: tuple[Asker, ...]
    spots: tuple[Spot, ...]
    rounds: tuple[Round, ...] = (Round(),)
    preferences: tuple[tuple[int, ...], ...] = ((0,),)


@dataclass(frozen=True, slots=True)
class Outcome:
    """id_rank of everyone who got a place -> rank of its vacancy; turns of each queue spent after."""

    got: dict[int, int]
    position_after: tuple[int, ...]


Arrays = tuple[Applicants, Places, Turns, Int32]


def to_arrays(case: Case) -> Arrays:
    """The case as an allocation takes it, rows in the order of the tuples."""
    askers, spots, rounds = case.askers, case.spots, case.rounds
    row_of = {spot.rank: row for row, spot in enumerate(spots)}
    barred = [(row, row_of[rank]) for row, asker in enumerate(askers) for rank in sorted(asker.barred)]
    applicants = Applicants(
        queue=_i32([asker.queue for asker in askers]),
        class_rank=np.array([asker.class_rank for asker in askers], np.int8),
        filed_at_us=np.array([asker.filed_at_us for asker in askers], np.int64),
        id_rank=_i32([asker.id_rank for asker in askers]),
        birth_day=_i32([asker.birth_day for asker in askers]),
        profile=_i32([asker.profile for asker in askers]),
        wish_start=np.cumsum([0, *(len(asker.wishes) for asker in askers)], dtype=np.int64),
        wish_organization=_i32([wish for asker in askers for wish in asker.wishes]),
        barred=_i32(barred).reshape(-1, 2),
    )
    places = Places(
        queue=_i32([spot.queue for spot in spots]),
        organization=_i32([spot.organization for spot in spots]),
        kind=_i32([spot.kind for spot in spots]),
        rank=_i32([spot.rank for spot in spots]),
        free=_i32([spot.free for spot in spots]),
        birth_first=_i32([spot.birth_first for spot in spots]),
        birth_last=_i32([spot.birth_last for spot in spots]),
    )
    turns = Turns(
        first_priority=_i32([one.first_priority for one in rounds]),
        general=_i32([one.general for one in rounds]),
        position=_i32([one.position for one in rounds]),
    )
    return applicants, places, turns, _i32(case.preferences)


def _i32(values: object) -> Int32:
    return np.array(values, np.int32)


def to_proposal(case: Case, outcome: Outcome) -> Proposal:
    row_of = {spot.rank: row for row, spot in enumerate(case.spots)}
    place = [row_of[outcome.got[one.id_rank]] if one.id_rank in outcome.got else NONE for one in case.askers]
    return Proposal(place=_i32(place), position_after=_i32(outcome.position_after))


def to_outcome(case: Case, proposal: Proposal) -> Outcome:
    got = {
        asker.id_rank: case.spots[row].rank
        for asker, row in zip(case.askers, proposal.place.tolist(), strict=True)
        if row != NONE
    }
    return Outcome(got, tuple(proposal.position_after.tolist()))


# --- the rules, one by one -------------------------------------------------------------------------


def suits(case: Case, asker: Asker, spot: Spot) -> bool:
    """Rule C1."""
    return (
        asker.queue == spot.queue
        and (spot.organization in asker.wishes or ANY_ORGANIZATION in asker.wishes)
        and case.preferences[asker.profile][spot.kind] >= 0
        and spot.birth_first <= asker.birth_day <= spot.birth_last
        and spot.rank not in asker.barred
    )


def wish_key(case: Case, asker: Asker, spot: Spot) -> tuple[int, int, int]:
    """Rule C2: the least is liked best."""
    named = spot.organization in asker.wishes
    position = asker.wishes.index(spot.organization if named else ANY_ORGANIZATION)
    return position, case.preferences[asker.profile][spot.kind], spot.rank


def walk(case: Case) -> Outcome:
    """Serve everyone by rules A4, A5 and C2."""
    free = {spot.rank: spot.free for spot in case.spots}
    got: dict[int, int] = {}
    positions = [_walk_queue(case, queue, free, got) for queue in range(len(case.rounds))]
    return Outcome(got, tuple(positions))


def _serve(case: Case, asker: Asker, free: dict[int, int], got: dict[int, int]) -> bool:
    able = [spot for spot in case.spots if free[spot.rank] > 0 and suits(case, asker, spot)]
    if not able:
        return False
    best = min(able, key=lambda spot: wish_key(case, asker, spot))
    free[best.rank] -= 1
    got[asker.id_rank] = best.rank
    return True


def _walk_queue(case: Case, queue: int, free: dict[int, int], got: dict[int, int]) -> int:
    here = [asker for asker in case.askers if asker.queue == queue]
    here.sort(key=lambda asker: (asker.class_rank, asker.filed_at_us, asker.id_rank))
    streams = {rank: [one for one in here if one.class_rank == rank] for rank in range(3)}
    for asker in streams[OUT_OF_TURN]:
        _serve(case, asker, free, got)
    first, general = streams[FIRST_PRIORITY], streams[GENERAL]
    pattern = case.rounds[queue]
    if pattern.first_priority == 0:
        for asker in first + general:
            _serve(case, asker, free, got)
        return 0
    position = pattern.position
    while first or general:
        owner, other = (first, general) if position < pattern.first_priority else (general, first)
        if not owner:  # the turn waits
            _serve(case, other.pop(0), free, got)
        elif _serve(case, owner.pop(0), free, got):
            position = (position + 1) % (pattern.first_priority + pattern.general)
    return position


# --- strategies ------------------------------------------------------------------------------------

QUEUES, PROFILES, KINDS, ORGANIZATIONS = 2, 3, 2, 3

wishes = st.lists(st.integers(ANY_ORGANIZATION, ORGANIZATIONS - 1), max_size=5).map(tuple)
"""ANY_ORGANIZATION at any position, repeated organisations, and no wish at all among them."""


@st.composite
def rounds(draw: st.DrawFn, *, strict: bool | None = None) -> Round:
    """A strict order or a ratio; None = either."""
    if draw(st.booleans()) if strict is None else strict:
        return Round()
    first, general = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return Round(first, general, draw(st.integers(0, first + general - 1)))


@st.composite
def cases(draw: st.DrawFn, *, strict: bool | None = None, askers: int = 12, spots: int = 6) -> Case:
    """Tiny and dense: many ties, few places, ages on the edge, barred pairs, several queues."""
    crowded = draw(st.booleans())
    fewest = (askers // 2, spots // 2) if crowded else (0, 0)
    ids = draw(st.lists(st.integers(-5, 60), unique=True, min_size=fewest[0], max_size=askers))
    spot_ranks = draw(st.lists(st.integers(-5, 40), unique=True, min_size=fewest[1], max_size=spots))
    in_queue = st.sampled_from([0, 0, 1])
    birth = st.integers(BORN_FROM - 1, BORN_TO + 1)
    barred = st.frozensets(st.sampled_from(spot_ranks), max_size=2) if spot_ranks else st.just(frozenset())
    return Case(
        askers=tuple(
            Asker(
                id_rank=one,
                queue=draw(in_queue),
                class_rank=draw(st.integers(OUT_OF_TURN, GENERAL)),
                filed_at_us=draw(st.integers(0, 2)),
                birth_day=draw(st.integers(BORN_FROM, BORN_TO)),
                profile=draw(st.integers(0, PROFILES - 1)),
                wishes=draw(st.one_of(st.just((ANY_ORGANIZATION,)), wishes)),
                barred=draw(st.one_of(st.just(frozenset()), barred)),
            )
            for one in ids
        ),
        spots=tuple(
            Spot(
                rank=rank,
                queue=draw(in_queue),
                organization=draw(st.integers(0, ORGANIZATIONS - 1)),
                kind=draw(st.integers(0, KINDS - 1)),
                free=draw(st.sampled_from([1, 1, 2, 0])),
                birth_first=draw(st.one_of(st.just(BORN_FROM), birth)),
                birth_last=draw(st.one_of(st.just(BORN_TO), birth)),
            )
            for rank in spot_ranks
        ),
        rounds=tuple(draw(rounds(strict=strict)) for _ in range(QUEUES)),
        preferences=tuple(
            tuple(draw(st.sampled_from([0, 0, 1, 2, NONE])) for _ in range(KINDS)) for _ in range(PROFILES)
        ),
    )


def one_more_place(case: Case, rank: int) -> Case:
    """The case with one more free place at one vacancy."""
    more = (replace(spot, free=spot.free + (spot.rank == rank)) for spot in case.spots)
    return replace(case, spots=tuple(more))


def winners_by_class(case: Case, outcome: Outcome) -> Counter[int]:
    return Counter(asker.class_rank for asker in case.askers if asker.id_rank in outcome.got)


# --- made cases of any size ------------------------------------------------------------------------


def made_arrays(
    applicants: int, vacancies: int, organizations: int, queues: int, *, seed: int, any_share: float = 0.3
) -> Arrays:
    """A made night: 1 to 5 wishes an applicant, `any_share` of them ending in any other organisation.

    Organisations belong to one locality, six queues (birth years) each; vacancies have 1 to 3 places.
    """
    rng = np.random.default_rng(seed)
    localities = max(queues // 6, 1)
    queue = rng.integers(0, queues, applicants)
    count = rng.integers(1, 6, applicants)
    start = np.concatenate(([0], np.cumsum(count)))
    per_locality = max(organizations // localities, 1)
    wished = np.repeat(queue % localities, count) + localities * rng.integers(0, per_locality, start[-1])
    ends_in_any = rng.random(applicants) < any_share
    wished[start[1:][ends_in_any] - 1] = ANY_ORGANIZATION
    spot_queue = rng.integers(0, queues, vacancies)
    barred = np.column_stack((rng.integers(0, applicants, 200), rng.integers(0, max(vacancies, 1), 200)))
    profiles, kinds = 24, 12
    preferences = np.argsort(rng.random((profiles, kinds)), axis=1)
    preferences[rng.random((profiles, kinds)) < 0.6] = NONE
    asked = Applicants(
        queue=queue.astype(np.int32),
        class_rank=rng.choice(3, applicants, p=[0.03, 0.22, 0.75]).astype(np.int8),
        filed_at_us=rng.integers(0, 10**8, applicants).astype(np.int64) * 10**6,
        id_rank=rng.permutation(applicants).astype(np.int32),
        birth_day=rng.integers(0, 365, applicants).astype(np.int32),
        profile=rng.integers(0, profiles, applicants).astype(np.int32),
        wish_start=start.astype(np.int64),
        wish_organization=wished.astype(np.int32),
        barred=barred.astype(np.int32),
    )
    offered = Places(
        queue=spot_queue.astype(np.int32),
        organization=(spot_queue % localities + localities * rng.integers(0, per_locality, vacancies)).astype(np.int32),
        kind=rng.integers(0, kinds, vacancies).astype(np.int32),
        rank=rng.permutation(vacancies).astype(np.int32),
        free=rng.integers(1, 4, vacancies).astype(np.int32),
        birth_first=rng.integers(-60, 60, vacancies).astype(np.int32),
        birth_last=rng.integers(300, 420, vacancies).astype(np.int32),
    )
    return asked, offered, _made_turns(rng, queues), preferences.astype(np.int32)


def _made_turns(rng: np.random.Generator, queues: int) -> Turns:
    ratio = rng.random(queues) < 0.5
    return Turns(
        first_priority=np.where(ratio, 1, 0).astype(np.int32),
        general=np.where(ratio, 3, 0).astype(np.int32),
        position=np.where(ratio, rng.integers(0, 4, queues), 0).astype(np.int32),
    )
