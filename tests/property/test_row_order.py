"""Rule C4: the same records give the same vouchers, queues and bulletins, however the rows came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.department import Department
from support.rows import Row, application, decision, place, rule, temporary, withdrawal

FIRST_DAY = date(2026, 2, 2)
NIGHTS = 4
LAST_DAY = (FIRST_DAY + timedelta(days=NIGHTS - 1)).isoformat()
LOCALITIES = ("almaty", "astana")
PATTERNS = ("strict", "1:3", "2:1")
BENEFITS = ("none", "none", "none", "large_family", "orphan", "military")
WISHES = ("*", "K1|*", "K2|K1", "*|K3", "K3")
ACCEPTS = ("", "standard|early_booking", "temporary|standard")
Records = tuple[str, str, str]
Order = Callable[[Sequence[Row]], list[Row]]


class City(NamedTuple):
    """Records of a few days: rows of the public files, each with the day it is dated."""

    applications: list[Row]
    bulletin: list[Row]
    withdrawals: list[Row]


def city_of(seed: int, size: int = 36) -> City:
    """A made city of two localities; equal moments are common, so that ids must decide."""
    dice = np.random.default_rng(seed)
    pick = dice.integers
    applications = []
    for n in range(size):
        day = (FIRST_DAY + timedelta(days=int(pick(-3, NIGHTS)))).isoformat()
        made = {
            "filed_at": f"{day}T{int(pick(9, 11)):02d}:00:00+05:00",
            "locality": LOCALITIES[int(pick(2))],
            "birth_date": ("2023-05-15", "2022-09-01")[int(pick(4) == 0)],
            "benefit": BENEFITS[int(pick(len(BENEFITS)))],
            "organizations": WISHES[int(pick(len(WISHES)))],
            "accepts": ACCEPTS[int(pick(len(ACCEPTS)))],
        }
        applications.append(application(f"A{n + 1}", **made))
    bulletin = []
    for n in range(size // 2):
        day = (FIRST_DAY + timedelta(days=int(pick(0, NIGHTS)))).isoformat()
        offer = {
            "locality": LOCALITIES[int(pick(2))],
            "organization": f"K{int(pick(1, 4))}",
            "birth_year": ("2023", "2022")[int(pick(4) == 0)],
            "places": str(int(pick(1, 3))),
        }
        kind = int(pick(4))
        if kind == 0:
            bulletin.append(temporary(f"V{n + 1}", day, "2026-02-20", **offer))
        else:
            bulletin.append(place(f"V{n + 1}", day, **{**offer, "admission": "early_booking" if kind == 1 else ""}))
    withdrawals = [
        withdrawal(f"W{n + 1}", vacancy_id=row["vacancy_id"], withdrawn_at=f"{row['published_at'][:10]}T12:00:00+05:00")
        for n, row in enumerate(bulletin[::3])
    ]
    return City(applications, bulletin, withdrawals)


def as_written(rows: Sequence[Row]) -> list[Row]:
    return list(rows)


def shuffled(seed: int) -> Order:
    """Rows in an order of their own; the same for the same seed."""
    dice = np.random.default_rng(seed)
    return lambda rows: [rows[int(at)] for at in dice.permutation(len(rows))]


def all_at_once(folder: Path, city: City, pattern: str, order: Order) -> Records:
    """Everything imported before the first run, the first night, and then the rest caught up together."""
    department = Department(folder, rules=rule("turn.pattern", pattern))
    department.applications(*order(city.applications))
    department.bulletin(*order(city.bulletin))
    department.withdrawals(*order(city.withdrawals))
    department.run(FIRST_DAY.isoformat())
    department.run(LAST_DAY)
    return department.records()


def day_by_day(folder: Path, city: City, pattern: str, order: Order) -> Records:
    """Each day's files on their day, each night after its day."""
    department = Department(folder, rules=rule("turn.pattern", pattern))
    for ahead in range(NIGHTS):
        day = (FIRST_DAY + timedelta(days=ahead)).isoformat()
        since = "" if ahead == 0 else day

        def of_day(rows: Iterable[Row], column: str, day: str = day, since: str = since) -> list[Row]:
            return order([row for row in rows if since <= row[column][:10] <= day])

        if rows := of_day(city.applications, "filed_at"):
            department.applications(*rows)
        if rows := of_day(city.bulletin, "published_at"):
            department.bulletin(*rows)
        if rows := of_day(city.withdrawals, "withdrawn_at"):
            department.withdrawals(*rows)
        department.run(day)
    return department.records()


def assert_says_something(records: Records) -> None:
    assert all(text.count("\n") > 2 for text in records), "too little happened to show anything"


seeds = st.integers(0, 10_000)


@settings(max_examples=6)
@given(seed=seeds, order=seeds, pattern=st.sampled_from(PATTERNS))
def test_shuffled_files_give_the_same_vouchers_queue_and_bulletin(
    tmp_path_factory: pytest.TempPathFactory, seed: int, order: int, pattern: str
) -> None:
    """Rule C4: whatever the order of rows."""
    folder, city = tmp_path_factory.mktemp("rows"), city_of(seed)
    plain = all_at_once(folder / "plain", city, pattern, as_written)
    assert_says_something(plain)
    assert all_at_once(folder / "shuffled", city, pattern, shuffled(order)) == plain


@settings(max_examples=6)
@given(seed=seeds, pattern=st.sampled_from(PATTERNS))
def test_one_import_and_nights_caught_up_equal_days_and_nights_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, seed: int, pattern: str
) -> None:
    """Rules C4, F1 and decision 1.2: records dated ahead wait for their night."""
    folder, city = tmp_path_factory.mktemp("days"), city_of(seed)
    together = all_at_once(folder / "together", city, pattern, as_written)
    assert_says_something(together)
    assert day_by_day(folder / "apart", city, pattern, as_written) == together


@pytest.mark.parametrize("pattern", PATTERNS)
def test_localities_imported_in_either_order_give_the_same(tmp_path: Path, pattern: str) -> None:
    """Rule C4: whatever locality came first, and whichever was run first."""
    city = city_of(254)
    records = []
    for first in LOCALITIES:
        department = Department(tmp_path / first, rules=rule("turn.pattern", pattern))
        order = [first, *(locality for locality in LOCALITIES if locality != first)]
        for locality in order:
            department.bulletin(*(row for row in city.bulletin if row["locality"] == locality))
            department.applications(*(row for row in city.applications if row["locality"] == locality))
        for day in (FIRST_DAY.isoformat(), LAST_DAY):
            for locality in order:
                department.run(day, locality=locality)
        records.append(department.records())
    assert_says_something(records[0])
    assert records[0] == records[1]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_decisions_in_any_order_of_rows_give_the_same(tmp_path: Path, pattern: str) -> None:
    """Rule C4, decision 1.19: declines and admissions of one file, dated over three days, rows shuffled."""
    city = city_of(31, size=60)
    records = []
    for name, order in (("plain", as_written), ("shuffled", shuffled(7))):
        department = Department(tmp_path / name, rules=rule("turn.pattern", pattern))
        department.applications(*order(city.applications))
        department.bulletin(*order(city.bulletin))
        department.run(FIRST_DAY.isoformat())
        holders = sorted(department.given())
        assert len(holders) > 3
        kinds = ("decline", "admit", "refuse")
        rows = [
            {
                **decision(f"D{n}", application_id=holder, decision=kinds[n % 3], reason="health certificate"),
                "decided_on": (FIRST_DAY + timedelta(days=n % 3)).isoformat(),
            }
            for n, holder in enumerate(holders)
        ]
        department.decisions(*order(rows), expect=(0, 3))
        department.run(LAST_DAY)
        records.append(department.records())
    assert_says_something(records[0])
    assert records[0] == records[1]
