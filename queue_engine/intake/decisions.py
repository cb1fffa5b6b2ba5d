"""`kezek import decisions`: what became of vouchers (rules D2-D5)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from bulletins.refusals import Refusal, RefusedRow, Row
from bulletins.vacancy import AdmissionOrder
from queue_engine.domain.application import ApplicationState
from queue_engine.domain.decision import Decision, DecisionKind
from queue_engine.domain.voucher import Closing, check_decision, extended_to
from queue_engine.errors import RuleBroken
from queue_engine.intake.applications import Progress
from queue_engine.intake.decision_file import read_decisions
from queue_engine.intake.report import ImportReport, StrictRefusal, Tell
from queue_engine.store import applications
from queue_engine.store import tables as t
from queue_engine.store.engine import Database
from queue_engine.store.records import Ledger, Locality, Why, localities, new_change, rulebook
from queue_engine.store.vouchers import StoredVoucher, close_vouchers, last_voucher

CLOSINGS = {
    DecisionKind.ADMIT: Closing.ADMIT,
    DecisionKind.DECLINE: Closing.DECLINE,
    DecisionKind.REFUSE: Closing.REFUSE,
}


def import_decisions(database: Database, path: Path, *, strict: bool, tell: Tell, progress: Progress) -> ImportReport:
    """Take a file of decisions in, in the order of their days and ids, as one transaction (decision 1.19)."""
    report = ImportReport(tell=tell)
    try:
        with database.write() as connection:
            reader = read_decisions(path)
            rows: list[Row[Decision]] = []
            for item in reader:
                if isinstance(item, RefusedRow):
                    report.refuse(item)
                else:
                    rows.append(item)
            for note in reader.notes:
                tell(note)
            rows.sort(key=lambda row: (row.record.decided_on, row.record.decision_id))
            intake = _DecisionIntake(connection, path, report)
            for done, row in enumerate(rows, 1):
                intake.take(row)
                if done % 500 == 0 or done == len(rows):
                    progress(reader.size * done // len(rows), reader.size)
            intake.ledger.write()
            if strict and report.bad:
                raise StrictRefusal
    except StrictRefusal:
        report.kept_none = True
    return report


class _DecisionIntake:
    """One file of decisions on its way into the store."""

    def __init__(self, connection: Connection, path: Path, report: ImportReport) -> None:
        self.connection = connection
        self.path = path
        self.report = report
        self.change_id = new_change(connection, "import decisions")
        self.ledger = Ledger(connection, self.change_id)
        self.rules = rulebook(connection)
        self.localities: dict[int, Locality] = {entry.locality_id: entry for entry in localities(connection)}

    def take(self, row: Row[Decision]) -> None:
        """Apply one decision to the application's live voucher, or say why not."""
        decision = row.record
        application = applications.by_ids(self.connection, [decision.application_id]).get(decision.application_id)
        if application is None:
            self._refuse(row, "application_id", decision.application_id, "an application on record", "D3")
            return
        known = self.connection.execute(
            select(t.decision, t.voucher.c.application_row)
            .join(t.voucher, t.voucher.c.voucher_row == t.decision.c.voucher_row)
            .where(t.decision.c.decision_id == decision.decision_id)
        ).one_or_none()
        if known is not None:
            same = (
                application.application_row,
                decision.decided_on,
                decision.decision.value,
                decision.reason,
            )
            if same == (known.application_row, known.decided_on, known.decision, known.reason):
                self.report.unchanged += 1
            else:
                expected = "a new id: this one is on record with other content"
                self._refuse(row, "decision_id", decision.decision_id, expected, "D")
            return
        try:
            self._apply(decision, application)
        except RuleBroken as broken:
            self.report.forbid(f"{self.path.name}, line {row.line}: {broken}")
        else:
            self.report.new += 1

    def _apply(self, decision: Decision, application: Any) -> None:
        stored = last_voucher(self.connection, application.application_row)
        if stored is None:
            raise RuleBroken(
                "voucher.none",
                f"application {decision.application_id} has no voucher.",
                rule="D3",
                next_step="A voucher comes from a night's run.",
            )
        check_decision(stored.voucher, decision)
        if decision.decision is DecisionKind.EXTEND:
            self._extend(stored, decision)
        else:
            self._close(stored, decision, application)
        self.connection.execute(
            insert(t.decision).values(
                decision_id=decision.decision_id,
                voucher_row=stored.voucher_row,
                decided_on=decision.decided_on,
                decision=decision.decision.value,
                reason=decision.reason,
                change_id=self.change_id,
            )
        )

    def _extend(self, stored: StoredVoucher, decision: Decision) -> None:
        """Once, to the n-th calendar day after issue (rule D2)."""
        locality = self.localities[stored.locality_id]
        days = self.rules.on(decision.decided_on, locality.locality).voucher_extension
        self.connection.execute(
            update(t.voucher)
            .where(t.voucher.c.voucher_row == stored.voucher_row)
            .values(expires_on=extended_to(stored.voucher, days), extended_on=decision.decided_on)
        )

    def _close(self, stored: StoredVoucher, decision: Decision, application: Any) -> None:
        """Admission archives, but for a temporary place; a decline or refusal returns to the queue (D3-D5)."""
        locality = self.localities[stored.locality_id]
        closing = CLOSINGS[decision.decision]
        day = decision.decided_on
        close_vouchers(self.connection, locality, [stored], closing, day, decision.reason)
        if closing is Closing.ADMIT and stored.voucher.admission is not AdmissionOrder.TEMPORARY:
            applications.archive(self.connection, self.ledger, application, Why.ADMITTED, day, "admitted")
            return
        if closing is Closing.ADMIT:
            self._begin_stay(application.application_row, stored.attend_until)
        why = {Closing.ADMIT: Why.TEMPORARY, Closing.DECLINE: Why.DECLINED, Closing.REFUSE: Why.REFUSED}[closing]
        applications.set_state(self.connection, [application.application_row], ApplicationState.QUEUED)
        self.ledger.move(applications.standing(application), 1, why, day, decision.reason)

    def _begin_stay(self, application_row: int, until: date | None) -> None:
        self.connection.execute(
            update(t.application)
            .where(t.application.c.application_row == application_row)
            .values(temporary_until=until)
        )

    def _refuse(self, row: Row[Decision], column: str, value: str, expected: str, rule: str) -> None:
        self.report.refuse(Refusal(self.path.name, row.line, column, value, expected, rule))
