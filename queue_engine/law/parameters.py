"""The law's own parameters: one legal value a file, keyed by the first day in force, with its source.

`parameters/turn/pattern.yaml` holds `turn.pattern`. The loader is strict: a file that says more, less or
other than it should stops Kezek with the name of file and key. A rule read wrongly is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from queue_engine.law.errors import BadValue, LawError
from queue_engine.law.values import KINDS, Kind, Value, as_day, shown

_FILE_KEYS = frozenset({"description", "unit", "values"})
_VALUE_KEYS = frozenset({"value", "reference", "checked_on"})


@dataclass(frozen=True, slots=True)
class DatedValue:
    """A value in force from a day on, its source, and the day the source was last checked."""

    from_day: date
    value: Value
    reference: str
    checked_on: date


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the rules; `values` are in order of their first day and never empty."""

    name: str
    description: str
    unit: str
    values: tuple[DatedValue, ...]

    @property
    def kind(self) -> Kind:
        return KINDS[self.unit]

    def on(self, day: date) -> DatedValue:
        """The value in force on a day; LawError for a day before the first."""
        in_force = [dated for dated in self.values if dated.from_day <= day]
        if not in_force:
            raise LawError(
                "law.too_early",
                f"{self.name} has no value on {day}; the first holds from {self.values[0].from_day}.",
            )
        return in_force[-1]


@lru_cache(maxsize=1)
def built_in() -> Mapping[str, Parameter]:
    """The parameters shipped with Kezek by name, read at the first call."""
    return load(files("queue_engine.law") / "parameters")


def load(folder: Traversable) -> Mapping[str, Parameter]:
    """Read every parameter under `folder`, ordered by name; LawError names the file and key at fault."""
    parameters = {}
    for outline, file in _files_under(folder, ()):
        name = ".".join(outline)
        parameters[name] = _parameter(name, "/".join(outline) + ".yaml", file)
    if not parameters:
        raise LawError("law.file", "the folder of parameters is empty.", next_step="Install Kezek anew.")
    return MappingProxyType(dict(sorted(parameters.items())))


def _files_under(folder: Traversable, outline: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = (*outline, entry.name)
        if entry.is_dir():
            yield from _files_under(entry, path)
        elif entry.name.endswith(".yaml") and "." not in entry.name.removesuffix(".yaml"):
            yield (*outline, entry.name.removesuffix(".yaml")), entry
        else:
            raise _wrong("/".join(path), "", "is not a file of one parameter; expected a name such as min.yaml")


def _parameter(name: str, path: str, file: Traversable) -> Parameter:
    content = _mapping(_read_yaml(path, file), path, "", _FILE_KEYS)
    unit = _text(content["unit"], path, "unit")
    if unit not in KINDS:
        raise _wrong(path, "unit", f"got {shown(unit)}; expected one of {', '.join(KINDS)}")
    values = content["values"]
    if not isinstance(values, dict) or not values:
        raise _wrong(path, "values", "expected at least one first day in force with its value")
    dated = [_dated(first, entry, path, KINDS[unit]) for first, entry in values.items()]
    days = [entry.from_day for entry in dated]
    for day in days:
        if days.count(day) > 1:
            raise _wrong(path, f"values.{day}", "is given twice")
    ordered = tuple(sorted(dated, key=lambda entry: entry.from_day))
    return Parameter(name, _text(content["description"], path, "description"), unit, ordered)


def _dated(first: object, entry: object, path: str, kind: Kind) -> DatedValue:
    key = f"values.{first}"
    content = _mapping(entry, path, key, _VALUE_KEYS)
    try:
        value = kind.checked(content["value"])
    except BadValue as bad:
        raise _wrong(path, f"{key}.value", bad.what.rstrip(".")) from None
    reference = _text(content["reference"], path, f"{key}.reference")
    checked_on = _day(content["checked_on"], path, f"{key}.checked_on")
    return DatedValue(_day(first, path, key), value, reference, checked_on)


def _read_yaml(path: str, file: Traversable) -> object:
    # Only a command that needs the law pays for the import; the C loader is quicker where it is built in.
    import yaml

    yaml_loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        loader = yaml_loader(file.read_text("utf-8"))
        node = loader.get_single_node()
        if node is None:
            raise _wrong(path, "", "is empty")
        _refuse_repeated_keys(node, path)
        content: object = loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        raise _wrong(path, "", f"is not YAML: {' '.join(str(error).split())}") from None
    return content


def _refuse_repeated_keys(node: object, path: str) -> None:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, path)
    if not isinstance(node, yaml.MappingNode):
        return
    seen = set()
    for key, value in node.value:
        if str(key.value) in seen:
            raise _wrong(path, str(key.value), "is given twice")
        seen.add(str(key.value))
        _refuse_repeated_keys(value, path)


def _mapping(raw: object, path: str, key: str, expected: frozenset[str]) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise _wrong(path, key, f"expected the keys {', '.join(sorted(expected))}")
    at = f"{key}." if key else ""
    for unknown in sorted(str(name) for name in set(raw) - expected):
        raise _wrong(path, at + unknown, f"is unknown; expected only {', '.join(sorted(expected))}")
    for missing in sorted(expected - set(raw)):
        raise _wrong(path, at + missing, "is missing")
    return raw


def _text(raw: object, path: str, key: str) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise _wrong(path, key, f"got {shown(raw)}; expected words")
    return raw


def _day(raw: object, path: str, key: str) -> date:
    day = as_day(raw)
    if day is None:
        raise _wrong(path, key, f"got {shown(raw)}; expected a day, YYYY-MM-DD")
    return day


def _wrong(path: str, key: str, what: str) -> LawError:
    where = f"parameters/{path}" + (f", {key}" if key else "")
    return LawError("law.file", f"{where}: {what}.", next_step="Correct the file or install Kezek anew.")
