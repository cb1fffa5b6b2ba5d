"""A contest: entries of workload and contestant, run by turns in one fresh process, the best time of each kept.

Machines are noisy; what counts are ratios of entries of one contest. `hold` starts the process and bounds its time;
`python -m benchmarks.contest` is that process: a list of entries as JSON in, figures as JSON out.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from allocators.arrays import Proposal
from benchmarks import workloads
from benchmarks.peers import Peer

REPOSITORY = Path(__file__).resolve().parent.parent
LIMIT_S = 60.0
ROUNDS, BUDGET_S = 9, 15.0

FLOOR, PLAIN, COMPILED = "C floor", "Kezek, plain Python", "Kezek, compiled"
FLOOR_SORTED, COMPILED_SORTED = "C floor, sorted before", "Kezek, compiled, sorted before"
OBJECTS, LISTS, PANDAS, PLPGSQL = "Python objects", "Python lists with bit masks", "pandas", "PL/pgSQL on arrays"
LIBRARIES = ("matching", "py-school-match", "matching-algorithms", "scarfmatch")
MODULES = {
    OBJECTS: "objects",
    LISTS: "lists",
    PANDAS: "frames",
    PLPGSQL: "plpgsql",
    **dict.fromkeys(LIBRARIES, "libraries"),
    **dict.fromkeys((FLOOR, PLAIN, COMPILED, FLOOR_SORTED, COMPILED_SORTED), "ours"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant on one workload, `share` of its size; `strict` as in `workloads.make`."""

    contestant: str
    workload: str
    share: float = 1.0
    strict: bool | None = None

    @property
    def size(self) -> workloads.Size:
        whole = next(size for size in workloads.SIZES if size.name == self.workload)
        return whole if self.share == 1.0 else whole.scaled(self.share)


@dataclass(frozen=True, slots=True)
class Figure:
    """What a contest says of one entry.

    best_s:  seconds of the best round
    rounds:  rounds run
    digest:  of places and turns; equal digests are equal results
    peak_mb: most memory the whole process held up to then, MB
    """

    best_s: float
    rounds: int
    digest: str
    peak_mb: float


class NotMeasured(Exception):
    """A contest came to nothing; the words say why."""


def hold(entries: Sequence[Entry], *, limit_s: float = LIMIT_S, rounds: int = ROUNDS) -> dict[Entry, Figure]:
    """Run a contest in a fresh process with one thread. Raises: NotMeasured."""
    order = json.dumps({"rounds": rounds, "entries": [asdict(entry) for entry in entries]})
    threads = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.contest", order],
            cwd=REPOSITORY,
            env={**os.environ, **threads},
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"longer than {limit_s:g} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise NotMeasured(said[-1][:160] if said else f"ended with {done.returncode}")
    figures = json.loads(done.stdout.splitlines()[-1])
    return {entry: Figure(**figure) for entry, figure in zip(entries, figures, strict=True)}


def peer(name: str) -> Peer:
    """The contestant of that name. Raises: ImportError if what it needs is not installed."""
    module: Any = import_module(f"benchmarks.peers.{MODULES[name]}")
    found: Peer = next(each for each in module.PEERS if each.name == name)
    return found


def note_of(name: str) -> str:
    """What of a contestant is used; empty if it is not installed."""
    try:
        return peer(name).note
    except ImportError:
        return ""


def kept_folder() -> Path:
    """Where big made workloads are kept between processes; KEZEK_BENCHMARK_FOLDER or the temporary folder."""
    return Path(os.environ.get("KEZEK_BENCHMARK_FOLDER", Path(tempfile.gettempdir()) / "kezek-benchmarks"))


def workload_of(entry: Entry) -> workloads.Workload:
    """The arrays of an entry; those of the largest sizes from files, made once."""
    if entry.size.applicants > workloads.NATION_INTAKE.applicants:
        return workloads.load(entry.size, kept_folder(), strict=entry.strict)
    return workloads.make(entry.size, strict=entry.strict)


def digest(proposal: Proposal) -> str:
    """A number that equal proposals share."""
    return hashlib.sha256(proposal.place.tobytes() + proposal.position_after.tobytes()).hexdigest()[:16]


def race(entries: Iterable[Entry], rounds: int) -> list[Figure]:
    """Run entries by turns in this process; each at least once, slow ones fewer times than `rounds`."""
    nights: dict[tuple[object, ...], workloads.Workload] = {}
    runs: list[_Run] = []
    for entry in entries:
        key = (entry.workload, entry.share, entry.strict)
        night = nights[key] if key in nights else nights.setdefault(key, workload_of(entry))
        run = _Run(peer(entry.contestant), night)
        run.go()  # what is compiled or first touched here makes this round slow; the best round counts
        run.told = digest(run.contestant.read(night, run.outcome))
        run.peak_mb = _peak_mb()
        runs.append(run)
    for _ in range(rounds - 1):
        for run in runs:
            if sum(run.times[1:]) < BUDGET_S / len(runs):
                run.go()
    return [Figure(min(run.times), len(run.times), run.told, run.peak_mb) for run in runs]


class _Run:
    """One entry under way."""

    def __init__(self, contestant: Peer, night: workloads.Workload) -> None:
        self.contestant = contestant
        self.prepared = contestant.prepare(night)
        self.outcome: Any = None
        self.times: list[float] = []
        self.told, self.peak_mb = "", 0.0

    def go(self) -> None:
        start = time.perf_counter()
        self.outcome = self.contestant.run(self.prepared)
        self.times.append(time.perf_counter() - start)


def _peak_mb() -> float:
    """From /proc where there is one: what getrusage says, a process inherits from the one that started it."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    kib = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return (kib[0] if kib else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024 / 1e6


def main() -> None:
    order = json.loads(sys.argv[1])
    figures = race([Entry(**entry) for entry in order["entries"]], order["rounds"])
    print(json.dumps([asdict(figure) for figure in figures]))


if __name__ == "__main__":
    main()
