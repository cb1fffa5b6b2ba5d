"""Rule A6: the queue number is the place in the order of service, and every change of it can be told."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from queue_engine.domain.queue import Queue, QueueKey, Turn, number_of
from support import rows as made
from support.department import Department
from support.judged import CLASSES
from support.rows import Row, application, place
from support.weeks import Key, order_of_service

PATTERNS = ((0, 0), (1, 1), (1, 3), (2, 1), (3, 2))
BENEFITS = ("none", "large_family", "military")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

turns = st.sampled_from([(f, g, at) for f, g in PATTERNS for at in range(max(f + g, 1))])
"""Every pattern at every position of its round."""
keys = st.lists(
    st.builds(QueueKey, st.integers(0, 2), st.integers(0, 5), st.sampled_from([f"A{n}" for n in range(40)])),
    max_size=25,
    unique_by=lambda key: key.application_id,
)


def told_line(key: QueueKey) -> Key:
    return key.class_rank, EPOCH + timedelta(microseconds=key.filed_at_us), key.application_id


def naive(line: list[QueueKey], turn: Turn) -> list[str]:
    pattern = (turn.first_priority, turn.general)
    return order_of_service([told_line(key) for key in line], pattern, turn.position)


@given(line=keys, turn=turns)
@example(line=[], turn=(1, 3, 2))
def test_the_number_is_the_place_in_a_naive_order_of_service(line: list[QueueKey], turn: tuple[int, int, int]) -> None:
    """Rules A5, A6: in every pattern, from every position of the round."""
    queue = Queue(line, Turn(*turn))
    expected = naive(line, queue.turn)
    assert [key.application_id for key in queue.in_order()] == expected
    assert {key.application_id: queue.number(key) for key in line} == {
        name: number for number, name in enumerate(expected, 1)
    }


@pytest.mark.parametrize("pattern", PATTERNS)
def test_numbers_from_counts_alone_fill_the_line_without_gaps(pattern: tuple[int, int]) -> None:
    """Rule A6: for all small queues, at every position, the numbers are 1, 2, 3 ... and no number is given twice."""
    for position in range(max(sum(pattern), 1)):
        turn = Turn(*pattern, position)
        for shape in np.ndindex(3, 6, 6):
            sizes = (int(shape[0]), int(shape[1]), int(shape[2]))
            numbers = [number_of(ahead, sizes, rank, turn) for rank in range(3) for ahead in range(sizes[rank])]
            assert sorted(numbers) == list(range(1, sum(sizes) + 1))


class QueueAgainstAList(RuleBasedStateMachine):
    """A queue under any adds and removes stays what a sorted list says it is (rules A4, A6)."""

    @initialize(turn=turns, line=keys)
    def open(self, turn: tuple[int, int, int], line: list[QueueKey]) -> None:
        self.queue = Queue(line, Turn(*turn))
        self.line = list(line)

    @rule(key=st.builds(QueueKey, st.integers(0, 2), st.integers(0, 5), st.sampled_from("BCDEFGHIJ")))
    def add(self, key: QueueKey) -> None:
        if key.application_id not in {other.application_id for other in self.line}:
            self.queue.add(key)
            self.line.append(key)
        self.agree()

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.line)))
        self.queue.remove(key)
        self.line.remove(key)
        with pytest.raises(ValueError, match=r".*"):
            self.queue.number(key)
        self.agree()

    @precondition(lambda self: self.line)
    @rule(data=st.data(), rank=st.integers(0, 2))
    def a_benefit_changes(self, data: st.DataObject, rank: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.line)))
        self.queue.remove(key)
        self.queue.add(key._replace(class_rank=rank))
        self.line[self.line.index(key)] = key._replace(class_rank=rank)
        self.agree()

    def agree(self) -> None:
        assert len(self.queue) == len(self.line)
        assert self.queue.sizes == tuple(sum(key.class_rank == rank for key in self.line) for rank in range(3))
        assert [key.application_id for key in self.queue.in_order()] == naive(self.line, self.queue.turn)
        for key in self.line:
            before = [other for other in self.line if other.class_rank == key.class_rank and other < key]
            assert self.queue.ahead(key) == len(before)
        numbers = {key.application_id: self.queue.number(key) for key in self.line}
        assert numbers == {name: at for at, name in enumerate(naive(self.line, self.queue.turn), 1)}


TestQueueAgainstAList = QueueAgainstAList.TestCase
TestQueueAgainstAList.settings = settings(max_examples=30, stateful_step_count=20)


# Through the command: queue.csv, and the reason of the last change


@settings(max_examples=6)
@given(
    pattern=st.sampled_from(PATTERNS),
    benefits=st.lists(st.sampled_from(BENEFITS), min_size=6, max_size=10),
    places=st.integers(1, 4),
    leaving=st.integers(0, 9),
)
@example(pattern=(1, 3), benefits=["none"] * 4 + ["large_family"] * 3 + ["military"], places=3, leaving=4)
def test_queue_csv_and_the_told_reason_agree_with_the_naive_order_and_the_number_before(
    tmp_path_factory: pytest.TempPathFactory,
    pattern: tuple[int, int],
    benefits: list[str],
    places: int,
    leaving: int,
) -> None:
    """Rule A6: after each file, act and night, the number, and from which number and why it changed."""
    office = NumberedOffice(tmp_path_factory.mktemp("numbers"), pattern)
    rows = [
        application(f"A{n}", benefit=benefit, filed_at=f"2026-01-{28 - n:02d}T10:00:00+05:00")
        for n, benefit in enumerate(benefits, 1)
    ]
    office.apply(*rows)
    office.department.bulletin(place("V1", "2026-02-02", places=str(places)))
    office.night("2026-02-02")
    position = office.follow()
    if pattern != (0, 0):
        assert 0 <= position < sum(pattern)
    office.apply(application("A30", benefit="large_family"), application("A31", benefit="military"))
    office.apply({**rows[0], "benefit": "none" if benefits[0] != "none" else "large_family"})
    name = rows[leaving % len(rows)]["application_id"]
    office.department.stop_list_add(name, expect=0)
    office.follow()
    office.department.bulletin(place("V2", "2026-02-03", places="2"))
    office.night("2026-02-03")
    office.follow()
    assert office.changes_told > 0, "no number ever changed: the example shows nothing"


class NumberedOffice:
    """A department whose numbers are followed step by step."""

    def __init__(self, folder: Path, pattern: tuple[int, int]) -> None:
        words = f"{pattern[0]}:{pattern[1]}" if pattern != (0, 0) else "strict"
        self.department = Department(folder, rules=made.rule("turn.pattern", words))
        self.pattern = pattern
        self.rows: dict[str, Row] = {}
        self.before: dict[str, tuple[int, str]] = {}
        self.changes_told = 0
        self.position = 0

    def apply(self, *rows: Row) -> None:
        self.rows |= {row["application_id"]: row for row in rows}
        self.department.applications(*rows)
        self.follow()

    def follow(self) -> int:
        """Compare queue.csv with the naive order from the turn it must start with; return that turn."""
        queue = self.department.queue()
        line = [
            (CLASSES[self.rows[name]["benefit"]], datetime.fromisoformat(self.rows[name]["filed_at"]), name)
            for name in (row["application_id"] for row in queue)
        ]
        told = [row["application_id"] for row in queue]
        assert told == order_of_service(line, self.pattern, self.position)
        assert [row["number"] for row in queue] == [str(at) for at in range(1, len(queue) + 1)]
        self.ask(queue)
        return self.position

    def night(self, day: str) -> None:
        """Run it, and count its vouchers: each spends a turn of its own stream (rule A5)."""
        self.department.run(day)
        won = [CLASSES[self.rows[row["application_id"]]["benefit"]] for row in self.department.vouchers(day)]
        self.position = after(won.count(1), won.count(2), self.pattern, self.position)

    def ask(self, queue: list[Row]) -> None:
        """Whoever kept standing and has another number is told from which, and by what."""
        now = {row["application_id"]: (int(row["number"]), row["class"]) for row in queue}
        for name, (number, stream) in now.items():
            words = self.department.number(name)
            assert f"Number {number} of {len(now)}." in words
            was, before = self.before.get(name, (number, stream))
            if before == stream and was != number:
                assert f"Last changed from {was} to {number} by" in words
                assert re.search(r"\d (out_of_turn|first_priority|general) (came in|left) \(", words)
                self.changes_told += 1
        self.before = now


def after(first: int, general: int, pattern: tuple[int, int], position: int) -> int:
    """The turn after a night's vouchers: turns go round, one that finds nobody of its stream waits (rule A5)."""
    if pattern == (0, 0):
        return 0
    while True:
        own_is_first = position < pattern[0]
        if not (first if own_is_first else general):
            return position
        first, general = (first - 1, general) if own_is_first else (first, general - 1)
        position = (position + 1) % sum(pattern)
