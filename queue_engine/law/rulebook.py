"""What is in force on a day in a locality: the law's own parameters under a department's overrides."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, time
from types import MappingProxyType
from typing import TypeVar

from queue_engine.law.errors import LawError
from queue_engine.law.overrides import Override
from queue_engine.law.parameters import Parameter, built_in
from queue_engine.law.values import TurnPattern, Value

_MONTHS_A_YEAR = 12
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rules:
    """Every parameter as the engine uses it, on one day in one locality.

    `age_min_months` in months, `age_max_years` in years (rule A8); `voucher_validity` and `confirmation_days`
    in working days (D1, D7); `voucher_extension` (D2), `stop_list_days` (E1), `archive_restore` (E2) and
    `certificate_validity` (D4) in calendar days; `suspended` windows include both days (B7);
    `benefit_classes` gives the class of each benefit (A3); `run_at` is a time of the locality (decision 9).
    """

    turn: TurnPattern
    age_min_months: int
    age_max_years: int
    voucher_validity: int
    voucher_extension: int
    stop_list_days: int
    archive_restore: int
    confirmation_required: bool
    confirmation_days: int
    certificate_validity: int
    suspended: tuple[tuple[date, date], ...]
    country: str
    benefit_classes: Mapping[str, str]
    run_at: time

    @property
    def age_max_months(self) -> int:
        return self.age_max_years * _MONTHS_A_YEAR

    def as_json(self) -> str:
        """All parameters as a JSON object, to be kept with what went by them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["turn"] = str(self.turn)
        values["benefit_classes"] = dict(self.benefit_classes)
        return json.dumps(values, default=str, sort_keys=True)

    def is_suspended(self, day: date) -> bool:
        """Whether nothing is published and no voucher is issued on `day` (rule B7)."""
        return any(first <= day <= last for first, last in self.suspended)


@dataclass(frozen=True, slots=True)
class InForce:
    """One parameter as it is in force, with its source.

    `checked_on` is None and `locality` may be named for a department's override; `locality` None = every one.
    """

    name: str
    value: Value
    unit: str
    from_day: date
    reference: str
    checked_on: date | None
    locality: str | None
    description: str


class Rulebook:
    """The law and the overrides of a department, asked by day and locality.

    An override for the locality goes before one for every locality, and that before the law's own value.
    Within each the latest first day holds; of two with the same first day, the one given last.
    LawError for an override of a parameter that is not known.
    """

    def __init__(self, overrides: Iterable[Override] = ()) -> None:
        self._overrides: dict[tuple[str, str | None], list[Override]] = {}
        self._localities: set[str | None] = {None}
        for override in overrides:
            if override.name not in built_in():
                raise LawError(
                    "law.override",
                    f"the records override {override.name} from {override.from_day}, which no rule has.",
                    next_step="Were the records written by a later release of Kezek?",
                )
            self._overrides.setdefault((override.name, override.locality), []).append(override)
            self._localities.add(override.locality)
        for given in self._overrides.values():
            given.sort(key=lambda override: override.from_day)  # stable: the one given last stays last
        self._turning_days: dict[str | None, list[date]] = {}
        self._rules: dict[tuple[str | None, int], Rules] = {}

    def on(self, day: date, locality: str) -> Rules:
        """The rules in force, worked out once a span of days; LawError for a day before the law begins."""
        place = locality if locality in self._localities else None
        if place not in self._turning_days:
            self._turning_days[place] = self._days_of_change(place)
        key = place, bisect_right(self._turning_days[place], day)
        if key not in self._rules:
            self._rules[key] = _rules({entry.name: entry.value for entry in self.in_force(day, place)})
        return self._rules[key]

    def in_force(self, day: date, locality: str | None) -> list[InForce]:
        """Every parameter in force on a day, by name; for locality None only what holds in every locality."""
        return [self._in_force(parameter, day, locality) for parameter in built_in().values()]

    def _in_force(self, parameter: Parameter, day: date, locality: str | None) -> InForce:
        for place in dict.fromkeys((locality, None)):
            given = self._overrides.get((parameter.name, place), [])
            position = bisect_right(given, day, key=lambda override: override.from_day)
            if position:
                override = given[position - 1]
                return InForce(
                    name=parameter.name,
                    value=override.value,
                    unit=parameter.unit,
                    from_day=override.from_day,
                    reference=override.reference,
                    checked_on=None,
                    locality=place,
                    description=parameter.description,
                )
        dated = parameter.on(day)
        return InForce(
            name=parameter.name,
            value=dated.value,
            unit=parameter.unit,
            from_day=dated.from_day,
            reference=dated.reference,
            checked_on=dated.checked_on,
            locality=None,
            description=parameter.description,
        )

    def _days_of_change(self, locality: str | None) -> list[date]:
        own = {dated.from_day for parameter in built_in().values() for dated in parameter.values}
        given = (self._overrides.get((name, place), []) for name in built_in() for place in (locality, None))
        return sorted(own | {override.from_day for overrides in given for override in overrides})


def _rules(values: Mapping[str, Value]) -> Rules:
    return Rules(
        turn=TurnPattern.parse(_value(values, "turn.pattern", str)),
        age_min_months=_value(values, "age.min", int),
        age_max_years=_value(values, "age.max", int),
        voucher_validity=_value(values, "voucher.validity", int),
        voucher_extension=_value(values, "voucher.extension", int),
        stop_list_days=_value(values, "stop_list.days", int),
        archive_restore=_value(values, "archive.restore", int),
        confirmation_required=_value(values, "benefit.confirmation_required", bool),
        confirmation_days=_value(values, "benefit.confirmation_days", int),
        certificate_validity=_value(values, "certificate.validity", int),
        suspended=tuple(
            (date.fromisoformat(first), date.fromisoformat(last))
            for first, last in _value(values, "publication.suspended", list)
        ),
        country=_value(values, "calendar.country", str),
        benefit_classes=MappingProxyType(dict(_value(values, "benefit.classes", dict))),
        run_at=time.fromisoformat(_value(values, "run.at", str)),
    )


def _value(values: Mapping[str, Value], name: str, shape: type[_T]) -> _T:
    value = values.get(name)
    if not isinstance(value, shape):
        raise LawError("law.file", f"the law has no usable value of {name}.", next_step="Install Kezek anew.")
    return value
