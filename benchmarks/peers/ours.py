"""The C floor and the allocators of Kezek themselves, as contestants in the same race."""

from __future__ import annotations

from typing import Any

from allocators.arrays import Proposal
from benchmarks import floor
from benchmarks.peers import Peer
from benchmarks.workloads import Workload


def _same(workload: Workload) -> Workload:
    return workload


def _floor(workload: Workload) -> Proposal:
    return floor.allocate(*workload)


def _floor_prepare(workload: Workload) -> tuple[floor.Order, Workload]:
    return floor.sort(workload.applicants, len(workload.turns.position)), workload


def _floor_sorted(prepared: tuple[floor.Order, Workload]) -> Proposal:
    order, workload = prepared
    return floor.walk(order, *workload)


def _plain(workload: Workload) -> Proposal:
    from allocators import queue_order

    return queue_order.allocate(*workload)


# The compiled walk needs numba: imported only by those who run it, so that the rest runs without.
def _compiled(workload: Workload) -> Proposal:
    from allocators import compiled

    return compiled.allocate(*workload)


def _compiled_prepare(workload: Workload) -> tuple[Any, Workload]:
    from allocators import compiled

    return compiled.Sorted.of(workload.applicants, len(workload.turns.position)), workload


def _compiled_sorted(prepared: tuple[Any, Workload]) -> Proposal:
    from allocators import compiled

    sorted_before, workload = prepared
    return compiled.allocate_sorted(sorted_before, workload.places, workload.turns, workload.preferences)


def _read(_workload: Workload, proposal: Any) -> Proposal:
    return Proposal(proposal.place, proposal.position_after)


PEERS = (
    Peer("C floor", _same, _floor, _read),
    Peer("C floor, sorted before", _floor_prepare, _floor_sorted, _read),
    Peer("Kezek, plain Python", _same, _plain, _read),
    Peer("Kezek, compiled", _same, _compiled, _read),
    Peer("Kezek, compiled, sorted before", _compiled_prepare, _compiled_sorted, _read),
)
