"""What the command takes from its surroundings: the place of the database and the clock, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DATABASE_VARIABLE = "KEZEK_DATABASE"
DEFAULT_URL = "sqlite:///kezek.db"

Clock = Callable[[], datetime]


def machine_clock() -> datetime:
    """The machine's moment; only the command and the scheduler ask, to say which day "yesterday" is."""
    return datetime.now(UTC)


def yesterday(clock: Clock, timezone: ZoneInfo) -> date:
    """The civil day before the clock's, in the time zone of a locality."""
    return clock().astimezone(timezone).date() - timedelta(days=1)


def database_url(given: str | None, default: str) -> str:
    """`--database`, else KEZEK_DATABASE, else the default."""
    return given or os.environ.get(DATABASE_VARIABLE) or default
