"""`kezek import applications`: new applications and changes of circumstances (rules A1-A7)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from bulletins.chunks import RawRow
from bulletins.reader import Reader
from bulletins.refusals import Refusal, RefusedRow, Row, TableError, shown
from queue_engine.domain.application import Application
from queue_engine.domain.moments import day_of, to_us
from queue_engine.intake.application_file import read_applications
from queue_engine.intake.application_rows import Applications, ChunkReader
from queue_engine.intake.changes import ChangeRefused, change_circumstances
from queue_engine.intake.registration import Registration
from queue_engine.intake.report import ImportReport, Progress, Tell, one_transaction
from queue_engine.store import applications as store
from queue_engine.store.engine import Database
from queue_engine.store.records import Registry, Standing, Why

# Rows taken together: few enough that their cells stay in the processor's cache, which halves the time.
CHUNK = 500


def import_applications(
    database: Database, path: Path, *, strict: bool, tell: Tell, progress: Progress
) -> ImportReport:
    """Take a file of applications in, as one transaction; bad rows are refused one by one."""
    with one_transaction(database, tell, strict=strict) as (connection, report), store.filling(connection):
        intake = _Intake(connection, path, report)
        reader = read_applications(path)
        columns = ChunkReader(reader)
        try:
            for chunk in reader.chunks(CHUNK):
                intake.take(reader, *columns.read(chunk))
                progress(reader.position, reader.size)
        except TableError as error:
            report.cut_short(error)
        for note in reader.notes:
            report.tell(note)
    return report


def alone(good: Applications, others: list[Application]) -> tuple[Applications, list[RawRow]]:
    """The rows whose id and child no other row of the chunk has, and the rest of `good`."""
    ids = [*good.application_id, *(other.application_id for other in others)]
    iins = [*good.child_iin, *(other.child_iin for other in others)]
    if len(set(ids)) == len(ids) and len(set(iins)) == len(iins):
        return good, []
    of_id, of_child = Counter(ids), Counter(iins)
    once = [of_id[own] == of_child[child] == 1 for own, child in zip(good.application_id, good.child_iin, strict=True)]
    return good.where(once), [raw for raw, single in zip(good.raw, once, strict=True) if not single]


class _Registered(NamedTuple):
    """A new application of the present chunk, not yet written."""

    line: int
    application: Application
    values: tuple[Any, ...]


class _Intake:
    """One file on its way into the store, chunk by chunk.

    New applications that clash with nothing are registered together (`Registration`). The others go one by one, in the
    order of the file: changes of known applications, a child's second application, an id that comes twice. Rows that
    clash with each other all go this way, so it is the same as if all had.
    """

    def __init__(self, connection: Connection, path: Path, report: ImportReport) -> None:
        self.connection = connection
        self.path = path
        self.report = report
        self.registry = Registry(connection)
        self.registration = Registration(connection, self.registry)
        self.change_id = self.registration.change_id
        self.ledger = self.registration.ledger
        # Of the present chunk: new applications not yet written, by id and by child; those in the store, by id and,
        # if live, by child.
        self.registered: dict[str, _Registered] = {}
        self.by_child: dict[str, str] = {}
        self.known: dict[str, Any] = {}
        self.children: dict[str, Any] = {}
        self.seen: set[str] = set()

    def take(self, reader: Reader[Application], good: Applications | None, odd: list[RawRow]) -> None:
        """Take one chunk: `good` rows, and all others, of which the bad ones are refused."""
        rest: list[Row[Application]] = []
        for line, cells in odd:
            read = reader.read(line, cells)
            if isinstance(read, RefusedRow):
                self.report.refuse(*read.refusals)
            elif read is not None:
                rest.append(read)
        if good is not None:
            rest += self._register_together(reader, good, rest)
        if rest:
            self._one_by_one(sorted(rest, key=lambda row: row.line))

    def _register_together(
        self, reader: Reader[Application], good: Applications, rest: list[Row[Application]]
    ) -> list[Row[Application]]:
        """Register new applications; the rows that could not be, to be taken one by one."""
        new, again = alone(good, [row.record for row in rest])
        if new.raw:
            taken = self.registration.register(new)
            self.report.new += sum(taken)
            again += [raw for raw, done in zip(new.raw, taken, strict=True) if not done]
        rows = (reader.read(line, cells) for line, cells in again)
        return [row for row in rows if isinstance(row, Row)]

    def _one_by_one(self, rows: list[Row[Application]]) -> None:
        """Register or change applications in the order of their rows."""
        self.known = store.by_ids(self.connection, [row.record.application_id for row in rows])
        self.children = store.live_children(self.connection, [row.record.child_iin for row in rows])
        self.seen.clear()
        for line, application in rows:
            application_id = application.application_id
            if application_id in self.seen:
                # The same id again within the chunk: what came before is written and read back.
                self._write()
                self.known.pop(application_id, None)
                self.known.update(store.by_ids(self.connection, [application_id]))
            self.seen.add(application_id)
            if application_id in self.known:
                self._change(line, application, self.known[application_id])
            else:
                self._register(line, application)
        self._write(chunk_ends=True)

    def _register(self, line: int, application: Application) -> None:
        """A new application, if it is the one live application of its child (rule A7, decision 1.10)."""
        key = (to_us(application.filed_at), application.application_id)
        other_id = self.by_child.get(application.child_iin)
        live = self.children.get(application.child_iin)
        if other_id is not None:
            other = self.registered[other_id]
            if (to_us(other.application.filed_at), other_id) < key:
                self._refuse_child(line, application.application_id, other_id)
                return
            self._refuse_child(other.line, other_id, application.application_id)
            del self.registered[other_id]
        elif live is not None:
            if live.registered_change != self.change_id or (live.filed_at_us, live.application_id) < key:
                self._refuse_child(line, application.application_id, live.application_id)
                return
            self.ledger.write()
            store.forget_registered(self.connection, live.application_row)
            self.report.new -= 1
            self._refuse_child(live.source_line, live.application_id, application.application_id)
            del self.children[application.child_iin]
            self.known.pop(live.application_id, None)
        self.registered[application.application_id] = _Registered(line, application, self._values(line, application))
        self.by_child[application.child_iin] = application.application_id

    def _values(self, line: int, application: Application) -> tuple[Any, ...]:
        locality = self.registry.locality(application.locality)
        content = store.content_of(application, self.registry, locality)
        (row,) = self.registration.allot(1)
        rank = self.registration.class_rank(locality, content.benefit)
        return store.new_row(row, application, locality, content, rank, self.change_id, line)

    def _write(self, *, chunk_ends: bool = False) -> None:
        """Write the new applications so far, each with its step into the queue; within a chunk they become known."""
        store.insert_applications(self.connection, [entry.values for entry in self.registered.values()])
        for entry in self.registered.values():
            row, _id, locality_id, year, rank, filed_at_us = entry.values[:6]
            day = day_of(filed_at_us, self.registry.localities[entry.application.locality].timezone)
            self.ledger.move(Standing(row, locality_id, year, rank, filed_at_us), 1, Why.REGISTERED, day)
        self.ledger.write()
        self.report.new += len(self.registered)
        if self.by_child and not chunk_ends:
            self.children.update(store.live_children(self.connection, self.by_child))
        self.registered.clear()
        self.by_child.clear()

    def _change(self, line: int, application: Application, known: Any) -> None:
        """A row of a known application: a change of circumstances, or nothing new (rule A7)."""
        iins: list[str] = []
        if known.child_iin != application.child_iin:
            self._write()
            iins = [known.child_iin, application.child_iin]
            live = store.live_children(self.connection, iins).get(application.child_iin)
            if live is not None and live.application_id != application.application_id:
                self._refuse_child(line, application.application_id, live.application_id)
                return
        locality = self.registry.localities.get(application.locality)
        if locality is None or locality.locality_id != known.locality_id:
            expected = "the locality on record: a family that moves files anew there and archives this application"
            given = shown(application.locality, private=False)
            self.report.refuse(Refusal(self.path.name, line, "locality", given, expected, "A1"))
            return
        entry = locality
        try:
            changed = change_circumstances(
                self.connection,
                self.ledger,
                entry,
                known,
                application,
                store.content_of(application, self.registry, entry),
                lambda benefit: self.registration.class_rank(entry, benefit),
            )
        except ChangeRefused as refusal:
            self.report.refuse(
                Refusal(
                    self.path.name,
                    line,
                    refusal.column,
                    shown(refusal.value, private=False),
                    refusal.expected,
                    refusal.rule,
                )
            )
            return
        kept = to_us(application.filed_at) != known.filed_at_us
        for iin in iins:
            self.children.pop(iin, None)
        if iins:
            self.children.update(store.live_children(self.connection, iins))
        self.report.changed += changed
        self.report.unchanged += not changed
        if changed or kept:
            self.report.tell(
                f"{self.path.name}, line {line}: application {application.application_id} is known: "
                + ("taken as a change of circumstances (rule A7)." if changed else "nothing else has changed.")
                + (" Its moment of filing on record stays (rule A4)." if kept else "")
            )

    def _refuse_child(self, line: int, application_id: str, live_id: str) -> None:
        self.report.refuse(
            Refusal(
                file=self.path.name,
                line=line,
                column="child_iin",
                value="*" * 12,
                expected=f"a child without a live application; application {live_id} of this child stands, "
                f"so {application_id} is not taken. Archive the one that is not wanted",
                rule="A7",
            )
        )
