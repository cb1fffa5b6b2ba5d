"""Changes of circumstances of a known application (rule A7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, update

from queue_engine.domain.application import Application, ApplicationState
from queue_engine.domain.moments import day_of, to_us
from queue_engine.domain.voucher import Closing
from queue_engine.store import applications as store
from queue_engine.store import tables as t
from queue_engine.store.applications import Content
from queue_engine.store.records import Ledger, Locality, Standing, Why
from queue_engine.store.vouchers import close_live_voucher


class ChangeRefused(Exception):
    """A change that the rules do not allow: which column, what was expected."""

    def __init__(self, column: str, value: str, expected: str, rule: str) -> None:
        self.column = column
        self.value = value
        self.expected = expected
        self.rule = rule
        super().__init__(column)


def change_circumstances(
    connection: Connection,
    ledger: Ledger,
    locality: Locality,
    known: Row[Any],
    application: Application,
    content: Content,
    class_rank: Callable[[str], int],
) -> bool:
    """Record what changed and move the application to where A4 puts it; False if nothing changed.

    The moment of filing never changes. Raises ChangeRefused for an archived application.
    """
    before = store.content_of_row(known)
    if content == before:
        return False
    if known.state == ApplicationState.ARCHIVED.value:
        raise ChangeRefused(
            "application_id",
            application.application_id,
            f"a live application; this one is in the archive since {known.archived_on}. Restore it first",
            "E2",
        )
    if content.asks != before.asks:
        store.keep_versions(connection, [known], ledger.change_id)
    rank = known.class_rank if content.benefit == known.benefit else class_rank(content.benefit)
    connection.execute(
        update(t.application)
        .where(t.application.c.application_row == known.application_row)
        .values(
            birth_year=content.birth_date.year,
            class_rank=rank,
            birth_date=content.birth_date,
            profile_id=content.profile_id,
            wishes=content.wishes,
            benefit=content.benefit,
            benefit_confirmed_on=known.benefit_confirmed_on if content.benefit == known.benefit else None,
            child_iin=content.child_iin,
            phones=content.phones,
            email=content.email,
            notice_language=content.notice_language,
        )
    )
    _move(connection, ledger, locality, known, to_us(application.filed_at), content.birth_date.year, rank)
    return True


def _move(
    connection: Connection,
    ledger: Ledger,
    locality: Locality,
    known: Row[Any],
    filed_at_us: int,
    birth_year: int,
    rank: int,
) -> None:
    """Move the application between queues or classes, and note why."""
    day = locality.open_day or day_of(filed_at_us, locality.timezone)
    before = store.standing(known)
    after = Standing(known.application_row, known.locality_id, birth_year, rank, known.filed_at_us)
    if before == after:
        ledger.move(after, 0, Why.CHANGED, day)
        return
    why = Why.BENEFIT_CHANGED if before.birth_year == after.birth_year else Why.BIRTH_DATE_CORRECTED
    state = known.state
    if state == ApplicationState.HOLDING.value and before.birth_year != after.birth_year:
        # The voucher is for a place of another year (decision 1.11).
        close_live_voucher(connection, locality, known.application_row, Closing.CANCEL, day, "birth year corrected")
        store.set_state(connection, [known.application_row], ApplicationState.QUEUED)
        ledger.move(after, 1, Why.CANCELLED, day)
    elif state == ApplicationState.QUEUED.value:
        ledger.move(before, -1, why, day)
        ledger.move(after, 1, why, day)
    else:
        ledger.move(after, 0, why, day)
