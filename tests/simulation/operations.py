"""What people hand in, as the files and commands of the public contract say it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from queue_engine.store.acts import ActKind
from support.rows import (
    APPLICATION_COLUMNS,
    BULLETIN_COLUMNS,
    CALENDAR_COLUMNS,
    DECISION_COLUMNS,
    WITHDRAWAL_COLUMNS,
    Row,
)

COLUMNS = {
    "applications": APPLICATION_COLUMNS,
    "bulletin": BULLETIN_COLUMNS,
    "withdrawals": WITHDRAWAL_COLUMNS,
    "decisions": DECISION_COLUMNS,
    "calendar": CALENDAR_COLUMNS,
}


@dataclass(frozen=True)
class File:
    """One file: kind is a key of COLUMNS."""

    kind: str
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        told = ((cell for name, cell in row.items() if cell and name != "child_iin") for row in self.rows)
        return f"{self.kind}: " + "; ".join(",".join(cells) for cells in told)


@dataclass(frozen=True)
class Act:
    """An officer's act; its reason is its number in the history, so that it can be found again. day None = open day."""

    kind: ActKind
    application_id: str
    day: date | None
    reason: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.application_id} on {self.day or 'the open day'} ({self.reason})"


Value = str | int | bool | list[list[str]] | dict[str, str]


@dataclass(frozen=True)
class Rule:
    """One rule of the department's own; locality empty = every one."""

    name: str
    value: Value
    since: date
    locality: str = ""

    def toml(self) -> str:
        lines = ["[[rule]]", f'name = "{self.name}"', f"value = {_toml(self.value)}", f"from = {self.since}"]
        lines += [f'locality = "{self.locality}"'] if self.locality else []
        return "\n".join([*lines, ""])

    def __str__(self) -> str:
        return f"rule {self.name} = {self.value} from {self.since} in {self.locality or 'every locality'}"


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(f"[{first}, {last}]" for first, last in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'{name} = "{each}"' for name, each in value.items()) + "}"
    return str(value) if isinstance(value, int) else f'"{value}"'


Operation = File | Act | Rule
