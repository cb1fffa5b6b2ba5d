"""The voucher: its states and the one table of transitions (rules D)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bulletins.vacancy import AdmissionOrder
from queue_engine.domain.decision import Decision, DecisionKind
from queue_engine.errors import RuleBroken


class VoucherStatus(StrEnum):
    ISSUED = "issued"
    ADMITTED = "admitted"
    DECLINED = "declined"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Closing(StrEnum):
    """What ends a live voucher."""

    ADMIT = "admit"
    DECLINE = "decline"
    REFUSE = "refuse"
    LAPSE = "lapse"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[VoucherStatus, Closing], VoucherStatus] = {
    (VoucherStatus.ISSUED, Closing.ADMIT): VoucherStatus.ADMITTED,
    (VoucherStatus.ISSUED, Closing.DECLINE): VoucherStatus.DECLINED,
    (VoucherStatus.ISSUED, Closing.REFUSE): VoucherStatus.REFUSED,
    (VoucherStatus.ISSUED, Closing.LAPSE): VoucherStatus.EXPIRED,
    (VoucherStatus.ISSUED, Closing.CANCEL): VoucherStatus.CANCELLED,
}
"""A live voucher is an issued one; every other state is final."""

GIVES_PLACE_BACK = frozenset(
    {VoucherStatus.DECLINED, VoucherStatus.REFUSED, VoucherStatus.EXPIRED, VoucherStatus.CANCELLED}
)
BARS_VACANCY = frozenset({VoucherStatus.DECLINED, VoucherStatus.REFUSED})
"""After these the vacancy does not suit this applicant any more (rule C1)."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """A place kept for a child for a time.

    `expires_on` is the last day, inclusive; None while an early-booking term has not begun (rule B3).
    `confirm_by` is the last day for the proof of an out-of-turn benefit, while it is wanted (rule D7).
    """

    voucher_id: str
    application_id: str
    vacancy_id: str
    admission: AdmissionOrder
    issued_on: date
    expires_on: date | None
    status: VoucherStatus
    vacated_on: date | None = None
    extended_on: date | None = None
    stop_list_until: date | None = None
    attend_until: date | None = None
    confirm_by: date | None = None

    def closed(self, closing: Closing) -> VoucherStatus:
        """The status after `closing`; RuleBroken if the voucher is not live."""
        try:
            return TRANSITIONS[self.status, closing]
        except KeyError:
            raise RuleBroken(
                "voucher.closed", f"voucher {self.voucher_id} is {self.status} already.", rule="D"
            ) from None


def voucher_id(issued_on: date, application_id: str) -> str:
    """The same on every machine: an application gets at most one voucher a night (rule C3).

    >>> voucher_id(date(2026, 3, 20), "A17")
    'V-20260320-A17'
    """
    return f"V-{issued_on:%Y%m%d}-{application_id}"


def check_decision(voucher: Voucher, decision: Decision, last_day: date | None) -> None:
    """Raise RuleBroken if the rules do not allow the decision on this voucher (rules B3, B4, D1-D5, D7).

    `last_day` is that of the term as far as it is known, be it that a coming night starts it; None = no term yet.
    """
    day = decision.decided_on
    if voucher.status is VoucherStatus.EXPIRED:
        raise _lapsed(voucher, decision, voucher.expires_on)
    if voucher.status is VoucherStatus.ISSUED and last_day is not None and day > last_day:
        raise _lapsed(voucher, decision, last_day)
    if voucher.status is not VoucherStatus.ISSUED:
        raise RuleBroken(
            "voucher.none",
            f"application {voucher.application_id} has no live voucher; its last, {voucher.voucher_id}, "
            f"is {voucher.status}.",
            rule="D3",
            next_step="A new voucher comes from a night's run.",
        )
    if day < voucher.issued_on:
        raise RuleBroken(
            "voucher.not_yet",
            f"voucher {voucher.voucher_id} was issued on {voucher.issued_on}; "
            f"{decision.decision} was recorded on {day}.",
            rule="D1",
            next_step="Correct decided_on.",
        )
    if decision.decision in (DecisionKind.ADMIT, DecisionKind.EXTEND):
        _check_term_runs(voucher, decision)
    _check_proof(voucher, decision)
    if decision.decision is DecisionKind.EXTEND and voucher.extended_on is not None:
        raise RuleBroken(
            "voucher.extended",
            f"voucher {voucher.voucher_id} was extended on {voucher.extended_on} already; its last day is "
            f"{voucher.expires_on}.",
            rule="D2",
            next_step="The family comes by that day.",
        )
    if decision.decision is DecisionKind.ADMIT and voucher.attend_until is not None and day >= voucher.attend_until:
        raise RuleBroken(
            "voucher.stay_over",
            f"the temporary place of voucher {voucher.voucher_id} ends on {voucher.attend_until}; admission was "
            f"recorded on {day}.",
            rule="B4",
            next_step="Record a decline or a refusal instead.",
        )


def _check_proof(voucher: Voucher, decision: Decision) -> None:
    """No admission before the proof, and nothing after its last day (rule D7)."""
    if voucher.confirm_by is None:
        return
    if decision.decision is DecisionKind.ADMIT or decision.decided_on > voucher.confirm_by:
        raise RuleBroken(
            "voucher.unconfirmed",
            f"the out-of-turn benefit of application {voucher.application_id} is to be confirmed by "
            f"{voucher.confirm_by}, and is not yet.",
            rule="D7",
            next_step="The department confirms it with `kezek confirm`; then the organisation may admit.",
        )


def extended_to(voucher: Voucher, calendar_days: int) -> date:
    """The last day after an extension: the n-th calendar day after issue, never shorter (rule D2)."""
    assert voucher.expires_on is not None
    return max(voucher.expires_on, voucher.issued_on + timedelta(days=calendar_days))


def _check_term_runs(voucher: Voucher, decision: Decision) -> None:
    if voucher.admission is not AdmissionOrder.EARLY_BOOKING:
        return
    vacated = voucher.vacated_on is not None and voucher.vacated_on <= decision.decided_on
    begun = voucher.expires_on is not None
    if begun or (vacated and decision.decision is DecisionKind.ADMIT):
        return
    raise RuleBroken(
        "voucher.not_vacated",
        f"the place of voucher {voucher.voucher_id} is booked early and not vacated on {decision.decided_on}; "
        f"its term has not begun.",
        rule="B3",
        next_step="Hand over the day it is vacated (vacated_on) first.",
    )


def _lapsed(voucher: Voucher, decision: Decision, last_day: date | None) -> RuleBroken:
    stop_list = (
        f"The application is on the stop-list until {voucher.stop_list_until}."
        if voucher.stop_list_until is not None
        else "The application goes to the stop-list by the night's run."
    )
    return RuleBroken(
        "voucher.lapsed",
        f"voucher {voucher.voucher_id} held its place up to and including {last_day}; "
        f"{decision.decision} was recorded on {decision.decided_on}.",
        rule="D1 (voucher.validity)",
        next_step=stop_list,
    )
