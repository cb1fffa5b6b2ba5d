"""Vouchers against movements and decisions: how each was issued, and how it ended (rules D)."""

from __future__ import annotations

import numpy as np

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.frames import NOTHING, Column, Frame, differ, keyed, read, rows_at
from queue_engine.answers.checks.history import CODE, History
from queue_engine.answers.checks.view import View

UNTOLD = Kind("voucher.untold", "C3", "voucher {0}: no movement of that night's run tells that it was issued")
LOST = Kind("voucher.lost", "C3", "application {0}: a voucher of {1} is told, and is not on record")
NAMED = Kind("voucher.id", "C3", "voucher {0} is not named by its day and application")
QUEUE = Kind("voucher.queue", "A1, C1", "voucher {0}: queue or class are not those in which its application was served")
PLACE = Kind("voucher.place", "C1", "voucher {0}: its place is of another birth year or locality, or is not there")
ENDED = Kind("voucher.ended", "D", "voucher {0} is {1} on record, its movements say {2}")
CLOSED = Kind("voucher.closed_on", "D", "voucher {0}: it ended on another day, or for another reason, than is told")
PROOF = Kind("voucher.proof", "D7", "voucher {0}: the proof of its benefit does not agree with the records of proofs")
DECIDED = Kind("voucher.decision", "D3-D5", "voucher {0} is {1}, and there is not just one decision that says so")
EXTENDED = Kind("voucher.extended", "D2", "voucher {0}: its extension and the decisions on record do not agree")
DECISION = Kind("decision.change", "D", "decision {0} was recorded by another change than its movement")
STRAY = Kind("decision.stray", "D", "decision {0} is of a voucher that it did not end")

STATUS = {
    "declined": "declined",
    "refused": "refused",
    "cancelled": "cancelled",
    "temporary_admitted": "admitted",
    "admitted": "admitted",
    "lapsed": "expired",
    "unconfirmed": "cancelled",
    "stop_listed": "cancelled",
    "archived": "cancelled",
}
"""Status of a voucher by the movement that ended it."""
BY_DECISION = {"admitted": "admit", "declined": "decline", "refused": "refuse"}
SILENT = (CODE["cancelled"], CODE["admitted"])
"""Movements that give another reason than the voucher they end."""


def vouchers(view: View, history: History) -> Findings:
    """Every voucher was issued by a movement and ended by one, and what it says is what they say."""
    kept = view.vouchers
    yield from _named(view, kept)
    told = np.flatnonzero(history.moves["why"] == CODE["voucher_issued"])
    keys = keyed(history.moves["application"][told], history.moves["on_day"][told])
    order = np.argsort(keys, kind="stable")
    keys, told = keys[order], told[order]
    mine = keyed(kept["application"], kept["issued_on"])
    at = rows_at(keys, mine)
    for name in kept["id"][at == NOTHING].tolist():
        yield view.of(UNTOLD, name)
    for move in told[~np.isin(keys, mine)].tolist():
        yield view.of(LOST, view.applications["id"][history.owner[move]], history.moves["on_day"][move])
    kept, issue = kept.take(at != NOTHING), told[at[at != NOTHING]]
    moves = history.moves
    wrong = differ(kept["rank"], moves["rank"][issue]) | differ(kept["year"], moves["year"][issue])
    for name in kept["id"][wrong].tolist():
        yield view.of(QUEUE, name)
    yield from _ended(view, history, kept, issue)
    yield from _proved(view, history, kept, issue)
    yield from _decided(view, history, kept, history.closing[issue])


def _named(view: View, kept: Frame) -> Findings:
    days = [str(day).replace("-", "") for day in kept["issued_on"].tolist()]
    cells = zip(kept["id"].tolist(), days, kept["application_id"].tolist(), strict=True)
    for name in [name for name, day, application in cells if name != f"V-{day}-{application}"]:
        yield view.of(NAMED, name)
    yield from view.found(
        PLACE,
        "select v.voucher_id from voucher v join application a on a.application_row = v.application_row "
        "left join vacancy p on p.vacancy_row = v.vacancy_row where (v.locality_id = {l} or a.locality_id = {l}) "
        "and (p.vacancy_row is null or p.birth_year <> v.birth_year or p.locality_id <> v.locality_id "
        "or a.locality_id <> v.locality_id)",
    )


def _ended(view: View, history: History, kept: Frame, issue: Column) -> Findings:
    """The next movement of the application that changes its state ends the voucher."""
    moves, closing = history.moves, history.closing[issue]
    live = closing == NOTHING
    words = np.array([STATUS.get(why, "ended by nothing that ends one") for why in CODE], dtype=object)
    words = np.append(words, "unknown")
    status = np.where(live, "issued", words[moves["why"][closing]])
    wrong = differ(kept["status"], status)
    # What a family is told is that a place was for a time; the voucher says admitted either way.
    temporary = ~live & (moves["why"][closing] == CODE["temporary_admitted"])
    wrong |= (status == "admitted") & (temporary != (kept["admission"] == "temporary"))
    for index in np.flatnonzero(wrong).tolist():
        yield view.of(ENDED, kept["id"][index], kept["status"][index], status[index])
    day = np.where(live, np.datetime64("NaT"), moves["on_day"][closing])
    reason = np.where(live, "", moves["reason"][closing])
    other = differ(kept["closed_on"], day)
    other |= differ(kept["reason"], reason) & (live | ~np.isin(moves["why"][closing], SILENT))
    for name in kept["id"][other].tolist():
        yield view.of(CLOSED, name)


def _proved(view: View, history: History, kept: Frame, issue: Column) -> Findings:
    """A voucher is proved on the day of the first proof while it lived, if one was wanted."""
    moves, closing = history.moves, history.closing[issue]
    proofs = np.flatnonzero(moves["why"] == CODE["benefit_confirmed"])
    # The first proof after the issue, if it is of the same application and before the end.
    following = np.append(proofs, len(moves))[np.searchsorted(proofs, issue, side="right")]
    end = np.where(closing == NOTHING, len(moves), closing)
    there = following < end
    there[there] &= history.owner[following[there]] == history.owner[issue[there]]
    day = np.full(len(issue), np.datetime64("NaT"), dtype="datetime64[D]")
    day[there] = moves["on_day"][following[there]]
    day[np.isnat(kept["confirm_by"])] = np.datetime64("NaT")
    required = {run.on_day for run in view.runs if run.rules["confirmation_required"]}
    asked = np.isin(kept["issued_on"], np.array(sorted(required), dtype="datetime64[D]")) & (kept["rank"] == 0)
    earlier = np.isin(kept["application"], moves["application"][proofs])
    wrong = differ(kept["confirmed_on"], day) | (~asked & ~np.isnat(kept["confirm_by"]))
    wrong |= asked & ~earlier & np.isnat(kept["confirm_by"])
    for name in kept["id"][wrong].tolist():
        yield view.of(PROOF, name)


def _decided(view: View, history: History, kept: Frame, closing: Column) -> Findings:
    """A decision for each voucher that one ended or extended, and no other."""
    made = read(
        view.connection,
        f"decision d join voucher v on v.voucher_row = d.voucher_row where v.locality_id = {view.locality_id}",
        "d.decision_id",
        id="text d.decision_id",
        voucher="int d.voucher_row",
        decided_on="day d.decided_on",
        decision="text d.decision",
        reason="text d.reason",
        change="int d.change_id",
    )
    extends = made["decision"] == "extend"
    yield from _extended(view, kept, made.take(extends))
    made = made.take(~extends)
    at = rows_at(kept["row"], made["voucher"])
    made, at = made.take(at != NOTHING), at[at != NOTHING]
    wanted = np.array([BY_DECISION.get(status, "") for status in kept["status"].tolist()], dtype=object)
    wrong = differ(wanted[at], made["decision"]) | differ(kept["closed_on"][at], made["decided_on"])
    wrong |= differ(kept["reason"][at], made["reason"])
    for name in made["id"][wrong].tolist():
        yield view.of(STRAY, name)
    often = np.bincount(at, minlength=len(kept))
    for index in np.flatnonzero(often != (wanted != "")).tolist():
        yield view.of(DECIDED, kept["id"][index], kept["status"][index])
    ended = closing[at]
    other = (ended != NOTHING) & differ(made["change"], history.moves["change"][ended])
    for name in made["id"][other].tolist():
        yield view.of(DECISION, name)


def _extended(view: View, kept: Frame, made: Frame) -> Findings:
    """Once at most, on the day the voucher names (rule D2)."""
    at = rows_at(kept["row"], made["voucher"])
    day = np.full(len(kept), np.datetime64("NaT"), dtype="datetime64[D]")
    day[at[at != NOTHING]] = made["decided_on"][at != NOTHING]
    often = np.bincount(at[at != NOTHING], minlength=len(kept))
    for name in kept["id"][differ(kept["extended_on"], day) | (often > 1)].tolist():
        yield view.of(EXTENDED, name)
