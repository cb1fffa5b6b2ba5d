"""What is in force, in words (kezek rules show)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from queue_engine.law.rulebook import InForce


def in_words(entries: Iterable[InForce]) -> Iterator[str]:
    """A line for the value and one for its source, parameter by parameter."""
    for entry in entries:
        where = f" in {entry.locality}" if entry.locality else ""
        yield f"{entry.name} = {value_in_words(entry.value)} ({entry.unit}), from {entry.from_day}{where}"
        checked = f"; checked on {entry.checked_on}" if entry.checked_on else "; the department's own"
        yield f"    {entry.description}. Source: {entry.reference or 'none given'}{checked}"


def value_in_words(value: object) -> str:
    """A value as a department would write it.

    >>> value_in_words(True), value_in_words(()), value_in_words({"none": "general"})
    ('true', 'none', 'none: general')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {word}" for key, word in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(" to ".join(map(str, window)) for window in value) or "none"
    return str(value)
