"""The stop-list against the movements that put applications there and took them off (rule E1)."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.frames import NOTHING, Frame, differ, read, rows_at
from queue_engine.answers.checks.history import CODE, History
from queue_engine.answers.checks.view import View

COUNT = Kind("stop_list.count", "E1", "application {0}: {1} entries in the stop-list, its movements tell of {2}")
ENTRY = Kind("stop_list.entry", "E1", "application {0}: an entry of {1} in the stop-list is not as its movements tell")
BACK_ON = Kind(
    "stop_list.back_on", "E1", "application {0}: stopped on {1}, its last day there is not that of the rules"
)
WHERE = Kind("stop_list.locality", "E1", "application {0}: an entry in the stop-list is of another locality")


def stops(view: View, history: History) -> Findings:
    """Every entry of the stop-list, and every movement onto it."""
    who, moves = view.applications, history.moves
    kept = read(
        view.connection,
        f"stop_list where locality_id = {view.locality_id}",
        "entry_id",
        application="int application_row",
        from_day="day from_day",
        back_on="day back_on",
        ended_on="day ended_on",
        reason="text reason",
    )
    kept = kept.take(np.argsort(kept["application"], kind="stable"))
    owner = rows_at(who["row"], kept["application"])
    kept, owner = kept.take(owner != NOTHING), owner[owner != NOTHING]
    told = np.flatnonzero(np.isin(moves["why"], [CODE[why] for why in ("lapsed", "unconfirmed", "stop_listed")]))
    here = np.bincount(owner, minlength=len(who))
    there = np.bincount(history.owner[told], minlength=len(who))
    for row in np.flatnonzero(here != there).tolist():
        yield view.of(COUNT, who["id"][row], here[row], there[row])
    alike = here == there
    kept, owner = kept.take(alike[owner]), owner[alike[owner]]
    told = told[alike[history.owner[told]]]
    closing = history.closing[told]
    ended = np.where(closing == NOTHING, np.datetime64("NaT"), moves["on_day"][closing])
    wrong = differ(kept["from_day"], moves["on_day"][told]) | differ(kept["ended_on"], ended)
    wrong |= differ(kept["reason"], moves["reason"][told])
    for row in np.flatnonzero(wrong).tolist():
        yield view.of(ENTRY, who["id"][owner[row]], kept["from_day"][row])
    changes = moves["change"][told]
    yield from _terms(view, kept.beside(owner=owner, change=changes, by_act=moves["why"][told] == CODE["stop_listed"]))
    yield from view.found(
        WHERE,
        "select a.application_id from stop_list s join application a on a.application_row = s.application_row "
        "where a.locality_id = {l} and s.locality_id <> a.locality_id",
    )


def _terms(view: View, kept: Frame) -> Findings:
    """The day of return by the rule in force: the night's as it was kept, an act's as it is on record now."""
    nights = {run.on_day: int(run.rules["stop_list_days"]) for run in view.runs}
    groups: dict[tuple[date, date, bool], list[int]] = {}
    cells = zip(kept["from_day"].tolist(), kept["back_on"].tolist(), kept["by_act"].tolist(), strict=True)
    for row, group in enumerate(cells):
        groups.setdefault(group, []).append(row)
    for (day, back_on, by_act), rows in groups.items():
        if by_act:
            # The rules of that day may have been others when the act was done.
            rows = [row for row in rows if int(kept["change"][row]) > view.rules_changed_at]
            allowed = {view.rulebook.on(day, view.code).stop_list_days} if rows else set()
        else:
            allowed = {nights[day]} if day in nights else set()
        if back_on not in {day + timedelta(days=days) for days in allowed}:
            for row in rows:
                yield view.of(BACK_ON, view.applications["id"][int(kept["owner"][row])], day)
