"""`kezek import bulletin` and `kezek import withdrawals`: places handed over and taken back (rules B)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from bulletins.files import read_bulletin, read_withdrawals
from bulletins.refusals import Refusal, Row, shown
from bulletins.vacancy import Vacancy, Withdrawal
from queue_engine.domain.moments import day_of, from_us, to_us
from queue_engine.errors import RuleBroken
from queue_engine.intake.report import ImportReport, Progress, Tell, good_rows, one_transaction
from queue_engine.store import tables as t
from queue_engine.store import vacancies as store
from queue_engine.store.bulk import chunks
from queue_engine.store.engine import Database
from queue_engine.store.records import Registry, localities, new_change, rulebook


def import_bulletin(database: Database, path: Path, *, strict: bool, tell: Tell, progress: Progress) -> ImportReport:
    """Take a file of vacated places in, as one transaction; bad rows are refused one by one."""
    with one_transaction(database, tell, strict=strict) as (connection, report):
        intake = _BulletinIntake(connection, path, report)
        reader = read_bulletin(path)
        for chunk in chunks(good_rows(reader, report)):
            intake.take(chunk)
            progress(reader.position, reader.size)
    return report


class _BulletinIntake:
    """One bulletin file on its way into the store."""

    def __init__(self, connection: Connection, path: Path, report: ImportReport) -> None:
        self.connection = connection
        self.path = path
        self.report = report
        self.registry = Registry(connection)
        self.publication = store.Publication(connection, new_change(connection, "import bulletin"))
        self.rules = rulebook(connection)

    def take(self, chunk: list[Row[Vacancy]]) -> None:
        """Publish new vacancies; a known one may only learn its `vacated_on`."""
        known = store.by_ids(self.connection, [row.record.vacancy_id for row in chunk])
        touched: set[str] = set()
        for line, vacancy in ((row.line, row.record) for row in chunk):
            if vacancy.vacancy_id in touched:
                self.publication.write()
                known.update(store.by_ids(self.connection, [vacancy.vacancy_id]))
            touched.add(vacancy.vacancy_id)
            if vacancy.vacancy_id in known:
                self._again(line, vacancy, known[vacancy.vacancy_id])
            else:
                self._publish(line, vacancy)
        self.publication.write()

    def _publish(self, line: int, vacancy: Vacancy) -> None:
        day = day_of(to_us(vacancy.published_at), self.registry.timezone(vacancy.locality))
        if self.rules.on(day, vacancy.locality).is_suspended(day):
            expected = f"a moment of publication outside the suspended days; {day} is inside"
            self._refuse(line, "published_at", vacancy.published_at.isoformat(), expected, "B7")
            return
        locality = self.registry.locality(vacancy.locality)
        organization_id = self.registry.organization(locality.locality_id, vacancy.organization)
        self.publication.add(locality, organization_id, vacancy)
        self.report.new += 1

    def _again(self, line: int, vacancy: Vacancy, known: Any) -> None:
        """A row with a known vacancy_id (rules B3, B5; decision 1.14)."""
        for column, value, recorded in _published_columns(vacancy, known):
            if value != recorded:
                if column == "published_at":
                    zone = self.registry.timezone(vacancy.locality)
                    value, recorded = vacancy.published_at, from_us(known.published_at_us, zone).isoformat()
                expected = (
                    f"{recorded}, as published: a published vacancy does not change. Withdraw it and publish another"
                )
                self._refuse(line, column, str(value), expected, "B5")
                return
        if vacancy.vacated_on is None or vacancy.vacated_on == known.vacated_on:
            self.report.unchanged += 1
            return
        last_run = self.registry.locality(vacancy.locality).last_run_on
        passed = known.vacated_on is not None and last_run is not None and known.vacated_on <= last_run
        if passed or (known.vacated_on is not None and known.used):
            expected = f"{known.vacated_on}: that day has passed or the child is admitted, and terms run from it"
            self._refuse(line, "vacated_on", str(vacancy.vacated_on), expected, "B3")
            return
        store.set_vacated_on(self.connection, known.vacancy_row, vacancy.vacated_on)
        self.report.changed += 1

    def _refuse(self, line: int, column: str, value: str, expected: str, rule: str) -> None:
        self.report.refuse(Refusal(self.path.name, line, column, value, expected, rule))


def _published_columns(vacancy: Vacancy, known: Any) -> list[tuple[str, object, object]]:
    """Column, value of the row, value on record; of all that may not change."""
    return [
        ("published_at", to_us(vacancy.published_at), known.published_at_us),
        ("locality", vacancy.locality, known.locality),
        ("organization", vacancy.organization, known.organization),
        ("age_group", vacancy.age_group, known.age_group),
        ("birth_year", vacancy.birth_year, known.birth_year),
        ("language", vacancy.language, known.language),
        ("group_type", vacancy.group_type.value, known.group_type),
        ("regime", vacancy.regime.value, known.regime),
        ("admission", vacancy.admission.value, known.admission),
        ("places", vacancy.places, known.places),
        ("start_date", vacancy.start_date, known.start_date),
        ("attend_until", vacancy.attend_until, known.attend_until),
    ]


def import_withdrawals(database: Database, path: Path, *, strict: bool, tell: Tell, progress: Progress) -> ImportReport:
    """Take a file of withdrawals in, in the order of their moments, as one transaction (rule B6)."""
    with one_transaction(database, tell, strict=strict) as (connection, report):
        reader = read_withdrawals(path)
        rows = sorted(good_rows(reader, report), key=lambda row: (row.record.withdrawn_at, row.record.withdrawal_id))
        progress(reader.position, reader.size)
        _withdraw(connection, path, rows, report)
    return report


def _withdraw(connection: Connection, path: Path, rows: list[Row[Withdrawal]], report: ImportReport) -> None:
    change_id = new_change(connection, "import withdrawals")
    by_id = {entry.locality_id: entry for entry in localities(connection)}
    for row in rows:
        withdrawal = row.record
        vacancy = store.by_ids(connection, [withdrawal.vacancy_id]).get(withdrawal.vacancy_id)
        if vacancy is None:
            expected = "a vacancy on record. Import its bulletin first"
            report.refuse(
                Refusal(path.name, row.line, "vacancy_id", shown(withdrawal.vacancy_id, private=False), expected, "B6")
            )
            continue
        known = connection.execute(
            select(t.withdrawal).where(t.withdrawal.c.withdrawal_id == withdrawal.withdrawal_id)
        ).one_or_none()
        if known is not None:
            _again(path, row, vacancy, known, report)
            continue
        locality = by_id[vacancy.locality_id]
        try:
            _check_free(connection, withdrawal, vacancy, day_of(to_us(withdrawal.withdrawn_at), locality.timezone))
        except RuleBroken as broken:
            report.forbid(f"{path.name}, line {row.line}: {broken}")
            continue
        if store.record_withdrawal(connection, locality, vacancy.vacancy_row, withdrawal, change_id):
            report.new += 1
        else:
            report.waiting += 1


def _again(path: Path, row: Row[Withdrawal], vacancy: Any, known: Any, report: ImportReport) -> None:
    """A withdrawal_id on record already: the same request changes nothing (decision 1.28)."""
    asked = row.record
    same = (vacancy.vacancy_row, to_us(asked.withdrawn_at), asked.places, asked.reason)
    if same == (known.vacancy_row, known.withdrawn_at_us, known.places, known.reason):
        report.unchanged += 1
        return
    expected = "a new id: this one is on record with other content"
    report.refuse(Refusal(path.name, row.line, "withdrawal_id", asked.withdrawal_id, expected, "B6"))


def _check_free(connection: Connection, withdrawal: Withdrawal, vacancy: Any, day: date) -> None:
    """Only places that no live voucher or pupil holds; more than that is refused whole (rule B6)."""
    reserved = store.reserved_by_waiting(connection, vacancy.vacancy_row)
    reserved += store.held_until_later(connection, vacancy.vacancy_row, day)
    free = vacancy.places - vacancy.withdrawn - vacancy.held - vacancy.used - reserved
    if withdrawal.places <= free:
        return
    raise RuleBroken(
        "withdrawal.not_free",
        f"withdrawal {withdrawal.withdrawal_id} asks for {withdrawal.places} of vacancy {vacancy.vacancy_id}; "
        f"of its {vacancy.places} places {free} are free, {vacancy.held} are held by live vouchers, "
        f"{vacancy.used} by pupils, {vacancy.withdrawn} are withdrawn and {reserved} not free on that day.",
        rule="B6",
        next_step=f"Ask for at most {free}, or wait until a voucher ends." if free else "Wait until a voucher ends.",
    )
