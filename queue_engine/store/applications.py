"""Applications in the store: registering, changing, taking out and putting back (rules A7, E2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any
from unicodedata import normalize

from sqlalchemy import Connection, Row, bindparam, select, update

from bulletins.refusals import shown
from queue_engine.domain.application import Application, ApplicationState
from queue_engine.domain.moments import to_us
from queue_engine.errors import WrongUsage
from queue_engine.store import tables as t
from queue_engine.store.bulk import POSTGRESQL, chunks, indexes_at_the_end, insert_absent, insert_many, rows_of
from queue_engine.store.records import Ledger, Locality, Profile, Registry, Standing, next_row_id

COLUMNS = (
    "application_row",
    "application_id",
    "locality_id",
    "birth_year",
    "class_rank",
    "filed_at_us",
    "state",
    "birth_date",
    "profile_id",
    "wishes",
    "benefit",
    "child_iin",
    "phones",
    "email",
    "notice_language",
    "registered_change",
    "source_line",
)
_OF_QUEUES = ("ix_application_queue", "ix_application_stay", "ix_movement_queue")
_ROW, _ID, _CHILD = map(COLUMNS.index, ("application_row", "application_id", "child_iin"))


@dataclass(frozen=True, slots=True)
class Content:
    """What a family may change (rule A7), as the store keeps it."""

    birth_date: date
    benefit: str
    profile_id: int
    wishes: bytes
    child_iin: str
    phones: str
    email: str
    notice_language: str

    @property
    def asks(self) -> tuple[object, ...]:
        """The part that decides which places suit and where the application stands."""
        return self.birth_date, self.benefit, self.profile_id, self.wishes


def content_of(application: Application, registry: Registry, locality: Locality) -> Content:
    """The changeable part of an application; organisations and profiles get ids as they come."""
    return Content(
        birth_date=application.birth_date,
        benefit=application.benefit.value,
        profile_id=registry.profiles([_profile_of(application)])[0],
        wishes=registry.wishes([locality.locality_id], [application.organizations])[0],
        child_iin=application.child_iin,
        phones="|".join(application.phones),
        email=application.email,
        notice_language=application.notice_language.value,
    )


def _profile_of(application: Application) -> Profile:
    lists = application.languages, (application.group_type,), application.regimes, application.accepts
    return Profile(*map("|".join, lists))


def content_of_row(row: Row[Any]) -> Content:
    """The changeable part of a stored application."""
    return Content(
        row.birth_date,
        row.benefit,
        row.profile_id,
        row.wishes,
        row.child_iin,
        row.phones,
        row.email,
        row.notice_language,
    )


def new_row(
    application_row: int,
    application: Application,
    locality: Locality,
    content: Content,
    class_rank: int,
    change_id: int,
    line: int,
) -> tuple[Any, ...]:
    """The tuple of COLUMNS for a new application."""
    return (
        application_row,
        application.application_id,
        locality.locality_id,
        application.birth_date.year,
        class_rank,
        to_us(application.filed_at),
        ApplicationState.QUEUED.value,
        application.birth_date.isoformat(),
        content.profile_id,
        content.wishes,
        content.benefit,
        content.child_iin,
        content.phones,
        content.email,
        content.notice_language,
        change_id,
        line,
    )


def insert_applications(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    insert_many(connection, t.application, COLUMNS, rows)


def filling(connection: Connection) -> AbstractContextManager[None]:
    """For an import: the first on SQLite keeps the queues' indexes, which no import reads, until its end."""
    is_first = next_row_id(connection, t.application.c.application_row) == 1
    if connection.dialect.name == POSTGRESQL or not is_first:
        return nullcontext()
    indexes = sorted(t.application.indexes | t.movement.indexes, key=lambda index: str(index.name))
    return indexes_at_the_end(connection, [index for index in indexes if index.name in _OF_QUEUES])


def register_absent(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> frozenset[int]:
    """Insert rows of COLUMNS, but those whose id is known or whose child has a live application.

    Row ids rise from row to row and are free. Returns those of the rows left out. Rows must not clash with each other.
    """
    if connection.dialect.name == POSTGRESQL:
        known = by_ids(connection, [row[_ID] for row in rows])
        live = live_children(connection, [row[_CHILD] for row in rows])
        out = frozenset(row[_ROW] for row in rows if row[_ID] in known or row[_CHILD] in live)
        insert_applications(connection, [row for row in rows if row[_ROW] not in out] if out else rows)
        return out
    # The unique keys are looked up by the insert itself, once.
    if insert_absent(connection, t.application, COLUMNS, rows) == len(rows):
        return frozenset()
    statement = "select application_row from application where application_row between ? and ?"
    there = rows_of(connection, statement, (rows[0][_ROW], rows[-1][_ROW]))
    return frozenset(row[_ROW] for row in rows).difference(row for (row,) in there)


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, Row[Any]]:
    """Stored applications by application id."""
    found: dict[str, Row[Any]] = {}
    for chunk in chunks(ids):
        rows = connection.execute(select(t.application).where(t.application.c.application_id.in_(chunk)))
        found.update((row.application_id, row) for row in rows)
    return found


def find(connection: Connection, application_id: str) -> Row[Any]:
    """One application; WrongUsage if it is not on record."""
    application_id = normalize("NFC", application_id.strip())
    row = by_ids(connection, [application_id]).get(application_id)
    if row is None:
        raise WrongUsage(
            "application.unknown",
            f"no application {shown(application_id, private=False)} is on record.",
            next_step="Check the application number.",
        )
    return row


def live_children(connection: Connection, iins: Iterable[str]) -> dict[str, Row[Any]]:
    """Live applications by the child's IIN (rule A7)."""
    a = t.application.c
    found: Iterable[Row[Any]] = connection.execute(
        select(
            a.child_iin,
            a.application_row,
            a.application_id,
            a.filed_at_us,
            a.registered_change,
            a.source_line,
        ).where(a.child_iin.in_(list(iins)), a.state != ApplicationState.ARCHIVED.value)
    )
    return {row.child_iin: row for row in found}


def forget_registered(connection: Connection, application_row: int) -> None:
    """Take back an application registered earlier in this same transaction (decision 1.10)."""
    for table in (t.movement, t.application_version):
        connection.execute(table.delete().where(table.c.application_row == application_row))
    connection.execute(t.application.delete().where(t.application.c.application_row == application_row))


def standing(row: Row[Any]) -> Standing:
    return Standing(row.application_row, row.locality_id, row.birth_year, row.class_rank, row.filed_at_us)


def set_state(connection: Connection, rows: Iterable[int], state: ApplicationState) -> None:
    """Put applications into a state."""
    parameters = [{"row": row} for row in rows]
    if parameters:
        connection.execute(
            update(t.application).where(t.application.c.application_row == bindparam("row")).values(state=state.value),
            parameters,
        )


def keep_versions(connection: Connection, rows: Sequence[Row[Any]], change_id: int) -> None:
    """Keep what the applications said until this change."""
    insert_many(
        connection,
        t.application_version,
        (
            "application_row",
            "until_change",
            "birth_year",
            "birth_date",
            "class_rank",
            "profile_id",
            "wishes",
            "benefit",
        ),
        [
            (
                row.application_row,
                change_id,
                row.birth_year,
                row.birth_date.isoformat(),
                row.class_rank,
                row.profile_id,
                row.wishes,
                row.benefit,
            )
            for row in rows
        ],
    )


def archive(
    connection: Connection, ledger: Ledger, rows: Sequence[tuple[Row[Any], date]], why: str, reason: str
) -> None:
    """Out of the queue for good (rule E2), each on its day; stop-list entries end with it."""
    if not rows:
        return
    parameters = [{"row": row.application_row, "day": day} for row, day in rows]
    connection.execute(
        update(t.application)
        .where(t.application.c.application_row == bindparam("row"))
        .values(
            state=ApplicationState.ARCHIVED.value,
            archived_on=bindparam("day"),
            archive_reason=reason,
        ),
        parameters,
    )
    connection.execute(
        update(t.stop_list)
        .where(t.stop_list.c.application_row == bindparam("row"), t.stop_list.c.ended_on.is_(None))
        .values(ended_on=bindparam("day")),
        parameters,
    )
    for row, day in rows:
        was_queued = row.state == ApplicationState.QUEUED.value
        ledger.move(standing(row), -1 if was_queued else 0, why, day, reason)
