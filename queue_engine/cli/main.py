"""The command `kezek`: what it takes, what it answers, and its exit codes (formats.md)."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from queue_engine.cli import backups, check, department, service
from queue_engine.cli.output import (
    Application,
    DatabaseOption,
    DateOption,
    answer,
    database_at,
    drop,
    open_database,
    parse_day,
    progress,
    say,
)
from queue_engine.errors import ExitCode, KezekError, WrongUsage

if TYPE_CHECKING:
    from queue_engine.night.context import NightReport
    from queue_engine.night.run import DayOf
    from queue_engine.store.engine import Database


class PipeBroken(Exception):
    """A pipe whose other end is gone. Typer would end on it without a word, whatever pipe it was."""


class Commands(TyperGroup):
    """The commands, whose broken pipes come to `main` to be judged."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise PipeBroken from error


app = typer.Typer(
    name="kezek",
    cls=Commands,
    help="The queue for kindergarten places: from the day's bulletin to vouchers, fairly and in the open.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
department.add_to(app)
backups.add_to(app)
service.add_to(app)
check.add_to(app)


class Kind(StrEnum):
    """The files `kezek import` takes."""

    APPLICATIONS = "applications"
    BULLETIN = "bulletin"
    WITHDRAWALS = "withdrawals"
    DECISIONS = "decisions"


class Export(StrEnum):
    """The files `kezek export` writes."""

    VOUCHERS = "vouchers"
    BULLETIN = "bulletin"
    QUEUE = "queue"


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


@app.callback()
def everywhere(database: DatabaseOption = None) -> None:
    """Kezek gives a city's kindergarten places to children, by rules anyone can check."""


@app.command()
def init(
    context: typer.Context,
    timezone: Annotated[str, typer.Option(help="Time zone of the localities.")] = "Asia/Almaty",
    rules: Annotated[Path | None, typer.Option(help="The department's rules, TOML.", metavar="FILE")] = None,
    database: DatabaseOption = None,
) -> None:
    """Make the database.

    Example: kezek init --timezone Asia/Almaty --rules astana.toml
    """
    from queue_engine.officer.setup import make_database

    say(make_database(database_at(context, database), timezone, rules))


@app.command(name="import")
def import_file(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX.")],
    strict: Annotated[bool, typer.Option("--strict", help="Keep no row if any is bad.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Take a file in, row by row; bad rows are refused by line and column, good ones kept.

    Example: kezek import applications applications.csv
    """
    from queue_engine.intake.applications import import_applications
    from queue_engine.intake.bulletins import import_bulletin, import_withdrawals
    from queue_engine.intake.decisions import import_decisions

    take = {
        Kind.APPLICATIONS: import_applications,
        Kind.BULLETIN: import_bulletin,
        Kind.WITHDRAWALS: import_withdrawals,
        Kind.DECISIONS: import_decisions,
    }[kind]
    store = open_database(context, database)
    with progress(f"{kind.value} from {file.name}") as bar:
        report = take(store, file, strict=strict, tell=say, progress=bar)
    department.tell_report(report, kind.value)
    raise typer.Exit(report.exit_code)


@app.command()
def run(
    context: typer.Context,
    date: DateOption = None,
    locality: Annotated[str | None, typer.Option(help="Only this locality.", show_default=False)] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Localities side by side, on PostgreSQL.")] = 1,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Scheduler of a Dask cluster to run on.", show_default=False),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Run the night of a day, missed days first; without a date, yesterday's in each locality.

    Example: kezek run --date 2026-03-20
    """
    from queue_engine.night.words import night_in_words
    from queue_engine.settings import machine_clock, yesterday

    day = parse_day(date)
    count, code = 0, int(ExitCode.DONE)
    for report in _nights(
        open_database(context, database),
        lambda entry: day or yesterday(machine_clock, entry.timezone),
        locality,
        workers,
        cluster,
    ):
        say(night_in_words(report))
        if report.failure is not None:
            code = max(code, int(report.failure.exit_code))
        if report.findings:
            code = max(code, int(ExitCode.AGAINST_THE_RULES))
        count += 1
    if not count:
        say("No locality is on record: nothing to run. Import applications and a bulletin first.")
    raise typer.Exit(code)


def _nights(
    database: Database, day_of: DayOf, locality: str | None, workers: int, cluster: str | None
) -> Iterator[NightReport]:
    """The run in this process, in several of this machine, or on a cluster."""
    if cluster is not None:
        from queue_engine.night.cluster import run_on_cluster

        return run_on_cluster(database, day_of, locality, scheduler=cluster)
    if workers > 1 and not database.side_by_side:
        say("A SQLite file has one writer at a time: its nights run one after another, whatever --workers says.")
    elif workers > 1:
        from queue_engine.night.side_by_side import run_side_by_side

        return run_side_by_side(database, day_of, locality, workers=workers)
    from queue_engine.night.run import run_nights

    return run_nights(database, day_of, locality)


@app.command()
def export(
    context: typer.Context,
    what: Annotated[Export, typer.Argument(help="Which file.")],
    date: DateOption = None,
    locality: Annotated[str | None, typer.Option(help="Only this locality.", show_default=False)] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there, not to stdout.")] = None,
    file_format: Annotated[Format, typer.Option("--format", help="CSV or JSON.")] = Format.CSV,
    database: DatabaseOption = None,
) -> None:
    """Write vouchers, bulletins or queues as CSV or JSON.

    Example: kezek export vouchers --date 2026-03-20 --output vouchers.csv
    """
    from queue_engine.answers import exports

    day = parse_day(date)
    if what is Export.QUEUE and day is not None:
        say("The queue is written as it stands now; --date does not change it.")
    write = exports.write_csv if file_format is Format.CSV else exports.write_json
    columns: tuple[str, ...]
    with open_database(context, database).read() as connection:
        if what is Export.VOUCHERS:
            rows, columns = exports.vouchers(connection, day, locality), exports.VOUCHERS
        elif what is Export.BULLETIN:
            rows, columns = exports.bulletin(connection, day, locality), exports.BULLETIN
        else:
            rows, columns = exports.queue(connection, locality), exports.QUEUE
        if output is None:
            write(rows, columns, sys.stdout)
            return
        try:
            with output.open("w", encoding="utf-8", newline="") as out:
                count = write(rows, columns, out)
        except OSError as error:
            raise WrongUsage("export.output", f"{output} cannot be written: {error.strerror}.") from None
    say(f"{count} rows written to {output}.")


@app.command()
def number(context: typer.Context, application: Application, database: DatabaseOption = None) -> None:
    """Queue, class, number, and why it last changed.

    Example: kezek number A-17
    """
    from queue_engine.answers.standing import describe

    with open_database(context, database).read() as connection:
        answer(describe(connection, application))


@app.command()
def explain(
    context: typer.Context, application: Application, date: DateOption = None, database: DatabaseOption = None
) -> None:
    """Why an application got this place, or none, in a night (by default the last).

    Example: kezek explain A-17 --date 2026-03-20
    """
    from queue_engine.answers.explanation import explain as explain_night

    with open_database(context, database).read() as connection:
        answer(explain_night(connection, application, parse_day(date)))


@app.command()
def demo(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Another seed makes another city.")] = 2021,
    database: DatabaseOption = None,
) -> None:
    """The main job on a made city, from nothing to vouchers, with what it did in words and figures.

    Example: kezek demo
    """
    from queue_engine.demo.show import show

    show(database_at(context, database), seed)


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code; errors are told on stderr, without a traceback."""
    code = _run(arguments)
    try:
        if sys.stdout is not None:  # closed by whoever started us
            sys.stdout.flush()
    except BrokenPipeError:
        drop(sys.stdout)
    return code


def _stdout_is_read() -> bool:
    """Whether the answer still has a reader; in `kezek export queue | head` it leaves before the end."""
    asked = select.poll()
    asked.register(sys.stdout, 0)  # an error is told, asked for or not
    return not asked.poll(0)


def _run(arguments: list[str] | None) -> int:
    try:
        app(args=arguments, prog_name="kezek")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except KezekError as error:
        say(str(error))
        return int(error.exit_code)
    except UnicodeError:
        say("[usage.text] a word of the command is not valid text. Write it in UTF-8.")
        return int(ExitCode.WRONG_USAGE)
    except PipeBroken:
        if _stdout_is_read():
            raise
        drop(sys.stdout)
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        say(told)
        return int(ExitCode.INPUT_REFUSED)
    return int(ExitCode.DONE)


def _told(error: Exception) -> str | None:
    """What to say of a file or a database that cannot be used; None for anything else, which is our own mistake."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    from bulletins.refusals import TableError
    from queue_engine.store.engine import driver_words

    if isinstance(error, TableError):
        return str(error)
    if isinstance(error, DBAPIError):
        return f"[database.failed] the database could not be used: {driver_words(error)}. Nothing half-done was kept."
    if isinstance(error, SQLAlchemyError):
        return f"[database.failed] the database could not be used ({type(error).__name__}). Nothing half-done was kept."
    return None
