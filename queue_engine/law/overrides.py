"""A department's own rules: TOML in, checked overrides out; everything wrong in the file is told at once."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from queue_engine.errors import InputRefused
from queue_engine.law.calendar import check_country
from queue_engine.law.errors import BadValue, CalendarError
from queue_engine.law.parameters import built_in
from queue_engine.law.values import Value, as_day, shown

_KEYS = ("name", "value", "from", "locality", "reference")
_REQUIRED = ("name", "value", "from")
_COUNTRY = "calendar.country"


@dataclass(frozen=True, slots=True)
class Override:
    """One parameter set otherwise by a department, from a day on, for one locality or (None) for every one.

    `value` is in the plain form of its kind (`values.py`); `reference` is empty if the file names no source.
    """

    name: str
    value: Value
    from_day: date
    locality: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file of overrides; `rule` counts the [[rule]] entries from 1, 0 = the file."""

    rule: int
    key: str
    what: str

    def __str__(self) -> str:
        where = f"[[rule]] {self.rule}" if self.rule else ""
        return ": ".join(part for part in (", ".join(part for part in (where, self.key) if part), self.what) if part)


class OverridesRefused(InputRefused):
    """A file of overrides with something wrong in it; none of it is taken. `problems` has each, in order."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        listed = "\n".join(f"  {file}, {problem}" for problem in problems)
        super().__init__(
            "law.overrides",
            f"{file} cannot be taken, and nothing of it was kept. Correct:\n{listed}",
        )


def read_overrides(path: Path) -> list[Override]:
    """The overrides of a department's file, in its order; OverridesRefused lists all that is wrong."""
    file = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _file_refused(file, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise _file_refused(file, f"is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from None
    return parse_overrides(text, file)


def parse_overrides(text: str, file: str) -> list[Override]:
    """The overrides of TOML text; `file` is the name errors show. Raises as `read_overrides`."""
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _file_refused(file, f"is not TOML: {error}") from None
    problems = [
        Problem(0, shown_key(key), 'is unknown; expected only entries that begin with "[[rule]]"')
        for key in content
        if key != "rule"
    ]
    entries = content.get("rule", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(Problem(0, "rule", 'is not a list of entries; begin each with "[[rule]]"'))
        entries = []
    overrides = []
    for number, entry in enumerate(entries, start=1):
        wrong = _problems(number, entry)
        problems.extend(wrong)
        if not wrong:
            overrides.append(_override(entry))
    if problems:
        raise OverridesRefused(file, tuple(problems))
    return overrides


def to_json(value: Value) -> str:
    """One override's value as JSON text, the same for the same value.

    >>> to_json([["2026-08-01", "2026-08-31"]])
    '[["2026-08-01", "2026-08-31"]]'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def from_json(name: str, text: str) -> Value:
    """The value of parameter `name` from `to_json`; BadValue if it is none that the parameter can have."""
    if name not in built_in():
        raise BadValue("law.value", f"{shown(name)} is no parameter; expected one of {', '.join(built_in())}.")
    try:
        raw = json.loads(text)
    except ValueError:
        raise BadValue("law.value", f"{name}: got {shown(text)}; expected JSON.") from None
    return built_in()[name].kind.checked(raw)


def shown_key(key: str) -> str:
    """A key of a file for an error: bare if it is a word, else quoted, short and masked."""
    return key if key.isidentifier() else shown(key)


def _override(entry: dict[str, object]) -> Override:
    name = str(entry["name"])
    from_day = as_day(entry["from"])
    assert from_day is not None
    locality = entry.get("locality")
    return Override(
        name=name,
        value=built_in()[name].kind.checked(entry["value"]),
        from_day=from_day,
        locality=None if locality is None else str(locality),
        reference=str(entry.get("reference", "")),
    )


def _problems(number: int, entry: dict[str, object]) -> list[Problem]:
    problems = [
        Problem(number, shown_key(key), f"is unknown; expected only {', '.join(_KEYS)}")
        for key in entry
        if key not in _KEYS
    ]
    problems += [Problem(number, key, "is missing") for key in _REQUIRED if key not in entry]
    if "name" in entry:
        problems += _name_or_value_problems(number, entry)
    if "from" in entry and as_day(entry["from"]) is None:
        problems.append(Problem(number, "from", f"got {shown(entry['from'])}; expected a day, such as 2019-01-01"))
    for key, expected in (
        ("locality", "the code of a locality"),
        ("reference", "words that name the source"),
    ):
        value = entry.get(key, key)
        if not isinstance(value, str) or not value.strip():
            problems.append(Problem(number, key, f"got {shown(value)}; expected {expected}, or leave it out"))
    return problems


def _name_or_value_problems(number: int, entry: dict[str, object]) -> list[Problem]:
    name = entry["name"]
    if not isinstance(name, str) or name not in built_in():
        return [Problem(number, "name", f"got {shown(name)}; expected one of {', '.join(built_in())}")]
    if "value" not in entry:
        return []
    try:
        value = built_in()[name].kind.checked(entry["value"])
        if name == _COUNTRY:
            check_country(str(value))
    except (BadValue, CalendarError) as bad:
        return [Problem(number, f"value of {name}", bad.what.rstrip("."))]
    return []


def _file_refused(file: str, what: str) -> OverridesRefused:
    return OverridesRefused(file, (Problem(0, "", what),))
