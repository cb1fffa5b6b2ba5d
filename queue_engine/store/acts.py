"""What an officer does to one application, each act on its day and with its reason (rules D7, E)."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from queue_engine.domain.application import ApplicationState, ServiceClass
from queue_engine.domain.voucher import Closing, VoucherStatus
from queue_engine.errors import RuleBroken
from queue_engine.store import applications as store
from queue_engine.store import tables as t
from queue_engine.store.records import Ledger, Locality, Why, rulebook
from queue_engine.store.vouchers import close_live_voucher


class ActKind(StrEnum):
    """What an officer may do to an application."""

    STOP = "stop-list add"
    UNSTOP = "stop-list remove"
    ARCHIVE = "archive"
    RESTORE = "restore"
    CONFIRM = "confirm"


class _Act:
    """One act inside its transaction: the application, its locality, the day and the reason of the act."""

    def __init__(
        self, connection: Connection, ledger: Ledger, locality: Locality, application_id: str, day: date, reason: str
    ) -> None:
        self.connection = connection
        self.ledger = ledger
        self.application: Row[Any] = store.find(connection, application_id)
        self.locality = locality
        self.day = day
        self.reason = reason
        self.rules = rulebook(connection).on(day, locality.locality)

    @property
    def state(self) -> ApplicationState:
        return ApplicationState(self.application.state)

    def refuse_archived(self) -> None:
        if self.state is ApplicationState.ARCHIVED:
            raise RuleBroken(
                "application.archived",
                f"application {self.application.application_id} is in the archive "
                f"since {self.application.archived_on}.",
                rule="E2",
                next_step="Restore it first, if its term allows.",
            )

    def cancel_voucher(self) -> str:
        """Cancel a live voucher (decision 1.23); what to tell of it, empty if there was none."""
        row = self.application.application_row
        stored = close_live_voucher(self.connection, self.locality, row, Closing.CANCEL, self.day, self.reason)
        if stored is None:
            return ""
        return f" Its voucher {stored.voucher.voucher_id} is cancelled and the place returned."

    def move(self, step: int, why: str) -> None:
        self.ledger.move(store.standing(self.application), step, why, self.day, self.reason)


def perform(
    connection: Connection,
    ledger: Ledger,
    locality: Locality,
    kind: ActKind,
    application_id: str,
    day: date,
    reason: str,
) -> str:
    """Do it, and return the sentence to tell.

    Raises: RuleBroken if the rules do not allow it now; WrongUsage for an unknown application.
    """
    act = _Act(connection, ledger, locality, application_id, day, reason)
    return {
        ActKind.STOP: _stop,
        ActKind.UNSTOP: _unstop,
        ActKind.ARCHIVE: _archive,
        ActKind.RESTORE: _restore,
        ActKind.CONFIRM: _confirm,
    }[kind](act)


def _stop(act: _Act) -> str:
    """Onto the stop-list for a stated violation (rule E1)."""
    act.refuse_archived()
    name = act.application.application_id
    if act.state is ApplicationState.STOPPED:
        raise RuleBroken(
            "stop_list.already",
            f"application {name} is on the stop-list already.",
            rule="E1",
            next_step="See `kezek number` for the day it comes back.",
        )
    back_on = act.day + timedelta(days=act.rules.stop_list_days)
    last_run = act.locality.last_run_on
    if last_run is not None and back_on <= last_run:
        raise RuleBroken(
            "stop_list.over",
            f"a stop from {act.day} ended in the run of {back_on}, which is over.",
            rule="E1 (stop_list.days)",
            next_step="Date it by a later day.",
        )
    cancelled = act.cancel_voucher()
    act.connection.execute(
        insert(t.stop_list).values(
            application_row=act.application.application_row,
            locality_id=act.locality.locality_id,
            from_day=act.day,
            back_on=back_on,
            reason=act.reason,
        )
    )
    store.set_state(act.connection, [act.application.application_row], ApplicationState.STOPPED)
    act.move(-1 if act.state is ApplicationState.QUEUED else 0, Why.STOPPED)
    return f"Application {name} is on the stop-list from {act.day}, back in the run of {back_on}.{cancelled}"


def _unstop(act: _Act) -> str:
    """Off the stop-list before its time, at the old moment of filing (rule E1)."""
    name = act.application.application_id
    if act.state is not ApplicationState.STOPPED:
        raise RuleBroken(
            "stop_list.not_there",
            f"application {name} is not on the stop-list.",
            rule="E1",
            next_step="See `kezek number` for where it is.",
        )
    s = t.stop_list.c
    act.connection.execute(
        update(t.stop_list)
        .where(s.application_row == act.application.application_row, s.ended_on.is_(None))
        .values(ended_on=act.day)
    )
    store.set_state(act.connection, [act.application.application_row], ApplicationState.QUEUED)
    act.move(1, Why.BACK)
    return f"Application {name} is back in its queue at its old moment of filing, from {act.day}."


def _archive(act: _Act) -> str:
    """Out of the queue for good (rule E2)."""
    act.refuse_archived()
    cancelled = act.cancel_voucher()
    store.archive(act.connection, act.ledger, [(act.application, act.day)], Why.ARCHIVED, act.reason)
    until = act.day + timedelta(days=act.rules.archive_restore)
    return (
        f"Application {act.application.application_id} is in the archive from {act.day}; "
        f"it may be restored until {until}.{cancelled}"
    )


def _restore(act: _Act) -> str:
    """Back from the archive at the old moment of filing, within `archive.restore` (rule E2)."""
    application = act.application
    name = application.application_id
    if act.state is not ApplicationState.ARCHIVED:
        raise RuleBroken(
            "archive.not_there",
            f"application {name} is not in the archive.",
            rule="E2",
            next_step="See `kezek number` for where it is.",
        )
    until = application.archived_on + timedelta(days=act.rules.archive_restore)
    if act.day > until:
        raise RuleBroken(
            "archive.term",
            f"application {name} went to the archive on {application.archived_on} and could be restored until "
            f"{until}; the day of the act is {act.day}.",
            rule="E2 (archive.restore)",
            next_step="The family files a new application.",
        )
    other = store.live_children(act.connection, [application.child_iin]).get(application.child_iin)
    if other is not None:
        raise RuleBroken(
            "application.second",
            f"the child of application {name} has a live application, {other.application_id}.",
            rule="A7",
            next_step="Archive the one that is not wanted first.",
        )
    # Classed as all that stand in the queue are: by the law of the open day, whatever day the act is dated (rule A3).
    law = rulebook(act.connection).on(act.locality.open_day or date.max, act.locality.locality)
    rank = ServiceClass[law.benefit_classes[application.benefit].upper()].value
    act.connection.execute(
        update(t.application)
        .where(t.application.c.application_row == application.application_row)
        .values(state=ApplicationState.QUEUED.value, archived_on=None, archive_reason=None, class_rank=rank)
    )
    act.application = store.find(act.connection, name)
    act.move(1, Why.RESTORED)
    return f"Application {name} is back in its queue at its old moment of filing, from {act.day}."


def _confirm(act: _Act) -> str:
    """The department has seen the proof of an out-of-turn benefit (rule D7)."""
    act.refuse_archived()
    application = act.application
    if application.class_rank != ServiceClass.OUT_OF_TURN:
        raise RuleBroken(
            "benefit.no_proof_needed",
            f"application {application.application_id} has no out-of-turn benefit to confirm.",
            rule="D7",
            next_step="See `kezek number` for its class.",
        )
    a, v = t.application.c, t.voucher.c
    act.connection.execute(
        update(t.application)
        .where(a.application_row == application.application_row)
        .values(benefit_confirmed_on=act.day)
    )
    act.connection.execute(
        update(t.voucher)
        .where(
            v.application_row == application.application_row,
            v.status == VoucherStatus.ISSUED.value,
            v.confirm_by.is_not(None),
            v.confirmed_on.is_(None),
        )
        .values(confirmed_on=act.day)
    )
    act.move(0, Why.CONFIRMED)
    return f"The out-of-turn benefit of application {application.application_id} is confirmed on {act.day}."
