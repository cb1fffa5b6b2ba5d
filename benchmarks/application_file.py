"""A made applications.csv of any size: a nation's families, every cell valid; the same bytes on every machine.

Rows stand in the order in which applications came in, localities mixed, numbered within their locality. Wishes,
classes, birth days and moments of filing are those of the workload `nation intake` at that size.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from allocators.arrays import ANY_ORGANIZATION, Int64
from benchmarks import workloads
from benchmarks.stored import ADMISSIONS, BENEFITS, GROUPS, LANGUAGES, REGIMES
from queue_engine.demo import city

SEED = 20210902
PHONES = ("", "{0}", "{0}|{1}")
PHONE_SHARES = (0.05, 0.75, 0.20)
EMAIL_SHARE = 0.35
NOTICES = ("kk", "ru", "en")
NOTICE_SHARES = (0.55, 0.43, 0.02)


def write(path: Path, count: int) -> None:
    """Write a file of `count` applications, with the share of a nation's localities that goes with it."""
    size = workloads.NATION_INTAKE.scaled(count / workloads.NATION_INTAKE.applicants)
    city.write_rows(path, city.APPLICATION_COLUMNS, _rows(workloads.make(size, strict=True)))


def _rows(workload: workloads.Workload) -> Iterator[city.Row]:
    rng = np.random.default_rng(SEED)
    own = workload.applicants
    count = len(own.queue)
    born = own.birth_day.astype(np.int64)
    locality = own.queue // workloads.BIRTH_YEARS
    mobile = np.char.add(city.pick(rng, city.CALLING_CODES, 2 * count), _digits(rng, 2 * count))
    phones = rng.choice(len(PHONES), count, p=PHONE_SHARES).tolist()
    mailed = (rng.random(count) < EMAIL_SHARE).tolist()
    notices = rng.choice(NOTICES, count, p=NOTICE_SHARES)
    wishes = [f"K{code:05d}" if code != ANY_ORGANIZATION else "*" for code in own.wish_organization.tolist()]
    spans = zip(own.wish_start[:-1].tolist(), own.wish_start[1:].tolist(), strict=True)
    profiles = _profiles()
    columns = zip(
        locality.tolist(),
        _numbered(locality.astype(np.int64)).tolist(),
        city.moments(own.filed_at_us // workloads.SECOND_US).tolist(),
        np.strings.zfill(city.make_iins(rng, born, np.zeros(0, np.int64)).astype(np.str_), 12).tolist(),
        city.dates(born).tolist(),
        own.class_rank.tolist(),
        own.profile.tolist(),
        spans,
        zip(mobile[:count].tolist(), mobile[count:].tolist(), strict=True),
        notices.tolist(),
        strict=True,
    )
    for row, (place, number, filed, iin, birth_date, rank, profile, span, numbers, notice) in enumerate(columns):
        languages, group, regimes, accepts = profiles[profile]
        yield (
            f"L{place:04d}-{number:06d}",
            filed,
            f"L{place:04d}",
            iin,
            birth_date,
            BENEFITS[rank].value,
            languages,
            group,
            regimes,
            "|".join(wishes[slice(*span)]),
            accepts,
            PHONES[phones[row]].format(*(f"+7{each}" for each in numbers)),
            f"family{row}@example.org" if mailed[row] else "",
            notice,
        )


def _digits(rng: np.random.Generator, count: int) -> city.Texts:
    return rng.integers(2_000_000, 9_999_999, count).astype(np.str_)


def _numbered(locality: Int64) -> Int64:
    """1, 2, 3 .. within each locality, in the order of the rows."""
    order = np.argsort(locality, kind="stable")
    sorted_localities = locality[order]
    numbers = np.empty(len(locality), np.int64)
    first = np.searchsorted(sorted_localities, sorted_localities)
    numbers[order] = np.arange(len(locality)) - first + 1
    return numbers


def _profiles() -> list[tuple[str, str, str, str]]:
    """What is asked for besides organisations, by the workload's profile number: four cells."""
    return [
        (
            "|".join(LANGUAGES[each] for each in languages),
            group,
            "|".join(REGIMES[each] for each in regimes),
            "|".join(ADMISSIONS[each] for each in accepts),
        )
        for group in GROUPS
        for accepts in workloads.ACCEPT_LISTS
        for languages in workloads.LANGUAGE_LISTS
        for regimes in workloads.REGIME_LISTS
    ]
