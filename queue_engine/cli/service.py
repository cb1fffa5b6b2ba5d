"""The commands of the service: the scheduler and its status."""

from __future__ import annotations

import json
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from queue_engine.cli.output import DatabaseOption, answer, open_database, say
from queue_engine.errors import ExitCode


class Shown(StrEnum):
    TEXT = "text"
    JSON = "json"


def add_to(app: typer.Typer) -> None:
    """Add the commands of the service to the command."""
    app.command()(scheduler)
    app.command()(status)


def scheduler(
    context: typer.Context,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="N", help="Metrics for Prometheus at 127.0.0.1:N; 0 = any.", show_default=False
        ),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Run every locality's night at its time (rule run.at), missed ones first, until SIGTERM or Ctrl-C.

    Example: kezek scheduler --metrics-port 9109
    """
    from queue_engine import scheduler as service
    from queue_engine.answers.status import Status, read_status
    from queue_engine.metrics import served
    from queue_engine.settings import machine_clock

    store = open_database(context, database)

    def read() -> Status:
        with store.read() as connection:
            return read_status(connection, machine_clock())

    with ExitStack() as stack:
        told = stack.enter_context(_told_to_stop())
        if metrics_port is not None:
            port = stack.enter_context(served(read, metrics_port))
            say(f"Metrics at http://127.0.0.1:{port}/metrics")
        running = service.Service(store, machine_clock, say)
        try:
            running.start()
            say("The scheduler has started.")
            while not select.select([told], [], [], service.LOOK_SECONDS)[0]:
                running.look()
        finally:
            running.stop()
    say("The scheduler has stopped.")


@contextmanager
def _told_to_stop() -> Iterator[socket.socket]:
    """A socket that can be read once SIGTERM or SIGINT has come.

    The signal is written to it by the interpreter itself, so no handler has to take a lock that we may be holding.
    """
    told, tells = socket.socketpair()
    tells.setblocking(False)
    before = signal.set_wakeup_fd(tells.fileno())
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        told.close()
        tells.close()


def status(
    context: typer.Context,
    file_format: Annotated[Shown, typer.Option("--format", help="Text or JSON.")] = Shown.TEXT,
    overdue_after: Annotated[
        int, typer.Option(min=0, metavar="HOURS", help="A night is overdue so many hours after its time.")
    ] = 3,
    database: DatabaseOption = None,
) -> None:
    """The last and the next night of each locality and what waits; exit 3 if anything is overdue, for monitoring.

    Example: kezek status --format json
    """
    from queue_engine.answers.status import as_data, in_words, read_status
    from queue_engine.settings import machine_clock

    with open_database(context, database).read() as connection:
        found = read_status(connection, machine_clock(), timedelta(hours=overdue_after))
    if file_format is Shown.JSON:
        answer(json.dumps(as_data(found), ensure_ascii=False, indent=2))
    else:
        for line in in_words(found):
            answer(line)
    if found.overdue:
        raise typer.Exit(int(ExitCode.AGAINST_THE_RULES))
