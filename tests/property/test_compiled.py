"""The compiled walk gives what the plain one gives, bit for bit, on nights small and large, ordinary and odd."""

from __future__ import annotations

import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocators import compiled, queue_order
from allocators.arrays import ANY_ORGANIZATION, NONE, Applicants, Int32, Int64, Places, Proposal, Turns
from allocators.checks import judge
from allocators.sorting import CLASSES, Sorted
from support.allocation_cases import Arrays, Case, cases, made_arrays, to_arrays

thorough = settings(max_examples=400, deadline=None)
brief = settings(max_examples=100, deadline=None)


def assert_same(given: Proposal, expected: Proposal) -> None:
    assert given.place.tolist() == expected.place.tolist()
    assert given.position_after.tolist() == expected.position_after.tolist()
    assert (given.place.dtype, given.position_after.dtype) == (np.int32, np.int32)


def assert_as_plain(arrays: Arrays, at_least: int = 1) -> Proposal:
    """The plain walk's result, sorted in the night or before; `at_least` so many places given, so there is a night."""
    expected = queue_order.allocate(*arrays)
    applicants, *night = arrays
    proposal = compiled.allocate(*arrays)
    assert_same(proposal, expected)
    assert_same(compiled.allocate_sorted(Sorted.of(applicants, len(arrays[2].position)), *night), expected)
    assert int((proposal.place != NONE).sum()) >= at_least
    return proposal


def of_rows(applicants: Applicants, rows: Int64) -> Applicants:
    """Applicants with their rows in another order; `rows` is a permutation."""
    counts = np.diff(applicants.wish_start)[rows]
    start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    wishes = [
        applicants.wish_organization[applicants.wish_start[row] : applicants.wish_start[row + 1]]
        for row in rows.tolist()
    ]
    new_row = np.empty(len(rows), np.int32)
    new_row[rows] = np.arange(len(rows), dtype=np.int32)
    columns = {
        each.name: getattr(applicants, each.name)[rows]
        for each in fields(applicants)
        if each.name not in ("wish_start", "wish_organization", "barred")
    }
    barred = applicants.barred.copy()
    barred[:, 0] = new_row[barred[:, 0]]
    return Applicants(**columns, wish_start=start, wish_organization=np.concatenate(wishes), barred=barred)


def many_kinds(kinds: int, seed: int) -> Arrays:
    """A made night with more kinds than a mask has bits, each profile suited by some that share bits with others."""
    applicants, places, turns, _ = made_arrays(3_000, 900, 30, 12, seed=seed)
    rng = np.random.default_rng(seed)
    preferences = rng.integers(0, 6, (24, kinds))
    preferences[rng.random((24, kinds)) < 0.9] = NONE
    kind = rng.integers(0, kinds, len(places.kind)).astype(np.int32)
    return applicants, replace(places, kind=kind), turns, preferences.astype(np.int32)


# --- tiny and dense --------------------------------------------------------------------------------


@thorough
@given(cases())
def test_the_compiled_walk_gives_what_the_plain_one_gives(case: Case) -> None:
    """Rules A4, A5, C1-C3: places and turns, whether sorted in the night or before."""
    assert_as_plain(to_arrays(case), at_least=0)


@brief
@given(cases(askers=40, spots=12), st.data())
def test_the_order_of_rows_decides_nothing_compiled(case: Case, data: st.DataObject) -> None:
    """Rule C4."""
    shuffled = replace(case, askers=tuple(data.draw(st.permutations(case.askers))))
    by_id = dict(zip((one.id_rank for one in case.askers), compiled.allocate(*to_arrays(case)).place, strict=True))
    again = dict(
        zip((one.id_rank for one in shuffled.askers), compiled.allocate(*to_arrays(shuffled)).place, strict=True)
    )
    assert by_id == again


@brief
@given(cases())
def test_the_compiled_walk_leaves_the_arrays_as_they_were(case: Case) -> None:
    arrays = to_arrays(case)
    before = [getattr(table, each.name).copy() for table in arrays[:3] for each in fields(table)]
    preferences = arrays[3].copy()
    compiled.allocate(*arrays)
    after = [getattr(table, each.name) for table in arrays[:3] for each in fields(table)]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert np.array_equal(preferences, arrays[3])


# --- the order of filing ---------------------------------------------------------------------------


@thorough
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(-3, 30)), max_size=120),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.data(),
)
def test_the_order_is_that_of_filing_by_queue_and_class(
    rows: list[tuple[int, int, int]], wanted: list[bool], data: st.DataObject
) -> None:
    """Rule A4: whatever the order of rows, with many ties and many late ones; unwanted queues have empty streams."""
    ids = data.draw(st.permutations(range(len(rows))))
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    applicants = asked(columns[0], columns[1], columns[2], np.array(ids, np.int32))
    assert Sorted.of(applicants, 3).order.tolist() == queue_order.order_of_filing(applicants).tolist()
    part = Sorted.of(applicants, 3, np.array(wanted))
    expected = sorted((row for row in range(len(rows)) if wanted[rows[row][0]]), key=lambda row: (*rows[row], ids[row]))
    assert part.order.tolist() == expected
    assert np.diff(part.stream_start).tolist() == [
        sum(wanted[queue] and row[:2] == (queue, rank) for row in rows) for queue in range(3) for rank in range(CLASSES)
    ]


def asked(queue: Int64, class_rank: Int64, filed_at_us: Int64, id_rank: Int32) -> Applicants:
    count = len(queue)
    nothing = np.zeros(count, np.int32)
    return Applicants(
        queue=queue.astype(np.int32),
        class_rank=class_rank.astype(np.int8),
        filed_at_us=filed_at_us.astype(np.int64),
        id_rank=id_rank,
        birth_day=nothing,
        profile=nothing,
        wish_start=np.arange(count + 1, dtype=np.int64),
        wish_organization=np.full(count, ANY_ORGANIZATION, np.int32),
        barred=np.empty((0, 2), np.int32),
    )


@pytest.mark.parametrize("late_share", [0.0, 0.02, 0.5, 1.0])
def test_late_filings_stand_where_they_were_filed(late_share: float) -> None:
    """Rule A4: rows as a table has them, none to all of them late, to the ends of the 64-bit range."""
    rng = np.random.default_rng(7)
    count = 20_000
    filed = np.sort(rng.integers(0, count // 3, count)) * 10**9
    late = np.flatnonzero(rng.random(count) < late_share)
    filed[late] = rng.integers(0, count // 3, len(late)) * 10**9
    filed[[5, count // 2]] = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    applicants = asked(
        rng.integers(0, 5, count), rng.integers(0, 3, count), filed, rng.permutation(count).astype(np.int32)
    )
    assert np.array_equal(Sorted.of(applicants, 5).order, queue_order.order_of_filing(applicants))


# --- made nights -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("applicants", "vacancies", "organizations", "queues", "any_share"),
    [(300, 40, 5, 6, 0.3), (5_000, 900, 60, 12, 0.3), (5_000, 900, 60, 1, 1.0), (60_000, 6_000, 900, 120, 0.1)],
)
def test_made_towns_are_served_as_by_the_plain_walk(
    applicants: int, vacancies: int, organizations: int, queues: int, any_share: float
) -> None:
    """Rules A4, A5, C1-C3: strict and ratio queues, barred pairs; the judge finds nothing."""
    arrays = made_arrays(applicants, vacancies, organizations, queues, seed=applicants, any_share=any_share)
    proposal = assert_as_plain(arrays, at_least=vacancies // 4)
    assert judge(*arrays, proposal) == []


@pytest.mark.parametrize("strict", [True, False])
def test_towns_all_strict_or_all_by_turns_are_served_alike(strict: bool) -> None:
    """Rule A5."""
    applicants, places, _, preferences = made_arrays(4_000, 700, 40, 12, seed=3)
    pattern = [np.full(12, 0 if strict else turns, np.int32) for turns in (2, 3)]
    position = np.zeros(12, np.int32) if strict else np.arange(12, dtype=np.int32) % 5
    arrays = applicants, places, Turns(*pattern, position), preferences
    proposal = assert_as_plain(arrays, at_least=500)
    assert (proposal.position_after != position).any() != strict
    assert judge(*arrays, proposal) == []


@pytest.mark.parametrize("kinds", [63, 64, 65, 200])
def test_more_kinds_than_a_mask_has_bits_change_nothing(kinds: int) -> None:
    """Rules C1, C2: bits stand for kinds modulo 64, and the full check decides."""
    arrays = many_kinds(kinds, seed=kinds)
    assert judge(*arrays, assert_as_plain(arrays, at_least=500)) == []


def test_rows_sorted_shuffled_or_backwards_get_the_same() -> None:
    """Rule C4."""
    applicants, *night = made_arrays(5_000, 900, 60, 12, seed=11)
    order = queue_order.order_of_filing(applicants)
    expected = assert_as_plain((applicants, *night)).place
    for rows in (order, order[::-1], np.random.default_rng(1).permutation(5_000)):
        assert np.array_equal(assert_as_plain((of_rows(applicants, rows), *night)).place, expected[rows])


def test_vacancies_without_a_free_place_are_as_if_they_were_not_there() -> None:
    """Rule C1: some of a queue, and all of some queues."""
    applicants, places, turns, preferences = made_arrays(4_000, 900, 40, 12, seed=5)
    gone = (np.arange(900) % 3 == 0) | (places.queue < 4)
    free = np.where(gone, 0, places.free).astype(np.int32)
    with_gone = assert_as_plain((applicants, replace(places, free=free), turns, preferences))
    kept = np.flatnonzero(~gone)
    without = replace(applicants, barred=np.empty((0, 2), np.int32))
    rest = Places(*(getattr(places, each.name)[kept] for each in fields(places)))
    alone = assert_as_plain((without, rest, turns, preferences))
    with_nobody_barred = assert_as_plain((without, replace(places, free=free), turns, preferences))
    assert not np.isin(with_gone.place, np.flatnonzero(gone)).any()
    assert np.array_equal(with_nobody_barred.place[alone.place != NONE], kept[alone.place[alone.place != NONE]])


def test_a_barred_place_goes_to_another() -> None:
    """Rule C1: everyone is barred from what they got, and from that place only."""
    applicants, *night = made_arrays(2_000, 400, 20, 6, seed=9)
    place = assert_as_plain((applicants, *night), at_least=300).place
    winners = np.flatnonzero(place != NONE)
    barred = np.column_stack((winners, place[winners])).astype(np.int32)[::-1]
    again = assert_as_plain((replace(applicants, barred=np.ascontiguousarray(barred)), *night), at_least=300).place
    assert not (again[winners] == place[winners]).any()


def test_a_wish_beyond_the_organisations_offered_is_passed_over() -> None:
    """Rule C2: the next wish counts."""
    applicants, *night = made_arrays(2_000, 300, 20, 6, seed=13)
    first = applicants.wish_start[:-1]
    wishes = applicants.wish_organization.copy()
    wishes[first] = np.where(np.arange(2_000) % 2 == 0, 10_000, np.iinfo(np.int32).max)
    assert_as_plain((replace(applicants, wish_organization=wishes), *night), at_least=50)


# --- nothing, and again ----------------------------------------------------------------------------


def test_nobody_and_nothing_are_nights_too() -> None:
    """Turns stay where they were (rule A5)."""
    applicants, places, turns, preferences = made_arrays(50, 20, 5, 6, seed=1)
    nobody = replace(asked(*(np.empty(0, np.int64),) * 3, np.empty(0, np.int32)), barred=np.empty((0, 2), np.int32))
    nowhere = Places(*(np.empty(0, np.int32) for _ in fields(Places)))
    unbarred = replace(applicants, barred=np.empty((0, 2), np.int32))
    used_up = replace(places, free=np.zeros(20, np.int32))
    for arrays in (
        (nobody, places, turns, preferences),
        (unbarred, nowhere, turns, preferences),
        (nobody, nowhere, turns, preferences),
        (applicants, used_up, turns, preferences),
    ):
        proposal = assert_as_plain(arrays, at_least=0)
        assert len(proposal.place) == len(arrays[0].queue)
        assert (proposal.place == NONE).all()
        assert np.array_equal(proposal.position_after, turns.position)


def test_applicants_sorted_once_serve_several_nights() -> None:
    """Rule A4: the order of filing does not change with what is offered."""
    applicants, _, turns, _ = made_arrays(6_000, 10, 60, 12, seed=21)
    sorted_once = Sorted.of(applicants, 12)
    for night, vacancies in enumerate((900, 40, 300)):
        _, places, _, preferences = made_arrays(6_000, vacancies, 60, 12, seed=100 + night)
        whole = replace(applicants, barred=applicants.barred % np.array([6_000, vacancies], np.int32))
        expected = queue_order.allocate(whole, places, turns, preferences)
        tonight = replace(sorted_once, barred_place=sorted_once.barred_place % np.int32(vacancies))
        proposal = compiled.allocate_sorted(tonight, places, turns, preferences)
        assert_same(proposal, expected)
        assert (proposal.place != NONE).sum() > vacancies // 4
        turns = replace(turns, position=proposal.position_after)


def test_no_night_holds_on_to_an_array() -> None:
    """The inner functions count no references; nor may any be lost or kept."""
    arrays = made_arrays(500, 80, 10, 6, seed=2)
    columns = [getattr(table, each.name) for table in arrays[:3] for each in fields(table)] + [arrays[3]]
    compiled.allocate(*arrays)
    before = [sys.getrefcount(column) for column in columns]
    for _ in range(20):
        compiled.allocate(*arrays)
    assert [sys.getrefcount(column) for column in columns] == before
