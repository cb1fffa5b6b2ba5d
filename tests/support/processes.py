"""The command as a process of its own: started, waited for, paused inside, measured, killed.

Everything here speaks to the same program that `kezek` starts. A test that needs the program to stop at one
place, or without one of its guards, gives a prologue: a few lines of Python that run before the command.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from sqlalchemy import Connection

from queue_engine.answers import exports
from queue_engine.cli.main import main
from queue_engine.store.engine import Database

Where = Path | str
"""Where records are: a SQLite file, or the address of a database."""
CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE = 300
"""Seconds after which a process that should have ended is taken for hanging."""

_COMMAND = """
import sys
from queue_engine.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
# The most memory of a process is read by the process itself: what the parent is told of a child also counts
# the moment between fork and exec, when the child is still as large as the tests.
_MEASURED = """
import sys
from pathlib import Path
from queue_engine.cli.main import main
code = main(sys.argv[2:])
status = Path("/proc/self/status").read_text()
Path(sys.argv[1]).write_text(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
sys.exit(code)
"""


class Finished(NamedTuple):
    """How a process ended: exit code (negative: the signal that killed it), stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """All that the process said."""
        return f"exit {self.code}\n{self.out}{self.err}"


class Records(NamedTuple):
    """The three exports as text."""

    vouchers: str
    bulletin: str
    queue: str


def url(where: Where) -> str:
    """The address of a SQLite file, or the address given."""
    return where if isinstance(where, str) else f"sqlite:///{where}"


def start(
    path: Where, *words: str, prologue: str = "", surroundings: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `kezek --database PATH WORDS`, after the lines of `prologue`, and do not wait for it.

    surroundings: more variables of its environment.
    """
    return _start(["-c", prologue + _COMMAND, "--database", url(path), *words], surroundings or {})


def start_module(name: str, *words: str) -> subprocess.Popen[str]:
    """Start a program of the tests by the name of its module, and do not wait for it."""
    return _start(["-m", name, *words])


def finish(process: subprocess.Popen[str]) -> Finished:
    """Wait for a process to end; subprocess.TimeoutExpired if it does not."""
    out, err = process.communicate(timeout=PATIENCE)
    return Finished(process.returncode, out, err)


def kezek(path: Where, *words: str, prologue: str = "", surroundings: Mapping[str, str] | None = None) -> Finished:
    """Run `kezek --database PATH WORDS` to its end."""
    return finish(start(path, *words, prologue=prologue, surroundings=surroundings))


def kezek_here(path: Where, *words: str) -> Finished:
    """The same command in this process, for many small cases: what would be a stack trace comes out as an exception."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["--database", url(path), *words])
    return Finished(code, out.getvalue(), err.getvalue())


def kezek_measured(path: Path, note: Path, *words: str) -> tuple[Finished, float]:
    """Run the command to its end; how it ended, and the most memory it took, in MB (written to `note` on the way)."""
    finished = finish(_start(["-c", _MEASURED, str(note), "--database", url(path), *words]))
    assert note.exists(), finished.told
    return finished, int(note.read_text()) / 1024


def told_line(process: subprocess.Popen[str]) -> str:
    """The next line that a process writes to stdout: with a pausing prologue, the sign that it has arrived."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the process ended before it came there: {finish(process).told}"
    return line.strip()


def go_on(process: subprocess.Popen[str]) -> None:
    """Let a process that waits for a line on stdin continue."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def records(path: Where) -> Records:
    """Vouchers, bulletin and queue as exported, in one view of the database."""
    with _read(path) as connection:
        return records_of(connection)


def records_of(connection: Connection) -> Records:
    """The same of a view that is open."""
    texts = []
    for rows, columns in (
        (exports.vouchers(connection), exports.VOUCHERS),
        (exports.bulletin(connection), exports.BULLETIN),
        (exports.queue(connection), exports.QUEUE),
    ):
        out = io.StringIO(newline="")
        exports.write_csv(rows, columns, out)
        texts.append(out.getvalue())
    return Records(*texts)


def command_and_end(*words: str) -> NoReturn:
    """In a forked child: do the command, tell nobody, and end with its exit code."""
    code = 1
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        try:
            code = main(list(words))
        finally:
            os._exit(code)


def integrity(path: Path) -> str:
    """What SQLite says of the file: `ok`, or what is damaged."""
    with _read(path) as connection:
        return str(connection.exec_driver_sql("pragma integrity_check").scalar())


def runs_on_record(path: Where) -> int:
    """How many nights the database has on record."""
    with _read(path) as connection:
        return int(connection.exec_driver_sql("select count(*) from run").scalar_one())


@contextmanager
def _read(path: Where) -> Iterator[Connection]:
    database = Database(url(path))
    try:
        with database.read() as connection:
            yield connection
    finally:
        database.engine.dispose()


def _start(arguments: list[str], surroundings: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen[str]:
    folders = [str(CHECKOUT), str(CHECKOUT / "tests")]
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "OPENBLAS_NUM_THREADS": "1", **surroundings},
    )
