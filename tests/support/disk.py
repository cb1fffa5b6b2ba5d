"""A disk between SQLite and its files: it tells every write, and may refuse one.

SQLite reaches files by a table of functions, its VFS. `Disk` registers, in the very library that Python's own sqlite3
uses, a copy of the VFS of the operating system in which writing, shortening, syncing and deleting go through Python
first. So the command runs as it is, with its own settings and its own SQLite, and the files are real. Locks, reading
and shared memory stay the operating system's. Memory that is shared between connections (`-shm`) is no part of what a
disk keeps: SQLite makes it anew.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

POINTER = ctypes.c_void_p
FILES = 0x100 | 0x800 | 0x80000
"""Flags of xOpen: a database, its rollback journal, its write-ahead log."""
X_CLOSE, X_WRITE, X_TRUNCATE, X_SYNC = 1, 3, 4, 5
IO_METHODS = 19
VFS_FIELDS = 21
V_NEXT, V_NAME, V_OPEN, V_DELETE = 2, 3, 5, 6
NAME = b"told"
# A name is passed on as the pointer it came as: SQLite keeps it for as long as the file is open.
OPEN = ctypes.CFUNCTYPE(ctypes.c_int, POINTER, POINTER, POINTER, ctypes.c_int, POINTER)
DELETE = ctypes.CFUNCTYPE(ctypes.c_int, POINTER, POINTER, ctypes.c_int)
WRITE = ctypes.CFUNCTYPE(ctypes.c_int, POINTER, POINTER, ctypes.c_int, ctypes.c_int64)
TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, POINTER, ctypes.c_int64)
SYNC = ctypes.CFUNCTYPE(ctypes.c_int, POINTER, ctypes.c_int)
CLOSE = ctypes.CFUNCTYPE(ctypes.c_int, POINTER)


class Answer(IntEnum):
    """What the disk says; SQLite's own codes."""

    DONE = 0
    FULL = 13
    READ_FAILED = 10 | 1 << 8
    WRITE_FAILED = 10 | 3 << 8
    SYNC_FAILED = 10 | 4 << 8
    TRUNCATE_FAILED = 10 | 6 << 8
    DELETE_FAILED = 10 | 10 << 8


class Act(NamedTuple):
    """One thing done to a file.

    kind: `open`, `write`, `truncate`, `sync`, `delete`; or `told`, which no disk sees: somebody was told of something.
    path: the file's name; offset: of a write, in bytes, or the new length; content: what is written.
    """

    kind: str
    path: str
    offset: int = 0
    content: bytes = b""


Watch = Callable[[Act], Answer]
"""Asked before each act; anything but DONE and it does not happen."""

DISKS: list[Disk] = []
"""SQLite knows of a disk by addresses alone, so it is kept here."""


class Disk:
    """The disk of every SQLite connection that this process opens from now on. There is one in a process."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.paths: dict[int, str] = {}
        self.tables: dict[int, Any] = {}
        library: Any = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = POINTER
        library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
        library.sqlite3_vfs_register.argtypes = [POINTER, ctypes.c_int]
        self.vfs = (POINTER * VFS_FIELDS)()
        ctypes.memmove(self.vfs, library.sqlite3_vfs_find(None), ctypes.sizeof(self.vfs))
        self.open_file, self.delete_file = OPEN(self.vfs[V_OPEN]), DELETE(self.vfs[V_DELETE])
        self.name = ctypes.c_char_p(NAME)
        self.kept = [OPEN(self._open), DELETE(self._delete)]
        self.vfs[V_NEXT], self.vfs[V_NAME] = None, ctypes.cast(self.name, POINTER)
        self.vfs[V_OPEN], self.vfs[V_DELETE] = (ctypes.cast(own, POINTER) for own in self.kept)
        assert library.sqlite3_vfs_register(self.vfs, 1) == Answer.DONE
        DISKS.append(self)

    def _open(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        answer = int(self.open_file(vfs, name, file, flags, out))
        if answer == Answer.DONE and name and flags & FILES:
            self.paths[file] = _name(name)
            self.watch(Act("open", self.paths[file]))
            table = POINTER.from_address(file)
            table.value = ctypes.addressof(self._table(int(table.value or 0)))
        return answer

    def _delete(self, vfs: int, name: int, sync_folder: int) -> int:
        answer = self.watch(Act("delete", _name(name), sync_folder))
        return answer or int(self.delete_file(vfs, name, sync_folder))

    def _table(self, address: int) -> Any:
        """The functions of a file, with ours among them; one table for each of the operating system's."""
        if address in self.tables:
            return self.tables[address]
        table = (POINTER * IO_METHODS)()
        ctypes.memmove(table, address, ctypes.sizeof(table))
        write, truncate = WRITE(table[X_WRITE]), TRUNCATE(table[X_TRUNCATE])
        sync, close = SYNC(table[X_SYNC]), CLOSE(table[X_CLOSE])

        def written(file: int, content: int, size: int, offset: int) -> int:
            answer = self.watch(Act("write", self.paths[file], offset, ctypes.string_at(content, size)))
            return answer or int(write(file, content, size, offset))

        def truncated(file: int, size: int) -> int:
            return self.watch(Act("truncate", self.paths[file], size)) or int(truncate(file, size))

        def synced(file: int, flags: int) -> int:
            return self.watch(Act("sync", self.paths[file])) or int(sync(file, flags))

        def closed(file: int) -> int:
            del self.paths[file]
            return int(close(file))

        own = (
            (X_WRITE, WRITE(written)),
            (X_TRUNCATE, TRUNCATE(truncated)),
            (X_SYNC, SYNC(synced)),
            (X_CLOSE, CLOSE(closed)),
        )
        for place, function in own:
            table[place] = ctypes.cast(function, POINTER)
            self.kept.append(function)
        self.tables[address] = table
        return table


def _name(pointer: int) -> str:
    return Path(ctypes.string_at(pointer).decode()).name
