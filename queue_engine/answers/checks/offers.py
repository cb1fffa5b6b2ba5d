"""What was free in every night, rebuilt from vacancies, withdrawals and vouchers as they were then (rule F2)."""

from __future__ import annotations

import numpy as np

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.frames import NOTHING, Column, Frame, keyed, read, rows_at
from queue_engine.answers.checks.history import CODE, History
from queue_engine.answers.checks.view import RunRow, View

FREE = Kind("run.free", "F2", "night of {0}, vacancy {1}: {2} places free on record, by vouchers and withdrawals {3}")
NEVER = np.iinfo(np.int64).max


def offers(view: View, history: History) -> Findings:
    """Free places of every night that served, vacancy by vacancy."""
    published = read(
        view.connection,
        f"vacancy where locality_id = {view.locality_id}",
        "vacancy_row",
        row="int vacancy_row",
        id="text vacancy_id",
        at="int published_at_us",
        until="day attend_until",
        places="int places",
        change="int registered_change",
    )
    taken = read(
        view.connection,
        f"withdrawal where locality_id = {view.locality_id} and state = 'taken'",
        "withdrawal_id",
        vacancy="int vacancy_row",
        at="int withdrawn_at_us",
        places="int places",
        change="int change_id",
    )
    taken = taken.beside(vacancy=rows_at(published["row"], taken["vacancy"]))
    taken = taken.take(taken["vacancy"] != NOTHING)
    held = view.vouchers.beside(
        vacancy=rows_at(published["row"], view.vouchers["vacancy"]), ended=_ended_by(view.vouchers, history)
    )
    held = held.take(held["vacancy"] != NOTHING)
    kept: dict[int, dict[int, int]] = {}
    for run_id, row, free in view.rows(
        "select p.run_id, p.vacancy_row, p.free from run_place p join run r on r.run_id = p.run_id "
        "where r.locality_id = {l}"
    ):
        kept.setdefault(run_id, {})[row] = free
    for run in view.runs:
        free = np.zeros(len(published), dtype=np.int64) if run.suspended else _free(view, run, published, taken, held)
        there = np.flatnonzero(free)
        expected = dict(zip(published["row"][there].tolist(), free[there].tolist(), strict=True))
        listed = kept.get(run.run_id, {})
        for row in sorted(key for key in expected.keys() | listed.keys() if expected.get(key) != listed.get(key)):
            at = int(rows_at(published["row"], np.array([row]))[0])
            name = published["id"][at] if at != NOTHING else f"in row {row}"
            yield view.of(FREE, run.on_day, name, listed.get(row, 0), expected.get(row, 0))


def _free(view: View, run: RunRow, published: Frame, taken: Frame, held: Frame) -> Column:
    """(vacancies,) int64: free places when the night began to serve; 0 for what was not offered."""
    day, cutoff = np.datetime64(run.on_day), view.end_of(run.on_day)
    offered = (published["change"] < run.change_id) & (published["at"] < cutoff)
    offered &= np.isnat(published["until"]) | (published["until"] > day)
    gone = (taken["change"] < run.change_id) & (taken["at"] < cutoff)
    # What a decision of a later day gives back is still held on this one (decision 1.2).
    back = (held["ended"] <= run.change_id) & (held["closed_on"] <= day) & (held["status"] != "admitted")
    holds = (held["issued_on"] < day) & ~back
    size = len(published)
    free = published["places"] - np.bincount(taken["vacancy"][gone], taken["places"][gone], size).astype(np.int64)
    free = free - np.bincount(held["vacancy"][holds], minlength=size)
    return np.where(offered & (free > 0), free, 0)


def _ended_by(vouchers: Frame, history: History) -> Column:
    """The change that ended each voucher; NEVER for one that is live, or of which nothing is told."""
    moves = history.moves
    issued = np.flatnonzero(moves["why"] == CODE["voucher_issued"])
    keys = keyed(moves["application"][issued], moves["on_day"][issued])
    order = np.argsort(keys, kind="stable")
    at = rows_at(keys[order], keyed(vouchers["application"], vouchers["issued_on"]))
    ended = np.full(len(vouchers), NEVER, dtype=np.int64)
    told = at != NOTHING
    closing = history.closing[issued[order][at[told]]]
    ended[told] = np.where(closing == NOTHING, NEVER, moves["change"][closing])
    return ended
