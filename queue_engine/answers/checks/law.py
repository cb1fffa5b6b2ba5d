"""Records against the rules of their day: classes, terms of vouchers, the department's rules and calendar."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from datetime import date, timedelta

import numpy as np

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.frames import NOTHING, Frame
from queue_engine.answers.checks.history import History
from queue_engine.answers.checks.view import RunRow, View
from queue_engine.law.values import CLASSES

CLASS = Kind("application.class", "A3", "application {0}: with the benefit {1} it stands in the class {2}")
TERM = Kind("voucher.term", "D1", "voucher {0}: its last day is not that of its term by its calendar")
BEGINS = Kind("voucher.term_from", "B2, B3", "voucher {0}: its term does not begin when its place is there")
CALENDAR = Kind("voucher.calendar", "D1", "voucher {0} names a calendar that no night counted by")
CONFIRM = Kind("voucher.confirm_by", "D7", "voucher {0}: the last day for its proof is not that of the rules")
RULES = Kind(
    "rules.changed",
    "H1",
    "night of {0}: it went by other values of {1} than the rules on record give, and no import came between",
    "If a release or `kezek init --rules` has just brought other rules, the next night clears it; else find out who.",
)
CORRECTED = Kind(
    "calendar.changed",
    "D1",
    "night of {0}: it counted by other corrections of the calendar than are on record, and no import came between",
)
OVERRIDE = Kind("rules.value", "H1", "rule {0} from {1}: its value on record is none that it can have")


def classes(view: View, history: History) -> Findings:
    """Class against benefit, by the law of the last run; for what came since, by that of the open day."""
    who, last = view.applications, view.runs[-1] if view.runs else None
    touched = np.full(len(who), NOTHING, dtype=np.int64)
    np.maximum.at(touched, history.owner, history.moves["change"])
    since = touched > (last.change_id if last else 0)
    laws = [last.rules["benefit_classes"]] if last else []
    open_law = view.rulebook.on(last.on_day + timedelta(days=1) if last else date.max, view.code).benefit_classes
    judged = (who["state"] != "archived") & ~(since & (view.rules_changed_at > (last.change_id if last else 0)))
    for benefit in sorted(set(who["benefit"][judged].tolist())):
        asks = judged & (who["benefit"] == benefit)
        for late in (False, True):
            allowed = {CLASSES.index(law[benefit]) for law in (*laws, *([open_law] * late)) if benefit in law}
            wrong = asks & (since == late) & ~np.isin(who["rank"], sorted(allowed))
            for row in np.flatnonzero(wrong).tolist():
                rank = int(who["rank"][row])
                yield view.of(CLASS, who["id"][row], benefit, CLASSES[rank] if 0 <= rank < len(CLASSES) else rank)


def said_classes(view: View, _history: History) -> Findings:
    """Class against benefit in what was said before a change, by any law that a night went by or that holds now."""
    laws = [run.rules["benefit_classes"] for run in view.runs]
    laws.append(view.rulebook.on(date.max, view.code).benefit_classes)
    allowed = {(benefit, CLASSES.index(of)) for law in laws for benefit, of in law.items()}
    for name, benefit, rank in view.rows(
        "select a.application_id, v.benefit, v.class_rank from application_version v "
        "join application a on a.application_row = v.application_row where a.locality_id = {l}"
    ):
        if (benefit, rank) not in allowed and not view.rules_changed_at:
            yield view.of(CLASS, name, benefit, rank)


def terms(view: View, _history: History) -> Findings:
    """Terms begin with their place, and their last day follows from the calendar they name."""
    kept = view.vouchers
    nights = {run.on_day: run for run in view.runs}
    early, begun = kept["admission"] == "early_booking", ~np.isnat(kept["term_from"])
    days = np.array(sorted(nights), dtype="datetime64[D]")
    wrong = ~early & (kept["term_from"] != kept["issued_on"])
    wrong |= early & begun & ~((kept["term_from"] >= kept["issued_on"]) & (kept["term_from"] >= kept["vacated_on"]))
    wrong |= (begun == np.isnat(kept["expires_on"])) | (begun & ~np.isin(kept["term_from"], days))
    wrong |= begun == (kept["term_days"] == NOTHING)
    for name in kept["id"][wrong].tolist():
        yield view.of(BEGINS, name)
    yield from _last_days(view, kept.take(begun & ~wrong), nights)
    yield from _proofs(view, kept.take(~np.isnat(kept["confirm_by"])), nights)


def _last_days(view: View, kept: Frame, nights: dict[date, RunRow]) -> Findings:
    """One last day for each term and calendar; of an extended voucher, its day or the thirtieth after issue."""
    groups: dict[tuple[date, int, str], list[int]] = {}
    cells = zip(kept["term_from"].tolist(), kept["term_days"].tolist(), kept["calendar"].tolist(), strict=True)
    for row, group in enumerate(cells):
        groups.setdefault(group, []).append(row)
    known = {country: view.calendars(country) for country in {run.rules["country"] for run in view.runs}}
    extended = ~np.isnat(kept["extended_on"])
    decided = _decided_at(view)
    expires = kept["expires_on"].tolist()
    for (day, length, name), rows in groups.items():
        run = nights[day]
        calendar = known[run.rules["country"]].get(name)
        if length != run.rules["voucher_validity"]:
            yield from (view.of(TERM, kept["id"][row]) for row in rows)
            continue
        seen = Counter(expires[row] for row in rows if not extended[row])
        last = (
            calendar.last_day(day, length) if calendar else min(seen, key=lambda one: (-seen[one], one), default=None)
        )
        for row in rows:
            allowed = last
            if extended[row] and last is not None:
                if decided.get(int(kept["row"][row]), 0) <= view.rules_changed_at:
                    continue  # the rule of that day may have been another
                longest = view.rulebook.on(kept["extended_on"][row].tolist(), view.code).voucher_extension
                allowed = max(last, kept["issued_on"][row].tolist() + timedelta(days=longest))
            if allowed is not None and expires[row] != allowed:
                yield view.of(TERM, kept["id"][row])
    yield from _named(view, kept, {name for calendars in known.values() for name in calendars})


def _decided_at(view: View) -> dict[int, int]:
    """The change that recorded each extension, by voucher."""
    return dict(view.rows(
        "select d.voucher_row, max(d.change_id) from decision d join voucher v on v.voucher_row = d.voucher_row "
        "where v.locality_id = {l} and d.decision = 'extend' group by d.voucher_row"
    ))  # fmt: skip


def _named(view: View, kept: Frame, known: set[str]) -> Findings:
    """A calendar that a night counted by, or the one on record, by which a term may have grown since."""
    imports = [change for change, (kind, _day) in view.kind_of.items() if kind == "calendar import"]
    nights = [run.change_id for run in view.runs]
    if len({bisect_left(nights, change) for change in imports}) < len(imports):
        return  # of two corrections between two nights the first left no other trace
    names = known | {run.calendar for run in view.runs}
    for name, calendar in zip(kept["id"].tolist(), kept["calendar"].tolist(), strict=True):
        if calendar not in names:
            yield view.of(CALENDAR, name)


def _proofs(view: View, kept: Frame, nights: dict[date, RunRow]) -> Findings:
    """The last day for a proof is counted like a term (rule D7); the calendar is that of the night."""
    expected: dict[date, date | None] = {}
    for name, issued_on, confirm_by in zip(
        kept["id"].tolist(), kept["issued_on"].tolist(), kept["confirm_by"].tolist(), strict=True
    ):
        if issued_on not in expected:
            run = nights.get(issued_on)
            calendar = view.calendars(run.rules["country"]).get(run.calendar) if run else None
            expected[issued_on] = (
                calendar.last_day(issued_on, run.rules["confirmation_days"]) if calendar and run else None
            )
        if expected[issued_on] not in (None, confirm_by):
            yield view.of(CONFIRM, name)


def rules_on_record(view: View, _history: History) -> Findings:
    """The last night's rules and calendar against those on record, if none were imported since."""
    if not view.runs:
        return
    last = view.runs[-1]
    if view.rules_changed_at < last.change_id:
        now = json.loads(view.rulebook.on(last.on_day, view.code).as_json())
        other = sorted(name for name in now.keys() & last.rules.keys() if now[name] != last.rules[name])
        if other:
            yield view.of(RULES, last.on_day, ", ".join(other))
    imported = max((change for change, (kind, _) in view.kind_of.items() if kind == "calendar import"), default=0)
    if imported < last.change_id:
        fingerprints = list(view.calendars(last.rules["country"]))
        if fingerprints[-1].partition(" corrections-")[2] != last.calendar.partition(" corrections-")[2]:
            yield view.of(CORRECTED, last.on_day)
