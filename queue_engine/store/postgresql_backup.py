"""Backups of a PostgreSQL database by its own tools, pg_dump and pg_restore, as they are found on PATH."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, text

from bulletins.refusals import shown
from queue_engine.errors import InputRefused, WrongUsage
from queue_engine.store.held import NOTHING_TOUCHED, check_version, damaged, foreign

MAGIC = b"PGDMP"
PATIENCE = "-c lock_timeout=60s"
"""How long the tables to be replaced are waited for while somebody reads them."""
_MADE_AT = re.compile(r"^; +Archive created at (\S+) (\S+) UTC$", re.MULTILINE)
_VERSION = re.compile(r"^COPY \S*alembic_version .*\n(\S+)\n\\\.$", re.MULTILINE)


class Archive(NamedTuple):
    """What an archive of pg_dump tells of itself; `made_at` is ISO 8601."""

    made_at: str
    schema: str

    def require_schema(self, connection: Connection) -> None:
        """InputRefused if the records to be replaced have another schema: tables of only one would be left over."""
        present = connection.execute(text("select version_num from alembic_version")).scalar()
        if present != self.schema:
            raise InputRefused(
                "backup.schema",
                f"the backup has schema {self.schema}, the present records have {present}. {NOTHING_TOUCHED}",
                next_step="Restore it into an empty database, and bring it up to date by `kezek init`.",
            )


def dump(engine: Engine, target: Path, snapshot: str) -> None:
    """Write the records as that snapshot sees them."""
    words = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}")
    done = _tool("pg_dump", *words, engine=engine)
    if done.returncode:
        raise WrongUsage("backup.failed", f"pg_dump could not write the backup: {_said(done)}.")


def check(backup: Path) -> Archive:
    """Read the whole archive; what it tells of itself.

    Raises: InputRefused if it is damaged, foreign, or of a schema that this release does not know.
    """
    with backup.open("rb") as file:
        magic = file.read(16)
    if magic.startswith(b"SQLite format 3"):
        raise foreign("the file is a backup of a SQLite database.", "Restore it with --database sqlite:///FILE.")
    if not magic.startswith(MAGIC):
        raise foreign("the file is no backup.")
    listed = _tool("pg_restore", "--list", str(backup))
    if listed.returncode or _tool("pg_restore", f"--file={os.devnull}", str(backup)).returncode:
        raise damaged("pg_restore cannot read it to its end")
    version = _tool("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(backup))
    found = _VERSION.search(version.stdout)
    if found is None:
        raise foreign("the file is a backup of PostgreSQL, but not of a database of Kezek.")
    check_version(found[1])
    made = _MADE_AT.search(listed.stdout)
    return Archive(f"{made[1]}T{made[2]}+00:00" if made else "a moment that it does not tell", found[1])


def put_back(engine: Engine, backup: Path, *, clean: bool) -> None:
    """Restore an archive in one transaction, in place of the tables that are there if `clean`."""
    words = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    if clean:
        words += ["--clean", "--if-exists"]
    done = _tool("pg_restore", *words, str(backup), engine=engine)
    if done.returncode:
        raise WrongUsage(
            "restore.failed", f"pg_restore could not put the backup back: {_said(done)}. {NOTHING_TOUCHED}"
        )


def _tool(name: str, *words: str, engine: Engine | None = None) -> subprocess.CompletedProcess[str]:
    """Run a tool, connected as the engine is; a password goes by the environment, which only its user may read."""
    program = shutil.which(name)
    if program is None:
        raise WrongUsage(
            "backup.tools",
            f"{name} is not on PATH.",
            next_step="Install PostgreSQL's client programs, of the server's version or a later one.",
        )
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    connect = []
    if engine is not None:
        parts = engine.dialect.create_connect_args(engine.url)[1]
        parts.pop("context", None)  # psycopg's own, not the server's
        password = parts.pop("password", None)
        if password is not None:
            environment["PGPASSWORD"] = str(password)
        environment["PGOPTIONS"] = f"{environment.get('PGOPTIONS', '')} {PATIENCE}".strip()
        connect = [f"--dbname={make_conninfo(**parts)}", "--no-password"]
    return subprocess.run(
        [program, *connect, *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """The first line of a tool's complaint, short and masked: it may quote a row."""
    lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
    return shown(re.sub(r"^pg_\w+: (?:error: )?", "", lines[0]), private=False).rstrip(".")
