"""The cheap part of the checks, for every night: what can be compared in a few statements on indexes.

Two questions: do the rows that this very night wrote agree with each other, and does the rest of the locality that a
night works with? Findings of the second are compared with those of the evening before, so it is known whose they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from queue_engine.answers.checks.finding import Finding, Findings, Kind
from queue_engine.answers.checks.places import HELD
from queue_engine.answers.checks.view import View

STATE = Kind(
    "application.state", "C3, E1", "application {0} is {1} on record, and its voucher or stop-list entry is not"
)
LAPSED = Kind("voucher.overdue", "D6", "voucher {0} kept its place up to and including {1}, and is live still")
STOPPED = Kind("stop_list.overdue", "E1", "application {0} was to be back from the stop-list on {1}")
STAYED = Kind("application.stay", "D3", "application {0}: its temporary stay ended on {1}, and is on record still")
WAITED = Kind("withdrawal.overdue", "B6", "withdrawal {0} waits, and its day is over")
GAP = Kind("run.gap", "F1", "locality {0}: {1} nights are on record from {2} to {3}, one a day is due")
TOLD = Kind("night.state", "A6", "application {0} is {1}, and the night tells of it: {2}")
ISSUED = Kind("night.voucher", "C3", "application {0}: the night tells of a voucher, and none of this night is live")
COUNTED = Kind("night.count", "F2", "{0}: the night counts {1}, its records {2}")
TURN = Kind("night.turn", "A5", "queue {0}: the night left another turn than it kept")

MAY_BE = {
    "lapsed": ("stopped", "archived"),
    "unconfirmed": ("stopped", "archived"),
    "over_age": ("archived",),
}
"""States in which a night may leave an application, by what it tells of it and nothing in that night undoes."""


def standing_records(view: View, day: date, cutoff_us: int) -> list[Finding]:
    """What a night works with: places and live vouchers, states, terms that are over by the evening of `day`."""
    return [*_held(view), *_states(view), *_overdue(view, day, cutoff_us)]


def _held(view: View) -> Findings:
    """Places held and live vouchers, in sum; where they differ, vacancy by vacancy."""
    [(held,)] = view.rows("select coalesce(sum(held), 0) from vacancy where locality_id = {l}")
    if held != _live(view):
        yield from view.found(
            HELD,
            "select p.vacancy_id, p.held, coalesce(c.n, 0) from vacancy p left join (select vacancy_row, count(*) as n "
            "from voucher where locality_id = {l} and status = 'issued' group by vacancy_row) c "
            "on c.vacancy_row = p.vacancy_row where p.locality_id = {l} and p.held <> coalesce(c.n, 0)",
        )
    [(count, first, last)] = view.rows("select count(*), min(on_day), max(on_day) from run where locality_id = {l}")
    try:
        due = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1 if count else 0
    except ValueError:
        due = None
    if count != due:
        yield view.of(GAP, view.code, count, first, last)


def _live(view: View) -> int:
    return int(view.rows("select count(*) from voucher where locality_id = {l} and status = 'issued'")[0][0])


def _states(view: View) -> Findings:
    """Who holds a voucher or is on the stop-list, and nobody else, is said to.

    A row of either is unique, so where nobody lacks one and both are as many, each has its own.
    """
    for state, table, live in (
        ("holding", "voucher", "status = 'issued'"),
        ("stopped", "stop_list", "ended_on is null"),
    ):
        said = f"a.locality_id = {{l}} and a.birth_year in ({view.years}) and a.state = '{state}'"
        lacks = view.rows(
            f"select a.application_id, a.state from application a where {said} and not exists "
            f"(select 1 from {table} v where v.application_row = a.application_row and v.{live})"
        )
        yield from (view.of(STATE, *row) for row in lacks)
        [(have,)] = view.rows(f"select count(*) from {table} where locality_id = {{l}} and {live}")
        [(say,)] = view.rows(f"select count(*) from application a where {said}")
        if lacks or have != say:
            yield from view.found(
                STATE,
                "select coalesce(a.application_id, 'in row ' || v.application_row), coalesce(a.state, 'not there') "
                f"from {table} v left join application a on a.application_row = v.application_row "
                f"where v.locality_id = {{l}} and v.{live} and (a.state is null or a.state <> '{state}')",
            )


def _overdue(view: View, day: date, cutoff_us: int) -> Findings:
    yield from view.found(
        LAPSED,
        "select v.voucher_id, v.expires_on from voucher v join application a on a.application_row = v.application_row "
        "join vacancy p on p.vacancy_row = v.vacancy_row where v.locality_id = {l} and v.status = 'issued' "
        f"and v.expires_on <= '{day}'",
    )
    yield from view.found(
        STOPPED,
        "select a.application_id, s.back_on from stop_list s join application a "
        "on a.application_row = s.application_row where s.locality_id = {l} and s.ended_on is null "
        f"and s.back_on <= '{day}'",
    )
    yield from view.found(
        STAYED,
        "select application_id, temporary_until from application where locality_id = {l} "
        f"and temporary_until is not null and temporary_until <= '{day}'",
    )
    yield from view.found(
        WAITED,
        "select withdrawal_id from withdrawal where locality_id = {l} and state = 'waiting' "
        f"and withdrawn_at_us < {cutoff_us}",
    )


def night_records(view: View, day: date, run_id: int, change_id: int, counts: Mapping[str, int]) -> list[Finding]:
    """Whether the rows that one night wrote agree with each other.

    counts: what the night says it did, by the names of its report.
    """
    return [
        *_told(view, day, change_id, counts),
        *_offered(view, run_id, counts),
    ]


def _told(view: View, day: date, change_id: int, counts: Mapping[str, int]) -> Findings:
    """Movements of the night against states, vouchers, and the counts of the report."""
    moves = f"m.locality_id = {{l}} and m.birth_year in ({view.years}) and m.change_id = {{change}}"
    told = dict(view.rows(f"select m.why, count(*) from movement m where {moves} group by m.why", change=change_id))
    for name, why in (("vouchers", "voucher_issued"), ("lapsed", "lapsed"), ("over_age", "over_age")):
        if told.get(why, 0) != counts[name]:
            yield view.of(COUNTED, name, counts[name], told.get(why, 0))
    for why, states in MAY_BE.items():
        if why in told:
            yield from view.found(
                TOLD,
                "select a.application_id, a.state, m.why from movement m join application a "
                f"on a.application_row = m.application_row where {moves} and m.why = '{why}' and a.state not in "
                f"({', '.join(repr(state) for state in states)})",
                change=change_id,
            )
    yield from view.found(
        ISSUED,
        "select a.application_id from movement m join application a on a.application_row = m.application_row "
        "left join voucher v on v.application_row = m.application_row and v.status = 'issued' "
        f"where {moves} and m.why = 'voucher_issued' and (a.state <> 'holding' or v.voucher_row is null "
        f"or v.issued_on <> '{day}' or v.birth_year <> m.birth_year or v.class_rank <> m.class_rank)",
        change=change_id,
    )
    ended = told.get("lapsed", 0) + told.get("unconfirmed", 0)
    entered = view.rows(
        f"select count(*) from stop_list where locality_id = {{l}} and from_day = '{day}' and ended_on is null "
        "and reason <> ''"
    )[0][0]
    if entered < ended - counts["over_age"]:
        yield view.of(COUNTED, "stop-list entries", ended, entered)
    returned = view.rows(
        "select coalesce(sum(places), 0) from bulletin_entry where locality_id = {l} "
        f"and on_day = '{day}' and kind = 'returned'"
    )[0][0]
    if returned < ended:
        yield view.of(COUNTED, "places returned", ended, returned)


def _offered(view: View, run_id: int, counts: Mapping[str, int]) -> Findings:
    """Free places and turns of the night as it kept them."""
    [(free,)] = view.rows("select coalesce(sum(free), 0) from run_place where run_id = {run}", run=run_id)
    if free != counts["free"]:
        yield view.of(COUNTED, "free places", counts["free"], free)
    if free < counts["vouchers"]:
        yield view.of(COUNTED, "vouchers for free places", counts["vouchers"], free)
    yield from view.found(
        TURN,
        "select q.birth_year from run_queue q left join queue_turn t on t.locality_id = {l} "
        "and t.birth_year = q.birth_year where q.run_id = {run} and (t.position is null "
        "or t.position <> q.position_after or t.first_priority_turns <> q.first_priority_turns "
        "or t.general_turns <> q.general_turns)",
        run=run_id,
    )
