"""Import of a nation's applications, fully checked, against `csv.reader` that merely reads the same file.

KEZEK_BENCHMARK_IMPORT says how many applications; 700000 are the nation's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks import application_file, results
from benchmarks.contest import REPOSITORY
from queue_engine.officer.setup import make_database
from queue_engine.store.engine import Database

TITLE = "Import"
APPLICATIONS = int(os.environ.get("KEZEK_BENCHMARK_IMPORT", "200000"))
SIZES = (APPLICATIONS // 4, APPLICATIONS // 2, APPLICATIONS)
ROUNDS = 2
GOAL = 12.0
FLAT = 1.25
"""Peak memory at the full size to that at a quarter: caches still fill up, nothing else grows."""
PAGE_CACHE = "the page cache of SQLite grows to its bound"

READ = """
import csv, sys, time
processor, wall = time.process_time(), time.perf_counter()
with open(sys.argv[1], encoding="utf-8", newline="") as text:
    for _row in csv.reader(text):
        pass
print(time.process_time() - processor, time.perf_counter() - wall)
"""
IMPORT = """
import sys
from pathlib import Path
from queue_engine.cli.main import main
code = main(["--database", sys.argv[1], "import", "applications", sys.argv[2]])
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))
sys.exit(code)
"""


class Cost(NamedTuple):
    """Seconds of the clock, seconds of all processors by all processes, most memory of the command's process (MB)."""

    wall_s: float
    processor_s: float
    peak_mb: float


def read_by_csv(path: Path) -> Cost:
    """`csv.reader` over the file; the start of Python is not counted."""
    processor, wall = _run(READ, str(path)).split()
    return Cost(float(wall), float(processor), 0.0)


def imported(path: Path, database: Path) -> Cost:
    """The command, from its start to its end, into a new database."""
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    address = f"sqlite:///{database}"
    make_database(Database(address), "Asia/Almaty", None)
    before, started = os.times(), perf_counter()
    peak_kib = int(_run(IMPORT, address, str(path)))
    wall, after = perf_counter() - started, os.times()
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return Cost(wall, spent, peak_kib * 1024 / 1e6)


def _run(code: str, *words: str) -> str:
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def best(costs: list[Cost]) -> Cost:
    return Cost(*map(min, zip(*costs, strict=True)))


def test_an_import_costs_little_more_than_reading_its_file(
    tmp_path: Path, section: Callable[[str], results.Section]
) -> None:
    ours: dict[int, Cost] = {}
    least: dict[int, Cost] = {}
    for size in SIZES:
        path = tmp_path / f"{size}.csv"
        application_file.write(path, size)
        rounds = range(ROUNDS if size == APPLICATIONS else 1)
        pairs = [(read_by_csv(path), imported(path, tmp_path / "records.db")) for _ in rounds]
        least[size], ours[size] = best([pair[0] for pair in pairs]), best([pair[1] for pair in pairs])
    tell(section(TITLE), ours, least)


def tell(of: results.Section, ours: dict[int, Cost], least: dict[int, Cost]) -> None:
    """Goals, table and growth."""
    full, floor = ours[APPLICATIONS], least[APPLICATIONS]
    of.goal(f"{APPLICATIONS:,} applications, wall clock to csv.reader", full.wall_s / floor.wall_s, GOAL, "x")
    of.goal(f"{APPLICATIONS:,} applications, processor time to it", full.processor_s / floor.processor_s, GOAL, "x")
    of.goal(
        f"peak memory, {SIZES[-1]:,} to {SIZES[0]:,} applications", full.peak_mb / ours[SIZES[0]].peak_mb, FLAT, "x"
    )
    table = of.table(
        "Command and reader",
        ["applications", "csv.reader, processor", "import, wall clock", "import, processor", "most memory"],
        f"The command is timed from its start to its end; {PAGE_CACHE}.",
    )
    growth = of.grows("import", "applications", "processor seconds")
    for size, cost in ours.items():
        times = (least[size].processor_s, cost.wall_s, cost.processor_s)
        table.rows.append([f"{size:,}", *(f"{time:.2f} s" for time in times), f"{cost.peak_mb:,.0f} MB"])
        growth.add("kezek import", size, cost.processor_s)
        growth.add("csv.reader", size, least[size].processor_s)
        print(f"{size:,}: {cost}, csv.reader {least[size].processor_s:.2f} s")


def test_what_is_measured_is_a_whole_import(tmp_path: Path) -> None:
    """No row of the made file is refused, and two makings are the same."""
    paths = [tmp_path / name for name in ("one.csv", "two.csv")]
    for path in paths:
        application_file.write(path, 2_000)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    imported(paths[0], tmp_path / "records.db")
    with Database(f"sqlite:///{tmp_path / 'records.db'}").read() as connection:
        tables = ("application", "movement")
        counts = [connection.exec_driver_sql(f"select count(*) from {table}").scalar() for table in tables]
    assert counts == [2_000, 2_000]
