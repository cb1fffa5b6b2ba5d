"""What a fresh process pays before it allocates: imports and compilation, each in a process of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from typing import NamedTuple

from benchmarks.contest import REPOSITORY, NotMeasured

IMPORTS = ("numpy", "allocators.queue_order", "numba", "allocators.compiled")
FIRST_CALL = """
import time
from benchmarks import workloads
night = workloads.make(workloads.CITY_DAY)
start = time.perf_counter()
from allocators import compiled
imported = time.perf_counter()
compiled.allocate(*night)
first = time.perf_counter()
compiled.allocate(*night)
print(imported - start, first - imported, time.perf_counter() - first)
"""
HELP = "import sys; sys.argv = ['kezek', '--help']; from queue_engine.cli.main import main; main()"


class FirstCalls(NamedTuple):
    """Seconds: import of the compiled walk with numba, its first call, its second."""

    import_s: float
    first_s: float
    second_s: float


def import_s(module: str, rounds: int = 3) -> float:
    """Seconds to import a module in a fresh process, the start of Python not counted; best of `rounds`."""
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    return min(float(_run(code)) for _ in range(rounds))


def first_calls() -> tuple[FirstCalls, FirstCalls]:
    """Without compiled code kept on disk, and with it, in an empty folder of its own."""
    with tempfile.TemporaryDirectory() as kept:
        without, cached = (_run(FIRST_CALL, NUMBA_CACHE_DIR=kept).split() for _ in range(2))
    return FirstCalls(*map(float, without)), FirstCalls(*map(float, cached))


def help_processor_s(rounds: int = 3) -> float:
    """Processor seconds, user and system, of `kezek --help`; best of `rounds`."""
    taken = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _run(HELP)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def _run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise NotMeasured(said[-1][:160] if said else f"ended with {done.returncode}")
    return done.stdout
