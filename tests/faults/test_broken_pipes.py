"""A pipe of the command whose other end is gone: only a reader of stdout may leave without a word being said."""

from __future__ import annotations

import pytest

from support.nation import LAST_NIGHT, Nation
from support.processes import finish, kezek, runs_on_record, start

READER_GONE = """
import os, sys
def gone(stream):
    reading, writing = os.pipe()
    os.dup2(writing, stream.fileno())
    os.close(reading)
    os.close(writing)
"""
BREAKS = """
from queue_engine.store.engine import Database
def broken(database):
    raise BrokenPipeError(32, "Broken pipe")
Database.require = broken
"""
WORDS_MUST_BE_READ = """
from queue_engine.cli import main as command
def say(text):
    print(text, file=sys.stderr, flush=True)
command.say = say
"""


@pytest.fixture(scope="module")
def path(nation: Nation, tmp_path_factory: pytest.TempPathFactory) -> str:
    where = f"sqlite:///{tmp_path_factory.mktemp('city') / 'kezek.db'}"
    nation.take_in(where)
    return where


def test_a_reader_of_the_answer_may_leave(path: str) -> None:
    """`kezek export queue | head`: no words, no failure."""
    answer = kezek(path, "export", "queue", prologue=READER_GONE + "gone(sys.stdout)\n")
    assert (answer.code, answer.err) == (0, ""), answer.told


def test_any_other_broken_pipe_is_told(path: str) -> None:
    """The twin of the same: stdout is read, so the pipe is another one, and that is no quiet end."""
    answer = kezek(path, "export", "queue", prologue=BREAKS)
    assert answer.code != 0
    assert "BrokenPipeError" in answer.err


@pytest.mark.parametrize(("guard", "days"), [("", 9), (WORDS_MUST_BE_READ, 2)], ids=["guarded", "must be read"])
def test_a_night_goes_on_when_nobody_reads_its_words(nation: Nation, store: str, guard: str, days: int) -> None:
    """`kezek run 2>&1 | head -1`: every night is on record. The twin ends with the first report that it cannot give."""
    nation.take_in(store)
    run = start(store, "run", "--date", LAST_NIGHT, prologue=READER_GONE + guard + "gone(sys.stderr)\n")
    assert (finish(run).code == 0) is (guard == "")
    nights = len(nation.localities) * days if not guard else len(nation.localities) + 1
    assert runs_on_record(store) == nights
