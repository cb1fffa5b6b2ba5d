"""decisions.csv: what became of vouchers, read row by row from CSV or XLSX (rules D2-D5)."""

from __future__ import annotations

from pathlib import Path

from bulletins.columns import LONGEST_TEXT, Check, Column, coded, day, free_text, one_of, remembered, text_id
from bulletins.files import A_DATE, AN_ID, text_of_at_most
from bulletins.reader import Reader
from queue_engine.domain.decision import Decision, DecisionKind


def read_decisions(path: Path) -> Reader[Decision]:
    """The decisions of a file; TableError if `path` is no such table. A refusal has its ground (rule D4)."""
    columns = (
        Column("decision_id", text_id, AN_ID, "D"),
        Column("application_id", text_id, AN_ID, "D"),
        Column("decided_on", remembered(day), A_DATE, "D1"),
        Column("decision", remembered(coded("decision", DecisionKind)), one_of(DecisionKind), "D"),
        # A ground may speak of a child's health: private.
        Column(
            "reason",
            free_text(required=False),
            text_of_at_most(LONGEST_TEXT),
            "D4",
            private=True,
            optional=True,
        ),
    )
    return Reader(path, columns, Decision, (_GROUND,))


def _ground_for_a_refusal(decision: DecisionKind, reason: str) -> bool:
    return bool(reason) or decision is not DecisionKind.REFUSE


_GROUND = Check(
    ("decision", "reason"),
    "reason",
    _ground_for_a_refusal,
    "the ground of the refusal",
    "D4",
    "Write the document that is missing, the contraindication or the other documented cause.",
)
