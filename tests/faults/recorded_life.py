"""A program for the tests: some commands of a city, and all that they did to the disk.

    python -m faults.recorded_life DATABASE RECORD SYNCHRONOUS COMMAND ...

Runs each COMMAND (words parted by blanks) on DATABASE in this process, and writes the acts into RECORD: the writes and
syncs of SQLite as they came, and among them every line that the command told. SYNCHRONOUS `full` is the store as it is;
any other value is set on every connection, and so the guard is off.
"""

from __future__ import annotations

import io
import pickle
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

from queue_engine.cli.main import main
from support.disk import Act, Answer, Disk
from support.processes import url


class Told(io.TextIOBase):
    """A stderr that keeps every line in the record at the moment when it was told."""

    def __init__(self, record: list[Act]) -> None:
        self.record = record

    def write(self, text: str) -> int:
        if text.strip():
            self.record.append(Act("told", text.strip()))
        return len(text)


def record_life(path: Path, synchronous: str, commands: list[str]) -> list[Act]:
    """The acts of these commands, in order; SystemExit if one was not done."""
    record: list[Act] = []

    def watch(act: Act) -> Answer:
        record.append(act)
        return Answer.DONE

    Disk(watch)
    if synchronous != "full":

        @event.listens_for(Pool, "checkout")
        def _unguarded(driver: Any, *_rest: Any) -> None:
            driver.execute(f"pragma synchronous={synchronous}")

    for command in commands:
        with redirect_stderr(Told(record)):
            code = main(["--database", url(path), *command.split()])
        if code:
            raise SystemExit(f"{command}: exit {code}, {record[-1].path}")
    return record


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(pickle.dumps(record_life(Path(sys.argv[1]), sys.argv[3], sys.argv[4:])))
