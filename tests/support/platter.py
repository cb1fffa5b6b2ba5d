"""What a disk still has when the power goes: all that was synced, and of the rest whatever chance has let through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from numpy.random import Generator

from support.disk import Act

SECTOR = 512


class File(NamedTuple):
    """A file of one life, from its making to its deletion: its synced bytes, and the acts since the last sync."""

    synced: bytearray
    since: list[Act]


class Platter:
    """The files of a folder as a disk without a battery holds them.

    What was synced is there. Of the writes since, each may be there or not, in any order, and part of one too, by
    sectors. A file made or deleted is so for certain when its folder was synced; before, it may be as it was. (SQLite
    syncs the folder with the first sync of a journal or log that it made.)
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.names = {path: File(bytearray(content), []) for path, content in files.items()}
        self.names_synced = dict(self.names)

    def take(self, act: Act) -> None:
        """One act that the disk has been asked for."""
        if act.kind == "open":
            self.names.setdefault(act.path, File(bytearray(), []))
        elif act.kind == "delete":
            self.names.pop(act.path, None)
            if act.offset:
                self.names_synced = dict(self.names)
        elif act.kind in ("write", "truncate"):
            self.names[act.path].since.append(act)
        elif act.kind == "sync":
            file = self.names[act.path]
            _do(file.synced, file.since)
            file.since.clear()
            if self.names_synced.get(act.path) is not file:
                self.names_synced = dict(self.names)

    def image(self, chance: Generator) -> dict[str, bytes]:
        """The files as they might be found when the power comes back."""
        survive = float(chance.choice([0.0, 0.1, 0.5, 0.9, 1.0]))
        found = {}
        for path in sorted({*self.names, *self.names_synced}):
            lives = [names[path] for names in (self.names, self.names_synced) if path in names]
            if len(lives) == 1 and chance.random() < 0.5:
                continue  # made or deleted, and which of both the disk does not know
            file = lives[int(chance.integers(len(lives)))]
            content = bytearray(file.synced)
            _do(content, (part for act in file.since for part in _parts(act, survive, chance)))
            found[path] = bytes(content)
        return found


def _parts(act: Act, survive: float, chance: Generator) -> Iterable[Act]:
    """What is left of an act: all, nothing, or some sectors of a write."""
    if act.kind == "truncate" or chance.random() < 0.8:
        return [act] if chance.random() < survive else []
    cuts = range(-(act.offset % SECTOR), len(act.content), SECTOR)
    sectors = [
        act._replace(offset=act.offset + max(cut, 0), content=act.content[max(cut, 0) : cut + SECTOR]) for cut in cuts
    ]
    return [sector for sector in sectors if chance.random() < 0.5]


def _do(content: bytearray, acts: Iterable[Act]) -> None:
    for act in acts:
        if len(content) < act.offset:
            content.extend(bytes(act.offset - len(content)))
        if act.kind == "truncate":
            del content[act.offset :]
        else:
            content[act.offset : act.offset + len(act.content)] = act.content
