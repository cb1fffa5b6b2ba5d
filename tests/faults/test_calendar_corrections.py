"""T16: the two corrections of the calendar that came after vouchers were issued, and a million last days at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, Connection

from queue_engine.law.calendar import CalendarCorrection, WorkingCalendar
from queue_engine.officer import setup
from queue_engine.store import tables as t
from queue_engine.store.bulk import insert_many
from queue_engine.store.engine import Database
from support.department import Department
from support.figures import Figure, sized
from support.rows import application, moved_day, vacancy

VOUCHERS = sized(50_000, 1_000_000)
# Day of issue, the day that an act moved, last day before, with the day off, and when it is worked after all.
CASES = [
    ("2024-06-13", "2024-06-17", "2024-06-20", "2024-06-21"),
    ("2026-08-27", "2026-08-31", "2026-09-03", "2026-09-04"),
]


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize(("issued", "moved", "worked", "off"), CASES)
def test_last_days_move_later_by_themselves_and_never_earlier(
    tmp_path: Path, issued: str, moved: str, worked: str, off: str
) -> None:
    """Rule D1. The twin is the law without what families were told: counted anew, the last day would come earlier."""
    city = Department(tmp_path)
    city.calendar([moved_day(moved, "working")])
    filed, at = "2024-01-12T10:00:00+06:00", f"{issued}T09:00:00+05:00"
    born = f"{int(issued[:4]) - 2}-01-15"
    city.applications(application("A1", filed_at=filed, birth_date=born))
    city.bulletin(vacancy("V1", published_at=at, birth_year=born[:4], start_date=issued))
    city.run(issued)
    assert city.voucher("A1")["expires_on"] == worked
    assert "1 live vouchers keep their place longer" in city.calendar([moved_day(moved, "day_off")]).err
    assert city.voucher("A1")["expires_on"] == off
    assert "live vouchers" not in city.calendar([moved_day(moved, "working")]).err
    assert city.voucher("A1")["expires_on"] == off
    database = Database(city.database)
    with database.read() as connection:
        anew = setup.calendar(connection, "KZ").last_day(date.fromisoformat(issued), 5)
    database.engine.dispose()
    assert str(anew) == worked < off


def many_vouchers(city: Department) -> None:
    """A city with so many live vouchers of seven days of issue, by copying rows: only their terms matter here."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    days = [f"2026-02-0{n}" for n in range(2, 9)]
    last = {day: str(WorkingCalendar.of("KZ").last_day(date.fromisoformat(day), 5)) for day in days}
    database = Database(city.database)
    with database.write() as connection:
        for table, own in (
            (t.application, lambda n: {"application_row": n, "application_id": f"X{n}", "child_iin": f"X{n}"}),
            (
                t.voucher,
                lambda n: {
                    "voucher_row": n + 1_000_000,
                    "voucher_id": f"V{n}",
                    "application_row": n,
                    "issued_on": days[n % 7],
                    "term_from": days[n % 7],
                    "expires_on": last[days[n % 7]],
                },
            ),
        ):
            row = connection.execute(table.select()).mappings().first()
            columns = [column.name for column in table.columns]
            rows = [tuple({**row, **own(n)}[name] for name in columns) for n in range(2, VOUCHERS + 1)]
            insert_many(connection, table, columns, rows)
    database.engine.dispose()


def last_days(city: Department) -> list[tuple[str, str, int]]:
    """Day of issue, last day, and how many vouchers have them."""
    database = Database(city.database)
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "select issued_on, expires_on, count(*) from voucher group by 1, 2 order by 1, 2"
        )
        found = [(str(row[0]), str(row[1]), int(row[2])) for row in rows]
    database.engine.dispose()
    return found


def test_so_many_last_days_are_worked_out_at_once(
    tmp_path: Path, kind: str, figure: Callable[[Figure], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule D1, when the day off is announced and taken back. The twin counts each last day anew."""
    city = Department(tmp_path)
    many_vouchers(city)
    spent = []
    terms_of = setup._running_terms

    def timed(connection: Connection, running: ColumnElement[bool]) -> object:
        started = time.perf_counter()
        found = terms_of(connection, running)
        spent.append(time.perf_counter() - started)
        return found

    monkeypatch.setattr(setup, "_running_terms", timed)
    started, wall = time.process_time(), time.perf_counter()
    told = city.calendar([moved_day("2026-02-09", "day_off")]).err
    cpu, wall = time.process_time() - started, time.perf_counter() - wall
    assert f"{VOUCHERS} live vouchers keep their place longer" in told
    assert "live vouchers" not in city.calendar([moved_day("2026-02-09", "working")]).err
    corrected = WorkingCalendar.of("KZ", [CalendarCorrection(date(2026, 2, 9), "day_off", "act")])
    found = last_days(city)
    wrong = [row for row in found if row[1] != str(corrected.last_day(date.fromisoformat(row[0]), 5))]
    earlier = [row for row in found if row[1] > str(WorkingCalendar.of("KZ").last_day(date.fromisoformat(row[0]), 5))]
    assert sum(row[2] for row in found) == sum(row[2] for row in earlier) == VOUCHERS
    figure(
        Figure(
            "T16",
            f"a day off announced after {VOUCHERS:,} vouchers were issued, and taken back ({kind})",
            VOUCHERS,
            sum(row[2] for row in wrong),
            f"counted anew, {VOUCHERS:,} last days would come earlier than told",
            f"found what to count in {spent[0]:.2f} s; all read and written in {wall:.1f} s, {cpu:.1f} s of it our "
            "processor time",
        )
    )
