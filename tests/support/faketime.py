"""A clock for real processes that the tests set while they run, by libfaketime."""

from __future__ import annotations

from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from queue_engine.settings import machine_clock

LIBRARY = "vendor/libfaketime/src/libfaketime.so.1"


class FakedClock:
    """The clock of every process that is started with `surroundings`; it goes on by itself from where it is set."""

    def __init__(self, folder: Path, moment: str) -> None:
        self._file = folder / "offset"
        self.set(moment)

    @property
    def surroundings(self) -> dict[str, str]:
        """Variables of the environment. How long a process waits is not faked: only what the clock says."""
        package = find_spec("libfaketime")
        assert package is not None
        assert package.origin is not None
        return {
            "LD_PRELOAD": str(Path(package.origin).parent / LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, moment: str) -> None:
        """Set it to an ISO moment with its offset. The file is renamed, so no process reads half of it."""
        self._offset = datetime.fromisoformat(moment) - machine_clock()
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{self._offset.total_seconds():+.3f}\n")
        fresh.rename(self._file)

    def now(self) -> datetime:
        """What the processes are shown."""
        return machine_clock() + self._offset
