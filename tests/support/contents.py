"""All records of a SQLite file as one short text, for comparing states that must not differ in anything."""

from __future__ import annotations

import hashlib
from pathlib import Path

from queue_engine.store.engine import Database
from support.processes import url

TABLES = (
    "locality",
    "organization",
    "profile",
    "change",
    "application",
    "application_version",
    "movement",
    "vacancy",
    "withdrawal",
    "bulletin_entry",
    "queue_turn",
    "run_queue",
    "run_place",
    "voucher",
    "decision",
    "stop_list",
    "waiting_act",
)
"""The tables whose rows follow from what was recorded, and from nothing else."""


def contents(path: Path) -> str:
    """A digest of every row, read by the store's own engine (which recovers what a crash left); `damaged` if SQLite
    finds the file so."""
    database = Database(url(path))
    digest = hashlib.sha256()
    try:
        with database.read() as connection:
            if connection.exec_driver_sql("pragma integrity_check").scalar() != "ok":
                return "damaged"
            for table in TABLES:
                digest.update(table.encode())
                for row in connection.exec_driver_sql(f"select * from {table} order by 1, 2"):
                    digest.update(repr(tuple(row)).encode())
    finally:
        database.engine.dispose()
    return digest.hexdigest()[:16]
