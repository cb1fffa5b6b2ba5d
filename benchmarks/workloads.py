"""Made nights of any size, as the allocators take them; the same arrays from the same name on every machine.

Rows stand in the order in which applications came in, as a table has them, localities mixed. Nothing in
them is a person: identifiers are ranks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allocators.arrays import ANY_ORGANIZATION, NONE, Applicants, Int8, Int32, Int64, Places, Turns

Floats: TypeAlias = NDArray[np.float64]

BIRTH_YEARS = 6
MOST_WISHES = 10
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
YEAR_DAYS = 365
FIRST_BIRTH_DAY = 16_436  # 2015-01-01
INTAKE_DAY = 18_871  # 2021-09-01
OLDEST_DAYS, YOUNGEST_DAYS = 6 * YEAR_DAYS, 1 * YEAR_DAYS
"""Ages that suit the made vacancies: wide enough that most of six birth years do."""
FILING_DAYS = 4 * YEAR_DAYS
CHUNK = 1 << 20
"""Applicants whose wishes are drawn at once; bounds the memory. Part of the seed: another size makes other wishes."""

OUT_OF_TURN_SHARE, FIRST_PRIORITY_SHARE, ANY_SHARE = 0.03, 0.17, 0.20
LATE_SHARE = 0.02
BARRED_SHARE = 0.002
SPECIAL_SHARE = 0.03
BURST_SHARE = 0.10
"""Filings that crowd into the minute in which a portal opens; the rest tie by chance only."""
WISH_SKEW, VACANCY_SKEW = 0.8, 0.3

LANGUAGES, REGIMES, ADMISSIONS, GROUPS = 3, 3, 3, 2
LANGUAGE_LISTS = ((0,), (1,), (0, 1), (1, 0), (0, 2), (1, 2), (2, 0, 1), (0, 1, 2))
LANGUAGE_SHARES = (0.45, 0.20, 0.17, 0.10, 0.02, 0.02, 0.02, 0.02)
REGIME_LISTS = ((0,), (0, 1), (1, 0), (0, 2), (0, 1, 2))
REGIME_SHARES = (0.62, 0.20, 0.05, 0.08, 0.05)
ACCEPT_LISTS = ((0,), (0, 1), (0, 1, 2))
ACCEPT_SHARES = (0.55, 0.30, 0.15)
KIND_SHARES = ((0.62, 0.33, 0.05), (0.88, 0.07, 0.05), (0.88, 0.09, 0.03))
"""Of vacancies: languages, regimes, admission orders."""


@dataclass(frozen=True, slots=True)
class Size:
    """What makes a workload; `places` counts children, `per_vacancy` is their mean in one vacancy."""

    name: str
    applicants: int
    localities: int
    places: int
    organizations: int
    per_vacancy: float
    seed: int = 20210901

    def scaled(self, share: float) -> Size:
        """The same job at another size; at least one of everything."""
        localities = max(1, round(self.localities * share)) if self.localities > 1 else 1
        return Size(
            f"{self.name} x {share:g}",
            max(1, round(self.applicants * share)),
            localities,
            max(1, round(self.places * share)),
            max(3 * localities, round(self.organizations * share)),
            self.per_vacancy,
            self.seed,
        )


CITY_INTAKE = Size("city intake", 40_000, 1, 24_297, 650, 6.0)
CITY_DAY = Size("city day", 40_000, 1, 290, 650, 1.4)
NATION_INTAKE = Size("nation intake", 700_000, 219, 150_000, 10_000, 6.0)
NATION_DAY = Size("nation day", 700_000, 219, 5_000, 10_000, 1.4)
BEYOND = Size("beyond", 20_000_000, 6_200, 4_300_000, 286_000, 6.0)
SIZES = (CITY_INTAKE, CITY_DAY, NATION_INTAKE, NATION_DAY, BEYOND)


class Workload(NamedTuple):
    """One night as an allocator takes it; `preferences` is (profiles, kinds) int32."""

    applicants: Applicants
    places: Places
    turns: Turns
    preferences: Int32


def make(size: Size, *, strict: bool | None = None) -> Workload:
    """The workload of a size.

    Args:
        strict: True = every queue in strict order, False = every queue by turns; None = two localities in three are
            strict, the others give one turn to first-priority for three to general (rule A5).
    """
    rng = np.random.default_rng(size.seed)
    people = _shares_of(size.applicants, size.localities)
    organization_start = _cumulative(_at_least(_shares_of(size.organizations, size.localities), 3))
    locality = rng.permutation(np.repeat(np.arange(size.localities, dtype=np.int32), people))
    year = rng.choice(BIRTH_YEARS, size.applicants, p=(0.06, 0.14, 0.2, 0.24, 0.24, 0.12)).astype(np.int32)
    wish_start, wishes = _wishes(rng, locality, organization_start)
    shelf = _places(rng, size, _vacancies_of(size), organization_start)
    queue = locality * np.int32(BIRTH_YEARS) + year
    applicants = Applicants(
        queue=queue,
        class_rank=_classes(rng, size.applicants),
        filed_at_us=_filing_moments(rng, size.applicants),
        id_rank=rng.permutation(size.applicants).astype(np.int32),
        birth_day=(
            FIRST_BIRTH_DAY + year * YEAR_DAYS + rng.integers(0, YEAR_DAYS, size.applicants, dtype=np.int32)
        ).astype(np.int32),
        profile=_profiles(rng, size.applicants),
        wish_start=wish_start,
        wish_organization=wishes,
        barred=_barred(rng, queue, shelf),
    )
    return Workload(applicants, shelf, _turns(rng, size.localities, strict), preferences())


def preferences() -> Int32:
    """(profiles, kinds) int32 by rule C2: admission order, then language, then regime; group types must match (C1)."""
    profiles = list(product(range(GROUPS), ACCEPT_LISTS, LANGUAGE_LISTS, REGIME_LISTS))
    kinds = list(product(range(GROUPS), range(ADMISSIONS), range(LANGUAGES), range(REGIMES)))
    table = np.full((len(profiles), len(kinds)), NONE, dtype=np.int32)
    for row, (group, accepts, languages, regimes) in enumerate(profiles):
        for column, (of_group, admission, language, regime) in enumerate(kinds):
            if group == of_group and admission in accepts and language in languages and regime in regimes:
                position = accepts.index(admission) * LANGUAGES + languages.index(language)
                table[row, column] = position * REGIMES + regimes.index(regime)
    return table


def load(size: Size, folder: Path, *, strict: bool | None = None) -> Workload:
    """As `make`, kept in `folder` as .npy files, one a column; made once."""
    name = f"{size.name} {size.applicants} {size.seed} {strict}".replace(" ", "-")
    kept = folder / name
    if not (kept / "complete").exists():
        kept.mkdir(parents=True, exist_ok=True)
        for path, column in _columns(make(size, strict=strict)):
            np.save(kept / f"{path}.npy", column)
        (kept / "complete").touch()

    def kept_column(path: str) -> NDArray[np.signedinteger]:
        loaded: NDArray[np.signedinteger] = np.load(kept / f"{path}.npy")
        return loaded

    applicants = Applicants(**{each.name: kept_column(f"applicants.{each.name}") for each in fields(Applicants)})
    places = Places(**{each.name: kept_column(f"places.{each.name}") for each in fields(Places)})
    turns = Turns(**{each.name: kept_column(f"turns.{each.name}") for each in fields(Turns)})
    return Workload(applicants, places, turns, kept_column("preferences"))


def _columns(workload: Workload) -> Iterator[tuple[str, NDArray[np.signedinteger]]]:
    for part in ("applicants", "places", "turns"):
        table = getattr(workload, part)
        for each in fields(table):
            yield f"{part}.{each.name}", getattr(table, each.name)
    yield "preferences", workload.preferences


# --- who lives where, and what is there ------------------------------------------------------------


def _shares_of(total: int, localities: int) -> Int64:
    """`total` split over localities, few large and many small, the largest first; the sum is exact."""
    weight = (np.arange(localities) + 3.0) ** -0.75
    bounds = np.zeros(localities + 1, dtype=np.int64)
    bounds[1:] = np.rint(np.cumsum(weight) / weight.sum() * total)
    return bounds[1:] - bounds[:-1]


def _at_least(counts: Int64, least: int) -> Int64:
    return np.maximum(counts, least)


def _cumulative(counts: Int64) -> Int64:
    return np.concatenate(([0], np.cumsum(counts)))


def _zipf(rng: np.random.Generator, count: Int64 | Floats, skew: float, draws: tuple[int, ...]) -> Int32:
    """Draws from 0 .. count-1 whose frequency falls as (x + 1) ** -skew; `count` must broadcast to `draws`.

    By inverting the integral of the density, so that any number of draws is one expression.
    """
    power = 1.0 - skew
    reach = (np.asarray(count, dtype=np.float64) + 1.0) ** power - 1.0
    drawn = (rng.random(draws) * reach + 1.0) ** (1.0 / power)
    return np.minimum(drawn - 1.0, np.asarray(count) - 1).astype(np.int32)


def _wishes(rng: np.random.Generator, locality: Int32, organization_start: Int64) -> tuple[Int64, Int32]:
    """1 to 10 different organisations of the own locality; some lists end with any other."""
    total = len(locality)
    wish_start = np.zeros(total + 1, dtype=np.int64)
    parts = []
    for low in range(0, total, CHUNK):
        here = locality[low : low + CHUNK]
        first, count = organization_start[here], np.diff(organization_start)[here]
        drawn = _zipf(rng, count[:, None], WISH_SKEW, (len(here), MOST_WISHES))
        kept = np.arange(MOST_WISHES) < rng.integers(1, MOST_WISHES + 1, len(here))[:, None]
        for one in range(1, MOST_WISHES):
            for other in range(one):
                kept[:, one] &= drawn[:, one] != drawn[:, other]
        drawn += first[:, None].astype(np.int32)
        lengths = kept.sum(axis=1)
        last = MOST_WISHES - 1 - kept[:, ::-1].argmax(axis=1)
        ends_in_any = np.flatnonzero(rng.random(len(here)) < ANY_SHARE)
        drawn[ends_in_any, last[ends_in_any]] = ANY_ORGANIZATION
        wish_start[low + 1 : low + 1 + len(here)] = lengths
        parts.append(drawn[kept])
    np.cumsum(wish_start, out=wish_start)
    return wish_start, np.concatenate(parts)


def _classes(rng: np.random.Generator, count: int) -> Int8:
    draw = rng.random(count)
    return (2 - (draw < OUT_OF_TURN_SHARE + FIRST_PRIORITY_SHARE) - (draw < OUT_OF_TURN_SHARE)).astype(np.int8)


def _filing_moments(rng: np.random.Generator, count: int) -> Int64:
    """Whole seconds in the order of coming in; crowds in the first minute of some days, 2 % older ones late."""
    moment = rng.integers(0, FILING_DAYS * 86_400, count, dtype=np.int64)
    crowded = rng.random(count) < BURST_SHARE
    opening_days = rng.integers(0, FILING_DAYS, 40)
    bursts = int(crowded.sum())
    moment[crowded] = opening_days[rng.integers(0, 40, bursts)] * 86_400 + rng.integers(0, 60, bursts)
    moment.sort()
    late = np.flatnonzero(rng.random(count) < LATE_SHARE)
    moment[late] -= rng.integers(0, moment[late] + 1)
    return (INTAKE_DAY - FILING_DAYS) * np.int64(DAY_US) + moment * SECOND_US


def _profiles(rng: np.random.Generator, count: int) -> Int32:
    group = (rng.random(count) < SPECIAL_SHARE).astype(np.int32)
    accepts = rng.choice(len(ACCEPT_LISTS), count, p=ACCEPT_SHARES).astype(np.int32)
    languages = rng.choice(len(LANGUAGE_LISTS), count, p=LANGUAGE_SHARES).astype(np.int32)
    regimes = rng.choice(len(REGIME_LISTS), count, p=REGIME_SHARES).astype(np.int32)
    row = (group * len(ACCEPT_LISTS) + accepts) * len(LANGUAGE_LISTS) + languages
    return (row * len(REGIME_LISTS) + regimes).astype(np.int32)


def _vacancies_of(size: Size) -> int:
    return max(1, round(size.places / size.per_vacancy))


def _places(rng: np.random.Generator, size: Size, vacancies: int, organization_start: Int64) -> Places:
    locality = np.repeat(np.arange(size.localities), _shares_of(vacancies, size.localities))
    year = rng.integers(0, BIRTH_YEARS, vacancies)
    organization = organization_start[locality] + _zipf(
        rng, np.diff(organization_start)[locality], VACANCY_SKEW, (vacancies,)
    )
    language, regime, admission = (rng.choice(len(shares), vacancies, p=shares) for shares in KIND_SHARES)
    group = rng.random(vacancies) < SPECIAL_SHARE
    start_day = INTAKE_DAY + rng.integers(0, 30, vacancies)
    extra = rng.multinomial(size.places - vacancies, np.full(vacancies, 1.0 / vacancies))
    shuffle = rng.permutation(vacancies)
    return Places(
        queue=(locality * BIRTH_YEARS + year).astype(np.int32)[shuffle],
        organization=organization.astype(np.int32)[shuffle],
        kind=(((group * ADMISSIONS + admission) * LANGUAGES + language) * REGIMES + regime).astype(np.int32)[shuffle],
        rank=rng.permutation(vacancies).astype(np.int32),
        free=(1 + extra).astype(np.int32)[shuffle],
        birth_first=(start_day - OLDEST_DAYS + 1).astype(np.int32)[shuffle],
        birth_last=(start_day - YOUNGEST_DAYS).astype(np.int32)[shuffle],
    )


def _barred(rng: np.random.Generator, queue: Int32, places: Places) -> Int32:
    """Some pairs of an applicant and a vacancy of the own queue: declined or refused before."""
    order = np.argsort(places.queue, kind="stable")
    asker = np.sort(rng.choice(len(queue), round(len(queue) * BARRED_SHARE), replace=False))
    start = np.searchsorted(places.queue[order], queue[asker], side="left")
    end = np.searchsorted(places.queue[order], queue[asker], side="right")
    asker, start, end = asker[end > start], start[end > start], end[end > start]
    place = order[start + (rng.random(len(asker)) * (end - start)).astype(np.int64)]
    return np.column_stack((asker, place)).astype(np.int32).reshape(-1, 2)


def _turns(rng: np.random.Generator, localities: int, strict: bool | None) -> Turns:
    by_locality = np.arange(localities) % 3 == 0 if strict is None else np.full(localities, not strict)
    ratio = np.repeat(by_locality, BIRTH_YEARS)
    position = rng.integers(0, 4, len(ratio))
    return Turns(
        first_priority=np.where(ratio, 1, 0).astype(np.int32),
        general=np.where(ratio, 3, 0).astype(np.int32),
        position=np.where(ratio, position, 0).astype(np.int32),
    )
