"""Runs, their turns and what they say they did, against each other and the records (rules A5, F1)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.history import CODE, History
from queue_engine.answers.checks.view import RunRow, View

GAP = Kind("run.gap", "F1", "night of {0}: the night on record before it is that of {1}")
ENDS = Kind(
    "run.ends", "F1", "locality {0}: its first and last run are {1} and {2} on record, the runs say {3} and {4}"
)
CHANGE = Kind("run.change", "F1", "night of {0}: its change is not that of this night, or not after the night before")
SUSPENDED = Kind("run.suspended", "B7", "night of {0}: suspended or not, against the rules it kept")
CALENDAR = Kind("run.calendar", "D1", "night of {0}: its calendar is not of the country of its rules")
CORRECTED = Kind("run.corrections", "D1", "night of {0}: it counted by other corrections than the night before it")
REPORT = Kind("run.report", "F1", "night of {0}: it reports {1} as {2}, the records say {3}")
QUEUES = Kind(
    "run.queues", "A5", "night of {0}, queue {1}: served without a place on record, or a place without its turns"
)
GIVEN = Kind("run.places", "C3", "night of {0}, vacancy {1}: {2} vouchers, and {3} places free on record")
PATTERN = Kind("turn.pattern", "A5", "night of {0}, queue {1}: another turn pattern than the rules it kept")
CHAIN = Kind("turn.chain", "A5", "night of {0}, queue {1}: it begins at turn {2}, the night before left {3}")
SPENT = Kind("turn.spent", "A5", "night of {0}, queue {1}: from turn {2} to {3}, and nobody was served in turn")
NOW = Kind("turn.now", "A5", "queue {0}: the turn on record is {1}, the nights left {2}")
ZONE = Kind("locality.timezone", "F1", "locality {0}: its time zone is not that of the database")


def nights(view: View, history: History) -> Findings:
    """Day after day without a gap; what a night kept agrees with the next and with the records."""
    yield from _days(view)
    yield from _reports(view, history)
    yield from _turns(view)
    yield from view.found(
        ZONE,
        "select locality from locality where locality_id = {l} "
        "and timezone not in (select value from settings where name = 'timezone')",
    )


def _days(view: View) -> Findings:
    before: RunRow | None = None
    for run in view.runs:
        if before and run.on_day != before.on_day + timedelta(days=1):
            yield view.of(GAP, run.on_day, before.on_day)
        kind, day = view.kind_of.get(run.change_id, ("", None))
        late = before is not None and run.change_id <= before.change_id
        if kind != "night" or day != run.on_day.isoformat() or late:
            yield view.of(CHANGE, run.on_day)
        windows = run.rules["suspended"]
        if run.suspended != any(first <= run.on_day.isoformat() <= last for first, last in windows):
            yield view.of(SUSPENDED, run.on_day)
        if run.calendar.split(" ")[0] != run.rules["country"]:
            yield view.of(CALENDAR, run.on_day)
        corrected = run.calendar.partition(" corrections-")[2]
        if before and corrected != before.calendar.partition(" corrections-")[2]:
            span = range(before.change_id, run.change_id)
            if not any(view.kind_of.get(change, ("",))[0] == "calendar import" for change in span):
                yield view.of(CORRECTED, run.on_day)
        before = run
    found = [str(run.on_day) for run in view.runs]
    ends = (found[0], found[-1]) if found else (None, None)
    [kept] = view.rows("select first_run_on, last_run_on from locality where locality_id = {l}")
    if kept != ends:
        yield view.of(ENDS, view.code, *kept, *ends)


def _reports(view: View, history: History) -> Findings:
    """The counts a night kept against the movements of its change and what was free in it."""
    moves = history.moves
    told: Counter[tuple[int, int]] = Counter(zip(moves["change"].tolist(), moves["why"].tolist(), strict=True))
    free = dict(view.rows(
        "select p.run_id, sum(p.free) from run_place p join run r on r.run_id = p.run_id "
        "where r.locality_id = {l} group by p.run_id"
    ))  # fmt: skip
    kept = view.vouchers
    begun = Counter(kept["term_from"][kept["term_from"] > kept["issued_on"]].tolist())
    stops = Counter(
        moves["change"][(moves["why"] == CODE["back"]) & (moves["reason"] == "")].tolist()
    )  # an officer's act gives a reason
    for run in view.runs:
        said: dict[str, int] = {
            "vouchers": told[run.change_id, CODE["voucher_issued"]],
            "lapsed": told[run.change_id, CODE["lapsed"]],
            "unconfirmed": told[run.change_id, CODE["unconfirmed"]],
            "over_age": told[run.change_id, CODE["over_age"]],
            "back": stops[run.change_id],
            "terms_begun": begun[run.on_day],
            "free": int(free.get(run.run_id, 0)),
        }
        for name, count in said.items():
            if run.report.get(name) != count:
                yield view.of(REPORT, run.on_day, name, run.report.get(name), count)


def _turns(view: View) -> Findings:
    """Positions of the rounds from night to night, and the places each night had to give."""
    rows = view.rows(
        "select q.run_id, q.birth_year, q.first_priority_turns, q.general_turns, q.position_before, q.position_after "
        "from run_queue q join run r on r.run_id = q.run_id where r.locality_id = {l}"
    )
    by_run: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_run.setdefault(row[0], []).append(row[1:])
    left: dict[int, tuple[int, int, int]] = {}
    in_turn = view.vouchers.take(view.vouchers["rank"] > 0)
    spent = set(zip(in_turn["issued_on"].tolist(), in_turn["year"].tolist(), strict=True))
    for run in view.runs:
        # Another pattern starts the round anew in every queue (decision 1.25).
        for year, (first, general, _position) in left.items():
            if (first, general) != run.turn:
                left[year] = (*run.turn, 0)
        for year, first, general, before, after in sorted(by_run.get(run.run_id, [])):
            if (first, general) != run.turn:
                yield view.of(PATTERN, run.on_day, year)
            expected = left.get(year, (*run.turn, 0))[2]
            if before != expected:
                yield view.of(CHAIN, run.on_day, year, before, expected)
            if not 0 <= after < max(first + general, 1) or (after != before and (run.on_day, year) not in spent):
                yield view.of(SPENT, run.on_day, year, before, after)
            left[year] = (first, general, after)
    now = {
        row[0]: row[1:]
        for row in view.rows(
            "select birth_year, first_priority_turns, general_turns, position from queue_turn where locality_id = {l}"
        )
    }
    for year in sorted(now.keys() | left.keys()):
        if now.get(year) != left.get(year):
            yield view.of(NOW, year, now.get(year), left.get(year))
    yield from _offered(view)


def _offered(view: View) -> Findings:
    """What was free in each night: queues served, vouchers given, places there are."""
    served = (
        "select distinct p.run_id, v.birth_year from run_place p join vacancy v on v.vacancy_row = p.vacancy_row "
        "join run r on r.run_id = p.run_id where r.locality_id = {l}"
    )
    turned = (
        "select q.run_id, q.birth_year from run_queue q join run r on r.run_id = q.run_id where r.locality_id = {l}"
    )
    day_of = {run.run_id: run.on_day for run in view.runs}
    for run_id, year in sorted(set(view.rows(served)) ^ set(view.rows(turned))):
        yield view.of(QUEUES, day_of.get(run_id, "?"), year)
    yield from view.found(
        GIVEN,
        "select v.issued_on, min(c.vacancy_id), count(*), coalesce(min(p.free), 0) from voucher v "
        "join vacancy c on c.vacancy_row = v.vacancy_row "
        "left join run r on r.locality_id = v.locality_id and r.on_day = v.issued_on "
        "left join run_place p on p.run_id = r.run_id and p.vacancy_row = v.vacancy_row where v.locality_id = {l} "
        "group by v.issued_on, v.vacancy_row having count(*) > coalesce(min(p.free), 0)",
    )


def days_told(view: View, history: History) -> Findings:
    """Every movement is of a change that does such things, and of its day."""
    moves = history.moves
    changes, at = np.unique(moves["change"], return_inverse=True)
    kinds = [view.kind_of.get(change, ("", None)) for change in changes.tolist()]
    kind = np.array([of for of, _day in kinds], dtype=object)[at] if len(moves) else np.array([], dtype=object)
    code = moves["why"]
    pairs = set(zip(kind.tolist(), code.tolist(), strict=True))
    strange = {pair for pair in pairs if pair[1] >= len(DOES) or pair[0] not in DOES[pair[1]]}
    for pair in strange:
        for row in np.flatnonzero((kind == pair[0]) & (code == pair[1])).tolist():
            yield view.of(UNDONE, view.applications["id"][history.owner[row]], pair[0] or "no change")
    day = np.array([of_day for _kind, of_day in kinds], dtype="datetime64[D]")[at]
    dated = ~np.isnat(day)
    for row in np.flatnonzero(dated & (moves["on_day"] != day)).tolist():
        yield view.of(DAY, view.applications["id"][history.owner[row]], moves["on_day"][row])
    yield from _days_of_files(view, history, kind)


def _days_of_files(view: View, history: History, kind: Any) -> Findings:
    """A registration is of the day of filing; a later change of circumstances of the day that was open."""
    moves = history.moves
    registered = np.flatnonzero(moves["why"] == CODE["registered"])
    # Days begin at a quarter of an hour in every time zone there is.
    pairs = np.unique(
        np.stack([moves["filed"][registered] // 900_000_000, moves["on_day"][registered].astype(np.int64)]), axis=1
    )
    wrong = {
        (quarter, day) for quarter, day in pairs.T.tolist() if view.day_at(quarter * 900).toordinal() - EPOCH != day
    }
    if wrong:
        for row in registered.tolist():
            if (int(moves["filed"][row]) // 900_000_000, int(moves["on_day"][row].astype(np.int64))) in wrong:
                yield view.of(DAY, view.applications["id"][history.owner[row]], moves["on_day"][row])
    later = (kind == "import applications") & (moves["why"] != CODE["registered"])
    for row in np.flatnonzero(later).tolist():
        run = view.run_before(int(moves["change"][row]))
        if run and moves["on_day"][row].tolist() != run.on_day + timedelta(days=1):
            yield view.of(DAY, view.applications["id"][history.owner[row]], moves["on_day"][row])


EPOCH = 719_163
"""Ordinal of 1970-01-01."""
UNDONE = Kind("movement.change", "A6", "a movement of application {0} is of a change that does no such thing ({1})")
DAY = Kind("movement.day", "A6", "a movement of application {0} is dated {1}, its change or file says another day")
FILES, NIGHT = "import applications", "night"
_DOES = {
    "registered": (FILES,),
    "changed": (FILES,),
    "benefit_changed": (FILES, NIGHT),
    "birth_date_corrected": (FILES,),
    "class_changed": (NIGHT,),
    "voucher_issued": (NIGHT,),
    "declined": ("import decisions",),
    "refused": ("import decisions",),
    "cancelled": (FILES,),
    "temporary_admitted": ("import decisions",),
    "admitted": ("import decisions",),
    "lapsed": (NIGHT,),
    "unconfirmed": (NIGHT,),
    "stop_listed": ("stop-list add", NIGHT),
    "back": ("stop-list remove", NIGHT),
    "archived": ("archive", NIGHT),
    "over_age": (NIGHT,),
    "restored": ("restore", NIGHT),
    "benefit_confirmed": ("confirm", NIGHT),
}
DOES = tuple(_DOES[why] for why in CODE)
"""Kinds of change that a reason of a movement may be of, by its code."""
