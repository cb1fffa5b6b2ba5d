"""What a judge of proposals reports, and whether the arrays it is given can be judged at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allocators.arrays import (
    ANY_ORGANIZATION,
    GENERAL,
    NONE,
    OUT_OF_TURN,
    Applicants,
    Int32,
    Places,
    Proposal,
    Turns,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a proposal; rows are -1 where none is meant.

    code: `arrays.form`, `arrays.range`, `arrays.repeated`, `arrays.wishes`, `arrays.pattern`; `pair.queue`,
        `pair.organization`, `pair.kind`, `pair.age`, `pair.barred`; `place.overfull`; `turn.position`;
        `service.skipped` (has nothing, while a place was left), `service.better_left` (has something worse
        than a place left), `service.envy` (`other`, served later, holds what the applicant would prefer).
    """

    code: str
    applicant: int
    place: int
    other: int
    words: str


class _Column(NamedTuple):
    """What a column must be; `least` and `most` are inclusive, `rows` says whose rows it has."""

    name: str
    values: NDArray[np.signedinteger[Any]]
    dtype: type[np.signedinteger[Any]]
    shape: tuple[int, ...]
    least: int
    most: int
    rows: str = ""


def _columns(
    applicants: Applicants, places: Places, turns: Turns, preferences: Int32, proposal: Proposal
) -> list[_Column]:
    n, p, q = applicants.queue.size, places.queue.size, turns.position.size
    profiles, kinds = preferences.shape if preferences.ndim == 2 else (0, 0)
    m, b = applicants.wish_organization.size, len(applicants.barred) if applicants.barred.ndim else 0
    i8, i32, i64, any_least, any_most = (
        np.int8,
        np.int32,
        np.int64,
        np.iinfo(np.int64).min,
        np.iinfo(np.int64).max,
    )
    one, vacancy = "applicant", "place"
    return [
        _Column("applicants.queue", applicants.queue, i32, (n,), 0, q - 1, one),
        _Column("applicants.class_rank", applicants.class_rank, i8, (n,), OUT_OF_TURN, GENERAL, one),
        _Column("applicants.filed_at_us", applicants.filed_at_us, i64, (n,), any_least, any_most, one),
        _Column("applicants.id_rank", applicants.id_rank, i32, (n,), any_least, any_most, one),
        _Column("applicants.birth_day", applicants.birth_day, i32, (n,), any_least, any_most, one),
        _Column("applicants.profile", applicants.profile, i32, (n,), 0, profiles - 1, one),
        _Column("applicants.wish_start", applicants.wish_start, i64, (n + 1,), 0, m),
        _Column(
            "applicants.wish_organization",
            applicants.wish_organization,
            i32,
            (m,),
            ANY_ORGANIZATION,
            any_most,
        ),
        _Column("applicants.barred", applicants.barred, i32, (b, 2), 0, max(n, p) - 1),
        _Column("places.queue", places.queue, i32, (p,), 0, q - 1, vacancy),
        _Column("places.organization", places.organization, i32, (p,), 0, any_most, vacancy),
        _Column("places.kind", places.kind, i32, (p,), 0, kinds - 1, vacancy),
        _Column("places.rank", places.rank, i32, (p,), any_least, any_most, vacancy),
        _Column("places.free", places.free, i32, (p,), 0, any_most, vacancy),
        _Column("places.birth_first", places.birth_first, i32, (p,), any_least, any_most, vacancy),
        _Column("places.birth_last", places.birth_last, i32, (p,), any_least, any_most, vacancy),
        _Column("turns.first_priority", turns.first_priority, i32, (q,), 0, any_most),
        _Column("turns.general", turns.general, i32, (q,), 0, any_most),
        _Column("turns.position", turns.position, i32, (q,), 0, any_most),
        _Column("preferences", preferences, i32, (profiles, kinds), NONE, any_most),
        _Column("proposal.place", proposal.place, i32, (n,), NONE, p - 1, one),
        _Column("proposal.position_after", proposal.position_after, i32, (q,), 0, any_most),
    ]


def malformed(
    applicants: Applicants, places: Places, turns: Turns, preferences: Int32, proposal: Proposal
) -> list[Finding]:
    """Return what keeps the arrays from being judged: form, then ranges, then what ties columns."""
    columns = _columns(applicants, places, turns, preferences, proposal)
    form = [
        Finding(
            "arrays.form",
            NONE,
            NONE,
            NONE,
            f"{column.name} is {column.values.dtype} of shape {column.values.shape}; expected "
            f"{np.dtype(column.dtype)} of shape {column.shape}.",
        )
        for column in columns
        if column.values.dtype != column.dtype or column.values.shape != column.shape
    ]
    if form:
        return form
    ranges = [finding for column in columns for finding in _out_of_range(column)]
    return ranges or _irregular(applicants, places, turns)


def _out_of_range(column: _Column) -> Iterator[Finding]:
    """The first value of a column outside its bounds."""
    wrong = np.flatnonzero(~((column.values >= column.least) & (column.values <= column.most)))
    if wrong.size:
        at = int(wrong[0])
        applicant = at if column.rows == "applicant" else NONE
        place = at if column.rows == "place" else NONE
        words = f"{column.name} has {column.values.flat[at]} at {at}, outside {column.least}..{column.most}."
        yield Finding("arrays.range", applicant, place, NONE, words)


def _irregular(applicants: Applicants, places: Places, turns: Turns) -> list[Finding]:
    """What the bounds of single values do not show."""
    findings = []
    starts = applicants.wish_start
    if starts[0] != 0 or starts[-1] != applicants.wish_organization.size or bool((np.diff(starts) < 0).any()):
        words = "applicants.wish_start must rise from 0 to the number of wishes."
        findings.append(Finding("arrays.wishes", NONE, NONE, NONE, words))
    for pair in applicants.barred[
        (applicants.barred[:, 0] >= applicants.queue.size) | (applicants.barred[:, 1] >= places.queue.size)
    ][:1]:
        words = f"applicants.barred names applicant {pair[0]} and place {pair[1]}, which are not there."
        findings.append(Finding("arrays.range", NONE, NONE, NONE, words))
    if (row := _repeated(applicants.id_rank)) != NONE:
        words = f"applicants.id_rank of applicant {row} is another's too; rule A4 needs all different."
        findings.append(Finding("arrays.repeated", row, NONE, NONE, words))
    if (row := _repeated(places.rank)) != NONE:
        words = f"places.rank of place {row} is another's too; rule C2 needs all different."
        findings.append(Finding("arrays.repeated", NONE, row, NONE, words))
    length = turns.first_priority.astype(np.int64) + turns.general
    one_sided = (turns.first_priority == 0) != (turns.general == 0)
    for queue in np.flatnonzero(one_sided | (turns.position >= np.maximum(length, 1))):
        pattern = f"{turns.first_priority[queue]}:{turns.general[queue]} at {turns.position[queue]}"
        words = f"turns of queue {queue} are {pattern}: neither 0:0 at 0 nor f:g at a turn of it (rule A5)."
        findings.append(Finding("arrays.pattern", NONE, NONE, NONE, words))
    return findings


def _repeated(values: Int32) -> int:
    """A row whose value stands in an earlier row too, or NONE."""
    order = np.argsort(values, kind="stable")
    again = np.flatnonzero(values[order][1:] == values[order][:-1])
    return int(order[again[0] + 1]) if again.size else NONE
