"""Vacancy and Withdrawal: the fields of rules B1 and B6, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class GroupType(StrEnum):
    GENERAL = "general"
    SPECIAL = "special"


class Regime(StrEnum):
    FULL_DAY = "full_day"
    HALF_DAY = "half_day"
    ROUND_THE_CLOCK = "round_the_clock"


class AdmissionOrder(StrEnum):
    STANDARD = "standard"
    EARLY_BOOKING = "early_booking"
    TEMPORARY = "temporary"


@dataclass(frozen=True, slots=True)
class Vacancy:
    """One or more like places that an organisation hands over (rule B1).

    `published_at` is aware; dates include the day they name; `vacated_on` only for early booking (B3),
    `attend_until` only and always for temporary places (B4).
    """

    vacancy_id: str
    published_at: datetime
    locality: str
    organization: str
    age_group: str
    birth_year: int
    language: str
    group_type: GroupType
    regime: Regime
    admission: AdmissionOrder
    places: int
    start_date: date
    vacated_on: date | None
    attend_until: date | None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A request to take places back (rule B6)."""

    withdrawal_id: str
    withdrawn_at: datetime
    vacancy_id: str
    places: int
    reason: str
