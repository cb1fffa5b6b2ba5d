"""The judge names every kind of broken allocation, who and where, and is silent about lawful ones.

Every broken allocation is a lawful one, judged so in the same test, with one thing changed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocators import checks
from allocators.arrays import ANY_ORGANIZATION, FIRST_PRIORITY, NONE, OUT_OF_TURN
from allocators.checks import judge
from allocators.findings import Finding
from support.allocation_cases import (
    BORN_FROM,
    Asker,
    Case,
    Outcome,
    Round,
    Spot,
    made_arrays,
    to_arrays,
    to_proposal,
    walk,
)

Fact = tuple[str, int, int, int]
"""code, applicant, place, other applicant. In these cases rows, id_rank and rank are the same numbers."""


def found(case: Case, outcome: Outcome) -> list[Finding]:
    return judge(*to_arrays(case), to_proposal(case, outcome))


def facts(findings: list[Finding]) -> list[Fact]:
    return [(one.code, one.applicant, one.place, one.other) for one in findings]


def broken(case: Case, got: dict[int, int], position_after: tuple[int, ...] | None = None) -> list[Fact]:
    """What the judge finds after `got` replaced the lawful outcome, about which it is silent."""
    lawful = walk(case)
    assert found(case, lawful) == []
    changed = Outcome(got, lawful.position_after if position_after is None else position_after)
    assert changed != lawful
    return facts(found(case, changed))


def test_a_night_without_anybody_or_anything_is_lawful() -> None:
    assert found(Case((), (), ()), Outcome({}, ())) == []
    assert found(Case((Asker(0),), ()), Outcome({}, (0,))) == []
    assert found(Case((), (Spot(0),)), Outcome({}, (0,))) == []


# --- rule C1 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "asker", "unsuitable"),
    [
        ("pair.queue", Asker(0), Spot(1, queue=1)),
        ("pair.organization", Asker(0, wishes=(2, 0)), Spot(1, organization=1)),
        ("pair.kind", Asker(0), Spot(1, kind=1)),
        ("pair.age", Asker(0), Spot(1, birth_first=BORN_FROM + 1)),
        ("pair.age", Asker(0), Spot(1, birth_last=BORN_FROM - 1)),
        ("pair.barred", Asker(0, barred=frozenset({1})), Spot(1)),
    ],
)
def test_a_place_that_does_not_suit_is_named_with_the_condition_that_failed(
    code: str, asker: Asker, unsuitable: Spot
) -> None:
    """Rules A8, C1."""
    case = Case((asker,), (Spot(0), unsuitable), (Round(), Round()), ((0, NONE),))
    assert broken(case, {0: 1}) == [(code, 0, 1, -1)]


def test_every_condition_that_fails_is_named() -> None:
    """Rule C1."""
    unsuitable = Spot(1, queue=1, organization=1, kind=1, birth_last=BORN_FROM - 1)
    asker = Asker(0, wishes=(0,), barred=frozenset({1}))
    case = Case((asker,), (Spot(0), unsuitable), (Round(), Round()), ((0, NONE),))
    codes = {code for code, *_ in broken(case, {0: 1})}
    assert codes == {"pair.queue", "pair.organization", "pair.kind", "pair.age", "pair.barred"}


# --- rule C3: one place each -----------------------------------------------------------------------


def test_a_place_given_more_often_than_it_is_free_names_who_came_too_late() -> None:
    """Rule C3."""
    case = Case((Asker(0), Asker(1), Asker(2)), (Spot(0, free=2),))
    assert broken(case, {0: 0, 1: 0, 2: 0}) == [("place.overfull", 2, 0, 1)]


def test_a_place_that_is_not_free_at_all_is_given_to_nobody() -> None:
    """Rule C3."""
    assert broken(Case((Asker(0),), (Spot(0, free=0),)), {0: 0}) == [("place.overfull", 0, 0, -1)]


# --- rule C3: nobody skipped -----------------------------------------------------------------------


def test_an_applicant_without_a_place_while_one_is_left_is_skipped() -> None:
    """Rule C3."""
    case = Case((Asker(0), Asker(1)), (Spot(0, free=2),))
    assert broken(case, {0: 0}) == [("service.skipped", 1, 0, -1)]


def test_an_applicant_who_got_worse_than_what_is_left_is_named() -> None:
    """Rule C2."""
    case = Case((Asker(0, wishes=(1, 0)),), (Spot(0, organization=0), Spot(1, organization=1)))
    assert broken(case, {0: 0}) == [("service.better_left", 0, 1, -1)]


@pytest.mark.parametrize("wishes", [(0,), (ANY_ORGANIZATION,), (1, 0), (1, ANY_ORGANIZATION)])
@pytest.mark.parametrize("birth", [(BORN_FROM, BORN_FROM), (BORN_FROM, BORN_FROM + 1), (BORN_FROM - 1, BORN_FROM)])
def test_a_child_on_the_edge_of_the_age_is_skipped_if_the_place_is_left(
    wishes: tuple[int, ...], birth: tuple[int, int]
) -> None:
    """Rules A8, C3: both edges are included."""
    case = Case((Asker(0, wishes=wishes),), (Spot(0, birth_first=birth[0], birth_last=birth[1]),))
    assert broken(case, {}) == [("service.skipped", 0, 0, -1)]


def test_a_place_that_suits_nobody_may_be_left() -> None:
    """Rule C1."""
    asker = Asker(0, wishes=(0, ANY_ORGANIZATION), barred=frozenset({3}))
    spots = (
        Spot(0, queue=1),
        Spot(1, kind=1, organization=1),
        Spot(2, birth_last=BORN_FROM - 1),
        Spot(3),
        Spot(4, free=0),
    )
    assert found(Case((asker,), spots, (Round(), Round()), ((0, NONE),)), Outcome({}, (0, 0))) == []


# --- rule C3: no envy ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "later",
    [
        Asker(1, class_rank=FIRST_PRIORITY, filed_at_us=5),
        Asker(1, class_rank=OUT_OF_TURN, filed_at_us=6),
        Asker(1, class_rank=OUT_OF_TURN, filed_at_us=5),
    ],
)
def test_nobody_holds_a_place_that_someone_served_before_would_have_preferred(later: Asker) -> None:
    """Rules A4, C3: by class, then the moment of filing, then the application id."""
    case = Case((Asker(0, class_rank=OUT_OF_TURN, filed_at_us=5), later), (Spot(0),))
    assert broken(case, {1: 0}) == [("service.envy", 0, 0, 1)]


@pytest.mark.parametrize(
    ("wishes", "liked", "other"),
    [
        ((1, 0), Spot(1, organization=1, kind=1), Spot(0)),
        ((1, 0, 1), Spot(1, organization=1), Spot(0)),
        ((1, ANY_ORGANIZATION), Spot(1, organization=1, kind=1), Spot(0)),
        ((ANY_ORGANIZATION, 0), Spot(1, organization=1, kind=1), Spot(0)),
        ((ANY_ORGANIZATION, 0, ANY_ORGANIZATION), Spot(1, organization=1), Spot(0)),
        ((0, 1), Spot(1), Spot(0, kind=1)),
        ((ANY_ORGANIZATION,), Spot(1), Spot(0, organization=1, kind=1)),
        ((ANY_ORGANIZATION,), Spot(0, organization=1), Spot(1)),
        ((0,), Spot(0), Spot(1)),
    ],
)
def test_what_is_preferred_goes_by_organisation_then_kind_then_rank(
    wishes: tuple[int, ...], liked: Spot, other: Spot
) -> None:
    """Rule C2; `*` stands for every organisation not named, all at its own position."""
    spots = tuple(sorted((liked, other), key=lambda spot: spot.rank))
    case = Case((Asker(0, wishes=wishes), Asker(1)), spots, preferences=((0, 1),))
    swapped = {0: other.rank, 1: liked.rank}
    assert broken(case, swapped) == [("service.envy", 0, liked.rank, 1)]


def test_the_vacancy_liked_best_is_named_once_for_each_code() -> None:
    """Rule C3."""
    case = Case((Asker(0), Asker(1), Asker(2)), tuple(Spot(rank) for rank in range(4)))
    assert broken(case, {1: 0, 2: 1}) == [("service.skipped", 0, 2, -1), ("service.envy", 0, 0, 1)]


# --- rule A5 ---------------------------------------------------------------------------------------

FIRSTS = (Asker(0, class_rank=FIRST_PRIORITY), Asker(1, class_rank=FIRST_PRIORITY))
GENERALS = (Asker(2), Asker(3))


def test_under_a_ratio_the_general_stream_envies_a_second_first_priority_voucher() -> None:
    """Rule A5: 1:1 at its first turn gives one voucher to each stream."""
    case = Case(FIRSTS + GENERALS, (Spot(0, free=2),), (Round(1, 1, 0),))
    assert walk(case) == Outcome({0: 0, 2: 0}, (0,))
    taken = broken(case, {0: 0, 1: 0}, (1,))
    assert taken == [("service.envy", 2, 0, 1), ("service.envy", 3, 0, 1)]


def test_under_a_ratio_the_present_turn_decides_who_is_first() -> None:
    """Rule A5."""
    case = Case(FIRSTS + GENERALS, (Spot(0),), (Round(1, 1, 1),))
    assert walk(case) == Outcome({2: 0}, (0,))
    assert broken(case, {0: 0}, (1,)) == [("service.envy", 2, 0, 0), ("service.envy", 3, 0, 0)]


def test_out_of_turn_comes_before_any_turn_and_spends_none() -> None:
    """Rule A5."""
    case = Case((*FIRSTS, *GENERALS, Asker(4, class_rank=OUT_OF_TURN)), (Spot(0),), (Round(1, 1, 1),))
    assert walk(case) == Outcome({4: 0}, (1,))
    assert ("service.envy", 4, 0, 2) in broken(case, {2: 0}, (0,))
    assert broken(case, {4: 0}, (0,)) == [("turn.position", -1, -1, -1)]


def test_an_applicant_passed_over_spends_no_turn() -> None:
    """Rule A5: the first of the stream wants another organisation; the second takes the same turn."""
    picky = replace(FIRSTS[0], wishes=(7,))
    case = Case((picky, FIRSTS[1], *GENERALS), (Spot(0),), (Round(1, 1, 0),))
    assert walk(case) == Outcome({1: 0}, (1,))
    assert broken(case, {2: 0}, (0,)) == [("service.envy", 1, 0, 2)]
    assert broken(case, {1: 0}, (0,)) == [("turn.position", -1, -1, -1)]


def test_the_turn_of_a_stream_with_nobody_left_waits() -> None:
    """Rule A5: two vouchers to the general stream, and the turn is still that of first-priority."""
    case = Case((FIRSTS[0], *GENERALS, Asker(4)), (Spot(0, free=4),), (Round(1, 2, 2),))
    assert walk(case) == Outcome({2: 0, 0: 0, 3: 0, 4: 0}, (0,))
    assert broken(case, {2: 0, 0: 0, 3: 0, 4: 0}, (1,)) == [("turn.position", -1, -1, -1)]


def test_losers_at_the_end_of_a_stream_are_tried_at_its_next_turn() -> None:
    """Rule A5: first-priority 1 is tried after general 2 and before general 3, though it gets nothing."""
    case = Case(FIRSTS + GENERALS, (Spot(0, free=3),), (Round(1, 1, 0),))
    assert walk(case).got == {0: 0, 2: 0, 1: 0}
    assert broken(case, {0: 0, 2: 0, 3: 0}, (0,)) == [("service.envy", 1, 0, 3)]


def test_a_wrong_position_names_the_queue_in_words() -> None:
    """Rule A5."""
    case = Case((), (), (Round(), Round(1, 3, 2)))
    assert found(case, Outcome({}, (0, 2))) == []
    (finding,) = found(case, Outcome({}, (0, 3)))
    assert finding.code == "turn.position"
    assert "queue 1 " in finding.words
    assert "rule A5" in finding.words


# --- malformed arrays ------------------------------------------------------------------------------

Columns = dict[str, np.ndarray]
SMALL = Case((Asker(0), Asker(1, wishes=(0,))), (Spot(0), Spot(1)), (Round(1, 3, 2),))


def judged(
    *,
    applicants: Columns | None = None,
    places: Columns | None = None,
    turns: Columns | None = None,
    proposal: Columns | None = None,
    preferences: np.ndarray | None = None,
) -> list[Finding]:
    """Findings of a small lawful night with some columns replaced."""
    lawful = to_proposal(SMALL, walk(SMALL))
    asked, offered, pattern, ranks = to_arrays(SMALL)
    assert judge(asked, offered, pattern, ranks, lawful) == []
    return judge(
        replace(asked, **(applicants or {})),
        replace(offered, **(places or {})),
        replace(pattern, **(turns or {})),
        ranks if preferences is None else preferences,
        replace(lawful, **(proposal or {})),
    )


def i32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("proposal.place", {"proposal": {"place": i32(0)}}),
        ("proposal.place", {"proposal": {"place": np.array([0, 1])}}),
        ("proposal.place", {"proposal": {"place": np.array([0.0, 1.0])}}),
        ("proposal.position_after", {"proposal": {"position_after": i32()}}),
        ("applicants.class_rank", {"applicants": {"class_rank": i32(2, 2)}}),
        ("applicants.wish_start", {"applicants": {"wish_start": np.array([0, 2])}}),
        ("applicants.barred", {"applicants": {"barred": i32(0, 1)}}),
        ("places.free", {"places": {"free": i32(1)}}),
        ("turns.general", {"turns": {"general": i32(3, 3)}}),
        ("preferences", {"preferences": i32(0)}),
    ],
)
def test_a_column_of_another_shape_or_type_is_named(column: str, change: dict[str, Columns]) -> None:
    findings = judged(**change)
    assert {one.code for one in findings} == {"arrays.form"}
    assert any(one.words.startswith(f"{column} is ") for one in findings)


@pytest.mark.parametrize(
    ("fact", "change"),
    [
        (("arrays.range", 1, -1, -1), {"proposal": {"place": i32(0, 2)}}),
        (("arrays.range", 0, -1, -1), {"proposal": {"place": i32(-2, 1)}}),
        (("arrays.range", -1, -1, -1), {"proposal": {"position_after": i32(-1)}}),
        (("arrays.range", 1, -1, -1), {"applicants": {"queue": i32(0, 1)}}),
        (("arrays.range", 0, -1, -1), {"applicants": {"class_rank": np.array([3, 2], np.int8)}}),
        (("arrays.range", 1, -1, -1), {"applicants": {"profile": i32(0, 1)}}),
        (("arrays.range", -1, -1, -1), {"applicants": {"wish_organization": i32(-2, 0)}}),
        (("arrays.range", -1, -1, -1), {"applicants": {"barred": np.array([[0, 2]], np.int32)}}),
        (("arrays.wishes", -1, -1, -1), {"applicants": {"wish_start": np.array([0, 1, 1])}}),
        (("arrays.wishes", -1, -1, -1), {"applicants": {"wish_start": np.array([1, 1, 2])}}),
        (("arrays.repeated", 1, -1, -1), {"applicants": {"id_rank": i32(4, 4)}}),
        (("arrays.range", -1, 1, -1), {"places": {"queue": i32(0, -1)}}),
        (("arrays.range", -1, 1, -1), {"places": {"kind": i32(0, 1)}}),
        (("arrays.range", -1, 0, -1), {"places": {"free": i32(-1, 1)}}),
        (("arrays.range", -1, 0, -1), {"places": {"organization": i32(-1, 0)}}),
        (("arrays.repeated", -1, 1, -1), {"places": {"rank": i32(3, 3)}}),
        (("arrays.range", -1, -1, -1), {"preferences": np.array([[-2]], np.int32)}),
        (("arrays.pattern", -1, -1, -1), {"turns": {"position": i32(4)}}),
        (("arrays.pattern", -1, -1, -1), {"turns": {"general": i32(0), "position": i32(0)}}),
    ],
)
def test_values_that_cannot_be_are_named(fact: Fact, change: dict[str, Columns]) -> None:
    assert facts(judged(**change)) == [fact]


def test_a_negative_or_too_high_row_in_barred_is_never_taken_for_another() -> None:
    for pair in ([-1, 0], [0, -1], [2, 0], [5, 5]):
        (finding,) = judged(applicants={"barred": np.array([pair], np.int32)})
        assert finding.code == "arrays.range"


# --- size ------------------------------------------------------------------------------------------


def test_parts_for_the_memory_do_not_change_the_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gets anything: whoever has a suitable vacancy is skipped, once."""
    asked, offered, turns, preferences = made_arrays(400, 120, 40, 6, seed=3)
    nothing = to_proposal(Case((), ()), Outcome({}, tuple(turns.position.tolist())))
    nothing = replace(nothing, place=np.full(400, NONE, np.int32))
    whole = judge(asked, offered, turns, preferences, nothing)
    assert len(whole) > 100
    assert {one.code for one in whole} == {"service.skipped"}
    for parts in (1, 7, 64):
        monkeypatch.setattr(checks, "PAIRS_AT_ONCE", parts)
        assert judge(asked, offered, turns, preferences, nothing) == whole
