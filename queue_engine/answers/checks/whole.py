"""`kezek check`: every check, locality by locality."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import Connection

from queue_engine.answers.checks.applications import applications, children, versions
from queue_engine.answers.checks.changes import acts, changes
from queue_engine.answers.checks.finding import Finding, Findings, Kind
from queue_engine.answers.checks.history import History, history_of
from queue_engine.answers.checks.law import classes, rules_on_record, said_classes, terms
from queue_engine.answers.checks.nights import days_told, nights
from queue_engine.answers.checks.numbers import numbers
from queue_engine.answers.checks.offers import offers
from queue_engine.answers.checks.places import bulletins, places, withdrawals
from queue_engine.answers.checks.references import references
from queue_engine.answers.checks.stops import stops
from queue_engine.answers.checks.view import View
from queue_engine.answers.checks.vouchers import vouchers
from queue_engine.errors import KezekError
from queue_engine.store.bulk import rows_of

CHECKS: tuple[Callable[[View, History], Findings], ...] = (
    applications,
    children,
    versions,
    vouchers,
    stops,
    places,
    withdrawals,
    bulletins,
    offers,
    nights,
    days_told,
    numbers,
    classes,
    said_classes,
    terms,
    rules_on_record,
    acts,
)
"""Checks of one locality, in the order in which they are told."""
UNREADABLE = Kind(
    "records.unreadable", "H1", "{0}: a record there cannot be read ({1}), so what depends on it is not checked"
)


def check_records(connection: Connection, locality: str | None = None) -> Iterator[Finding]:
    """Every finding, those of the whole database first; nothing is changed.

    locality: only this one. References, unique things and changes are checked over all in either case.
    """
    found = rows_of(connection, "select locality_id, locality from locality order by locality")
    yield from _safely("the schema", "", lambda: references(connection))
    if found:
        yield from _safely("changes", "", lambda: changes(View(connection, found[0][0], "")))
    for locality_id, code in found:
        if locality is None or code == locality:
            yield from check_locality(View(connection, locality_id, code))


def check_locality(view: View) -> Iterator[Finding]:
    """Every finding of one locality."""
    try:
        history = history_of(view)
    except BROKEN as error:
        yield view.of(UNREADABLE, "applications or movements", type(error).__name__)
        return
    for check in CHECKS:

        def made(check: Callable[[View, History], Findings] = check) -> Findings:
            return check(view, history)

        yield from _safely(check.__name__, view.code, made)


BROKEN = (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError, KezekError)
"""What reading a record raises that is not what its column should hold."""


def _safely(what: str, code: str, check: Callable[[], Findings]) -> Findings:
    """The findings of a check; one more if a record is so damaged that the check cannot go on."""
    try:
        yield from check()
    except BROKEN as error:
        yield UNREADABLE.of(code, what, type(error).__name__)
