"""Faults, far more often than in life; each changes nothing in what the records come to.

A process dies before a random statement or just after a commit; a file comes twice, or with its rows in another order;
a clock is behind; nights are missed and caught up; files come in between the nights of two localities; someone reads
in the middle of a night.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from simulation.dice import Dice
from simulation.operations import File, Operation
from simulation.service import Killed

FAULTS = 6
"""Purpose of draws."""
IN_AN_IMPORT, IN_A_NIGHT = 24, 34
"""Statements of a small import and of a small night, about: a fault falls before one of them, or after all."""


@dataclass
class Faults:
    """What goes wrong in one history; `counts` says how often each did."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    _left: int = field(default=0, compare=False)
    _then: Callable[[], None] | None = field(default=None, compare=False)

    def dice(self, step: int) -> Dice:
        return Dice(self.seed, FAULTS, step)

    def watch(self, engine: Any) -> None:
        """Be told of every statement of an engine, the commit among them."""
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", self._statement)

    def before_statement(self, number: int, then: Callable[[], None]) -> None:
        """Do something just before the n-th statement from now on, once."""
        self._left, self._then = number, then

    def disarm(self) -> None:
        self._then = None

    def _statement(self, *_arguments: Any) -> None:
        if self._then is None:
            return
        self._left -= 1
        if self._left <= 0:
            then, self._then = self._then, None
            then()

    def die(self) -> None:
        raise Killed

    def disordered(self, dice: Dice, operation: Operation) -> Operation:
        """A file with its rows in another order, now and then."""
        if not isinstance(operation, File) or len(operation.rows) < 2 or not dice.chance(0.4):
            return operation
        self.counts["rows in another order"] += 1
        return File(operation.kind, tuple(dice.shuffled(operation.rows)))
