"""Nights of different localities at the same time, by processes of this machine.

A shard is one locality up to one day. It commits its own nights, so who does it and how often changes nothing.

Each process has a pipe of its own and shares no lock with the others: a `ProcessPoolExecutor` whose process is killed
while it starts waits for ever or says "broken pipe", and with one dead process gives up all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue

from queue_engine.errors import KezekError
from queue_engine.night.context import NightReport
from queue_engine.night.run import DayOf, Due, nights_due, run_locality
from queue_engine.store.engine import Database

# Started anew and not forked: a fork would share the open connections of this process.
ANEW = get_context("spawn")


@lru_cache(maxsize=1)
def _database(address: str) -> Database:
    """The database of this process, opened once."""
    return Database(address)


def run_shard(address: str, due: Due, patience_ms: int = 0) -> list[NightReport]:
    """Run the nights of one locality in this process, and return what they did."""
    return list(run_locality(_database(address), due, patience_ms))


def _work(address: str, pipe: Connection) -> None:
    """What a process does: shard after shard, until the other end of its pipe is closed."""
    while True:
        try:
            due: Due = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(run_shard(address, due))


class _Worker:
    """A process of ours. Raises OSError or EOFError, here and in `run`, if the process dies."""

    def __init__(self, address: str) -> None:
        self._pipe, its_end = ANEW.Pipe()
        self._process = ANEW.Process(target=_work, args=(address, its_end), daemon=True)
        with its_end:  # closed here, so that the death of the process is the end of the pipe
            self._process.start()

    def run(self, due: Due) -> list[NightReport]:
        self._pipe.send(due)
        reports: list[NightReport] = self._pipe.recv()
        return reports

    def end(self) -> None:
        self._pipe.close()
        self._process.join()


class _Workers:
    """So many processes, each started when there is something to do, and anew when it has died."""

    def __init__(self, address: str, count: int) -> None:
        self._address = address
        self._idle: SimpleQueue[_Worker | None] = SimpleQueue()
        self._count = count
        for _ in range(count):
            self._idle.put(None)

    def run(self, due: Due) -> list[NightReport]:
        """What the nights of a shard did; a failure to be told, if the process that ran them died."""
        worker = self._idle.get()
        try:
            worker = worker or _Worker(self._address)
            return worker.run(due)
        except (OSError, EOFError):
            if worker is not None:
                worker.end()
                worker = None
            return [NightReport(*due, failure=_died())]
        finally:
            self._idle.put(worker)

    def end(self) -> None:
        """Wait for the processes, none of which has anything to do any more."""
        for _ in range(self._count):
            worker = self._idle.get()
            if worker is not None:
                worker.end()


def _died() -> KezekError:
    return KezekError(
        "run.failed",
        "the process that ran the nights of this locality died; nights that it had ended are kept, of others nothing.",
        rule="F3",
        next_step="Run it again; if it fails again, look whether the machine has enough memory.",
    )


def run_side_by_side(
    database: Database, day_of: DayOf, locality: str | None = None, *, workers: int
) -> Iterator[NightReport]:
    """What `run_nights` does, by so many processes; reports come in the order of the localities.

    A process that dies takes the locality with it that it was at: it is yielded with its `failure`, and a new process
    does the others. Only for a database that is `side_by_side`. Raises: WrongUsage for an unknown locality.
    """
    wanted = nights_due(database, day_of, locality)
    processes = _Workers(database.address, workers)
    try:
        with ThreadPoolExecutor(workers) as threads:
            for reports in threads.map(processes.run, wanted):
                yield from reports
    finally:
        processes.end()
