"""What is due in a locality on a day: the statements that every night begins its steps with (rule F2).

They are built once: building a statement takes longer than most of them run. Parameters: `here`, the locality's id;
`today`, the day; `cutoff`, the first microsecond after it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, bindparam, func, or_, select, update

from bulletins.vacancy import AdmissionOrder
from queue_engine.domain.application import ApplicationState
from queue_engine.domain.voucher import GIVES_PLACE_BACK, VoucherStatus
from queue_engine.store import tables as t
from queue_engine.store.vacancies import WAITING
from queue_engine.store.vouchers import VOUCHERS

HERE: BindParameter[Any] = bindparam("here")
TODAY: BindParameter[Any] = bindparam("today")
CUTOFF: BindParameter[Any] = bindparam("cutoff")
_a, _s, _v, _w, _x = t.application.c, t.stop_list.c, t.voucher.c, t.withdrawal.c, t.waiting_act.c
_LIVE = (_v.locality_id == HERE, _v.status == VoucherStatus.ISSUED.value)
_ENDED_LATER = (_v.locality_id == HERE, _v.closed_on > TODAY)
ACTS_DUE = (
    select(t.waiting_act, _a.application_id)
    .join(t.application, _a.application_row == _x.application_row)
    .where(_x.locality_id == HERE, _x.on_day <= TODAY)
    .order_by(_x.on_day, _x.act_id)
)
WITHDRAWALS_DUE = (
    select(t.withdrawal)
    .where(_w.locality_id == HERE, _w.state == WAITING, _w.withdrawn_at_us < CUTOFF)
    .order_by(_w.withdrawn_at_us, _w.withdrawal_id)
)
HELD_UNTIL_LATER = select(_v.application_row, _v.vacancy_row).where(
    *_ENDED_LATER, _v.status.in_([status.value for status in GIVES_PLACE_BACK])
)
ADMITTED_LATER = select(_v.application_row).where(*_ENDED_LATER, _v.status == VoucherStatus.ADMITTED.value)
TERMS_DUE = (
    select(_v.voucher_row)
    .join(t.vacancy, t.vacancy.c.vacancy_row == _v.vacancy_row)
    .where(
        _v.locality_id == HERE,
        or_(_v.status == VoucherStatus.ISSUED.value, _v.closed_on > TODAY),
        _v.expires_on.is_(None),
        t.vacancy.c.admission == AdmissionOrder.EARLY_BOOKING.value,
        t.vacancy.c.vacated_on <= TODAY,
    )
)
UNCONFIRMED = VOUCHERS.where(*_LIVE, _v.confirm_by <= TODAY, _v.confirmed_on.is_(None))
LAPSING = VOUCHERS.where(*_LIVE, _v.expires_on <= TODAY)
BACK_FROM_STOP_LIST = (
    select(_s.entry_id, _a.application_row, _a.locality_id, _a.birth_year, _a.class_rank, _a.filed_at_us)
    .join(t.application, _a.application_row == _s.application_row)
    .where(_s.locality_id == HERE, _s.ended_on.is_(None), _s.back_on <= TODAY)
    .order_by(_a.application_id)
)
END_STAYS = (
    update(t.application)
    .where(_a.locality_id == HERE, _a.temporary_until.is_not(None), _a.temporary_until <= TODAY)
    .values(temporary_until=None)
)
OVER_AGE = (
    select(t.application)
    .where(
        _a.locality_id == HERE,
        _a.birth_year <= bindparam("oldest_year"),
        or_(_a.state == ApplicationState.QUEUED.value, _a.state == ApplicationState.STOPPED.value),
        _a.birth_date <= bindparam("oldest"),
        _a.filed_at_us < bindparam("cutoff_us"),
    )
    .order_by(_a.application_id)
)
RENEW_ROUNDS = (
    update(t.queue_turn)
    .where(
        t.queue_turn.c.locality_id == HERE,
        or_(
            t.queue_turn.c.first_priority_turns != bindparam("first_priority"),
            t.queue_turn.c.general_turns != bindparam("general"),
        ),
    )
    .values(first_priority_turns=bindparam("first_priority"), general_turns=bindparam("general"), position=0)
)
RULES_OF_A_NIGHT = select(t.run.c.rules).where(t.run.c.locality_id == HERE, t.run.c.on_day == TODAY)
_CHANGE_OF_A_NIGHT = select(t.run.c.change_id).where(t.run.c.locality_id == HERE, t.run.c.on_day == TODAY)
RULES_IMPORTED = (
    select(t.change.c.change_id)
    .where(
        t.change.c.kind == "rules import",
        t.change.c.change_id > func.coalesce(_CHANGE_OF_A_NIGHT.scalar_subquery(), 0),
    )
    .limit(1)
)
"""Whether rules were imported since the run of `today`, or ever if that is None."""
