"""The C floor, compiled by the machine's `cc` into a temporary folder; called as `queue_order.allocate` is."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allocators.arrays import NONE, Applicants, Int32, Int64, Places, Proposal, Turns

SOURCE = Path(__file__).with_name("floor.c")
CLASSES = 3
FLAGS = ("-O3", "-march=native", "-std=c11", "-shared", "-fPIC")


class NoCompiler(Exception):
    """The machine has no C compiler, or it refused the floor; the words say which."""


class Order(NamedTuple):
    """Applicants sorted by the floor.

    rows:         (n,) int32, rows by queue, class, moment of filing, application id (rule A4)
    stream_start: (3 * queues + 1,) int64, as in `allocators.compiled.Sorted`
    """

    rows: Int32
    stream_start: Int64


@cache
def library() -> ctypes.CDLL:
    """The compiled floor. Raises: NoCompiler."""
    compiler = compiler_name()
    folder = Path(tempfile.mkdtemp(prefix="kezek-floor-"))
    try:
        target = folder / "floor.so"
        command = [compiler, *FLAGS, str(SOURCE), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoCompiler(f"{compiler} does not compile floor.c: {done.stderr.strip().splitlines()[:3]}")
        loaded = ctypes.CDLL(str(target))
    finally:
        shutil.rmtree(folder)
    loaded.floor_sort.restype = loaded.floor_walk.restype = ctypes.c_int64
    return loaded


def compiler_name() -> str:
    """Path of the machine's C compiler. Raises: NoCompiler."""
    found = shutil.which("cc")
    if found is None:
        raise NoCompiler("there is no C compiler named cc on this machine")
    return found


def sort(applicants: Applicants, queues: int, wanted: NDArray[np.uint8] | None = None) -> Order:
    """Applicants in the order of filing; of queues where `wanted` (queues,) uint8 is set, or of all."""
    order = Order(np.empty(len(applicants.queue), np.int32), np.empty(queues * CLASSES + 1, np.int64))
    columns = (applicants.queue, applicants.class_rank, applicants.filed_at_us, applicants.id_rank)
    call: list[Any] = [_size(len(applicants.queue)), _size(queues), *map(_pointer, columns)]
    call += [None if wanted is None else _pointer(wanted), *map(_pointer, order)]
    if library().floor_sort(*call) < 0:
        raise MemoryError("the floor has no memory to sort")
    return order


def walk(order: Order, applicants: Applicants, places: Places, turns: Turns, preferences: Int32) -> Proposal:
    """Serve every queue with places."""
    proposal = Proposal(np.full(len(applicants.queue), NONE, np.int32), turns.position.copy())
    profiles, kinds = preferences.shape
    call = [
        _size(len(applicants.queue)),
        *map(_pointer, order),
        *map(_pointer, (applicants.profile, applicants.birth_day, applicants.wish_start, applicants.wish_organization)),
        _size(len(applicants.barred)),
        _pointer(applicants.barred),
        _size(len(places.queue)),
        *map(_pointer, (places.queue, places.organization, places.kind, places.rank, places.free)),
        *map(_pointer, (places.birth_first, places.birth_last)),
        _size(profiles),
        _size(kinds),
        *map(_pointer, (preferences, turns.first_priority, turns.general, proposal.place, proposal.position_after)),
    ]
    if library().floor_walk(*call):
        raise MemoryError("the floor has no memory to walk")
    return proposal


def allocate(applicants: Applicants, places: Places, turns: Turns, preferences: Int32) -> Proposal:
    """As `queue_order.allocate`, bit for bit: sort and walk, of the queues with a free place only."""
    wanted = np.zeros(len(turns.position), np.uint8)
    wanted[places.queue[places.free > 0]] = 1
    return walk(sort(applicants, len(turns.position), wanted), applicants, places, turns, preferences)


def _size(value: int) -> ctypes.c_int64:
    return ctypes.c_int64(value)


def _pointer(column: Any) -> ctypes.c_void_p:
    assert column.flags.c_contiguous
    return ctypes.c_void_p(column.ctypes.data)
