"""The commands `backup` and `restore`; the latter also brings an application back from the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from queue_engine.cli import department
from queue_engine.cli.output import DatabaseOption, DateOption, database_at, open_database, say
from queue_engine.errors import WrongUsage


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command."""
    app.command()(backup)
    app.command()(restore)


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup is to be.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE if it is there.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Write a checked backup of all records, at any time, also during a run.

    Example: kezek backup kezek-2026-03-20.db
    """
    from queue_engine.officer.backups import back_up
    from queue_engine.settings import machine_clock

    say(back_up(open_database(context, database), file, machine_clock, overwrite=overwrite))


def restore(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="FILE|APPLICATION", help="A backup; or, with --reason, an application.")
    ],
    reason: Annotated[
        str | None, typer.Option("--reason", help="Of an application: why; kept, without names.", show_default=False)
    ] = None,
    date: DateOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the records that are there.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Put a backup back; or, with --reason, an application from the archive, at its old moment of filing.

    Example: kezek --database sqlite:///new.db restore kezek-2026-03-20.db

    Example: kezek restore A-17 --reason "archived by mistake"
    """
    if reason is not None:
        if overwrite:
            raise WrongUsage("usage.restore", "--overwrite is for a backup, --reason for an application.")
        department.restore(context, what, reason, date, database)
        return
    if date is not None:
        raise WrongUsage("usage.restore", "--date is for an application.", next_step="State its --reason too.")
    from queue_engine.officer.backups import restore as put_back

    say(put_back(database_at(context, database), Path(what), overwrite=overwrite))
