"""What an onlooker writes down: every operation the service acknowledged, and the law as it was told.

Nothing here is read from the engine's tables but what became of single rows; the judge of a night is fed from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, TypeVar

import holidays
from sqlalchemy import Connection

from queue_engine.store.bulk import rows_of
from simulation.operations import Act, Rule, Value
from support.rows import Row

T = TypeVar("T")
TEACHERS_SINCE = date(2020, 6, 22)
"""Rule A3: `teacher` and `disabled_sibling` are first-priority since the rules of 2020."""
OUT_OF_TURN = ("military", "special_state_body")
OF_2020 = ("teacher", "disabled_sibling")
STAND_FOR = {"out_of_turn": "military", "first_priority": "large_family", "general": "none"}
"""A benefit that the judge knows to be of the class."""
DEFAULTS: dict[str, Value] = {
    "turn.pattern": "strict",
    "age.min": 24,
    "age.max": 6,
    "voucher.validity": 5,
    "voucher.extension": 30,
    "stop_list.days": 10,
    "archive.restore": 28,
    "benefit.confirmation_required": False,
    "publication.suspended": [],
}


class Shelf(dict[str, T]):
    """What was acknowledged of one kind, by id; `of` a locality as well."""

    def __init__(self) -> None:
        super().__init__()
        self._of: dict[str, dict[str, T]] = {}

    def put(self, name: str, entry: T, locality: str) -> None:
        self[name] = self._of.setdefault(locality, {})[name] = entry

    def of(self, locality: str) -> dict[str, T]:
        return self._of.get(locality, {})


@dataclass
class Books:
    """Rows of applications as last acknowledged, of vacancies, withdrawals and decisions; acts by their reason.

    lost: localities with nights whose report nobody heard, for the process died after it had committed.
    refused_acts: reasons of acts kept for their day that a night said it could not do.
    """

    applications: Shelf[Row] = field(default_factory=Shelf)
    vacancies: Shelf[Row] = field(default_factory=Shelf)
    withdrawals: Shelf[Row] = field(default_factory=Shelf)
    decisions: Shelf[Row] = field(default_factory=Shelf)
    acts: Shelf[Act] = field(default_factory=Shelf)
    rules: list[Rule] = field(default_factory=list)
    moved: dict[date, str] = field(default_factory=dict)
    refused_acts: Counter[str] = field(default_factory=Counter)
    lost: set[str] = field(default_factory=set)
    unproved: set[str] = field(default_factory=set)

    def tell_calendar(self, rows: Iterable[Row]) -> None:
        self.moved |= {date.fromisoformat(row["day"]): row["kind"] for row in rows}

    def act_refused(self, words: str) -> None:
        """A night could not do an act kept for its day; the words name the application."""
        for name in set(words.replace(".", " ").replace(",", " ").replace(";", " ").split()) & set(self.applications):
            self.refused_acts[name] += 1

    def learn(self, connection: Connection) -> None:
        """Write down which benefits the nights dropped for want of proof (rule D7)."""
        for voucher, name, benefit in rows_of(
            connection,
            "select voucher_id, application_id, benefit from voucher v join application using (application_row) "
            "where v.status = 'cancelled' and v.reason like '%not confirmed in time'",
        ):
            row = self.applications[name]
            if voucher not in self.unproved and benefit != row["benefit"]:
                assert benefit == "none", f"{name}: benefit {row['benefit']} became {benefit} (D7)"
                self.applications.put(name, {**row, "benefit": benefit}, row["locality"])
            self.unproved.add(voucher)

    def in_force(self, name: str, day: date, locality: str) -> Any:
        """The value of a rule: the locality's own before that of every one, each the latest begun, the last told."""
        for place in (locality, ""):
            begun = [
                (rule.since, number, rule.value)
                for number, rule in enumerate(self.rules)
                if (rule.name, rule.locality) == (name, place) and rule.since <= day
            ]
            if begun:
                return max(begun)[2]
        return DEFAULTS[name] if name in DEFAULTS else _classes(day)

    def turn(self, day: date, locality: str) -> tuple[int, int]:
        pattern = str(self.in_force("turn.pattern", day, locality))
        first, _, general = "0:0".partition(":") if pattern == "strict" else pattern.partition(":")
        return int(first), int(general)

    def suspended(self, day: date, locality: str) -> bool:
        windows = self.in_force("publication.suspended", day, locality)
        return any(first <= day.isoformat() <= last for first, last in windows)

    def class_of(self, benefit: str, day: date, locality: str) -> str:
        return str(self.in_force("benefit.classes", day, locality)[benefit])

    def judged(self, row: Row, day: date, locality: str) -> Row:
        """The row with a benefit of the same class that the judge knows (rule A3 as of that day)."""
        return {**row, "benefit": STAND_FOR[self.class_of(row["benefit"], day, locality)]}

    def last_day(self, day: date, working_days: int) -> date:
        """The last day of a term that runs from `day`, which is not counted (rule D1)."""
        while working_days:
            day += timedelta(days=1)
            working_days -= self.is_worked(day)
        return day

    def is_worked(self, day: date) -> bool:
        return self.moved[day] == "working" if day in self.moved else day in _worked(day.year)


@lru_cache(maxsize=16)
def _worked(year: int) -> frozenset[date]:
    table = holidays.country_holidays("KZ", years=range(year - 1, year + 2), expand=False)
    days = (date(year, 1, 1) + timedelta(days=ahead) for ahead in range(366))
    return frozenset(day for day in days if table.is_working_day(day))


def _classes(day: date) -> dict[str, str]:
    first = (
        "disabled_guardian",
        "special_needs",
        "without_parental_care",
        "orphan",
        "large_family",
        *(OF_2020 if day >= TEACHERS_SINCE else ()),
    )
    classes = dict.fromkeys((*OUT_OF_TURN, *first, *OF_2020, "none"), "general")
    return {**classes, **dict.fromkeys(OUT_OF_TURN, "out_of_turn"), **dict.fromkeys(first, "first_priority")}
