"""A real city's queue and free places, from its files to vouchers, judged from the files alone (rules C).

Needs the open data that `support.real_city` describes; continuous integration fails without them.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import real_city
from support.department import Department
from support.judged import judge_night

Rows = list[dict[str, str]]


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    department = Department(tmp_path_factory.mktemp("city"), timezone=real_city.TIMEZONE, rules=real_city.RULES)
    taken = department.kezek("import", "applications", str(real_city.APPLICATIONS))
    assert "8755 new" in taken.err
    placed = department.kezek("import", "bulletin", str(real_city.BULLETIN))
    assert "828 new" in placed.err
    department.run(real_city.DAY)
    return department


def findings_of(vouchers: Rows) -> list[str]:
    """What the judge says of these vouchers, by code."""
    vacancies = read(real_city.BULLETIN)
    found = judge_night(
        read(real_city.APPLICATIONS),
        vacancies,
        {row["vacancy_id"]: int(row["places"]) for row in vacancies},
        {row["application_id"]: row["vacancy_id"] for row in vouchers},
        age_min_months=0,
        age_max_years=9,
    )
    return [finding.code for finding in found]


def test_the_judge_finds_nobody_skipped_and_no_envy_in_a_real_city(city: Department) -> None:
    """Rule C3 on 8,755 real applications and 6,065 real places."""
    vouchers = city.vouchers()
    assert len(vouchers) > 5_000
    assert {row["issued_on"] for row in vouchers} == {real_city.DAY}
    assert findings_of(vouchers) == []


def test_no_place_of_a_real_city_is_given_twice(city: Department) -> None:
    """Rule C3: as many vouchers as places at most, one an application, each for a vacancy of the bulletin."""
    vouchers = city.vouchers()
    places = {row["vacancy_id"]: int(row["places"]) for row in read(real_city.BULLETIN)}
    given = Counter(row["vacancy_id"] for row in vouchers)
    assert all(count <= places[vacancy] for vacancy, count in given.items())
    assert len({row["application_id"] for row in vouchers}) == len(vouchers)
    standing = {row["application_id"] for row in city.queue()}
    served = {row["application_id"] for row in vouchers}
    assert not standing & served
    assert len(standing) + len(served) == 8_755


@pytest.mark.parametrize("broken", ["swapped", "dropped", "doubled", "moved"])
def test_a_broken_allocation_of_a_real_city_is_named(city: Department, broken: str) -> None:
    """The twin of the tests above: the judge sees the damage when the vouchers are tampered with."""
    vouchers = [dict(row) for row in city.vouchers()]
    year = Counter(row["birth_year"] for row in vouchers).most_common(1)[0][0]
    first = next(row for row in vouchers if row["birth_year"] == year)
    if broken == "swapped":
        alike = [row for row in vouchers if row["birth_year"] == year]
        last = next(row for row in reversed(alike) if row["vacancy_id"] != first["vacancy_id"])
        first["vacancy_id"], last["vacancy_id"] = last["vacancy_id"], first["vacancy_id"]
    elif broken == "dropped":
        vouchers.remove(first)
    elif broken == "doubled":
        for row in vouchers:
            if row["birth_year"] == year:
                row["vacancy_id"] = first["vacancy_id"]
    else:
        first["vacancy_id"] = next(row["vacancy_id"] for row in vouchers if row["birth_year"] != year)
    codes = set(findings_of(vouchers))
    expected = {
        "swapped": {"pair.organization", "service.envy", "service.better_left", "pair.age"},
        "dropped": {"service.skipped", "service.envy"},
        "doubled": {"place.overfull"},
        "moved": {"pair.queue"},
    }[broken]
    assert codes & expected, codes


def test_the_files_of_a_real_city_taken_in_twice_change_nothing(city: Department) -> None:
    """The contract: the same file twice changes nothing."""
    before = (city.queue(), city.vouchers(), city.bulletins())
    again = city.kezek("import", "applications", str(real_city.APPLICATIONS))
    assert "0 new, 0 changed, 8755 unchanged" in again.err
    again = city.kezek("import", "bulletin", str(real_city.BULLETIN))
    assert "0 new, 0 changed, 828 unchanged" in again.err
    assert (city.queue(), city.vouchers(), city.bulletins()) == before
