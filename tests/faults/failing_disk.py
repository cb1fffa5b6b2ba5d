"""A program for the tests: a run of nights on a disk that refuses one of its writes, each in turn.

    python -m faults.failing_disk DATABASE LAST_DAY FAULT MODE FIRST STRIDE

For n = FIRST, FIRST + STRIDE ... a copy of DATABASE is run by the command, and the disk fails at the n-th act that
changes a file: FAULT `full` refuses every write from there on, `error` that one write, truncation or sync. Then
vouchers are exported while the disk is still as it is, the fault is taken away, and the same command is run again. One
line of JSON a fault goes to stdout: `code` and `told` (exit code and stderr of the run), `reads` (exit code of the
export), `left` (a digest of the records after the fault), `again` and `after` (exit code of the second run, and the
digest then). It ends when a run comes to its end before its n-th act.

MODE `whole` is the program as it is; in `split` the guard is off: every statement of the night is committed at once.
"""

from __future__ import annotations

import json
import shutil
import sys
from itertools import count
from pathlib import Path

from concurrency.unguarded import split_write
from queue_engine.store.engine import Database
from support.contents import contents
from support.disk import Act, Answer, Disk
from support.processes import kezek_here

CHANGES = {"write": Answer.WRITE_FAILED, "truncate": Answer.TRUNCATE_FAILED, "sync": Answer.SYNC_FAILED}


class Fault:
    """Counts what changes files, and refuses from the n-th on (`full`) or the n-th alone (`error`)."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.fails_at, self.seen, self.fired = 0, 0, False

    def arm(self, fails_at: int) -> None:
        """Fail at that act from now; 0 = not at all."""
        self.fails_at, self.seen, self.fired = fails_at, 0, False

    def answer(self, act: Act) -> Answer:
        if not self.fails_at or act.kind not in CHANGES:
            return Answer.DONE
        self.seen += 1
        if self.kind == "full":
            if self.seen < self.fails_at or act.kind != "write":
                return Answer.DONE
            self.fired = True
            return Answer.FULL
        if self.seen != self.fails_at:
            return Answer.DONE
        self.fired = True
        return CHANGES[act.kind]


def fail_everywhere(database: Path, day: str, kind: str, first: int, stride: int) -> None:
    """Print one line for every fault, until a run does not come to it."""
    fault = Fault(kind)
    Disk(fault.answer)
    for n in count(first, stride):
        copy = Path(shutil.copyfile(database, database.with_suffix(f".{n}.db")))
        fault.arm(n)
        run = kezek_here(copy, "run", "--date", day)
        reads = kezek_here(copy, "export", "vouchers").code
        fired = fault.fired
        fault.arm(0)
        left = contents(copy)
        again = kezek_here(copy, "run", "--date", day).code
        if not fired:
            return
        line = {"code": run.code, "told": run.err, "reads": reads, "left": left, "again": again}
        print(json.dumps({"n": n, **line, "after": contents(copy)}), flush=True)
        for leaving in copy.parent.glob(f"{copy.name}*"):
            leaving.unlink()


if __name__ == "__main__":
    if sys.argv[4] == "split":
        Database.write = split_write
    fail_everywhere(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[5]), int(sys.argv[6]))
