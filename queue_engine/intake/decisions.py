"""`kezek import decisions`: what became of vouchers (rules D2-D5)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from bulletins.refusals import Refusal, Row, shown
from bulletins.vacancy import AdmissionOrder
from queue_engine.domain.application import ApplicationState
from queue_engine.domain.decision import Decision, DecisionKind
from queue_engine.domain.voucher import Closing, check_decision, extended_to
from queue_engine.errors import RuleBroken
from queue_engine.intake.decision_file import read_decisions
from queue_engine.intake.report import ImportReport, Progress, Tell, good_rows, one_transaction
from queue_engine.store import applications
from queue_engine.store import tables as t
from queue_engine.store.bulk import chunks, insert_many
from queue_engine.store.engine import Database
from queue_engine.store.records import Ledger, Locality, Why, calendar, localities, new_change, rulebook
from queue_engine.store.vouchers import Ending, StoredVoucher, end_vouchers, last_vouchers

CLOSINGS = {
    DecisionKind.ADMIT: Closing.ADMIT,
    DecisionKind.DECLINE: Closing.DECLINE,
    DecisionKind.REFUSE: Closing.REFUSE,
}
WHY = {Closing.ADMIT: Why.TEMPORARY, Closing.DECLINE: Why.DECLINED, Closing.REFUSE: Why.REFUSED}
DECISION_COLUMNS = ("decision_id", "voucher_row", "decided_on", "decision", "reason", "change_id")


def import_decisions(database: Database, path: Path, *, strict: bool, tell: Tell, progress: Progress) -> ImportReport:
    """Take a file of decisions in, in the order of their days and ids, as one transaction (decision 1.19)."""
    with one_transaction(database, tell, strict=strict) as (connection, report):
        reader = read_decisions(path)
        rows = sorted(good_rows(reader, report), key=lambda row: (row.record.decided_on, row.record.decision_id))
        intake = _DecisionIntake(connection, path, report)
        done = 0
        for chunk in chunks(rows):
            intake.take(chunk)
            done += len(chunk)
            progress(reader.size * done // len(rows), reader.size)
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
        # Of the present chunk, not yet written: endings by locality with their applications, decisions, applications.
        self.endings: dict[int, list[tuple[Ending, Any]]] = {}
        self.decided: list[tuple[Any, ...]] = []
        self.touched: set[str] = set()
        self.localities: dict[int, Locality] = {entry.locality_id: entry for entry in localities(connection)}

    def take(self, chunk: list[Row[Decision]]) -> None:
        """Apply decisions to the applications' live vouchers, or say why not, in the order given."""
        ids = [row.record.application_id for row in chunk]
        found = applications.by_ids(self.connection, ids)
        known = self._known([row.record.decision_id for row in chunk])
        rows = {application.application_row for application in found.values()}
        vouchers = last_vouchers(self.connection, rows)
        for row in chunk:
            decision = row.record
            application = found.get(decision.application_id)
            if application is None:
                self._refuse(
                    row,
                    "application_id",
                    shown(decision.application_id, private=False),
                    "an application on record",
                    "D3",
                )
                continue
            if decision.application_id in self.touched:
                # A second decision in one chunk: what came before is written, and the records are read anew.
                self._write()
                found = applications.by_ids(self.connection, ids)
                vouchers = last_vouchers(self.connection, rows)
                application = found[decision.application_id]
            content = (application.application_row, decision.decided_on, decision.decision.value, decision.reason)
            if decision.decision_id in known:
                self._again(row, content == known[decision.decision_id])
                continue
            try:
                self._apply(decision, application, vouchers.get(application.application_row))
            except RuleBroken as broken:
                self.report.forbid(f"{self.path.name}, line {row.line}: {broken}")
            else:
                known[decision.decision_id] = content
                self.touched.add(decision.application_id)
                self.report.new += 1
        self._write()

    def _known(self, ids: list[str]) -> dict[str, tuple[object, ...]]:
        """Content of decisions on record, by id."""
        d = t.decision.c
        rows = self.connection.execute(
            select(d.decision_id, t.voucher.c.application_row, d.decided_on, d.decision, d.reason)
            .join(t.voucher, t.voucher.c.voucher_row == d.voucher_row)
            .where(d.decision_id.in_(ids))
        )
        return {row[0]: tuple(row[1:]) for row in rows}

    def _again(self, row: Row[Decision], same: bool) -> None:
        """A decision_id on record already: the same decision changes nothing (decision 1.28)."""
        if same:
            self.report.unchanged += 1
            return
        expected = "a new id: this one is on record with other content"
        self._refuse(row, "decision_id", row.record.decision_id, expected, "D")

    def _apply(self, decision: Decision, application: Any, stored: StoredVoucher | None) -> None:
        if stored is None:
            raise RuleBroken(
                "voucher.none",
                f"application {decision.application_id} has no voucher.",
                rule="D3",
                next_step="A voucher comes from a night's run.",
            )
        check_decision(stored.voucher, decision, self._term_ahead(stored))
        if decision.decision is DecisionKind.EXTEND:
            self._extend(stored, decision)
        else:
            ending = Ending(stored, CLOSINGS[decision.decision], decision.decided_on, decision.reason)
            self.endings.setdefault(stored.locality_id, []).append((ending, application))
        self.decided.append(
            (
                decision.decision_id,
                stored.voucher_row,
                decision.decided_on.isoformat(),
                decision.decision.value,
                decision.reason,
                self.change_id,
            )
        )

    def _term_ahead(self, stored: StoredVoucher) -> date | None:
        """The last day that a coming night will set for a vacated early-booking place (decisions 1.2, 1.15)."""
        vacated_on = stored.voucher.vacated_on
        locality = self.localities[stored.locality_id]
        if stored.voucher.expires_on is not None or vacated_on is None or locality.open_day is None:
            return stored.voucher.expires_on
        begins = max(vacated_on, locality.open_day, stored.voucher.issued_on)
        rules = self.rules.on(begins, locality.locality)
        return calendar(self.connection, rules.country).last_day(begins, rules.voucher_validity)

    def _extend(self, stored: StoredVoucher, decision: Decision) -> None:
        """Once, to the n-th calendar day after issue (rule D2)."""
        locality = self.localities[stored.locality_id]
        days = self.rules.on(decision.decided_on, locality.locality).voucher_extension
        self.connection.execute(
            update(t.voucher)
            .where(t.voucher.c.voucher_row == stored.voucher_row)
            .values(expires_on=extended_to(stored.voucher, days), extended_on=decision.decided_on)
        )

    def _write(self) -> None:
        """Write what was decided so far, in bulk."""
        for locality_id, endings in self.endings.items():
            end_vouchers(self.connection, self.localities[locality_id], [ending for ending, _ in endings])
            self._leave_or_return(endings)
        insert_many(self.connection, t.decision, DECISION_COLUMNS, self.decided)
        self.ledger.write()
        self.endings.clear()
        self.decided.clear()
        self.touched.clear()

    def _leave_or_return(self, endings: list[tuple[Ending, Any]]) -> None:
        """Admission archives, but for a temporary place; a decline or refusal returns to the queue (D3-D5)."""
        admitted, returning, stays = [], [], []
        for ending, application in endings:
            temporary = ending.stored.voucher.admission is AdmissionOrder.TEMPORARY
            if ending.closing is Closing.ADMIT and not temporary:
                admitted.append((application, ending.day))
                continue
            if ending.closing is Closing.ADMIT:
                stays.append({"row": application.application_row, "until": ending.stored.voucher.attend_until})
            returning.append(application.application_row)
            reason = ending.reason
            self.ledger.move(applications.standing(application), 1, WHY[ending.closing], ending.day, reason)
        applications.archive(self.connection, self.ledger, admitted, Why.ADMITTED, "admitted")
        applications.set_state(self.connection, returning, ApplicationState.QUEUED)
        if stays:
            self.connection.execute(
                update(t.application)
                .where(t.application.c.application_row == bindparam("row"))
                .values(temporary_until=bindparam("until")),
                stays,
            )

    def _refuse(self, row: Row[Decision], column: str, value: str, expected: str, rule: str) -> None:
        self.report.refuse(Refusal(self.path.name, row.line, column, value, expected, rule))
