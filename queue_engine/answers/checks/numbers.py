"""Numbers in the queue, rebuilt from the movements in the plain order of rules A4, A5 and A6."""

from __future__ import annotations

import numpy as np

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.frames import NOTHING, Column, keyed
from queue_engine.answers.checks.history import CODE, At, History
from queue_engine.answers.checks.view import RunRow, View

NUMBER = Kind("voucher.number", "A6", "voucher {0}: served as number {1}, by the movements it had number {2}")
STANDING = Kind("run.standing", "F2", "night of {0}: {1} stood in the queues it served, by the movements {2}")
GIVES_BACK = ("declined", "refused", "expired", "cancelled")


def numbers(view: View, history: History) -> Findings:
    """The number of every voucher and the count of every night, from who stood in the queues then."""
    who, kept = view.applications, view.vouchers
    by_id = np.empty(len(who), dtype=np.int64)
    by_id[np.argsort(who["id"])] = np.arange(len(who))
    at = dict(zip(who["row"].tolist(), range(len(who)), strict=True))
    mine: dict[object, list[int]] = {}
    for index, day in enumerate(kept["issued_on"].tolist()):
        mine.setdefault(day, []).append(index)
    for run in view.runs:
        turns = {row[0]: row[1:] for row in view.rows(
            "select birth_year, first_priority_turns, general_turns, position_before from run_queue "
            f"where run_id = {run.run_id}"
        )}  # fmt: skip
        if not turns:
            continue
        rows, year, rank = _standing(view, history, run)
        served = np.isin(year, sorted(turns))
        if run.report.get("standing") != int(served.sum()):
            yield view.of(STANDING, run.on_day, run.report.get("standing"), int(served.sum()))
        number = np.full(len(who), NOTHING, dtype=np.int64)
        for birth_year, turn in turns.items():
            queue = year == birth_year
            order = np.lexsort((by_id[rows[queue]], who["filed"][rows[queue]], rank[queue]))
            number[rows[queue][order]] = in_service(rank[queue][order], turn)
        for index in mine.get(run.on_day, []):
            had = number[at[int(kept["application"][index])]] if int(kept["application"][index]) in at else NOTHING
            if had != kept["number"][index]:
                yield view.of(NUMBER, kept["id"][index], kept["number"][index], had if had != NOTHING else "none")


def in_service(rank: Column, turn: tuple[int, ...]) -> Column:
    """Numbers of a queue sorted by class and filing, if everyone took a place (rule A5).

    Args:
        rank: (n,) int64, ascending.
        turn: turns of a round for first-priority and for general, and turns of it already spent.

    >>> in_service(np.array([0, 1, 1, 2, 2, 2]), (1, 2, 0)).tolist()
    [1, 2, 5, 3, 4, 6]
    """
    first_turns, general_turns, spent = turn
    out, first, general = (int((rank == each).sum()) for each in range(3))
    if not first_turns + general_turns or not first or not general:
        return np.arange(1, len(rank) + 1)
    # Turn after turn as if neither stream ended; whoever is left when one has ended follows on.
    turns = (np.arange((first + general) * (first_turns + general_turns)) + spent) % (first_turns + general_turns)
    is_first = turns < first_turns
    firsts, generals = np.flatnonzero(is_first)[:first], np.flatnonzero(~is_first)[:general]
    before_first = np.minimum(firsts - np.arange(first), general)
    before_general = np.minimum(generals - np.arange(general), first)
    return np.concatenate(
        [
            np.arange(1, out + 1),
            out + 1 + np.arange(first) + before_first,
            out + 1 + np.arange(general) + before_general,
        ]
    )


def _standing(view: View, history: History, run: RunRow) -> tuple[Column, Column, Column]:
    """(index of the application, birth year, class) of all that stood when the night began to serve."""
    moves, who = history.moves, view.applications
    seen = moves["change"] <= run.change_id
    seen &= ~((moves["change"] == run.change_id) & (moves["why"] == CODE["voucher_issued"]))
    starts = np.flatnonzero(history.first)
    if not len(starts):
        return starts, starts, starts
    latest = np.maximum.reduceat(np.where(seen, np.arange(len(seen)), NOTHING), starts)
    latest = latest[latest != NOTHING]
    latest = latest[history.after[latest] == At.QUEUED]
    owner = history.owner[latest]
    here = (who["filed"][owner] < view.end_of(run.on_day)) & ~np.isin(owner, _still_holding(view, history, run))
    return owner[here], moves["year"][latest][here], moves["rank"][latest][here]


def _still_holding(view: View, history: History, run: RunRow) -> Column:
    """Applications whose voucher ended by a decision of a later day, recorded before this night (decision 1.2)."""
    moves, kept = history.moves, view.vouchers
    ended = kept.take(
        (kept["closed_on"] > np.datetime64(run.on_day)) & np.isin(kept["status"], [*GIVES_BACK, "admitted"])
    )
    issued = np.isin(keyed(moves["application"], moves["on_day"]), keyed(ended["application"], ended["issued_on"])) & (
        moves["why"] == CODE["voucher_issued"]
    )
    closing = history.closing[issued]
    before = (closing != NOTHING) & (moves["change"][closing] < run.change_id)
    owners: Column = history.owner[issued][before]
    return owners
