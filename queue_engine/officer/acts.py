"""What an officer does to one application, each act with its reason (rules D7, E)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from queue_engine.domain.application import ApplicationState, ServiceClass
from queue_engine.domain.voucher import Closing
from queue_engine.errors import RuleBroken, WrongUsage
from queue_engine.store import applications as store
from queue_engine.store import tables as t
from queue_engine.store.engine import Database
from queue_engine.store.records import Ledger, Locality, Why, localities, new_change, rulebook
from queue_engine.store.vouchers import close_live_voucher


class _Act:
    """One act inside its transaction: the application, its locality and the day of the act."""

    def __init__(self, connection: Connection, kind: str, application_id: str, day: date | None) -> None:
        self.connection = connection
        self.application: Row[Any] = store.find(connection, application_id)
        self.locality: Locality = next(
            entry for entry in localities(connection) if entry.locality_id == self.application.locality_id
        )
        self.day = _day(self.locality, day)
        self.ledger = Ledger(connection, new_change(connection, kind, self.day))
        self.rules = rulebook(connection).on(self.day, self.locality.locality)

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

    def cancel_voucher(self, reason: str) -> str | None:
        """Cancel a live voucher (decision 1.23); its id, if there was one."""
        row = self.application.application_row
        stored = close_live_voucher(self.connection, self.locality, row, Closing.CANCEL, self.day, reason)
        return stored.voucher.voucher_id if stored else None

    def move(self, step: int, why: str, reason: str) -> None:
        self.ledger.move(store.standing(self.application), step, why, self.day, reason)
        self.ledger.write()


def _day(locality: Locality, day: date | None) -> date:
    """The day of an act: as given, or the open day (decision 1.24); never the machine's clock (rule F1)."""
    if day is not None:
        return day
    if locality.open_day is None:
        raise WrongUsage(
            "act.day",
            f"{locality.locality} has had no run yet, so the day of the act is not known.",
            next_step="Give it with --date.",
        )
    return locality.open_day


def stop(database: Database, application_id: str, reason: str, day: date | None = None) -> str:
    """Put an application on the stop-list for a stated violation (rule E1); the sentence to tell."""
    with database.write() as connection:
        act = _Act(connection, "stop-list add", application_id, day)
        act.refuse_archived()
        if act.state is ApplicationState.STOPPED:
            raise RuleBroken(
                "stop_list.already", f"application {application_id} is on the stop-list already.", rule="E1"
            )
        cancelled = act.cancel_voucher(reason)
        back_on = act.day + timedelta(days=act.rules.stop_list_days)
        connection.execute(
            insert(t.stop_list).values(
                application_row=act.application.application_row,
                locality_id=act.locality.locality_id,
                from_day=act.day,
                back_on=back_on,
                reason=reason,
            )
        )
        store.set_state(connection, [act.application.application_row], ApplicationState.STOPPED)
        act.move(-1 if act.state is ApplicationState.QUEUED else 0, Why.STOPPED, reason)
    told = f" Its voucher {cancelled} is cancelled and the place returned." if cancelled else ""
    return f"Application {application_id} is on the stop-list from {act.day}, back in the run of {back_on}.{told}"


def unstop(database: Database, application_id: str, reason: str, day: date | None = None) -> str:
    """Take an application off the stop-list before its time, at its old moment of filing (rule E1)."""
    with database.write() as connection:
        act = _Act(connection, "stop-list remove", application_id, day)
        if act.state is not ApplicationState.STOPPED:
            raise RuleBroken("stop_list.not_there", f"application {application_id} is not on the stop-list.", rule="E1")
        s = t.stop_list.c
        connection.execute(
            update(t.stop_list)
            .where(s.application_row == act.application.application_row, s.ended_on.is_(None))
            .values(ended_on=act.day)
        )
        store.set_state(connection, [act.application.application_row], ApplicationState.QUEUED)
        act.move(1, Why.BACK, reason)
    return f"Application {application_id} is back in its queue at its old moment of filing, from {act.day}."


def archive(database: Database, application_id: str, reason: str, day: date | None = None) -> str:
    """Take an application out of the queue for good (rule E2)."""
    with database.write() as connection:
        act = _Act(connection, "archive", application_id, day)
        act.refuse_archived()
        cancelled = act.cancel_voucher(reason)
        store.archive(connection, act.ledger, [(act.application, act.day)], Why.ARCHIVED, reason)
        act.ledger.write()
        until = act.day + timedelta(days=act.rules.archive_restore)
    told = f" Its voucher {cancelled} is cancelled and the place returned." if cancelled else ""
    return f"Application {application_id} is in the archive from {act.day}; it may be restored until {until}.{told}"


def restore(database: Database, application_id: str, reason: str, day: date | None = None) -> str:
    """Bring an application back from the archive at its old moment of filing, within `archive.restore` (rule E2)."""
    with database.write() as connection:
        act = _Act(connection, "restore", application_id, day)
        application = act.application
        if act.state is not ApplicationState.ARCHIVED:
            raise RuleBroken("archive.not_there", f"application {application_id} is not in the archive.", rule="E2")
        until = application.archived_on + timedelta(days=act.rules.archive_restore)
        if act.day > until:
            raise RuleBroken(
                "archive.term",
                f"application {application_id} went to the archive on {application.archived_on} and could be "
                f"restored until {until}; the day of the act is {act.day}.",
                rule="E2 (archive.restore)",
                next_step="The family files a new application.",
            )
        other = store.live_children(connection, [application.child_iin]).get(application.child_iin)
        if other is not None:
            raise RuleBroken(
                "application.second",
                f"the child of application {application_id} has a live application, {other.application_id}.",
                rule="A7",
                next_step="Archive the one that is not wanted first.",
            )
        rank = ServiceClass[act.rules.benefit_classes[application.benefit].upper()].value
        connection.execute(
            update(t.application)
            .where(t.application.c.application_row == application.application_row)
            .values(state=ApplicationState.QUEUED.value, archived_on=None, archive_reason=None, class_rank=rank)
        )
        act.application = store.find(connection, application_id)
        act.move(1, Why.RESTORED, reason)
    return f"Application {application_id} is back in its queue at its old moment of filing, from {act.day}."


def confirm(database: Database, application_id: str, reason: str, day: date | None = None) -> str:
    """Record that the department has confirmed an out-of-turn benefit (rule D7)."""
    with database.write() as connection:
        act = _Act(connection, "confirm", application_id, day)
        act.refuse_archived()
        application = act.application
        if application.class_rank != ServiceClass.OUT_OF_TURN:
            raise RuleBroken(
                "benefit.no_proof_needed",
                f"application {application_id} has no out-of-turn benefit to confirm.",
                rule="D7",
            )
        connection.execute(
            update(t.application)
            .where(t.application.c.application_row == application.application_row)
            .values(benefit_confirmed_on=act.day)
        )
        v = t.voucher.c
        waiting = connection.execute(
            select(v.voucher_row).where(
                v.application_row == application.application_row,
                v.status == "issued",
                v.confirm_by.is_not(None),
                v.confirmed_on.is_(None),
            )
        ).all()
        for row in waiting:
            connection.execute(update(t.voucher).where(v.voucher_row == row.voucher_row).values(confirmed_on=act.day))
        act.move(0, Why.CONFIRMED, reason)
    return f"The out-of-turn benefit of application {application_id} is confirmed on {act.day}."
