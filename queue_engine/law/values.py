"""The kinds of value a parameter may have: one check for the law's files and a department's overrides.

A checked value is plain JSON (text, whole number, truth, list, mapping), so it can be stored as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import TypeAlias

from queue_engine.law.errors import BadValue

Value: TypeAlias = str | bool | int | list[list[str]] | dict[str, str]

STRICT = "strict"
BENEFITS = (
    "military",
    "special_state_body",
    "disabled_guardian",
    "special_needs",
    "without_parental_care",
    "orphan",
    "large_family",
    "teacher",
    "disabled_sibling",
    "none",
)
CLASSES = ("out_of_turn", "first_priority", "general")

_RATIO = re.compile(r"[1-9][0-9]{0,3}:[1-9][0-9]{0,3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value of one unit looks like, in words, and the check that returns it in its one plain form.

    `check` returns None for a value that cannot be.
    """

    expected: str
    check: Callable[[object], Value | None]

    def checked(self, raw: object) -> Value:
        """The value in its plain form; BadValue, saying what is expected, if it cannot be."""
        value = self.check(raw)
        if value is None:
            raise BadValue("law.value", f"got {shown(raw)}; expected {self.expected}.")
        return value


@dataclass(frozen=True, slots=True)
class TurnPattern:
    """Turns of a round given to each stream (rule A5); both 0 under the strict order.

    >>> print(TurnPattern.parse("1:3"), TurnPattern.parse("strict"))
    1:3 strict
    """

    first_priority: int = 0
    general: int = 0

    @classmethod
    def parse(cls, text: str) -> TurnPattern:
        """The pattern of a checked `turn.pattern` value."""
        if text == STRICT:
            return cls()
        first_priority, general = text.split(":")
        return cls(int(first_priority), int(general))

    @property
    def strict(self) -> bool:
        return self.first_priority + self.general == 0

    def __str__(self) -> str:
        return STRICT if self.strict else f"{self.first_priority}:{self.general}"


def as_day(raw: object) -> date | None:
    """A day given as a date or as text `YYYY-MM-DD`; None for anything else, a moment included."""
    if isinstance(raw, date):
        return None if isinstance(raw, datetime) else raw
    if not isinstance(raw, str) or not _ISO_DAY.fullmatch(raw):
        return None
    try:
        return date.fromisoformat(raw)
    except ValueError:
        return None


def shown(raw: object) -> str:
    """A value for an error: short, and with every long run of digits masked, lest it be somebody's number."""
    words = json.dumps(raw, ensure_ascii=False, default=str, skipkeys=True)
    text = re.sub(r"[0-9]{7,}", lambda run: "*" * len(run.group()), words)
    return text if len(text) <= 80 else text[:77] + "..."


def _number_to(least: int, most: int) -> Callable[[object], int | None]:
    def check(raw: object) -> int | None:
        whole = isinstance(raw, int) and not isinstance(raw, bool)
        return raw if whole and isinstance(raw, int) and least <= raw <= most else None

    return check


def _number(unit: str, most: int, least: int = 1) -> Kind:
    return Kind(f"a whole number of {unit}, {least} to {most}", _number_to(least, most))


def _turn_pattern(raw: object) -> str | None:
    return raw if isinstance(raw, str) and (raw == STRICT or _RATIO.fullmatch(raw)) else None


def _boolean(raw: object) -> bool | None:
    return raw if isinstance(raw, bool) else None


def _country(raw: object) -> str | None:
    return raw if isinstance(raw, str) and _COUNTRY.fullmatch(raw) else None


def _time_of_day(raw: object) -> str | None:
    return raw if isinstance(raw, str) and _TIME_OF_DAY.fullmatch(raw) else None


def _date_windows(raw: object) -> list[list[str]] | None:
    if not isinstance(raw, list):
        return None
    windows = []
    for window in raw:
        if not isinstance(window, list) or len(window) != 2:
            return None
        first, last = as_day(window[0]), as_day(window[1])
        if first is None or last is None or first > last:
            return None
        windows.append([first.isoformat(), last.isoformat()])
    return sorted(windows)


def _benefit_classes(raw: object) -> dict[str, str] | None:
    if not isinstance(raw, dict) or set(raw) != set(BENEFITS):
        return None
    if raw["none"] != "general" or any(named not in CLASSES for named in raw.values()):
        return None
    return {benefit: str(raw[benefit]) for benefit in BENEFITS}


# The greatest numbers only keep a slip of the keyboard from passing as law; no rule sets them.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "working_day": _number("working days", 366),
        "calendar_day": _number("calendar days", 3660),
        "month": _number("months", 216, least=0),
        "year": _number("years", 18),
        "turn_pattern": Kind(
            '"strict" or a ratio such as "1:3" (first-priority:general, each 1 to 9999)', _turn_pattern
        ),
        "boolean": Kind("true or false", _boolean),
        "date_windows": Kind(
            'a list of [first, last] days, first not after last, such as [["2026-08-01", "2026-08-31"]]',
            _date_windows,
        ),
        "time_of_day": Kind('a time of day as text, "00:00" to "23:59"', _time_of_day),
        "country_code": Kind("an ISO 3166 code of two capital letters, such as KZ", _country),
        "benefit_classes": Kind(
            f"each of {', '.join(BENEFITS)} with one of {', '.join(CLASSES)}; none is always general",
            _benefit_classes,
        ),
    }
)
"""Kinds by the `unit` of a parameter's file."""
