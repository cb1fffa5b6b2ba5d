"""What every import shares: one transaction a file, what it did, and how a bad row is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from bulletins.reader import Reader
from bulletins.refusals import Refusal, RefusedRow, Row, TableError
from queue_engine.errors import ExitCode
from queue_engine.store.engine import Database

Tell = Callable[[str], None]
Progress = Callable[[int, int], None]
"""Told how far a file is read: bytes done, bytes in all."""
R = TypeVar("R")


class _KeepNone(Exception):
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

    def refuse(self, *refusals: Refusal) -> None:
        """A row that cannot be taken, cell by cell."""
        self.refused += 1
        for refusal in refusals:
            self.tell(str(refusal))

    def cut_short(self, error: TableError) -> None:
        """The rest of the file cannot be read; what came before is kept."""
        self.refused += 1
        self.tell(f"{error} The rows before are taken.")

    def forbid(self, text: object) -> None:
        """A request that the rules do not allow."""
        self.against_rules += 1
        self.tell(str(text))


def good_rows(reader: Reader[R], report: ImportReport) -> Iterator[Row[R]]:
    """The rows of a file that can be taken; the others, and a file that breaks off, are told to the report."""
    try:
        for item in reader:
            if isinstance(item, RefusedRow):
                report.refuse(*item.refusals)
            else:
                yield item
    except TableError as error:
        report.cut_short(error)
    for note in reader.notes:
        report.tell(note)


@contextmanager
def one_transaction(database: Database, tell: Tell, *, strict: bool) -> Iterator[tuple[Connection, ImportReport]]:
    """Take a file in as one transaction; under `strict` nothing of it stays if any row is bad."""
    report = ImportReport(tell=tell)
    try:
        with database.write() as connection:
            yield connection, report
            if strict and report.bad:
                raise _KeepNone
    except _KeepNone:
        report.kept_none = True
