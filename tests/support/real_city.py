"""Where the open data of a real city lie (8,755 applications, 828 vacancies); they are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "KEZEK_CITY_DATA"
FOLDER = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2].parent / "shared" / "data" / "vilnius-2026-03-20")
APPLICATIONS, BULLETIN = FOLDER / "applications.csv", FOLDER / "bulletin.csv"
LOCALITY, TIMEZONE, DAY = "vilnius", "Europe/Vilnius", "2026-08-01"
RULES = """
[[rule]]
name = "age.min"
value = 0
from = 2020-01-01
reference = "the city's groups start from birth"

[[rule]]
name = "age.max"
value = 9
from = 2020-01-01
reference = "the city's pre-school groups"
"""


def is_there() -> bool:
    """Whether the data can be read here; continuous integration needs them."""
    return APPLICATIONS.is_file() and BULLETIN.is_file()
