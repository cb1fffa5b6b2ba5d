"""What holds for every allocation, shown on tiny dense nights: many ties, few places, several queues."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allocators.arrays import ANY_ORGANIZATION, FIRST_PRIORITY, GENERAL, OUT_OF_TURN
from allocators.checks import judge
from allocators.queue_order import allocate
from support.allocation_cases import (
    Asker,
    Case,
    Outcome,
    Round,
    Spot,
    cases,
    made_arrays,
    one_more_place,
    rounds,
    suits,
    to_arrays,
    to_outcome,
    to_proposal,
    walk,
    winners_by_class,
    wish_key,
)

thorough = settings(max_examples=400, deadline=None)
brief = settings(max_examples=150, deadline=None)


def served(case: Case) -> Outcome:
    return to_outcome(case, allocate(*to_arrays(case)))


# --- the made cases are worth judging --------------------------------------------------------------


def another_order_than_the_strict_one(case: Case) -> bool:
    """A ratio under which another order than the strict one comes out."""
    return walk(case).got != walk(replace(case, rounds=tuple(Round() for _ in case.rounds))).got


def barred_from_the_best(case: Case) -> bool:
    freed = replace(case, askers=tuple(replace(asker, barred=frozenset()) for asker in case.askers))
    return walk(case).got != walk(freed).got


def any_in_the_middle(case: Case) -> bool:
    got = walk(case).got
    return any(
        ANY_ORGANIZATION in asker.wishes[1:-1] and asker.wishes[0] >= 0 and asker.id_rank in got
        for asker in case.askers
    )


def aged_out(case: Case) -> bool:
    ageless = replace(case, spots=tuple(replace(spot, birth_first=0, birth_last=999) for spot in case.spots))
    return walk(case).got != walk(ageless).got


def winners_in_two_queues(case: Case) -> bool:
    got = walk(case).got
    return len({asker.queue for asker in case.askers if asker.id_rank in got}) > 1


def somebody_wins_and_somebody_loses_for_want_of_places(case: Case) -> bool:
    got = walk(case).got
    return bool(got) and any(
        asker.id_rank not in got and any(suits(case, asker, spot) for spot in case.spots) for asker in case.askers
    )


def test_the_made_nights_hold_what_the_rules_are_about() -> None:
    """No property below is shown on nights where nothing happens: each of these is seen again and again in 400."""
    happenings = (
        another_order_than_the_strict_one,
        barred_from_the_best,
        any_in_the_middle,
        aged_out,
        winners_in_two_queues,
        somebody_wins_and_somebody_loses_for_want_of_places,
    )
    seen: Counter[str] = Counter()

    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(cases())
    def count(case: Case) -> None:
        seen.update(happens.__name__ for happens in happenings if happens(case))

    count()
    assert {happens.__name__ for happens in happenings if seen[happens.__name__] < 5} == set(), seen


# --- lawful, and the only lawful one ---------------------------------------------------------------


@thorough
@given(cases())
def test_the_judge_finds_nothing_and_the_plain_walk_gives_the_same(case: Case) -> None:
    """Rules A4, A5, A8, C1-C3: bit for bit, positions of the turns included."""
    arrays = to_arrays(case)
    proposal = allocate(*arrays)
    expected = to_proposal(case, walk(case))
    assert judge(*arrays, proposal) == []
    assert proposal.place.tolist() == expected.place.tolist()
    assert proposal.position_after.tolist() == expected.position_after.tolist()
    assert (proposal.place.dtype, proposal.position_after.dtype) == (np.int32, np.int32)


@thorough
@given(cases(askers=7, spots=4), st.data())
def test_the_judge_lets_no_other_outcome_pass(case: Case, data: st.DataObject) -> None:
    """Rules C1-C3 leave one lawful outcome: compatible pairs drawn otherwise are always found out."""
    lawful = walk(case)
    got = dict(lawful.got)
    some = st.lists(st.sampled_from(case.askers), min_size=1, max_size=3) if case.askers else st.just([])
    for asker in data.draw(some):
        able = [spot.rank for spot in case.spots if suits(case, asker, spot)]
        choice = data.draw(st.sampled_from([None, *able]))
        got.pop(asker.id_rank, None)
        if choice is not None:
            got[asker.id_rank] = choice
    after = tuple(data.draw(st.sampled_from([position, 0, 1])) for position in lawful.position_after)
    changed = Outcome(got, after)
    assume(changed != lawful)
    assert judge(*to_arrays(case), to_proposal(case, changed)) != []


@brief
@given(st.permutations(range(6)), st.data())
def test_two_places_swapped_between_two_applicants_never_pass(likes: list[int], data: st.DataObject) -> None:
    """Rule C3: of two who like the same place best, the first served has it."""
    spots = tuple(Spot(rank, organization=rank) for rank in range(6))
    case = Case(tuple(Asker(row, wishes=tuple(likes)) for row in range(8)), spots)
    lawful = walk(case).got
    one = data.draw(st.integers(0, 5))
    two = data.draw(st.integers(0, 5).filter(lambda other: other != one))
    swapped = {**lawful, one: lawful[two], two: lawful[one]}
    first, later = min(one, two), max(one, two)
    findings = judge(*to_arrays(case), to_proposal(case, Outcome(swapped, (0,))))
    assert ("service.envy", first) in {(finding.code, finding.applicant) for finding in findings}
    assert all(first < finding.other <= later for finding in findings)


@pytest.mark.parametrize("seed", range(4))
def test_a_made_town_is_served_lawfully(seed: int) -> None:
    """Rules A5, C1-C3 at 5,000 applicants in 12 queues."""
    arrays = made_arrays(5_000, 900, 60, 12, seed=seed)
    proposal = allocate(*arrays)
    assert (proposal.place >= 0).sum() > 1_000
    assert (proposal.place < 0).sum() > 1_000
    assert judge(*arrays, proposal) == []


# --- determinism -----------------------------------------------------------------------------------


@thorough
@given(cases(), st.data())
def test_the_order_of_rows_decides_nothing(case: Case, data: st.DataObject) -> None:
    """Rule C4: applicants and vacancies shuffled, everyone gets the same vacancy."""
    shuffled = replace(
        case,
        askers=tuple(data.draw(st.permutations(case.askers))),
        spots=tuple(data.draw(st.permutations(case.spots))),
    )
    assert served(shuffled) == served(case)


@brief
@given(cases())
def test_the_arrays_taken_in_stay_as_they_were(case: Case) -> None:
    arrays = to_arrays(case)
    for table in arrays[:3]:
        for name in table.__slots__:
            getattr(table, name).flags.writeable = False
    arrays[3].flags.writeable = False
    assert judge(*arrays, allocate(*arrays)) == []


@brief
@given(cases(), st.integers(0, 1))
def test_what_one_queue_gets_does_not_depend_on_another(case: Case, queue: int) -> None:
    """Rules A1, C4."""
    alone = replace(case, askers=tuple(asker for asker in case.askers if asker.queue == queue))
    together = served(case)
    here = {asker.id_rank for asker in alone.askers}
    expected = {one: spot for one, spot in together.got.items() if one in here}
    assert served(alone).got == expected
    assert served(alone).position_after[queue] == together.position_after[queue]


# --- more places -----------------------------------------------------------------------------------


@thorough
@given(cases(strict=True), st.data())
def test_under_the_strict_order_one_more_place_makes_nobody_worse_off(case: Case, data: st.DataObject) -> None:
    """Rule C3. At every moment of service at most one more place is left than before, so nobody finds less.

    Under a ratio this need not be so: a voucher more spends a turn, and others come later.
    """
    assume(case.spots)
    before = served(case).got
    after = served(one_more_place(case, data.draw(st.sampled_from(case.spots)).rank)).got
    spot_of = {spot.rank: spot for spot in case.spots}
    for asker in case.askers:
        if asker.id_rank in before:
            assert asker.id_rank in after
            now, then = spot_of[after[asker.id_rank]], spot_of[before[asker.id_rank]]
            assert wish_key(case, asker, now) <= wish_key(case, asker, then)
    assert len(before) <= len(after) <= len(before) + 1


def test_under_a_ratio_one_more_place_may_cost_another_child_theirs() -> None:
    """Rule A5: shows why the property above speaks of the strict order alone."""
    askers = (
        Asker(0, class_rank=FIRST_PRIORITY, wishes=(1,)),
        Asker(1, class_rank=FIRST_PRIORITY, wishes=(0,)),
        Asker(2, wishes=(0,)),
    )
    case = Case(askers, (Spot(0), Spot(1, organization=1, free=0)), (Round(1, 1, 0),))
    assert served(case).got == {1: 0}
    assert served(one_more_place(case, 1)).got == {0: 1, 2: 0}


# --- turns -----------------------------------------------------------------------------------------


@thorough
@given(cases(), st.sampled_from([FIRST_PRIORITY, GENERAL]), rounds(strict=False))
def test_a_ratio_is_the_strict_order_when_one_stream_is_empty(case: Case, only: int, pattern: Round) -> None:
    """Rule A5: the other stream is served whosever turn it is."""
    askers = tuple(asker for asker in case.askers if asker.class_rank in (OUT_OF_TURN, only))
    strict = replace(case, askers=askers, rounds=tuple(Round() for _ in case.rounds))
    ratio = replace(strict, rounds=tuple(pattern for _ in case.rounds))
    assert served(ratio).got == served(strict).got


@brief
@given(cases(strict=False))
def test_nobody_served_leaves_the_turn_where_it_was(case: Case) -> None:
    """Rule A5: only a voucher spends a turn."""
    closed = replace(case, spots=tuple(replace(spot, free=0) for spot in case.spots))
    assert served(closed) == Outcome({}, tuple(one.position for one in case.rounds))


classes = st.lists(st.integers(OUT_OF_TURN, GENERAL), min_size=1, max_size=20)


def alike(ranks: list[int], free: int, pattern: Round) -> Case:
    """Everyone suits the one vacancy; filed in the order of the list."""
    askers = tuple(Asker(row, class_rank=rank, filed_at_us=row) for row, rank in enumerate(ranks))
    return Case(askers, (Spot(0, free=free),), (pattern,))


@brief
@given(classes, st.integers(1, 22), rounds())
def test_night_by_night_gives_what_one_night_would_have_given(ranks: list[int], places: int, pattern: Round) -> None:
    """Rule A5: the position is kept, so as many nights of one place give the same children a place."""
    once = alike(ranks, places, pattern)
    case, got = alike(ranks, 1, pattern), {}
    for _ in range(places):
        night = served(case)
        got |= night.got
        rest = tuple(asker for asker in case.askers if asker.id_rank not in got)
        turn = replace(case.rounds[0], position=night.position_after[0])
        case = replace(case, askers=rest, rounds=(turn,))
    assert Outcome(got, (case.rounds[0].position,)) == served(once)


@brief
@given(rounds(strict=False), st.integers(0, 4), st.integers(0, 5))
def test_while_both_streams_last_every_round_gives_each_its_share(pattern: Round, whole: int, rest: int) -> None:
    """Rule A5: f and g vouchers a round, from wherever the round stands; the turn moves with every voucher."""
    length = pattern.first_priority + pattern.general
    crowd = [FIRST_PRIORITY, GENERAL] * (length * 6)
    round_by_round = served(alike(crowd, whole * length, pattern))
    counted = winners_by_class(alike(crowd, whole * length, pattern), round_by_round)
    assert (counted[FIRST_PRIORITY], counted[GENERAL]) == (whole * pattern.first_priority, whole * pattern.general)
    assert round_by_round.position_after == (pattern.position,)
    more = served(alike(crowd, rest, pattern))
    assert more.position_after == ((pattern.position + rest) % length,)
