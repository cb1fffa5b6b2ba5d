"""What an application asks for, and how well a kind of place suits it (rules C1, C2)."""

from __future__ import annotations

from typing import NamedTuple

from bulletins.vacancy import AdmissionOrder

NO_MATCH = -1
# Wider than any list of admission orders, languages or regimes can be.
WIDTH = 1_000


class Kind(NamedTuple):
    """What makes places like each other for a choice."""

    language: str
    group_type: str
    regime: str
    admission: str


class Asked(NamedTuple):
    """The ordered lists of an application; `in_stay`: a temporary stay bars other temporary places (rule D3)."""

    languages: tuple[str, ...]
    group_type: str
    regimes: tuple[str, ...]
    accepts: tuple[str, ...]
    in_stay: bool = False

    def mismatch(self, kind: Kind) -> str:
        """The first condition of C1 that fails, in words; empty if the kind suits."""
        if kind.language not in self.languages:
            return "language of upbringing"
        if kind.group_type != self.group_type:
            return "group type"
        if kind.regime not in self.regimes:
            return "regime"
        if kind.admission not in self.accepts:
            return "admission order"
        if self.in_stay and kind.admission == AdmissionOrder.TEMPORARY.value:
            return "temporary stay under way"
        return ""

    def preference(self, kind: Kind) -> int:
        """Order of C2 after the organisation: admission order, language, regime; NO_MATCH if it does not suit.

        >>> asked = Asked(("kk", "ru"), "general", ("full_day",), ("standard",))
        >>> asked.preference(Kind("ru", "general", "full_day", "standard"))
        1000
        """
        if self.mismatch(kind):
            return NO_MATCH
        admission, language = self.accepts.index(kind.admission), self.languages.index(kind.language)
        return (admission * WIDTH + language) * WIDTH + self.regimes.index(kind.regime)
