"""The steps of a night before it serves the queues (rule F2), in the order of `run.STEPS`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from queue_engine.domain.application import ApplicationState, Benefit, ServiceClass
from queue_engine.domain.voucher import Closing
from queue_engine.errors import RuleBroken
from queue_engine.law.age import latest_birth_reaching
from queue_engine.night.context import Night
from queue_engine.night.due import (
    ACTS_DUE,
    ADMITTED_LATER,
    BACK_FROM_STOP_LIST,
    END_STAYS,
    HELD_UNTIL_LATER,
    LAPSING,
    OVER_AGE,
    RENEW_ROUNDS,
    RULES_IMPORTED,
    RULES_OF_A_NIGHT,
    TERMS_DUE,
    UNCONFIRMED,
    WITHDRAWALS_DUE,
)
from queue_engine.store import applications
from queue_engine.store import tables as t
from queue_engine.store.acts import ActKind, perform
from queue_engine.store.records import Standing, Why
from queue_engine.store.vacancies import REFUSED, TAKEN, take_places
from queue_engine.store.vouchers import Ending, StoredVoucher, end_vouchers, read_vouchers


def reclassify(night: Night) -> None:
    """Put right the class of applications when the law of this day classes their benefit anew (rule A3).

    Rules that were imported since the last run may have classed what was taken in meanwhile, and be replaced by now.
    """
    classes = night.rules.benefit_classes
    since = {"here": night.locality.locality_id, "today": night.locality.last_run_on}
    if dict(_classes_before(night)) == dict(classes) and not night.connection.execute(RULES_IMPORTED, since).first():
        return
    a = t.application.c
    for benefit in Benefit:
        rank = ServiceClass[classes[benefit.value].upper()].value
        rows = night.connection.execute(
            select(t.application).where(
                a.locality_id == night.locality.locality_id,
                a.benefit == benefit.value,
                a.class_rank != rank,
                a.state != ApplicationState.ARCHIVED.value,
            )
        ).all()
        _change_class(night, rows, benefit, rank, Why.CLASS_CHANGED)
        night.report.reclassified += len(rows)


def _classes_before(night: Night) -> Mapping[str, str]:
    """The classes by which applications stand now: those of the last run, or before the first of the latest law."""
    last = night.locality.last_run_on
    if last is None:
        return night.rulebook.on(date.max, night.locality.locality).benefit_classes
    kept = night.connection.execute(RULES_OF_A_NIGHT, {"here": night.locality.locality_id, "today": last}).scalar_one()
    classes: Mapping[str, str] = json.loads(kept)["benefit_classes"]
    return classes


def _change_class(night: Night, rows: Sequence[Row[Any]], benefit: Benefit, rank: int, why: str) -> None:
    """Give applications a benefit and its class, and move those that stand in a queue."""
    if not rows:
        return
    applications.keep_versions(night.connection, rows, night.ledger.change_id)
    night.connection.execute(
        update(t.application)
        .where(t.application.c.application_row == bindparam("row"))
        .values(benefit=benefit.value, class_rank=rank, benefit_confirmed_on=None),
        [{"row": row.application_row} for row in rows],
    )
    for row in rows:
        before = applications.standing(row)
        after = before._replace(class_rank=rank)
        if row.state == ApplicationState.QUEUED.value:
            night.ledger.move(before, -1, why, night.day)
            night.ledger.move(after, 1, why, night.day)
        else:
            night.ledger.move(after, 0, why, night.day)


def take_acts(night: Night) -> None:
    """Officers' acts whose day has come, in the order of their days (decision 1.24)."""
    rows = night.connection.execute(ACTS_DUE, night.here_today).all()
    refused = []
    for row in rows:
        kind = ActKind(row.kind)
        try:
            perform(night.connection, night.ledger, night.locality, kind, row.application_id, row.on_day, row.reason)
        except RuleBroken as broken:
            refused.append(str(broken))
        night.connection.execute(delete(t.waiting_act).where(t.waiting_act.c.act_id == row.act_id))
    night.report.acts = len(rows) - len(refused)
    night.report.refused_acts = tuple(refused)


def take_withdrawals(night: Night) -> None:
    """Withdrawals whose day has come, in the order of their moments (rule B6, decision 1.3)."""
    waiting = night.connection.execute(
        WITHDRAWALS_DUE, {"here": night.locality.locality_id, "cutoff": night.cutoff_us}
    ).all()
    still_held = Counter(vacancy for _, vacancy in held_until_later(night)) if waiting else Counter[int]()
    refused = []
    for row in waiting:
        vacancy = night.connection.execute(select(t.vacancy).where(t.vacancy.c.vacancy_row == row.vacancy_row)).one()
        free = vacancy.places - vacancy.withdrawn - vacancy.held - vacancy.used - still_held[row.vacancy_row]
        taken = row.places <= free
        if taken:
            take_places(night.connection, row.vacancy_row, row.places)
            night.report.withdrawn += row.places
        else:
            refused.append(row.withdrawal_id)
            night.connection.execute(
                delete(t.bulletin_entry).where(t.bulletin_entry.c.withdrawal_id == row.withdrawal_id)
            )
        night.connection.execute(
            update(t.withdrawal)
            .where(t.withdrawal.c.withdrawal_id == row.withdrawal_id)
            .values(state=TAKEN if taken else REFUSED)
        )
    night.report.refused_withdrawals = tuple(refused)


def held_until_later(night: Night) -> list[tuple[int, int]]:
    """(application, vacancy) of vouchers that ended after the day of this run, and gave their place back then.

    At the end of the day they were live (decision 1.2).
    """
    rows = night.connection.execute(HELD_UNTIL_LATER, night.here_today)
    return [(row.application_row, row.vacancy_row) for row in rows]


def admitted_later(night: Night) -> set[int]:
    """Applications admitted after the day of this run: at its end they held a live voucher (decision 1.2)."""
    rows = night.connection.execute(ADMITTED_LATER, night.here_today)
    return {row.application_row for row in rows}


def begin_terms(night: Night) -> None:
    """Start the term of early-booking vouchers whose place is vacated (rule B3, decision 1.15).

    One that a decision dated ahead has ended already was live at the end of this day (decision 1.2).
    """
    rows = night.connection.execute(TERMS_DUE, night.here_today).all()
    if not rows:
        return
    days = night.rules.voucher_validity
    night.connection.execute(
        update(t.voucher)
        .where(t.voucher.c.voucher_row == bindparam("row"))
        .values(
            expires_on=night.calendar.last_day(night.day, days),
            term_from=night.day,
            term_days=days,
            calendar=night.calendar.fingerprint,
        ),
        [{"row": row.voucher_row} for row in rows],
    )
    night.report.terms_begun = len(rows)


def cancel_unconfirmed(night: Night) -> None:
    """Out-of-turn benefits without proof in time: voucher cancelled, stop-list, benefit dropped (rule D7)."""
    found = read_vouchers(night.connection, UNCONFIRMED, night.here_today)
    _end(night, found, Closing.CANCEL, Why.UNCONFIRMED, "out-of-turn benefit not confirmed in time")
    rank = ServiceClass[night.rules.benefit_classes[Benefit.NONE.value].upper()].value
    ending = applications.by_ids(night.connection, [stored.voucher.application_id for stored in found]).values()
    # A benefit that the family has changed since is another one, and not in question.
    doubted = [row for row in ending if row.class_rank == ServiceClass.OUT_OF_TURN and row.benefit_confirmed_on is None]
    _change_class(night, doubted, Benefit.NONE, rank, Why.BENEFIT_CHANGED)
    night.report.unconfirmed = len(found)


def lapse_vouchers(night: Night) -> None:
    """Vouchers whose last day is over: the place returns, the application goes to the stop-list (rules D6, E1)."""
    found = read_vouchers(night.connection, LAPSING, night.here_today)
    _end(night, found, Closing.LAPSE, Why.LAPSED, "not admitted by the last day of the voucher")
    night.report.lapsed = len(found)


def _end(night: Night, vouchers: list[StoredVoucher], closing: Closing, why: str, reason: str) -> None:
    """End vouchers at the end of the day and put their applications on the stop-list."""
    if not vouchers:
        return
    last_second = night.cutoff_us - 1_000_000
    end_vouchers(
        night.connection,
        night.locality,
        [Ending(stored, closing, night.day, reason, last_second) for stored in vouchers],
    )
    rows = [stored.application_row for stored in vouchers]
    applications.set_state(night.connection, rows, ApplicationState.STOPPED)
    back_on = night.day + timedelta(days=night.rules.stop_list_days)
    night.connection.execute(
        insert(t.stop_list),
        [
            {
                "application_row": row,
                "locality_id": night.locality.locality_id,
                "from_day": night.day,
                "back_on": back_on,
                "reason": reason,
            }
            for row in rows
        ],
    )
    found = applications.by_ids(night.connection, [stored.voucher.application_id for stored in vouchers])
    for stored in vouchers:
        row = found[stored.voucher.application_id]
        night.ledger.move(applications.standing(row), 0, why, night.day, reason)


def return_from_stop_list(night: Night) -> None:
    """Back by itself, at the old moment of filing (rule E1)."""
    rows = night.connection.execute(BACK_FROM_STOP_LIST, night.here_today).all()
    if not rows:
        return
    night.connection.execute(
        update(t.stop_list).where(t.stop_list.c.entry_id == bindparam("row")).values(ended_on=night.day),
        [{"row": row.entry_id} for row in rows],
    )
    applications.set_state(night.connection, [row.application_row for row in rows], ApplicationState.QUEUED)
    for row in rows:
        night.ledger.move(Standing(*row[1:]), 1, Why.BACK, night.day)
    night.report.back = len(rows)


def end_stays(night: Night) -> None:
    """Temporary stays that end: such places may be offered to the child again (rule D3, decision 1.17)."""
    night.report.stays_ended = night.connection.execute(END_STAYS, night.here_today).rowcount


def archive_over_age(night: Night) -> None:
    """Children who have reached `age.max` leave the queue (rules A8, E2; decision 1.13)."""
    oldest: date = latest_birth_reaching(night.rules.age_max_months, night.day)
    here = night.locality.locality_id
    asked = {"here": here, "oldest": oldest, "oldest_year": oldest.year, "cutoff_us": night.cutoff_us}
    rows = night.connection.execute(OVER_AGE, asked).all()
    holding = {application for application, _ in held_until_later(night)} | admitted_later(night) if rows else set()
    leaving = [(row, night.day) for row in rows if row.application_row not in holding]
    applications.archive(night.connection, night.ledger, leaving, Why.OVER_AGE, "over age")
    night.report.over_age = len(leaving)


def renew_rounds(night: Night) -> None:
    """A turn pattern other than that of the last night starts its round anew in every queue (decision 1.25)."""
    turn = night.rules.turn
    here = night.locality.locality_id
    night.connection.execute(
        RENEW_ROUNDS, {"here": here, "first_priority": turn.first_priority, "general": turn.general}
    )
