"""A made city whose applications and places are dealt out to many localities, and its files taken in by the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from queue_engine.demo.city import APPLICATION_COLUMNS, BULLETIN_COLUMNS, City, write_rows
from support.processes import Finished, Where, kezek

FIRST_NIGHT = "2021-08-09"
LAST_NIGHT = "2021-08-17"
"""The vouchers of the intake night lapse, and their places are given anew."""


class Nation(NamedTuple):
    """The files of a made nation, and the codes of its localities."""

    applications: Path
    bulletin: Path
    localities: tuple[str, ...]

    @classmethod
    def make(cls, folder: Path, scale: float, localities: int) -> Nation:
        """Write the files into `folder`; `scale` as in `City.make`."""
        codes = tuple(f"region{n:02d}" for n in range(localities))
        city = City.make(scale=scale)
        nation = cls(folder / "applications.csv", folder / "bulletin.csv", codes)
        for path, columns, rows in (
            (nation.applications, APPLICATION_COLUMNS, city.applications),
            (nation.bulletin, BULLETIN_COLUMNS, city.vacancies),
        ):
            # The locality is the third column of both files.
            dealt = [(*row[:2], codes[n % len(codes)], *row[3:]) for n, row in enumerate(rows)]
            write_rows(path, columns, dealt)
        return nation

    def take_in(self, where: Where, command: Callable[..., Finished] = kezek) -> None:
        """Make the database, import the files, and run a night before anything is handed over."""
        for words in (
            ("init",),
            ("import", "applications", str(self.applications)),
            ("import", "bulletin", str(self.bulletin)),
            ("run", "--date", FIRST_NIGHT),
        ):
            answer = command(where, *words)
            assert answer.code == 0, answer.told
