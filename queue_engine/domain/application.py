"""Application: a child's request for a place, its benefit, class and states (rules A2, A3, E)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum

from bulletins.vacancy import AdmissionOrder, GroupType, Regime

ANY_ORGANIZATION = "*"


class Benefit(StrEnum):
    """The ten answers of rule A2."""

    MILITARY = "military"
    SPECIAL_STATE_BODY = "special_state_body"
    DISABLED_GUARDIAN = "disabled_guardian"
    SPECIAL_NEEDS = "special_needs"
    WITHOUT_PARENTAL_CARE = "without_parental_care"
    ORPHAN = "orphan"
    LARGE_FAMILY = "large_family"
    TEACHER = "teacher"
    DISABLED_SIBLING = "disabled_sibling"
    NONE = "none"


class ServiceClass(IntEnum):
    """The class of rule A3; the least is served first under the strict order."""

    OUT_OF_TURN = 0
    FIRST_PRIORITY = 1
    GENERAL = 2

    @property
    def code(self) -> str:
        """The word of queue.csv: `out_of_turn`, `first_priority`, `general`."""
        return self.name.lower()


class NoticeLanguage(StrEnum):
    KAZAKH = "kk"
    RUSSIAN = "ru"
    ENGLISH = "en"


class ApplicationState(StrEnum):
    """Where an application stands. Only `queued` has a number (decision 1.7)."""

    QUEUED = "queued"
    HOLDING = "holding"
    STOPPED = "stopped"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Application:
    """One row of applications.csv, checked.

    `filed_at` is aware; lists are ordered, best first; `organizations` may hold ANY_ORGANIZATION;
    `phones` are at most two in E.164; `email` may be empty.
    """

    application_id: str
    filed_at: datetime
    locality: str
    child_iin: str
    birth_date: date
    benefit: Benefit
    languages: tuple[str, ...]
    group_type: GroupType
    regimes: tuple[Regime, ...]
    organizations: tuple[str, ...]
    accepts: tuple[AdmissionOrder, ...]
    phones: tuple[str, ...]
    email: str
    notice_language: NoticeLanguage
