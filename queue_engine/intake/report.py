"""What an import did, and how a bad row or a request against the rules is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from queue_engine.errors import ExitCode

Tell = Callable[[str], None]


class StrictRefusal(Exception):
    """Raised inside the transaction to keep none of the rows (`--strict`)."""


@dataclass(slots=True)
class ImportReport:
    """Counts of rows by what became of them.

    `refused` rows could not be taken; `against_rules` requests are not allowed (exit 3).
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    waiting: int = 0
    refused: int = 0
    against_rules: int = 0
    kept_none: bool = False
    tell: Tell = field(default=lambda _text: None, repr=False)

    @property
    def bad(self) -> int:
        return self.refused + self.against_rules

    @property
    def exit_code(self) -> ExitCode:
        if self.against_rules:
            return ExitCode.AGAINST_THE_RULES
        return ExitCode.INPUT_REFUSED if self.refused else ExitCode.DONE

    def refuse(self, text: object) -> None:
        """A row that cannot be taken."""
        self.refused += 1
        self.tell(str(text))

    def forbid(self, text: object) -> None:
        """A request that the rules do not allow."""
        self.against_rules += 1
        self.tell(str(text))
