"""Ten ordinary days of the made city after its intake: what families and kindergartens do with what they got.

Each day has a generator of its own, made of the city's seed and the day. Monday to Friday are working days:
no holiday and no moved day falls into these ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator

from bulletins.vacancy import AdmissionOrder
from queue_engine.demo.city import (
    APPLICATION_COLUMNS,
    APPLICATIONS,
    BENEFITS,
    BULLETIN_COLUMNS,
    INTAKE_DAY,
    PLACES,
    Row,
    births,
    day_number,
    make_applications,
    make_vacancies,
    make_wishes,
    moments,
    pick,
    write_rows,
)
from queue_engine.domain.application import ANY_ORGANIZATION, Benefit
from queue_engine.domain.decision import DecisionKind
from queue_engine.errors import WrongUsage

if TYPE_CHECKING:
    from queue_engine.demo.city import City

WITHDRAWAL_COLUMNS: Row = ("withdrawal_id", "withdrawn_at", "vacancy_id", "places", "reason")
DECISION_COLUMNS: Row = ("decision_id", "application_id", "decided_on", "decision", "reason")

DAYS = 10
# Least and most of a day, both possible; of the first two less in a city made smaller.
NEW_APPLICATIONS = (60, 120)
VACATED_PLACES = (250, 300)
CHANGES = (3, 8)
WITHDRAWALS = (2, 6)
PLACES_OF_A_WITHDRAWAL = (1, 2)
DAYS_UNTIL_VACATED = (2, 5)
# By FORMS of the city: early-booking and temporary places are commoner than in an intake.
EVERYDAY = (1.0, 5.0, 6.0, 1.0, 1.0, 1.0)

WITHDRAWAL_REASONS = {"ремонт группы": 3.0, "нет воспитателя": 2.0, "ошибка в заявке": 1.0}
DECLINE_REASONS = {"": 2.0, "переезд": 2.0, "далеко от дома": 3.0, "нашли частный сад": 1.0}
REFUSAL_GROUNDS = {
    "справка о здоровье просрочена": 3.0,
    "не хватает документов": 2.0,
    "медицинское противопоказание": 1.0,
}


class Fate(StrEnum):
    """What a family does with a voucher. NEVER: it does not come, and the voucher lapses."""

    ADMIT = "admit"
    DECLINE = "decline"
    REFUSE = "refuse"
    EXTEND = "extend"
    NEVER = "never"


FATES: dict[str, float] = {
    Fate.ADMIT: 0.885,
    Fate.DECLINE: 0.04,
    Fate.REFUSE: 0.015,
    Fate.EXTEND: 0.01,
    Fate.NEVER: 0.05,
}


@dataclass(frozen=True, slots=True)
class LiveVoucher:
    """A voucher that holds a place on the morning of a day.

    `expires_on` is its last day, included; None until an early-booking term starts.
    """

    voucher_id: str
    application_id: str
    vacancy_id: str
    issued_on: date
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What the files of a day hold: rows, but for `places_vacated` and `places_withdrawn`."""

    new_applications: int
    changed_applications: int
    vacancies: int
    places_vacated: int
    bookings_vacated: int
    withdrawals: int
    places_withdrawn: int
    admissions: int
    declines: int
    refusals: int
    extensions: int


@dataclass(frozen=True, slots=True)
class DayFiles:
    """The files of a day, each with its header even if nothing happened."""

    applications: Path
    bulletin: Path
    withdrawals: Path
    decisions: Path
    counts: DayCounts


class Life:
    """The days after the intake, lived once each and in order."""

    def __init__(self, city: City) -> None:
        self.days = tuple(INTAKE_DAY + timedelta(days=n) for n in range(1, DAYS + 1))
        self._city = city
        self._next_number = len(city.applications) + 1
        self._iins = np.array([int(row[3]) for row in city.applications], np.int64)
        self._last_day = INTAKE_DAY
        self._served: set[str] = set()
        self._changed: set[str] = set()
        self._extended: set[str] = set()
        self._plans: dict[tuple[str, date], tuple[Fate, date | None]] = {}
        self._bookings: list[tuple[date, Row]] = []
        self._stays_end: dict[str, date] = {}
        self._remember(self._generator(INTAKE_DAY), INTAKE_DAY, city.vacancies)

    def day_files(
        self, folder: Path, day: date, live_vouchers: Iterable[LiveVoucher], free_places: Mapping[str, int]
    ) -> DayFiles:
        """Live one day and write its files into `folder`, which is made if missing.

        Args:
            day: one of `days`, later than the one before.
            live_vouchers: all that hold a place on the morning of `day`, in any order.
            free_places: places nobody holds, by vacancy id, on the morning of `day`.
        Raises: WrongUsage if `day` is not one of `days` or not later than the last one lived.
        """
        if day not in self.days or day <= self._last_day:
            raise WrongUsage("demo.day", f"{day} is not a day still to live.", next_step="Take them in order.")
        self._last_day = day
        rng = self._generator(day)
        vouchers = sorted(live_vouchers, key=lambda voucher: voucher.voucher_id)
        self._served.update(voucher.application_id for voucher in vouchers)
        new, changed = self._new_applications(rng, day), self._changes(rng)
        due = [row for vacated, row in self._bookings if vacated == day]
        vacancies = self._vacancies(rng, day)
        withdrawals = self._withdrawals(rng, day, free_places)
        decisions = self._decisions(rng, day, vouchers)
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"{name}-{day}.csv" for name in ("applications", "bulletin", "withdrawals", "decisions")]
        write_rows(files[0], APPLICATION_COLUMNS, [*changed, *new])
        write_rows(files[1], BULLETIN_COLUMNS, [*due, *vacancies])
        write_rows(files[2], WITHDRAWAL_COLUMNS, withdrawals)
        write_rows(files[3], DECISION_COLUMNS, decisions)
        counts = _counts(len(new), len(changed), len(due), vacancies, withdrawals, decisions)
        return DayFiles(files[0], files[1], files[2], files[3], counts)

    def _generator(self, day: date) -> Generator:
        return np.random.default_rng([self._city.seed, day.toordinal()])

    def _scaled(self, count: int) -> int:
        return max(1, round(count * len(self._city.applications) / APPLICATIONS))

    def _new_applications(self, rng: Generator, day: date) -> list[Row]:
        born = births(rng, self._scaled(_between(rng, NEW_APPLICATIONS)))
        filed = day_number(day) * 86_400 + rng.integers(7 * 3_600, 23 * 3_600, born.size)
        rows = make_applications(rng, self._city.organizations, born, filed, self._next_number, self._iins)
        self._next_number += len(rows)
        self._iins = np.concatenate([self._iins, np.array([int(row[3]) for row in rows], np.int64)])
        return rows

    def _changes(self, rng: Generator) -> list[Row]:
        """Change benefit or wishes of some who were never offered a place: none of them can be archived."""
        done = self._served | self._changed
        waiting = [index for index, row in enumerate(self._city.applications) if row[0] not in done]
        if not waiting:
            return []
        rows = []
        chosen = rng.choice(waiting, min(_between(rng, CHANGES), len(waiting)), replace=False)
        for index in sorted(chosen.tolist()):
            facts = dict(zip(APPLICATION_COLUMNS, self._city.applications[index], strict=True))
            if rng.random() < 0.5:
                gained = {str(b): n for b, n in BENEFITS.items() if b not in (facts["benefit"], Benefit.NONE)}
                lost = facts["benefit"] != Benefit.NONE
                facts["benefit"] = str(Benefit.NONE) if lost else str(pick(rng, gained, 1)[0])
            else:
                facts["organizations"] = _other_wishes(rng, self._city, facts)
            self._changed.add(facts["application_id"])
            rows.append(tuple(facts.values()))
        return rows

    def _vacancies(self, rng: Generator, day: date) -> list[Row]:
        """Draw the places vacated, by year of birth as the intake had them."""
        share = np.array(list(PLACES.values()), np.float64)
        drawn = rng.multinomial(self._scaled(_between(rng, VACATED_PLACES)), share / share.sum()).tolist()
        places = dict(zip(PLACES, drawn, strict=True))
        rows = make_vacancies(rng, self._city.organizations, day, places, EVERYDAY)
        self._remember(rng, day, rows)
        return rows

    def _remember(self, rng: Generator, day: date, rows: Iterable[Row]) -> None:
        """Note when temporary stays end, and plan when each early-booking place not vacated yet will be."""
        admission, vacated = BULLETIN_COLUMNS.index("admission"), BULLETIN_COLUMNS.index("vacated_on")
        until = BULLETIN_COLUMNS.index("attend_until")
        for row in rows:
            if row[until]:
                self._stays_end[row[0]] = date.fromisoformat(row[until])
            if row[admission] == AdmissionOrder.EARLY_BOOKING and not row[vacated]:
                due = day + timedelta(days=_between(rng, DAYS_UNTIL_VACATED))
                self._bookings.append((due, (*row[:vacated], str(due), *row[vacated + 1 :])))

    def _withdrawals(self, rng: Generator, day: date, free_places: Mapping[str, int]) -> list[Row]:
        """Take back a few places, never more than are free; a booking still to be vacated is left alone."""
        waiting = {row[0] for due, row in self._bookings if due >= day}
        free = sorted(v for v, places in free_places.items() if places > 0 and v not in waiting)
        chosen = rng.permutation(len(free))[: _between(rng, WITHDRAWALS)].tolist()
        asked = sorted(rng.integers(9 * 3_600, 18 * 3_600, len(chosen)).tolist())
        at = moments(day_number(day) * 86_400 + np.array(asked, np.int64)).tolist()
        reasons = pick(rng, WITHDRAWAL_REASONS, len(chosen)).tolist()
        rows: list[Row] = []
        for number, index in enumerate(chosen):
            places = min(_between(rng, PLACES_OF_A_WITHDRAWAL), free_places[free[index]])
            withdrawal = f"W{day:%Y%m%d}-{number + 1:03d}"
            rows.append((withdrawal, at[number], free[index], str(places), reasons[number]))
        return rows

    def _decisions(self, rng: Generator, day: date, vouchers: list[LiveVoucher]) -> list[Row]:
        """Draw a fate for each voucher whose term is new; return what is decided on `day`."""
        terms = [(voucher, voucher.expires_on) for voucher in vouchers if voucher.expires_on is not None]
        new = [(v, last) for v, last in terms if (v.voucher_id, last) not in self._plans]
        fates, moment = pick(rng, FATES, len(new)).tolist(), rng.random(len(new)).tolist()
        for index, (voucher, last) in enumerate(new):
            fate = Fate(fates[index])
            if voucher.voucher_id in self._extended:
                fate = Fate.ADMIT  # who asked for more time comes in the end, and may not ask twice
            # Nobody comes to a temporary stay on the day it ends.
            stay_ends = self._stays_end.get(voucher.vacancy_id, date.max)
            workdays = _working_days(day, min(last, stay_ends - timedelta(days=1)))
            decided = workdays[int(moment[index] * len(workdays))] if workdays else None
            self._plans[voucher.voucher_id, last] = (fate, decided)
        rows: list[Row] = []
        for voucher, last in terms:
            fate, decided = self._plans[voucher.voucher_id, last]
            if decided != day or fate is Fate.NEVER:
                continue
            if fate is Fate.EXTEND:
                self._extended.add(voucher.voucher_id)
            number = f"D{day:%Y%m%d}-{len(rows) + 1:05d}"
            rows.append((number, voucher.application_id, str(day), str(fate), _reason(rng, fate)))
        return rows


def _counts(
    new: int, changed: int, due: int, vacancies: list[Row], withdrawals: list[Row], decisions: list[Row]
) -> DayCounts:
    places, made = BULLETIN_COLUMNS.index("places"), [row[3] for row in decisions]
    return DayCounts(
        new_applications=new,
        changed_applications=changed,
        vacancies=len(vacancies),
        places_vacated=sum(int(row[places]) for row in vacancies),
        bookings_vacated=due,
        withdrawals=len(withdrawals),
        places_withdrawn=sum(int(row[3]) for row in withdrawals),
        admissions=made.count(DecisionKind.ADMIT),
        declines=made.count(DecisionKind.DECLINE),
        refusals=made.count(DecisionKind.REFUSE),
        extensions=made.count(DecisionKind.EXTEND),
    )


def _between(rng: Generator, bounds: tuple[int, int]) -> int:
    """Draw a number of `bounds`, both included."""
    return int(rng.integers(bounds[0], bounds[1] + 1))


def _working_days(first: date, last: date) -> list[date]:
    """Mondays to Fridays of `first` .. `last`, both included."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5]


def _reason(rng: Generator, fate: Fate) -> str:
    if fate is Fate.REFUSE:
        return str(pick(rng, REFUSAL_GROUNDS, 1)[0])
    return str(pick(rng, DECLINE_REASONS, 1)[0]) if fate is Fate.DECLINE else ""


def _other_wishes(rng: Generator, city: City, facts: Mapping[str, str]) -> str:
    """Draw other wishes; any organisation at all where the draw gives the same again."""
    drawn = make_wishes(rng, city.organizations, np.array([facts["languages"]]))[0]
    return drawn if drawn != facts["organizations"] else ANY_ORGANIZATION
