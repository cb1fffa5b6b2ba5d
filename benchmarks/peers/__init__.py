"""What a user would pick instead of the allocators of Kezek: each does the whole job, sort and walk, on one night.

A peer gets the night in the form it likes best; making that form is not timed. What it returns is read back
into a Proposal and must equal the plain walk's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from allocators.arrays import Proposal
from benchmarks.workloads import Workload


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to do the job.

    prepare:     the night in the peer's own form; not timed
    run:         the job; may be called again and again on what `prepare` returned
    read:        what `run` returned, as a Proposal
    strict_only: cannot express turns by a ratio (rule A5)
    note:        what a reader of the table should know
    """

    name: str
    prepare: Callable[[Workload], Any]
    run: Callable[[Any], Any]
    read: Callable[[Workload, Any], Proposal]
    strict_only: bool = False
    note: str = ""


def serve_by_turns(
    streams: Sequence[Sequence[Any]],
    first_priority: int,
    general: int,
    position: int,
    serve: Callable[[Any], bool],
) -> int:
    """Serve the streams of one queue (rule A5): each applicant once, a turn spent by a voucher to its own stream.

    Returns: turns of the round spent after the last voucher.
    """
    if first_priority + general == 0:
        for stream in streams:
            for one in stream:
                serve(one)
        return 0
    for one in streams[0]:
        serve(one)
    first, other = iter(streams[1]), iter(streams[2])
    while True:
        mine = first if position < first_priority else other
        for one in mine:
            if serve(one):
                break
        else:
            break
        position = (position + 1) % (first_priority + general)
    for one in other if position < first_priority else first:
        serve(one)
    return position
