"""Places of every vacancy rebuilt from withdrawals, vouchers and bulletins, and the other way round (rules B)."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import numpy as np

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.frames import NOTHING
from queue_engine.answers.checks.history import CODE, History
from queue_engine.answers.checks.view import View

HELD = Kind("places.held", "B6", "vacancy {0}: {1} places are held on record, {2} by live vouchers")
USED = Kind("places.used", "D3", "vacancy {0}: {1} places are used on record, {2} by admitted children")
TAKEN = Kind("places.withdrawn", "B6", "vacancy {0}: {1} places are withdrawn on record, {2} by withdrawals")
VACATED = Kind("bulletin.vacated", "B5", "vacancy {0}: handed over otherwise than the bulletin lists it")
WITHDRAWN = Kind("bulletin.withdrawn", "B5", "withdrawal {0}: not as the bulletin lists it")
RETURNED = Kind("bulletin.returned", "B5", "vacancy {0}: {1} places are listed as returned at {2}, vouchers gave {3}")
LISTED_ON = Kind("bulletin.day", "B5", "vacancy {0}: {1} on {2}, but listed in the bulletin of another day")
STRAY = Kind(
    "bulletin.stray", "B5", "vacancy {0}: the bulletin lists it in another locality, or without its withdrawal"
)
DATES = Kind("vacancy.dates", "B3, B4", "vacancy {0}: its dates are not those of its admission order")
WHERE = Kind("vacancy.locality", "B1", "vacancy {0}: its organisation is of another locality")
WAITS = Kind("withdrawal.state", "B6", "withdrawal {0} is {1} on record, and its day says otherwise")
COUNTED = (
    (HELD, "held", "select vacancy_row, count(*) as n from voucher where status = 'issued' group by vacancy_row"),
    (USED, "used", "select vacancy_row, count(*) as n from voucher where status = 'admitted' group by vacancy_row"),
    (
        TAKEN,
        "withdrawn",
        "select vacancy_row, sum(places) as n from withdrawal where state = 'taken' group by vacancy_row",
    ),
)


def places(view: View, _history: History) -> Findings:
    """Counts of every vacancy, and what the bulletins say of it."""
    for kind, column, counted in COUNTED:
        yield from view.found(
            kind,
            f"select p.vacancy_id, p.{column}, coalesce(c.n, 0) from vacancy p left join ({counted}) c "
            f"on c.vacancy_row = p.vacancy_row where p.locality_id = {{l}} and p.{column} <> coalesce(c.n, 0)",
        )
    yield from view.found(
        VACATED,
        "select p.vacancy_id from vacancy p left join bulletin_entry e "
        "on e.vacancy_row = p.vacancy_row and e.kind = 'vacated' where p.locality_id = {l} group by p.vacancy_row, "
        "p.vacancy_id, p.places, p.published_at_us having count(e.entry_id) <> 1 or min(e.places) <> p.places "
        "or min(e.at_us) <> p.published_at_us",
    )
    yield from view.found(
        DATES,
        "select vacancy_id from vacancy where locality_id = {l} "
        "and ((admission = 'temporary') <> (attend_until is not null) "
        "or (admission <> 'early_booking' and vacated_on is not null) "
        "or admission not in ('standard', 'early_booking', 'temporary') "
        "or group_type not in ('general', 'special') "
        "or regime not in ('full_day', 'half_day', 'round_the_clock') or attend_until < start_date)",
    )
    yield from view.found(
        WHERE,
        "select p.vacancy_id from vacancy p join organization o on o.organization_id = p.organization_id "
        "where p.locality_id = {l} and o.locality_id <> p.locality_id",
    )


def withdrawals(view: View, _history: History) -> Findings:
    """Withdrawals and their lines of the bulletin; which of them still wait for their day."""
    yield from view.found(
        WITHDRAWN,
        "select w.withdrawal_id from withdrawal w join vacancy p on p.vacancy_row = w.vacancy_row "
        "left join bulletin_entry e on e.withdrawal_id = w.withdrawal_id and e.kind = 'withdrawn' "
        "where p.locality_id = {l} group by w.withdrawal_id, w.state, w.places, w.withdrawn_at_us, w.vacancy_row, "
        "w.locality_id, p.locality_id having count(e.entry_id) <> (case when w.state = 'refused' then 0 else 1 end) "
        "or min(e.places) <> w.places or min(e.at_us) <> w.withdrawn_at_us or min(e.vacancy_row) <> w.vacancy_row "
        "or w.locality_id <> p.locality_id",
    )
    yield from view.found(
        STRAY,
        "select p.vacancy_id from bulletin_entry e join vacancy p on p.vacancy_row = e.vacancy_row "
        "left join withdrawal w on w.withdrawal_id = e.withdrawal_id "
        "where (p.locality_id = {l} or e.locality_id = {l}) "
        "and (e.locality_id <> p.locality_id or (e.kind = 'withdrawn') <> (w.withdrawal_id is not null) "
        "or (e.withdrawal_id is not null and w.withdrawal_id is null))",
    )
    last = view.runs[-1].on_day if view.runs else None
    rows = view.rows("select withdrawal_id, withdrawn_at_us, state from withdrawal where locality_id = {l}")
    for name, at_us, state in rows:
        come = last is not None and at_us < view.end_of(last)
        ahead = last is None or at_us >= view.end_of(last + timedelta(days=1))
        if (state == "waiting" and come) or (state == "taken" and ahead) or (state == "refused" and not come):
            yield view.of(WAITS, name, state)


def _listed(view: View, day: date, change_id: int) -> date:
    """The bulletin that lists what a change recorded of a day: never one that was closed (decision 1.4)."""
    run = view.run_before(change_id)
    return max(day, run.on_day + timedelta(days=1)) if run else day


def bulletins(view: View, history: History) -> Findings:
    """Days of the bulletin's lines, and places returned by vouchers that ended."""
    rows = view.rows(
        "select p.vacancy_id, e.kind, e.at_us, e.on_day, coalesce(w.change_id, p.registered_change), e.places, "
        "e.vacancy_row from bulletin_entry e join vacancy p on p.vacancy_row = e.vacancy_row "
        "left join withdrawal w on w.withdrawal_id = e.withdrawal_id where e.locality_id = {l}"
    )
    days: dict[int, date] = {}
    given = _given_back(view, history)
    listed: Counter[tuple[int, int, str]] = Counter()
    names: dict[int, str] = {}
    for name, kind, at_us, on_day, change_id, count, row in rows:
        names[row] = name
        if kind == "returned":
            listed[row, at_us, on_day] += count
            continue
        day = days.setdefault(at_us // 900_000_000, view.day_at(at_us // 1_000_000))
        if on_day != _listed(view, day, change_id).isoformat():
            yield view.of(LISTED_ON, name, kind, day)
    for key in sorted(given.keys() | listed.keys()):
        if given[key] != listed[key]:
            row, at_us, _on_day = key
            moment = datetime.fromtimestamp(at_us // 1_000_000, view.zone).isoformat()
            yield view.of(RETURNED, names.get(row, f"in row {row}"), listed[key], moment, given[key])


def _given_back(view: View, history: History) -> Counter[tuple[int, int, str]]:
    """(vacancy, moment, day of the bulletin) of the places that ended vouchers gave back, with their count."""
    kept, moves = view.vouchers, history.moves
    gives = np.isin(kept["status"], ["declined", "refused", "expired", "cancelled"]) & ~np.isnat(kept["closed_on"])
    issued = moves["why"] == CODE["voucher_issued"]
    told = {
        (application, day): closing
        for application, day, closing in zip(
            moves["application"][issued].tolist(),
            moves["on_day"][issued].tolist(),
            history.closing[issued].tolist(),
            strict=True,
        )
    }
    by_night = np.isin(moves["why"], (CODE["lapsed"], CODE["unconfirmed"])).tolist()
    back: Counter[tuple[int, int, str]] = Counter()
    moments: dict[tuple[date, bool], int] = {}
    columns = (kept[name][gives].tolist() for name in ("application", "issued_on", "closed_on", "vacancy"))
    for application, issued_on, closed_on, vacancy in zip(*columns, strict=True):
        closing = told.get((application, issued_on), NOTHING)
        if closing == NOTHING:
            continue  # told as a voucher without its movements
        at_night = by_night[closing]
        if (closed_on, at_night) not in moments:
            midnight = view.start_of(closed_on + timedelta(days=int(at_night)))
            moments[closed_on, at_night] = midnight - 1_000_000 * at_night
        on_day = _listed(view, closed_on, int(moves["change"][closing]))
        back[vacancy, moments[closed_on, at_night], on_day.isoformat()] += 1
    return back
