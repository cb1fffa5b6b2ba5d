"""The life of every application, followed step by step through its movements (rules A6, A7, E; decision 5)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from queue_engine.answers.checks.frames import NOTHING, Column, Frame, read, rows_at
from queue_engine.answers.checks.view import View


class At(IntEnum):
    """Where an application is between two movements."""

    NOWHERE = 0
    QUEUED = 1
    HOLDING = 2
    STOPPED = 3
    ARCHIVED = 4
    BETWEEN = 5  # out of one place of the queue, and not yet in the other

    @property
    def word(self) -> str:
        """The state as `application.state` has it; empty for what has none."""
        return self.name.lower() if At.QUEUED <= self <= At.ARCHIVED else ""


LIVE = (At.QUEUED, At.HOLDING, At.STOPPED)


class Move(NamedTuple):
    """What one reason of a movement may do: from where, by which step, to where (None = it stays)."""

    start: At
    step: int
    end: At | None


def _staying(*states: At) -> tuple[Move, ...]:
    return tuple(Move(state, 0, None) for state in states)


_OTHER_PLACE = (
    Move(At.QUEUED, -1, At.BETWEEN),
    Move(At.BETWEEN, 1, At.QUEUED),
    *_staying(At.HOLDING, At.STOPPED),
)
_RETURN = (Move(At.HOLDING, 1, At.QUEUED),)
_LAPSE = (Move(At.HOLDING, 0, At.STOPPED),)
_LEAVE = (Move(At.HOLDING, 0, At.ARCHIVED), Move(At.STOPPED, 0, At.ARCHIVED), Move(At.QUEUED, -1, At.ARCHIVED))

MOVES: dict[str, tuple[Move, ...]] = {
    "registered": (Move(At.NOWHERE, 1, At.QUEUED),),
    "changed": _staying(*LIVE),
    "benefit_changed": _OTHER_PLACE,
    "birth_date_corrected": _OTHER_PLACE,
    "class_changed": _OTHER_PLACE,
    "voucher_issued": (Move(At.QUEUED, -1, At.HOLDING),),
    "declined": _RETURN,
    "refused": _RETURN,
    "cancelled": _RETURN,
    "temporary_admitted": _RETURN,
    "admitted": (Move(At.HOLDING, 0, At.ARCHIVED),),
    "lapsed": _LAPSE,
    "unconfirmed": _LAPSE,
    "stop_listed": (Move(At.QUEUED, -1, At.STOPPED), Move(At.HOLDING, 0, At.STOPPED)),
    "back": (Move(At.STOPPED, 1, At.QUEUED),),
    "archived": _LEAVE,
    "over_age": _LEAVE[1:],
    "restored": (Move(At.ARCHIVED, 1, At.QUEUED),),
    "benefit_confirmed": _staying(*LIVE),
}
"""Every reason of a movement and what it may do."""
WHYS = tuple(MOVES)
CODE = {why: code for code, why in enumerate(WHYS)}
STRANGE = len(WHYS)
"""Code of a reason that is none."""


def _table() -> Column:
    """(reasons + 1, states, 3 steps) int64: the state after, NOTHING where it cannot be."""
    table = np.full((len(WHYS) + 1, len(At), 3), NOTHING, dtype=np.int64)
    for why, moves in MOVES.items():
        for move in moves:
            table[CODE[why], move.start, move.step + 1] = move.start if move.end is None else move.end
    return table


AFTER = _table()


class History(NamedTuple):
    """Movements of a locality, an application's together and in the order in which they happened.

    moves: row, application, change, why (code of WHYS), step, year, rank, filed, on_day, reason
    owner: index of each in `View.applications`
    first: whether a movement is the first of its application; `last` likewise
    before, after: state by `At`; NOTHING after the first step that cannot be
    closing: index of the next movement of the application that changes its state, NOTHING if there is none
    """

    moves: Frame
    owner: Column
    first: Column
    last: Column
    before: Column
    after: Column
    closing: Column


def coded(whys: Column) -> Column:
    """Codes of reasons, STRANGE for one that is none."""
    return np.fromiter((CODE.get(why, STRANGE) for why in whys.tolist()), dtype=np.int64, count=len(whys))


def history_of(view: View) -> History:
    """Read and order the movements of a locality, and follow each application through them."""
    moves = read(
        view.connection,
        f"movement where locality_id = {view.locality_id}",
        "movement_id",
        row="int movement_id",
        application="int application_row",
        change="int change_id",
        why="text why",
        step="int step",
        year="int birth_year",
        rank="int class_rank",
        filed="int filed_at_us",
        on_day="day on_day",
        reason="text reason",
    )
    moves = moves.beside(why=coded(moves["why"]))
    # A night writes its vouchers before its other movements, though it serves last.
    served = moves["why"] == CODE["voucher_issued"]
    moves = moves.take(np.lexsort((moves["row"], served, moves["change"], moves["application"])))
    owner = rows_at(view.applications["row"], moves["application"])
    moves, owner = moves.take(owner != NOTHING), owner[owner != NOTHING]
    first = np.diff(owner, prepend=NOTHING) != 0
    last = np.diff(owner, append=NOTHING) != 0
    before, after = _follow(moves, first)
    return History(moves, owner, first, last, before, after, _closing(moves, owner, before, after))


def _follow(moves: Frame, first: Column) -> tuple[Column, Column]:
    """States before and after each movement.

    All applications are followed at once, by their n-th movement for n = 1, 2, ...: few have many.
    """
    count = len(first)
    before = np.full(count, NOTHING, dtype=np.int64)
    after = np.full(count, NOTHING, dtype=np.int64)
    if not count:
        return before, after
    step = np.clip(moves["step"], -1, 1) + 1
    at = np.flatnonzero(first)
    state = np.full(len(at), int(At.NOWHERE), dtype=np.int64)
    while len(at):
        before[at] = state
        following = np.where(state == NOTHING, NOTHING, AFTER[moves["why"][at], state, step[at]])
        after[at] = following
        goes_on = at + 1 < count
        goes_on[goes_on] &= ~first[at[goes_on] + 1]
        at, state = at[goes_on] + 1, following[goes_on]
    return before, after


def _closing(moves: Frame, owner: Column, before: Column, after: Column) -> Column:
    """Index of the next movement of the same application that changes its state."""
    count = len(owner)
    settles = np.where((before != after) | (moves["step"] != 0), np.arange(count), count)
    following = np.minimum.accumulate(settles[::-1])[::-1] if count else settles
    following = np.append(following[1:], count)
    there = following < count
    there[there] &= owner[following[there]] == owner[there]
    return np.where(there, following, NOTHING)
