"""Nights of different localities at the same time, by processes of this machine.

A shard is one locality up to one day. It commits its own nights, so who does it and how often changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing import get_context

from queue_engine.night.context import NightReport
from queue_engine.night.run import DayOf, Due, night_failed, nights_due, run_locality
from queue_engine.store.engine import Database


@lru_cache(maxsize=1)
def _database(address: str) -> Database:
    """The database of this process, opened once."""
    return Database(address)


def run_shard(address: str, due: Due, patience_ms: int = 0) -> list[NightReport]:
    """Run the nights of one locality in this process, and return what they did."""
    return list(run_locality(_database(address), due, patience_ms))


def _handed(pool: ProcessPoolExecutor, address: str, due: Due) -> Future[list[NightReport]]:
    """A shard handed to the pool; where a process has died already, one that has failed."""
    try:
        return pool.submit(run_shard, address, due)
    except (RuntimeError, OSError, ValueError) as error:  # what a pool says that breaks while it starts a process
        failed: Future[list[NightReport]] = Future()
        failed.set_exception(error)
        return failed


def run_side_by_side(
    database: Database, day_of: DayOf, locality: str | None = None, *, workers: int
) -> Iterator[NightReport]:
    """What `run_nights` does, by so many processes; reports come in the order of the localities.

    A process that dies takes the localities not yet done with it: each is yielded with its `failure`.
    Only for a database that is `side_by_side`. Raises: WrongUsage for an unknown locality.
    """
    wanted = nights_due(database, day_of, locality)
    # Started anew and not forked: a fork would share the open connections of this process.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        shards = [(due, _handed(pool, database.address, due)) for due in wanted]
        for due, shard in shards:
            try:
                yield from shard.result()
            except (BrokenProcessPool, OSError) as error:
                yield NightReport(*due, failure=night_failed(error))
