"""The queue of one locality and birth year: who stands where, and the number (rules A1, A4, A5, A6)."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sortedcontainers import SortedList

from queue_engine.domain.application import ServiceClass


class QueueKey(NamedTuple):
    """Order of rule A4: the least is served first."""

    class_rank: int  # ServiceClass
    filed_at_us: int  # microseconds since 1970-01-01T00:00Z
    application_id: str  # breaks every tie, so two runs order alike


class TurnError(ValueError):
    """A turn pattern or position that cannot be."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn pattern of a queue and the turns of the present round already spent (rule A5).

    `first_priority` and `general` are turns in a round, both 0 under the strict order.
    """

    first_priority: int = 0
    general: int = 0
    position: int = 0

    def __post_init__(self) -> None:
        round_length = self.first_priority + self.general
        if (self.first_priority > 0) != (self.general > 0):
            raise TurnError(f"a round of {self.first_priority}:{self.general} leaves a stream without turns")
        if not 0 <= self.position < max(round_length, 1):
            raise TurnError(f"position {self.position} is outside a round of {round_length} turns")

    @property
    def strict(self) -> bool:
        return self.first_priority + self.general == 0

    def turns_before(self, nth: int, of_first_priority: bool) -> int:
        """Turns of the other stream that come before this stream's turn number `nth` (0-based), from the present turn.

        >>> Turn(1, 3, 0).turns_before(1, of_first_priority=True)
        3
        >>> Turn(1, 3, 2).turns_before(2, of_first_priority=False)
        1
        """
        f, g = self.first_priority, self.general
        if of_first_priority:
            left_in_round = max(f - self.position, 0)
            if nth < left_in_round:
                return 0
            general_left = f + g - max(self.position, f)
            return general_left + (nth - left_in_round) // f * g
        left_in_round = f + g - max(self.position, f)
        first_left = max(f - self.position, 0)
        if nth < left_in_round:
            return first_left
        return first_left + f + (nth - left_in_round) // g * f


def number_of(ahead: int, sizes: tuple[int, int, int], class_rank: int, turn: Turn) -> int:
    """The queue number of rule A6 from counts alone.

    Args:
        ahead: applications of the same class before this one.
        sizes: applications in the queue by class.
        class_rank: the class of this one.
        turn: pattern and present turn of the queue.

    >>> number_of(1, (2, 5, 9), ServiceClass.FIRST_PRIORITY, Turn(1, 3, 0))
    7
    """
    if class_rank == ServiceClass.OUT_OF_TURN:
        return ahead + 1
    out_of_turn = sizes[ServiceClass.OUT_OF_TURN]
    first = class_rank == ServiceClass.FIRST_PRIORITY
    if turn.strict:
        return out_of_turn + ahead + 1 + (0 if first else sizes[ServiceClass.FIRST_PRIORITY])
    other = sizes[ServiceClass.GENERAL if first else ServiceClass.FIRST_PRIORITY]
    return out_of_turn + ahead + 1 + min(turn.turns_before(ahead, first), other)


class _Stream:
    """One class of a queue in the order of A4.

    A sorted list of moments answers twice as quickly as one of keys; `_ids` says who filed at each, ids in order.
    """

    def __init__(self, class_rank: int, keys: Iterable[QueueKey]) -> None:
        self.class_rank = class_rank
        self._ids: dict[int, list[str]] = {}
        for _rank, filed_at_us, application_id in keys:
            self._ids.setdefault(filed_at_us, []).append(application_id)
        for level in self._ids.values():
            level.sort()
        self._moments = SortedList(moment for moment, level in self._ids.items() for _ in level)

    def __len__(self) -> int:
        return len(self._moments)

    def __iter__(self) -> Iterator[QueueKey]:
        for moment in sorted(self._ids):
            for application_id in self._ids[moment]:
                yield QueueKey(self.class_rank, moment, application_id)

    def add(self, filed_at_us: int, application_id: str) -> None:
        self._moments.add(filed_at_us)
        insort(self._ids.setdefault(filed_at_us, []), application_id)

    def remove(self, filed_at_us: int, application_id: str) -> None:
        level = self._ids.get(filed_at_us, [])
        del level[_index(level, application_id)]
        if not level:
            del self._ids[filed_at_us]
        self._moments.remove(filed_at_us)

    def ahead(self, filed_at_us: int, application_id: str) -> int:
        at = _index(self._ids.get(filed_at_us, []), application_id)
        return int(self._moments.bisect_left(filed_at_us)) + at


def _index(level: list[str], application_id: str) -> int:
    """Where an id stands among sorted ones; ValueError if it does not."""
    if len(level) == 1 and level[0] == application_id:
        return 0
    at = bisect_left(level, application_id)
    if at == len(level) or level[at] != application_id:
        raise ValueError("the application does not stand in this queue")
    return at


class Queue:
    """One queue kept in the order of A4; a number costs O(log n).

    The order of a stored key never changes: a change is `remove` and `add`.

    >>> queue = Queue([QueueKey(2, 5, "A-1"), QueueKey(1, 9, "A-2")])
    >>> queue.number(QueueKey(2, 5, "A-1"))
    2
    """

    def __init__(self, keys: Iterable[QueueKey] = (), turn: Turn | None = None) -> None:
        by_class: tuple[list[QueueKey], ...] = ([], [], [])
        for key in keys:
            by_class[key.class_rank].append(key)
        self._streams = tuple(_Stream(rank, stream) for rank, stream in enumerate(by_class))
        self.turn = turn or Turn()

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Applications in the queue by class."""
        out_of_turn, first_priority, general = self._streams
        return len(out_of_turn), len(first_priority), len(general)

    def add(self, key: QueueKey) -> None:
        """Put an application in its place; O(log n)."""
        self._streams[key.class_rank].add(key.filed_at_us, key.application_id)

    def remove(self, key: QueueKey) -> None:
        """Take an application out; ValueError if it does not stand here; O(log n)."""
        self._streams[key.class_rank].remove(key.filed_at_us, key.application_id)

    def ahead(self, key: QueueKey) -> int:
        """Applications of the same class before this one; ValueError if it does not stand here."""
        return self._streams[key.class_rank].ahead(key.filed_at_us, key.application_id)

    def number(self, key: QueueKey) -> int:
        """The 1-based queue number of rule A6; ValueError if the application does not stand here."""
        return number_of(self.ahead(key), self.sizes, key.class_rank, self.turn)

    def in_order(self) -> Iterator[QueueKey]:
        """Everyone in the order of service that would hold if each took a place (rules A5, A6)."""
        out_of_turn, first_priority, general = (iter(stream) for stream in self._streams)
        yield from out_of_turn
        if self.turn.strict:
            yield from first_priority
            yield from general
            return
        position = self.turn.position
        round_length = self.turn.first_priority + self.turn.general
        while True:
            first_turn = position < self.turn.first_priority
            key = next(first_priority if first_turn else general, None)
            if key is None:
                yield from general if first_turn else first_priority
                return
            yield key
            position = (position + 1) % round_length
