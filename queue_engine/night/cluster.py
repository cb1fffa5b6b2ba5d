"""Nights of different localities on the machines of a running Dask cluster (docs/cluster.md).

Dask does finished work again when a worker dies with the results in its memory. A shard therefore commits its own
nights and returns only what they did: done again, it finds them on record.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from queue_engine.errors import KezekError, WrongUsage
from queue_engine.night.context import NightReport
from queue_engine.night.run import DayOf, Due, night_failed, nights_due
from queue_engine.night.side_by_side import run_shard
from queue_engine.store.engine import Database

PATIENCE_MS = 60_000
"""How long a shard waits for its locality: until the server has noticed that the worker before it is dead."""
RETRIES = 5
CONNECT_SECONDS = 10


def run_on_cluster(
    database: Database, day_of: DayOf, locality: str | None = None, *, scheduler: str
) -> Iterator[NightReport]:
    """What `run_nights` does, by the workers of a cluster; reports come in the order of the localities.

    scheduler: the address of Dask's scheduler, such as tcp://10.0.0.5:8786.
    Raises: WrongUsage for a database that the machines cannot share, without Dask, or if no scheduler answers.
    """
    if not database.side_by_side:
        raise WrongUsage(
            "run.cluster",
            "the machines of a cluster cannot share a SQLite file.",
            next_step="Keep the records in PostgreSQL: --database postgresql://USER@HOST/DATABASE.",
        )
    try:
        import distributed
    except ImportError:
        raise WrongUsage(
            "run.cluster", "Dask is not installed.", next_step="Install it with `pip install 'kezek[cluster]'`."
        ) from None
    wanted = nights_due(database, day_of, locality)
    try:
        untyped: Any = distributed
        client = untyped.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WrongUsage(
            "run.cluster",
            f"no scheduler of Dask answers at {scheduler} ({type(error).__name__}).",
            next_step="Start it with `dask scheduler`, and workers beside it; see docs/cluster.md.",
        ) from None
    with client:
        shards = [
            (
                due,
                client.submit(run_shard, database.address, due, PATIENCE_MS, key=_key(database, due), retries=RETRIES),
            )
            for due in wanted
        ]
        for due, shard in shards:
            yield from _reports(due, shard)


def _reports(due: Due, shard: Any) -> list[NightReport]:
    try:
        reports: list[NightReport] = shard.result()
    except KezekError as error:
        return [NightReport(*due, failure=error)]
    except Exception as error:  # a worker's error may be of any kind; the other localities go on
        return [NightReport(*due, failure=night_failed(error))]
    return reports


def _key(database: Database, due: Due) -> str:
    """One shard of one database, by locality and day: asked for twice at a time, it is done once."""
    where = sha256(str(database).encode()).hexdigest()[:12]
    return f"kezek-{where}-{due.locality}-{due.day}"
