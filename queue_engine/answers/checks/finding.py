"""What a check found: which record, what is wrong with it, by which rule, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

LOOK = "Compare this record with a backup; nothing puts it right by itself."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in the records that does not agree with the rest. Ids are public ones; nothing of a family is in it.

    locality: its code, empty where a finding concerns all of them.
    """

    code: str
    locality: str
    id: str
    what: str
    rule: str
    next_step: str

    def __str__(self) -> str:
        where = f"{self.locality}: " if self.locality else ""
        return f"[{self.code}] {where}{self.what}. Rule {self.rule}. {self.next_step}"

    def as_json(self) -> dict[str, str]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding. `says` is the sentence, `{0}` the id and `{1}` on the facts beside it."""

    code: str
    rule: str
    says: str
    next_step: str = LOOK

    def of(self, locality: str, *facts: object) -> Finding:
        """The finding about the record whose id is the first fact."""
        what = self.says.format(*facts)
        return Finding(self.code, locality, str(facts[0]), what, self.rule, self.next_step)


Findings = Iterator[Finding]
