"""Words and progress go to stderr, data to stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated

import typer

from queue_engine.errors import WrongUsage
from queue_engine.settings import database_url
from queue_engine.store.engine import DEFAULT_URL, Database

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
    """One line of words."""
    print(text, file=sys.stderr)


def answer(text: str) -> None:
    """Data, as lines."""
    print(text)


def open_database(context: typer.Context, own: str | None) -> Database:
    """The database named after the command, before it, in the environment, or the default; it must be there."""
    return database_at(context, own).require()


def database_at(context: typer.Context, own: str | None) -> Database:
    """The database meant, made or not."""
    before: str | None = context.find_root().params.get("database")
    return Database(database_url(own or before, DEFAULT_URL))


def parse_day(text: str | None) -> date | None:
    """A day of an option; WrongUsage if it is not one."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage("usage.date", f"'{text}' is not a day.", next_step="Write it as YYYY-MM-DD.") from None


def reason_given(reason: str) -> str:
    """A stated cause; WrongUsage if it is empty."""
    if not reason.strip():
        raise WrongUsage("usage.reason", "the reason is empty.", next_step="State it with --reason.")
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
