"""What the steps of a night share."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import Connection

from queue_engine.errors import KezekError
from queue_engine.law.calendar import WorkingCalendar
from queue_engine.law.rulebook import Rulebook, Rules
from queue_engine.store.records import Ledger, Locality


@dataclass(slots=True)
class NightReport:
    """What a night did; counts of applications, vouchers and places.

    `refused_withdrawals` names the withdrawals that found their places given away (decision 1.3), `refused_acts`
    says why officers' acts kept for this day could not be done (decision 1.24), `found` what the records of earlier
    days do not agree in (decision 8).
    """

    locality: str
    day: date
    repeated: bool = False
    suspended: bool = False
    lapsed: int = 0
    unconfirmed: int = 0
    back: int = 0
    stays_ended: int = 0
    over_age: int = 0
    reclassified: int = 0
    terms_begun: int = 0
    withdrawn: int = 0
    free: int = 0
    standing: int = 0
    vouchers: int = 0
    acts: int = 0
    findings: int = 0
    refused_withdrawals: tuple[str, ...] = ()
    refused_acts: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    failure: KezekError | None = None

    def counts(self) -> dict[str, int]:
        """The numbers alone, by name."""
        return {
            name: value for name, value in ((f.name, getattr(self, f.name)) for f in fields(self)) if type(value) is int
        }


@dataclass(frozen=True, slots=True)
class Night:
    """One night of one locality inside its transaction.

    `cutoff_us` is the first microsecond after the day: what is recorded before takes part (rule F1).
    """

    connection: Connection
    locality: Locality
    day: date
    cutoff_us: int
    rules: Rules
    rulebook: Rulebook
    calendar: WorkingCalendar
    run_id: int
    ledger: Ledger
    report: NightReport

    @property
    def here_today(self) -> dict[str, object]:
        """Parameters of the statements that ask for what is due in this locality on this day."""
        return {"here": self.locality.locality_id, "today": self.day}
