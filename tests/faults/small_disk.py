"""A program for the tests: a city on a disk that is really full, then has room again, then may only be read.

    python -m faults.small_disk CITY FOLDER DAY KIND

Copies the database CITY into FOLDER and runs the night of DAY there three times: without room, with room, and read
only. KIND `tmpfs` mounts a small file system at FOLDER, seen by this process alone, and needs the right to mount; where
that is not given, and with `limit`, a file may not grow beyond a limit of the process, and read only is a folder
without rights, of which the system is made to say that it is mounted so. One line of JSON goes to stdout: `kind` (the
one that was used), and for `full`, `again` and `read_only` the exit code and words of the run, the exit code of an
export beside it, and a digest of the records as the store reads them.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support.contents import contents
from support.processes import kezek_here

NEW_MOUNTS = 0x20000
READ_ONLY, REMOUNT, PRIVATE = 1, 32, 0x4000 | 1 << 18
CAPABILITIES = 0x20080522
ROOM = 60_000
"""Bytes left: fewer than the log of a night needs."""

libc: Any = ctypes.CDLL(None, use_errno=True)


class SmallDisk:
    """A small file system of this process, at a folder."""

    kind = "tmpfs"

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        if libc.unshare(NEW_MOUNTS) or libc.mount(b"none", b"/", None, PRIVATE, None):
            raise PermissionError
        if libc.mount(b"none", bytes(folder), b"tmpfs", 0, f"size={size}".encode()):
            raise PermissionError

    def fill(self) -> None:
        free = os.statvfs(self.folder)
        (self.folder / "filled").write_bytes(bytes(free.f_bavail * free.f_frsize - ROOM))

    def make_room(self) -> None:
        (self.folder / "filled").unlink()

    def freeze(self) -> None:
        if libc.mount(b"none", bytes(self.folder), None, REMOUNT | READ_ONLY, None):
            raise OSError(ctypes.get_errno(), "remount")


class Limit:
    """The same by what any process may do to itself."""

    kind = "limit"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))

    def make_room(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def freeze(self) -> None:
        for path in (*self.folder.iterdir(), self.folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        # Without capabilities rights hold for root too.
        libc.capset((ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)())
        asked = os.statvfs

        def frozen(path: Any) -> os.statvfs_result:
            answer = asked(path)
            return os.statvfs_result([*answer[:8], answer.f_flag | os.ST_RDONLY, *answer[9:]])

        patch.object(os, "statvfs", frozen).start()


def told(path: Path, day: str) -> dict[str, object]:
    run = kezek_here(path, "run", "--date", day)
    reads = kezek_here(path, "export", "vouchers").code
    return {"code": run.code, "told": run.err, "reads": reads, "left": contents(path)}


def play(city: Path, folder: Path, day: str, kind: str) -> dict[str, object]:
    """The three runs."""
    disk: SmallDisk | Limit = Limit(folder)
    if kind == "tmpfs":
        with suppress(PermissionError):
            disk = SmallDisk(folder, size=4 * city.stat().st_size)
    path = Path(shutil.copyfile(city, folder / "city.db"))
    disk.fill()
    full = told(path, day)
    disk.make_room()
    again = told(path, day)
    disk.freeze()
    return {"kind": disk.kind, "full": full, "again": again, "read_only": told(path, f"{day[:-2]}31")}


if __name__ == "__main__":
    print(json.dumps(play(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])))
