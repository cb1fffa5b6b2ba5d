"""Seeded chance: the same key gives the same draws, on every machine and in every order of asking for keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """Draws that depend on the key alone. A key of its own for every day and every purpose keeps one draw more in
    one place from changing all that comes after it elsewhere."""

    def __init__(self, *key: int) -> None:
        self._rng = np.random.default_rng(key)

    def chance(self, probability: float) -> bool:
        return bool(self._rng.random() < probability)

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return int(self._rng.integers(least, most + 1))

    def about(self, mean: float) -> int:
        """How many of what comes at random, `mean` on average."""
        return int(self._rng.poisson(mean))

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self._rng.integers(len(items)))]

    def some(self, items: Sequence[T], probability: float) -> list[T]:
        """Each item with this probability, in their order."""
        if not items:
            return []
        return [item for item, drawn in zip(items, self._rng.random(len(items)), strict=True) if drawn < probability]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return [items[int(at)] for at in self._rng.permutation(len(items))]
