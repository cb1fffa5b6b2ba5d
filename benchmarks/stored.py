"""A made workload as records of the store, and the least that a night of them must read and write.

The floor of a whole night: the same rows read by the bare driver, and the rows that the engine wrote written again by
the bare driver, a transaction a locality, with the same durability. Nothing is decided, checked or encoded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import workloads
from benchmarks.workloads import Workload
from queue_engine.domain.application import Benefit
from queue_engine.officer.setup import make_database
from queue_engine.store.engine import Database
from queue_engine.store.sqlite import CHECKPOINT

DAY = date(2021, 8, 10)
EPOCH = date(1970, 1, 1)
LANGUAGES, REGIMES = ("kk", "ru", "en"), ("full_day", "half_day", "round_the_clock")
ADMISSIONS, GROUPS = ("standard", "early_booking", "temporary"), ("general", "special")
BENEFITS = (Benefit.MILITARY, Benefit.LARGE_FAMILY, Benefit.NONE)
FIRST_YEAR = (EPOCH + timedelta(days=workloads.FIRST_BIRTH_DAY)).year
TABLES_OF_A_NIGHT = ("run", "run_place", "run_queue", "voucher", "movement")

Rows = list[tuple[Any, ...]]


def fill(path: Path, workload: Workload) -> None:
    """Make a database that holds the workload as records; localities L0000 and on."""
    database = Database(f"sqlite:///{path}")
    make_database(database, "Asia/Almaty", None)
    database.engine.dispose()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous=off")
    connection.execute("begin")
    connection.execute("insert into change (change_id, kind) values (1, 'import applications')")
    # The oldest of the made children are past six: no workload is about archiving them.
    connection.execute(
        "insert into rule_override (name, from_day, locality, value, reference) "
        "values ('age.max', '2000-01-01', '', '9', 'made')"
    )
    localities = len(workload.turns.position) // workloads.BIRTH_YEARS
    connection.executemany(
        "insert into locality (locality_id, locality, timezone) values (?, ?, 'Asia/Almaty')",
        [(index + 1, f"L{index:04d}") for index in range(localities)],
    )
    _fill_organizations(connection, workload)
    profiles = product(GROUPS, workloads.ACCEPT_LISTS, workloads.LANGUAGE_LISTS, workloads.REGIME_LISTS)
    connection.executemany(
        "insert into profile (profile_id, group_type, accepts, languages, regimes) values (?, ?, ?, ?, ?)",
        [
            (
                index + 1,
                group,
                *(
                    "|".join(words[i] for i in chosen)
                    for words, chosen in zip((ADMISSIONS, LANGUAGES, REGIMES), lists, strict=True)
                ),
            )
            for index, (group, *lists) in enumerate(profiles)
        ],
    )
    _insert(connection, "application", APPLICATION, _applications(workload))
    _insert(connection, "vacancy", VACANCY, _vacancies(workload))
    connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def _fill_organizations(connection: sqlite3.Connection, workload: Workload) -> None:
    locality = workload.places.queue // workloads.BIRTH_YEARS + 1
    known = dict(zip(workload.places.organization.tolist(), locality.tolist(), strict=True))
    starts = workload.applicants.wish_start
    owner = np.repeat(workload.applicants.queue // workloads.BIRTH_YEARS + 1, np.diff(starts))
    wished = workload.applicants.wish_organization
    named, first = np.unique(wished, return_index=True)
    known.update((int(o), int(owner[at])) for o, at in zip(named, first, strict=True) if o >= 0)
    connection.executemany(
        "insert into organization (organization_id, locality_id, organization) values (?, ?, ?)",
        [(code + 1, owner_id, f"O{code}") for code, owner_id in known.items()],
    )


APPLICATION = (
    "application_row, application_id, locality_id, birth_year, class_rank, filed_at_us, state, birth_date, profile_id, "
    "wishes, benefit, child_iin, phones, email, notice_language, registered_change, source_line"
)


def _applications(workload: Workload) -> Iterator[tuple[Any, ...]]:
    own = workload.applicants
    wishes = np.where(own.wish_organization < 0, 0, own.wish_organization + 1).astype("<i4").tobytes()
    columns = zip(
        own.queue.tolist(),
        own.class_rank.tolist(),
        own.filed_at_us.tolist(),
        own.id_rank.tolist(),
        own.birth_day.tolist(),
        own.profile.tolist(),
        (own.wish_start[:-1] * 4).tolist(),
        (own.wish_start[1:] * 4).tolist(),
        strict=True,
    )
    for row, (queue, rank, filed_at_us, id_rank, born, profile, begin, end) in enumerate(columns, 1):
        birth_date = EPOCH + timedelta(days=born)
        yield (
            row,
            f"A{id_rank:09d}",
            queue // workloads.BIRTH_YEARS + 1,
            FIRST_YEAR + queue % workloads.BIRTH_YEARS,
            rank,
            filed_at_us,
            "queued",
            birth_date.isoformat(),
            profile + 1,
            wishes[begin:end],
            BENEFITS[rank].value,
            f"{row:012d}",
            "+77010000000",
            "",
            "kk",
            1,
            row,
        )


VACANCY = (
    "vacancy_row, vacancy_id, locality_id, organization_id, published_at_us, age_group, birth_year, language, "
    "group_type, regime, admission, start_date, attend_until, places, registered_change"
)


def _vacancies(workload: Workload) -> Iterator[tuple[Any, ...]]:
    kinds = list(product(GROUPS, ADMISSIONS, LANGUAGES, REGIMES))
    offered = workload.places
    start = EPOCH + timedelta(days=workloads.INTAKE_DAY)
    for row in range(len(offered.queue)):
        group, admission, language, regime = kinds[offered.kind[row]]
        queue = int(offered.queue[row])
        yield (
            row + 1,
            f"V{int(offered.rank[row]):09d}",
            queue // workloads.BIRTH_YEARS + 1,
            int(offered.organization[row]) + 1,
            1_600_000_000_000_000,
            "2-3",
            FIRST_YEAR + queue % workloads.BIRTH_YEARS,
            language,
            group,
            regime,
            admission,
            start.isoformat(),
            "2022-03-01" if admission == "temporary" else None,
            max(1, int(offered.free[row])),
            1,
        )


def _insert(connection: sqlite3.Connection, table: str, columns: str, rows: Iterator[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * (columns.count(",") + 1))
    connection.executemany(f"insert into {table} ({columns}) values ({marks})", rows)


@dataclass(frozen=True, slots=True)
class Written:
    """What one night of one locality wrote: rows by table, and rows of applications and vacancies changed."""

    locality_id: int
    years: tuple[int, ...]
    inserted: dict[str, Rows]
    holding: Rows
    held: Rows


def written_by(path: Path) -> list[Written]:
    """Read back what the engine's nights of DAY wrote, locality by locality."""
    connection = sqlite3.connect(path)
    found = []
    for (locality,) in connection.execute("select locality_id from locality order by 1").fetchall():
        (run_id, change_id) = connection.execute(
            "select run_id, change_id from run where locality_id = ?", (locality,)
        ).fetchone()
        keys = {"run": run_id, "run_place": run_id, "run_queue": run_id, "voucher": locality, "movement": change_id}
        column = {"voucher": "locality_id", "movement": "change_id"}
        inserted = {
            table: connection.execute(
                f"select * from {table} where {column.get(table, 'run_id')} = ?", (keys[table],)
            ).fetchall()
            for table in TABLES_OF_A_NIGHT
        }
        vouchers = connection.execute(
            "select application_row, vacancy_row, birth_year from voucher where locality_id = ?", (locality,)
        ).fetchall()
        years = tuple(sorted({row[1] for row in inserted["run_queue"]}))
        holding, held = [(row[0],) for row in vouchers], [(row[1],) for row in vouchers]
        found.append(Written(locality, years, inserted, holding, held))
    connection.close()
    return found


def floor_night(path: Path, nights: list[Written]) -> int:
    """Read and write what the nights read and wrote, by the bare driver; the count of vouchers."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous=full", "cache_size=-65536", CHECKPOINT):
        connection.execute(f"pragma {pragma}")
    count = 0
    for night in nights:
        connection.execute("begin immediate")
        _read(connection, night)
        for table, rows in night.inserted.items():
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"insert into {table} values ({marks})", rows)
        connection.executemany("update application set state = 'holding' where application_row = ?", night.holding)
        connection.executemany("update vacancy set held = held + 1 where vacancy_row = ?", night.held)
        connection.execute("commit")
        count += len(night.holding)
    connection.close()
    return count


def _read(connection: sqlite3.Connection, night: Written) -> None:
    connection.execute(
        "select vacancy_row, birth_year, organization_id, language, group_type, regime, admission, start_date, "
        "vacated_on, places - withdrawn - held - used from vacancy where locality_id = ? "
        "and withdrawn + held + used < places",
        (night.locality_id,),
    ).fetchall()
    marks = ", ".join("?" * len(night.years))
    connection.execute(
        "select application_row, application_id, birth_year, class_rank, filed_at_us, birth_date, profile_id, "
        "temporary_until is not null, benefit_confirmed_on is not null, wishes from application "
        f"where locality_id = ? and state = 'queued' and birth_year in ({marks})",
        (night.locality_id, *night.years),
    ).fetchall()
