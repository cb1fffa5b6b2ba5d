"""The department's commands: rules, calendar, stop-list, archive, restore, confirmation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from queue_engine.cli.output import (
    Application,
    DatabaseOption,
    DateOption,
    ReasonOption,
    answer,
    open_database,
    parse_day,
    reason_given,
    say,
)

if TYPE_CHECKING:
    from queue_engine.intake.report import ImportReport

rules_app = typer.Typer(help="Rule parameters: show what is in force, take the department's own.", no_args_is_help=True)
calendar_app = typer.Typer(help="The working calendar and its corrections.", no_args_is_help=True)
stop_list_app = typer.Typer(help="The stop-list: applications out of the queue for a time.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the department's commands to the command."""
    app.add_typer(rules_app, name="rules")
    app.add_typer(calendar_app, name="calendar")
    app.add_typer(stop_list_app, name="stop-list")
    app.command()(archive)
    app.command()(confirm)


def tell_report(report: ImportReport, what: str) -> None:
    """What an import did, in one line; and how many rows were refused."""
    if report.kept_none:
        say(f"Nothing was kept of {what}: {report.bad} rows are bad and --strict was asked.")
        return
    waiting = f", {report.waiting} waiting for their day" if report.waiting else ""
    refused = f", {report.bad} refused" if report.bad else ""
    say(f"{what}: {report.new} new, {report.changed} changed, {report.unchanged} unchanged{waiting}{refused}.")


@rules_app.command("show")
def rules_show(
    context: typer.Context,
    date: DateOption = None,
    locality: Annotated[str | None, typer.Option(help="Only this locality.", show_default=False)] = None,
    database: DatabaseOption = None,
) -> None:
    """What is in force on a day (by default today), with sources.

    Example: kezek rules show --date 2026-03-20 --locality astana
    """
    from queue_engine.cli.output import database_at
    from queue_engine.law.rulebook import Rulebook
    from queue_engine.law.words import in_words
    from queue_engine.settings import machine_clock
    from queue_engine.store.records import rulebook

    store = database_at(context, database)
    if store.is_there():
        with store.require().read() as connection:
            law = rulebook(connection)
    else:
        say("There is no database here: shown is the law without a department's own rules.")
        law = Rulebook()
    day = parse_day(date) or machine_clock().date()
    for line in in_words(law.in_force(day, locality)):
        answer(line)


@rules_app.command("import")
def rules_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML with [[rule]] entries.")],
    database: DatabaseOption = None,
) -> None:
    """Take the department's own rules in; one wrong entry and none is kept.

    Example: kezek rules import astana.toml
    """
    from queue_engine.officer.setup import import_rules

    say(import_rules(open_database(context, database), file))


@calendar_app.command("import")
def calendar_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX with day, kind, act.")],
    database: DatabaseOption = None,
) -> None:
    """Take corrections of the working calendar in: day, kind (working or day_off), act.

    Example: kezek calendar import moved-days.csv
    """
    from queue_engine.officer.setup import import_calendar

    report = import_calendar(open_database(context, database), file, say)
    tell_report(report, "calendar")
    raise typer.Exit(report.exit_code)


@stop_list_app.command("add")
def stop_list_add(
    context: typer.Context,
    application: Application,
    reason: ReasonOption,
    date: DateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Put an application on the stop-list for a stated violation.

    Example: kezek stop-list add A-17 --reason "false certificate" --date 2026-03-20
    """
    _act(context, database, "STOP", application, reason, date)


@stop_list_app.command("remove")
def stop_list_remove(
    context: typer.Context,
    application: Application,
    reason: ReasonOption,
    date: DateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Take an application off the stop-list before its time.

    Example: kezek stop-list remove A-17 --reason "put there by mistake"
    """
    _act(context, database, "UNSTOP", application, reason, date)


def archive(
    context: typer.Context,
    application: Application,
    reason: ReasonOption,
    date: DateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Take an application out of the queue for good.

    Example: kezek archive A-17 --reason "withdrawn by the parent"
    """
    _act(context, database, "ARCHIVE", application, reason, date)


def restore(
    context: typer.Context,
    application: Application,
    reason: ReasonOption,
    date: DateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Bring an application back from the archive, at its old moment of filing.

    Example: kezek restore A-17 --reason "archived by mistake"
    """
    _act(context, database, "RESTORE", application, reason, date)


def confirm(
    context: typer.Context,
    application: Application,
    reason: ReasonOption = "documents seen",
    date: DateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Confirm an out-of-turn benefit.

    Example: kezek confirm A-17 --reason "certificate of service seen"
    """
    _act(context, database, "CONFIRM", application, reason, date)


def _act(
    context: typer.Context, database: str | None, kind: str, application: str, reason: str, date: str | None
) -> None:
    from queue_engine.officer.acts import act
    from queue_engine.store.acts import ActKind

    say(act(open_database(context, database), ActKind[kind], application, reason_given(reason), parse_day(date)))
