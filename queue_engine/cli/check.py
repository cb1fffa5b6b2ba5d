"""`kezek check`: the records against each other."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from queue_engine.cli.output import DatabaseOption, answer, open_database, say
from queue_engine.errors import ExitCode


class Lines(StrEnum):
    """How findings are written: one a line in words, or one JSON object a line in a list."""

    TEXT = "text"
    JSON = "json"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(check)


def check(
    context: typer.Context,
    locality: Annotated[str | None, typer.Option(help="Only this locality.", show_default=False)] = None,
    lines: Annotated[Lines, typer.Option("--format", help="Text or JSON.")] = Lines.TEXT,
    database: DatabaseOption = None,
) -> None:
    """Rebuild places, states and numbers from the records, and tell what does not agree; nothing is changed.

    Example: kezek check --locality astana
    """
    from queue_engine.answers.checks.whole import check_records
    from queue_engine.store.records import find_locality

    count = 0
    with open_database(context, database).read() as connection:
        if locality is not None:
            find_locality(connection, locality)
        if lines is Lines.JSON:
            answer("[")
        for finding in check_records(connection, locality):
            if lines is Lines.JSON:
                answer(("," if count else "") + json.dumps(finding.as_json(), ensure_ascii=False))
            else:
                answer(str(finding))
            count += 1
        if lines is Lines.JSON:
            answer("]")
    say(f"{count} finding{'s' if count > 1 else ''}." if count else "Nothing found: the records agree with each other.")
    raise typer.Exit(ExitCode.AGAINST_THE_RULES if count else ExitCode.DONE)
