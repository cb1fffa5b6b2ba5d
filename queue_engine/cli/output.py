"""Words and progress go to stderr, data to stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from bulletins.refusals import shown
from queue_engine.errors import WrongUsage
from queue_engine.settings import DEFAULT_URL, database_url

if TYPE_CHECKING:
    from queue_engine.store.engine import Database

FIRST_YEAR, LAST_YEAR = 1991, 2077
"""The years that the law and the working calendar reach."""

Progress = Callable[[int, int], None]

DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="Where the records are; also KEZEK_DATABASE.", show_default=False),
]
DateOption = Annotated[
    str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="The day meant.", show_default=False)
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the record, without names.")]
Application = Annotated[str, typer.Argument(metavar="APPLICATION", help="The application's number.")]


def say(text: str) -> None:
    """One line of words; where nobody reads them any more, they are dropped and the work goes on."""
    try:
        print(text, file=sys.stderr, flush=True)
    except BrokenPipeError:
        drop(sys.stderr)


def drop(stream: TextIO) -> None:
    """Let what is written to a stream that nobody reads any more go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def answer(text: str) -> None:
    """Data, as lines."""
    print(text)


def open_database(context: typer.Context, own: str | None) -> Database:
    """The database named after the command, before it, in the environment, or the default; it must be there."""
    return database_at(context, own).require()


def database_at(context: typer.Context, own: str | None) -> Database:
    """The database meant, made or not."""
    from queue_engine.store.engine import Database

    before: str | None = context.find_root().params.get("database")
    database = Database(database_url(own or before, DEFAULT_URL))
    context.call_on_close(database.engine.dispose)
    return database


def parse_day(text: str | None) -> date | None:
    """A day of an option; WrongUsage if it is not one."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") and text[4] == text[7] == "-" else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise WrongUsage(
            "usage.date",
            f"'{shown(text, private=False)}' is not a day of {FIRST_YEAR} to {LAST_YEAR}.",
            next_step="Write it as YYYY-MM-DD.",
        )
    return day


def reason_given(reason: str) -> str:
    """A stated cause; WrongUsage if it is empty."""
    if not reason.strip():
        raise WrongUsage("usage.reason", "the reason is empty.", next_step="State it with --reason.")
    if shown(reason, private=False) != reason:
        raise WrongUsage(
            "usage.reason",
            "the reason is too long, or holds something like an IIN, a phone or an e-mail.",
            next_step="State it in a few words, without personal data.",
        )
    return reason.strip()


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """A progress bar on stderr, for people only: nothing where there is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
