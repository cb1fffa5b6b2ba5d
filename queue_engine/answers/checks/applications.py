"""Applications against their movements: states, queues, classes, archive, confirmations (rules A, D7, E)."""

from __future__ import annotations

from collections import Counter

import numpy as np

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.frames import NOTHING, Column, differ, read
from queue_engine.answers.checks.history import CODE, WHYS, At, History
from queue_engine.answers.checks.view import View
from queue_engine.domain.iin import IinError, check_iin

STEPS = Kind("application.steps", "A6", "application {0}: its movements do not follow one another ({1} after {2})")
STATE = Kind("application.state", "A6", "application {0} is {1} on record, its movements leave it {2}")
LOST = Kind("application.unregistered", "A6", "application {0} has no movement that brought it into a queue")
QUEUE = Kind("application.queue", "A1, A4", "application {0} stands in another queue or class than its movements say")
FILED = Kind("application.filed_at", "A4", "application {0}: its moment of filing is not that of its movements")
SINCE = Kind("application.registered", "A6", "application {0} was registered by another change than its movement says")
ARCHIVE = Kind(
    "application.archive", "E2", "application {0}: day or reason in the archive are not those of its movement"
)
PROOF = Kind("application.proof", "D7", "application {0}: the proof of its benefit is not that of its movements")
STAY = Kind("application.stay", "D3", "application {0}: its temporary stay is not that of its vouchers and decisions")
YEAR = Kind("application.birth_year", "A1", "application {0} stands in the queue of {1} and is born in {2}")
CHILD = Kind("application.child", "A7", "application {0}: the IIN is none, or of another birth date")
MOVED = Kind("movement.locality", "A1", "a movement of application {0} is of another locality")
VERSION = Kind("version.lost", "A7", "application {0}: a change of {1} kept nothing of what was said before")
UNTOLD = Kind("version.untold", "A7", "application {0}: something said before a change was kept, and no change is told")
SAID = Kind("version.said", "A7", "application {0}: what was said before a change does not agree with its movements")
WISHES = Kind("application.wishes", "C1", "application {0}: a wish is for no organisation of its locality")
REMADE = tuple(CODE[why] for why in ("benefit_changed", "birth_date_corrected", "class_changed"))


def applications(view: View, history: History) -> Findings:
    """Everything the records say of an application against what its movements tell."""
    yield from _steps(view, history)
    yield from _standing(view, history)
    yield from _archived(view, history)
    yield from _proved(view, history)
    yield from _stays(view)
    yield from view.found(
        MOVED,
        "select a.application_id from movement m join application a on a.application_row = m.application_row "
        "where a.locality_id = {l} and m.locality_id <> a.locality_id",
    )


def _names(view: View, rows: Column) -> list[str]:
    return [str(name) for name in view.applications["id"][rows].tolist()]


def _steps(view: View, history: History) -> Findings:
    """Every step is one that can be, and the last leaves the application where it stands."""
    who, moves = view.applications, history.moves
    for at in np.flatnonzero((history.after == NOTHING) & (history.before != NOTHING)).tolist():
        code = int(moves["why"][at])
        why = WHYS[code] if code < len(WHYS) else "an unknown reason"
        was = At(int(history.before[at])).word or "nothing"
        yield view.of(STEPS, who["id"][history.owner[at]], why, was)
    final = np.full(len(who), int(At.NOWHERE), dtype=np.int64)
    final[history.owner[history.last]] = history.after[history.last]
    words = np.array([*(At(state).word for state in At), ""], dtype=object)
    for row in np.flatnonzero(differ(who["state"], words[final]) & (final > At.NOWHERE)).tolist():
        yield view.of(STATE, who["id"][row], who["state"][row], words[final[row]] or "on the way")
    known = np.zeros(len(who), dtype=np.bool_)
    known[history.owner] = True
    for name in _names(view, ~known):
        yield view.of(LOST, name)
    start = history.first & (moves["why"] == CODE["registered"])
    wrong = start & differ(moves["change"], who["registered"][history.owner])
    for name in _names(view, history.owner[wrong]):
        yield view.of(SINCE, name)


def _standing(view: View, history: History) -> Findings:
    """Queue, class and moment of filing pass from movement to movement, and change only where that is told."""
    who, moves = view.applications, history.moves
    for name in sorted(set(_names(view, history.owner[differ(moves["filed"], who["filed"][history.owner])]))):
        yield view.of(FILED, name)
    year, rank = moves["year"], moves["rank"]
    new_year = ~history.first & (np.diff(year, prepend=NOTHING) != 0)
    new_rank = ~history.first & (np.diff(rank, prepend=NOTHING) != 0)
    why, arrives = moves["why"], moves["step"] >= 0
    corrected = arrives & (why == CODE["birth_date_corrected"])
    remade = arrives & ((why == CODE["benefit_changed"]) | (why == CODE["class_changed"]))
    cancelled, restored = why == CODE["cancelled"], why == CODE["restored"]
    wrong = new_year & ~(corrected | cancelled)
    wrong |= new_rank & ~(corrected | cancelled | remade | restored)
    wrong |= (corrected | cancelled) & ~new_year
    wrong |= remade & ~new_rank
    final = history.last & (differ(year, who["year"][history.owner]) | differ(rank, who["rank"][history.owner]))
    for name in sorted(set(_names(view, history.owner[wrong | final]))):
        yield view.of(QUEUE, name)


def _archived(view: View, history: History) -> Findings:
    who, moves = view.applications, history.moves
    day = np.full(len(who), np.datetime64("NaT"), dtype="datetime64[D]")
    reason = np.full(len(who), "", dtype=object)
    leaves = (history.after == At.ARCHIVED) & history.last
    day[history.owner[leaves]], reason[history.owner[leaves]] = moves["on_day"][leaves], moves["reason"][leaves]
    for name in _names(view, differ(who["archived_on"], day) | differ(who["archive_reason"], reason)):
        yield view.of(ARCHIVE, name)


def _proved(view: View, history: History) -> Findings:
    """A benefit is proved from the day of the last proof, until the benefit changes."""
    who, moves = view.applications, history.moves
    day = np.full(len(who), np.datetime64("NaT"), dtype="datetime64[D]")
    proofs = np.flatnonzero(moves["why"] == CODE["benefit_confirmed"])
    day[history.owner[proofs]] = moves["on_day"][proofs]
    proved_at = np.full(len(who), NOTHING, dtype=np.int64)
    proved_at[history.owner[proofs]] = moves["change"][proofs]
    since = {row for row, change in _versions(view) if proved_at[row] != NOTHING and change > proved_at[row]}
    dropped = np.isnat(who["confirmed_on"])
    dropped &= np.isin(np.arange(len(who)), np.fromiter(since, dtype=np.int64, count=len(since)))
    for name in _names(view, differ(who["confirmed_on"], day) & ~dropped):
        yield view.of(PROOF, name)


def _versions(view: View) -> list[tuple[int, int]]:
    """(index of the application, change) of all that was said before a change."""
    rows = view.rows(
        "select v.application_row, v.until_change from application_version v "
        "join application a on a.application_row = v.application_row where a.locality_id = {l}"
    )
    at = {row: index for index, row in enumerate(view.applications["row"].tolist())}
    return [(at[row], change) for row, change in rows]


def _stays(view: View) -> Findings:
    """A stay lasts until the day its place names; the night of that day ends it."""
    who = view.applications
    last = view.runs[-1] if view.runs else None
    rows = view.rows(
        "select v.application_row, max(p.attend_until) from voucher v "
        "join vacancy p on p.vacancy_row = v.vacancy_row join decision d on d.voucher_row = v.voucher_row "
        "where v.locality_id = {l} and v.status = 'admitted' and p.admission = 'temporary' and d.decision = 'admit' "
        + (f"and (p.attend_until > '{last.on_day}' or d.change_id > {last.change_id}) " if last else "")
        + "group by v.application_row"
    )
    until = np.full(len(who), np.datetime64("NaT"), dtype="datetime64[D]")
    at = {row: index for index, row in enumerate(who["row"].tolist())}
    for row, day in rows:
        if row in at:
            until[at[row]] = np.datetime64(day)
    for name in _names(view, differ(who["temporary_until"], until)):
        yield view.of(STAY, name)


def children(view: View, _history: History) -> Findings:
    """Birth dates against queues and IINs; wishes against the organisations there are."""
    who = view.applications
    born = who["born"].astype("datetime64[Y]").astype(np.int64) + 1970
    for row in np.flatnonzero(born != who["year"]).tolist():
        yield view.of(YEAR, who["id"][row], who["year"][row], born[row])
    iins = read(
        view.connection,
        f"application where locality_id = {view.locality_id}",
        "application_row",
        iin="text child_iin",
    )["iin"]
    for name, iin, day in zip(who["id"].tolist(), iins.tolist(), who["born"].tolist(), strict=True):
        try:
            agrees = check_iin(str(iin)).birth_date == day
        except IinError:
            agrees = False
        if not agrees:
            yield view.of(CHILD, name)
    yield from _wishes(view)


def _wishes(view: View) -> Findings:
    blobs = [bytes(row[0]) for row in view.rows(
        "select wishes from application where locality_id = {l} order by application_row"
    )]  # fmt: skip
    whole = np.array([len(blob) > 0 and len(blob) % 4 == 0 for blob in blobs], dtype=np.bool_)
    for name in _names(view, ~whole):
        yield view.of(WISHES, name)
    kept = [blob for blob, good in zip(blobs, whole.tolist(), strict=True) if good]
    owner = np.repeat(np.flatnonzero(whole), [len(blob) // 4 for blob in kept])
    known = [0, *(row[0] for row in view.rows("select organization_id from organization where locality_id = {l}"))]
    strange = ~np.isin(np.frombuffer(b"".join(kept), dtype="<i4"), known)
    for name in sorted(set(_names(view, owner[strange]))):
        yield view.of(WISHES, name)


def versions(view: View, history: History) -> Findings:
    """What was kept of an application before a change is what its movements say it was then."""
    who, moves = view.applications, history.moves
    kept = read(
        view.connection,
        "application_version v join application a on a.application_row = v.application_row "
        f"where a.locality_id = {view.locality_id}",
        "v.version_id",
        application="int v.application_row",
        change="int v.until_change",
        year="int v.birth_year",
        born="day v.birth_date",
        rank="int v.class_rank",
    )
    told: dict[tuple[int, int], list[int]] = {}
    wanted: set[tuple[int, int]] = set()
    for at in np.flatnonzero(np.isin(moves["application"], kept["application"])).tolist():
        told.setdefault((int(moves["application"][at]), int(moves["change"][at])), []).append(at)
    corrected = (moves["why"] == CODE["cancelled"]) | np.isin(moves["why"], REMADE)
    for at in np.flatnonzero(corrected).tolist():
        wanted.add((int(moves["application"][at]), int(moves["change"][at])))
    pairs = list(zip(kept["application"].tolist(), kept["change"].tolist(), strict=True))
    often = Counter(pairs)
    name_of = dict(zip(who["row"].tolist(), who["id"].tolist(), strict=True))
    for row, _change in sorted(wanted - set(pairs)):
        yield view.of(VERSION, name_of[row], "benefit, class or birth date")
    born = kept["born"].astype("datetime64[Y]").astype(np.int64) + 1970
    for index, pair in enumerate(pairs):
        if pair not in told:
            yield view.of(UNTOLD, name_of[pair[0]])
            continue
        stood = [told[pair][0] - 1, *(told[pair] if often[pair] > 1 else ())]
        said = (int(kept["year"][index]), int(kept["rank"][index]))
        if born[index] != said[0] or said not in {(int(moves["year"][at]), int(moves["rank"][at])) for at in stood}:
            yield view.of(SAID, name_of[pair[0]])
