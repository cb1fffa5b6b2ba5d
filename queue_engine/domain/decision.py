"""Decision: what became of a voucher, as an organisation or a parent reports it (rules D2-D5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class DecisionKind(StrEnum):
    ADMIT = "admit"
    DECLINE = "decline"
    REFUSE = "refuse"
    EXTEND = "extend"


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of decisions.csv, checked; `reason` is never empty for a refusal (rule D4)."""

    decision_id: str
    application_id: str
    decided_on: date
    decision: DecisionKind
    reason: str
