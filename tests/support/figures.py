"""Figures of the fault tests (T1 to T25), and the page they are published on.

A test tells what it tried and what was lost by the fixture `figure`; `pytest tests/faults --reliability FILE` writes
the page from the tests of that run. `KEZEK_FAULTS=full` asks for the sizes of the targets where CI takes a part.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FULL = os.environ.get("KEZEK_FAULTS") == "full"
"""Whether fault tests run at the size of their targets."""


class Figure(NamedTuple):
    """What one fault test did and saw.

    test:   number of the fault, such as `T1`
    what:   what was done to the service, and where, in a few words
    tries:  how often
    losses: how often the promise was broken; the test fails unless it is 0
    twin:   what the same tries saw with the guard off
    note:   other figures: times, sizes
    """

    test: str
    what: str
    tries: int
    losses: int
    twin: str
    note: str = ""


def sized(continuous: int, full: int) -> int:
    """The number of tries: in continuous integration, or at the size of the target."""
    return full if FULL else continuous


def page(figures: Sequence[Figure]) -> str:
    """The text of docs/reliability.md."""
    lines = [
        "# Faults survived",
        "",
        "Every row is a test that ran; its twin is the same test with the guard off, which must see the damage. "
        "This page is written by",
        "",
        "    KEZEK_FAULTS=full pytest tests/faults --reliability docs/reliability.md",
        "",
        f"Sizes of this page: {'those of the targets' if FULL else 'those of continuous integration'}. "
        f"Machine: {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}.",
        "",
        "| fault | what was done | tries | losses | with the guard off | other figures |",
        "|---|---|---|---|---|---|",
    ]
    for one in sorted(figures, key=lambda figure: (int(figure.test[1:]), figure.what)):
        lines.append(f"| {one.test} | {one.what} | {one.tries:,} | {one.losses} | {one.twin} | {one.note} |")
    return "\n".join(lines) + "\n"


def write_page(path: Path, figures: Sequence[Figure]) -> None:
    """Write the page."""
    path.write_text(page(figures), encoding="utf-8")
