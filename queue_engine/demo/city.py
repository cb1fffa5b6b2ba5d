"""A made city at the real scale of Astana's intake of 2021: families, kindergartens, places.

Nobody in it exists: birth dates, IINs, phones and addresses are drawn from numpy's seeded generator, so one
seed always gives the same files, byte for byte. What is real are the totals: places by year of birth,
applications and organisations. The shares below are a likely picture of such a city, not statistics.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bulletins.vacancy import AdmissionOrder, GroupType
from queue_engine.domain.application import ANY_ORGANIZATION, Benefit
from queue_engine.errors import WrongUsage

if TYPE_CHECKING:
    from queue_engine.demo.life import Life

Row: TypeAlias = tuple[str, ...]
Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Texts: TypeAlias = NDArray[np.str_]

APPLICATION_COLUMNS: Row = (
    "application_id", "filed_at", "locality", "child_iin", "birth_date", "benefit", "languages", "group_type",
    "regimes", "organizations", "accepts", "phones", "email", "notice_language",
)  # fmt: skip
BULLETIN_COLUMNS: Row = (
    "vacancy_id", "published_at", "locality", "organization", "age_group", "birth_year", "language",
    "group_type", "regime", "admission", "places", "start_date", "vacated_on", "attend_until",
)  # fmt: skip

LOCALITY = "astana"
TIMEZONE = "Asia/Almaty"
OFFSET = "+06:00"  # of Asia/Almaty in all the years of the made city
INTAKE_DAY = date(2021, 8, 10)
FIRST_FILING = date(2018, 1, 1)
SCHOOL_YEAR = date(2021, 9, 1)
LATER_START = date(2021, 9, 15)

ORGANIZATIONS = 653
APPLICATIONS = 47_000
PLACES = {2019: 6_074, 2018: 9_372, 2017: 5_616, 2016: 3_235}
DEMAND = {2019: 0.40, 2018: 0.32, 2017: 0.17, 2016: 0.11}
AGE_GROUPS = {2019: "кіші топ", 2018: "орта топ", 2017: "ересек топ", 2016: "мектепалды топ"}
# Children of the last year who cannot start in September: born after the season's youngest.
LATE_BIRTHS = 0.06
LAST_BIRTH = {2019: date(2019, 8, 31)}
SAME_SECOND = 0.03

LANGUAGES = ("kk", "ru", "en")
BENEFITS: dict[str, float] = {
    Benefit.NONE: 0.775, Benefit.MILITARY: 0.018, Benefit.SPECIAL_STATE_BODY: 0.007,
    Benefit.LARGE_FAMILY: 0.125, Benefit.TEACHER: 0.022, Benefit.DISABLED_GUARDIAN: 0.018,
    Benefit.DISABLED_SIBLING: 0.014, Benefit.SPECIAL_NEEDS: 0.009, Benefit.WITHOUT_PARENTAL_CARE: 0.006,
    Benefit.ORPHAN: 0.006,
}  # fmt: skip
WISHED_LANGUAGES = {
    "kk": 0.47, "kk|ru": 0.16, "ru": 0.24, "ru|kk": 0.10, "en|ru": 0.015, "kk|en": 0.01, "en": 0.005,
}  # fmt: skip
GROUPS = {"general": 0.988, "special": 0.012}
SPECIAL_NEEDS_IN_SPECIAL_GROUP = 0.6
REGIMES = {"full_day": 0.92, "full_day|half_day": 0.05, "half_day": 0.02, "round_the_clock|full_day": 0.01}
ACCEPTS = {
    "standard": 0.55, "": 0.25, "standard|early_booking": 0.10, "standard|temporary": 0.05,
    "standard|early_booking|temporary": 0.03, "early_booking|standard": 0.02,
}  # fmt: skip
WISHES = (0.10, 0.12, 0.16, 0.16, 0.14, 0.10, 0.08, 0.06, 0.04, 0.04)  # of 1, 2 .. 10 organisations
ANY_OTHER = 0.20
CALLING_CODES = dict.fromkeys(("701", "702", "705", "707", "747", "771", "775", "776", "777", "778"), 1.0)
PHONES = (0.03, 0.84, 0.13)  # of none, one, two numbers
EMAIL = 0.35
NOTICES = {"kk": 0.55, "ru": 0.43, "en": 0.02}

# What groups there are: group type, regime, admission order. The columns of `Organizations.forms`.
FORMS = (
    ("general", "full_day", "standard"), ("general", "full_day", "early_booking"),
    ("general", "full_day", "temporary"), ("general", "half_day", "standard"),
    ("general", "round_the_clock", "standard"), ("special", "full_day", "standard"),
)  # fmt: skip
COMMON_FORMS = (0.94, 0.025, 0.01)  # the first three: their weight, in every organisation
RARE_FORMS = ((0.10, 0.15), (0.04, 0.10), (0.07, 0.20))  # the others: who has them, with what weight
AS_A_RULE = (1.0,) * len(FORMS)
_FIRST_WEIGHTS = np.arange(1, 12)
_SECOND_WEIGHTS = np.array([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2])


@dataclass(frozen=True, slots=True)
class Organizations:
    """The kindergartens of the city, one row each.

    codes:      (k,) text
    popularity: (k,) float64, how often families name it, > 0
    size:       (k,) float64, its share of all places, > 0
    languages:  (k, 3) float64, shares of its groups by LANGUAGES, each row sums to 1
    forms:      (k, 6) float64, weight of its groups by FORMS
    """

    codes: Texts
    popularity: Floats
    size: Floats
    languages: Floats
    forms: Floats

    @classmethod
    def make(cls, rng: Generator, count: int) -> Organizations:
        """Draw `count` kindergartens: sizes differ by a few times, popularity by a hundred times."""
        size = rng.lognormal(0.0, 0.5, count)
        mixed = rng.uniform(0.3, 0.7, count)
        kazakh = rng.choice([1.0, 0.0, np.nan], count, p=[0.45, 0.13, 0.42])
        kazakh = np.where(np.isnan(kazakh), mixed, kazakh)
        english = np.where(rng.random(count) < 0.03, 0.2, 0.0)
        languages = np.stack([kazakh * (1 - english), (1 - kazakh) * (1 - english), english], axis=1)
        forms = np.zeros((count, len(FORMS)))
        forms[:, : len(COMMON_FORMS)] = COMMON_FORMS
        for column, (share, weight) in enumerate(RARE_FORMS, len(COMMON_FORMS)):
            forms[:, column] = np.where(rng.random(count) < share, weight, 0.0)
        codes = np.array([f"KG{n:03d}" for n in range(1, count + 1)])
        return cls(codes, size * rng.lognormal(0.0, 1.0, count), size, languages, forms)


@dataclass(frozen=True, slots=True)
class City:
    """The city on the day of its intake: rows in the column order of the public files.

    `applications` are in the order of filing, `vacancies` in the order handed over; texts throughout.
    """

    seed: int
    organizations: Organizations
    applications: list[Row]
    vacancies: list[Row]

    @classmethod
    def make(cls, seed: int = 2021, scale: float = 1.0) -> City:
        """Make the city; `scale` 1.0 is the real one, with exactly its places, 0.01 a hundredth of it.

        Raises: WrongUsage if `seed` is negative or nothing would be left at this scale.
        """
        counts = [round(n * scale) if 0 < scale < np.inf else 0 for n in (ORGANIZATIONS, APPLICATIONS)]
        if seed < 0 or min(counts) < 1:
            raise WrongUsage("demo.city", "no city can be made of this seed and scale.")
        rng = np.random.default_rng([seed, 0])
        organizations = Organizations.make(rng, counts[0])
        born = births(rng, counts[1])
        filed, nobody = filing_moments(rng, born), np.zeros(0, np.int64)
        applications = make_applications(rng, organizations, born, filed, 1, taken=nobody)
        places = {year: round(count * scale) for year, count in PLACES.items()}
        vacancies = make_vacancies(rng, organizations, INTAKE_DAY, places, AS_A_RULE)
        return cls(seed, organizations, applications, vacancies)

    def write_applications(self, path: Path) -> None:
        """Write applications.csv."""
        write_rows(path, APPLICATION_COLUMNS, self.applications)

    def write_bulletin(self, path: Path) -> None:
        """Write bulletin.csv of the intake day."""
        write_rows(path, BULLETIN_COLUMNS, self.vacancies)

    def life(self) -> Life:
        """Return the ten ordinary days after the intake."""
        from queue_engine.demo.life import Life  # life is drawn with the means of this module

        return Life(self)


def write_rows(path: Path, columns: Row, rows: Iterable[Row]) -> None:
    """Write a header and rows as CSV in UTF-8, the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def pick(rng: Generator, weights: Mapping[str, float], count: int) -> Texts:
    """Draw `count` values with the weights given, which need not sum to 1."""
    share = np.fromiter(weights.values(), np.float64)
    return np.array([str(value) for value in weights])[rng.choice(len(share), count, p=share / share.sum())]


def day_number(day: date) -> int:
    """Days since 1970-01-01.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return (day - date(1970, 1, 1)).days


def dates(days: Ints) -> Texts:
    """Days since 1970-01-01 as `YYYY-MM-DD`."""
    return np.datetime_as_string(days.astype("datetime64[D]"))


def moments(seconds: Ints) -> Texts:
    """Seconds of local civil time since 1970-01-01T00:00 as timestamps with the offset of the city."""
    return np.strings.add(np.datetime_as_string(seconds.astype("datetime64[s]")), OFFSET)


def births(rng: Generator, count: int) -> Ints:
    """Draw birth dates by DEMAND, as days since 1970-01-01; most children are old enough in September."""
    ends = np.rint(np.cumsum(list(DEMAND.values())) * count).astype(np.int64)
    drawn = []
    for year, size in zip(DEMAND, np.diff(ends, prepend=0), strict=True):
        first, last = day_number(date(year, 1, 1)), day_number(date(year, 12, 31))
        cut = day_number(LAST_BIRTH.get(year, date(year, 12, 31)))
        days = rng.integers(first, cut + 1, size)
        late = (rng.random(size) < LATE_BIRTHS) & (cut < last)
        drawn.append(np.where(late, rng.integers(min(cut + 1, last), last + 1, size), days))
    return rng.permutation(np.concatenate(drawn))


def filing_moments(rng: Generator, born: Ints) -> Ints:
    """Draw when each family filed, in local seconds: before the intake day, mostly soon after birth."""
    earliest = np.maximum(born + 20, day_number(FIRST_FILING))
    filed = earliest + (rng.beta(1.0, 2.2, born.size) * (day_number(INTAKE_DAY) - earliest)).astype(np.int64)
    seconds: Ints = filed * 86_400 + (rng.triangular(7, 10, 23, born.size) * 3_600).astype(np.int64)
    order = np.argsort(seconds, kind="stable")
    tied = 1 + np.flatnonzero(rng.random(born.size - 1) < SAME_SECOND)
    seconds[order[tied]] = seconds[order[tied - 1]]
    return seconds


def check_digits(stems: Ints) -> Ints:
    """Return the check digit of each stem of eleven digits; 10 = such an IIN is never given.

    >>> check_digits(np.array([19010150000])).tolist()
    [9]
    """
    digits: Ints = stems[:, None] // 10 ** np.arange(10, -1, -1) % 10
    first, second = digits @ _FIRST_WEIGHTS % 11, digits @ _SECOND_WEIGHTS % 11
    return np.where(first == 10, second, first)


def make_iins(rng: Generator, born: Ints, taken: Ints) -> Ints:
    """Draw a valid IIN for each birth date (2000 or later), all different and none of `taken`."""
    day = born.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    in_month, months = (day - month).astype(np.int64) + 1, month.astype(np.int64)
    compact = (months // 12 % 100 + 70) % 100 * 10_000 + (months % 12 + 1) * 100 + in_month
    iins = np.zeros(born.size, np.int64)
    missing = np.arange(born.size)
    while missing.size:
        stems = compact[missing] * 100_000 + rng.integers(5, 7, missing.size) * 10_000
        stems += rng.integers(0, 10_000, missing.size)
        digits = check_digits(stems)
        iins[missing] = stems * 10 + digits
        first_seen = np.zeros(born.size, bool)
        first_seen[np.unique(iins, return_index=True)[1]] = True
        iins[missing[digits == 10]] = 0
        missing = np.flatnonzero(~first_seen | (iins == 0) | np.isin(iins, taken))
    return iins


def make_wishes(rng: Generator, organizations: Organizations, languages: Texts) -> list[str]:
    """Draw the cell `organizations` for each cell `languages`: mostly where its first language is spoken."""
    draws = np.empty((languages.size, len(WISHES) + 6), np.int64)
    spoken = languages.astype("U2")  # cuts off all but the first
    for column, language in enumerate(LANGUAGES):
        rows = np.flatnonzero(spoken == language)
        known = organizations.popularity * (organizations.languages[:, column] + 0.02)
        steps = np.cumsum(known) / known.sum()
        drawn = np.searchsorted(steps, rng.random((rows.size, draws.shape[1])), side="right")
        draws[rows] = np.minimum(drawn, steps.size - 1)
    fresh = np.ones(draws.shape, bool)
    for column in range(1, draws.shape[1]):
        fresh[:, column] = (draws[:, :column] != draws[:, column, None]).all(axis=1)
    wanted = rng.choice(len(WISHES), languages.size, p=WISHES) + 1
    kept = fresh & (np.cumsum(fresh, axis=1) <= wanted[:, None])
    ends = np.cumsum(kept.sum(axis=1)).tolist()
    codes = organizations.codes[draws[kept]].tolist()
    tails = np.where(rng.random(languages.size) < ANY_OTHER, f"|{ANY_ORGANIZATION}", "").tolist()
    spans = zip([0, *ends[:-1]], ends, tails, strict=True)
    return ["|".join(codes[start:end]) + tail for start, end, tail in spans]


def _phones(rng: Generator, count: int) -> tuple[Texts, NDArray[np.bool_]]:
    """Draw the cell `phones`, and who has none."""
    number = np.strings.add("+7", pick(rng, CALLING_CODES, 2 * count))
    number = np.strings.add(number, rng.integers(2_000_000, 9_999_999, 2 * count).astype(np.str_))
    how_many = rng.choice(len(PHONES), count, p=PHONES)
    both = np.strings.add(np.strings.add(number[:count], "|"), number[count:])
    return np.where(how_many == 2, both, np.where(how_many == 1, number[:count], "")), how_many == 0


def make_applications(
    rng: Generator, organizations: Organizations, born: Ints, filed: Ints, first_number: int, taken: Ints
) -> list[Row]:
    """Draw the rest of each application and return rows of APPLICATION_COLUMNS, in the order of filing.

    Args:
        born: (n,) days since 1970-01-01.
        filed: (n,) seconds of local civil time since 1970-01-01T00:00.
        first_number: number of the first id; the others follow.
        taken: IINs that other children of the city have.
    """
    order = np.argsort(filed, kind="stable")
    born, filed, count = born[order], filed[order], born.size
    groups = pick(rng, GROUPS, count)
    with_needs = (groups == GroupType.SPECIAL) & (rng.random(count) < SPECIAL_NEEDS_IN_SPECIAL_GROUP)
    benefits = np.where(with_needs, str(Benefit.SPECIAL_NEEDS), pick(rng, BENEFITS, count))
    languages = pick(rng, WISHED_LANGUAGES, count)
    phones, without_phone = _phones(rng, count)
    mailed = without_phone | (rng.random(count) < EMAIL)
    numbers = np.array([f"{n:06d}" for n in range(first_number, first_number + count)])
    iins = np.strings.zfill(make_iins(rng, born, taken).astype(np.str_), 12)
    emails = np.where(mailed, np.strings.add(np.strings.add("family", numbers), "@example.org"), "")
    ids, localities = np.strings.add("A", numbers), np.full(count, LOCALITY)
    head = (ids, moments(filed), localities, iins, dates(born), benefits)
    tail = (pick(rng, ACCEPTS, count), phones, emails, pick(rng, NOTICES, count))
    wishes = make_wishes(rng, organizations, languages)
    middle = (languages.tolist(), groups.tolist(), pick(rng, REGIMES, count).tolist(), wishes)
    return list(zip(*(c.tolist() for c in head), *middle, *(c.tolist() for c in tail), strict=True))


def _share_out(rng: Generator, organizations: Organizations, totals: Sequence[int], emphasis: Sequence[float]) -> Ints:
    """Share out the places of each year: (years, k, 3, 6) int64, each year summing to its total.

    Every organisation hands over something, if the largest year has a place for each.
    """
    forms = organizations.forms * np.array(emphasis)
    chance = organizations.size[:, None, None] * organizations.languages[:, :, None] * forms[:, None, :]
    chance /= chance.sum()
    counts = np.zeros((len(totals), *chance.shape), np.int64)
    largest = int(np.argmax(totals))
    everyone = np.arange(organizations.codes.size)
    for index, total in enumerate(totals):
        if index == largest and total >= everyone.size:
            counts[index, everyone, organizations.languages.argmax(axis=1), 0] = 1
        left = total - int(counts[index].sum())
        counts[index] += rng.multinomial(left, chance.ravel()).reshape(chance.shape)
    return counts


def make_vacancies(
    rng: Generator,
    organizations: Organizations,
    day: date,
    places: Mapping[int, int],
    emphasis: Sequence[float],
) -> list[Row]:
    """Draw what the organisations hand over in a day: rows of BULLETIN_COLUMNS, in the order handed over.

    Args:
        places: by year of birth; the rows of a year sum to exactly that.
        emphasis: by FORMS; how much more often than as a rule a group of that form has places.
    """
    counts = _share_out(rng, organizations, list(places.values()), emphasis)
    cells = np.nonzero(counts)
    # An organisation hands over all it has at one moment of its working day.
    moment = rng.integers(9 * 3_600, 18 * 3_600, organizations.codes.size)[cells[1]]
    order = np.lexsort((cells[1], moment))
    year, kept, language, form = (column[order] for column in cells)
    published = moments(day_number(day) * 86_400 + moment[order]).tolist()
    codes, years = organizations.codes[kept].tolist(), np.array(list(places))[year].tolist()
    rows: list[Row] = []
    for index, (start, vacated, until) in enumerate(_terms(rng, day, form)):
        group, regime, admission = FORMS[form[index]]
        count = counts[year[index], kept[index], language[index], form[index]]
        rows.append((
            f"P{day:%Y%m%d}-{index + 1:05d}", published[index], LOCALITY, codes[index],
            AGE_GROUPS[years[index]], str(years[index]), LANGUAGES[language[index]], group, regime, admission,
            str(count), start, vacated, until,
        ))  # fmt: skip
    return rows


def _terms(rng: Generator, day: date, form: Ints) -> list[tuple[str, str, str]]:
    """Draw start_date, vacated_on and attend_until of each vacancy.

    Some early-booking places are not vacated yet; some temporary ones start at once and last for days only.
    """
    chance, later = rng.random(form.size).tolist(), rng.integers(0, 3, form.size).tolist()
    terms = []
    for index, kind in enumerate(form.tolist()):
        admission, days, vacated, until = FORMS[kind][2], later[index], "", ""
        start = LATER_START if chance[index] > 0.8 and day > INTAKE_DAY else SCHOOL_YEAR
        if admission == AdmissionOrder.EARLY_BOOKING and chance[index] < 0.4:
            vacated = str(day + timedelta(1 + days))
        elif admission == AdmissionOrder.TEMPORARY and chance[index] < 0.3:
            start, until = day + timedelta(1), str(day + timedelta(8 + days))
        elif admission == AdmissionOrder.TEMPORARY:
            until = str(start + timedelta(60 + 30 * days))
        terms.append((str(start), vacated, until))
    return terms
