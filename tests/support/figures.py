"""Figures of the fault tests (T1 to T25), and the page they are published on.

A test tells what it tried and what was lost by the fixture `figure`. With `--reliability FILE` a run in which all
passes puts its figures on the page FILE, in the place of earlier ones of the same tests. `KEZEK_FAULTS=full` asks for
the sizes of the targets where continuous integration takes a part.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
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
    full:   whether at the size of the target
    """

    test: str
    what: str
    tries: int
    losses: int
    twin: str
    note: str = ""
    full: bool = FULL


Figures = Mapping[str, list[Figure]]
"""By the id of the test that told them."""


def sized(continuous: int, full: int) -> int:
    """The number of tries: in continuous integration, or at the size of the target."""
    return full if FULL else continuous


def page(figures: Figures) -> str:
    """The text of docs/reliability.md."""
    lines = [
        "# Faults survived",
        "",
        "Every row is a test that ran and lost nothing; its twin is the same test with the guard off, which must see",
        "the damage. This page is written by",
        "",
        "    KEZEK_FAULTS=full pytest tests/faults --reliability docs/reliability.md",
        "",
        "or, for some tests alone, by naming them. A row marked *part* was run at the size of continuous integration,",
        "the others at that of the target. Times are of a machine with two cores that had other work as well.",
        "",
        "| fault | what was done | tries | losses | with the guard off | other figures |",
        "|---|---|---|---|---|---|",
    ]
    rows = [figure for told in figures.values() for figure in told]
    for one in sorted(rows, key=lambda figure: (int(figure.test[1:]), figure.what)):
        tries = f"{one.tries:,}" + ("" if one.full else ", *part*")
        lines.append(f"| {one.test} | {one.what} | {tries} | {one.losses} | {one.twin} | {one.note} |")
    return "\n".join(lines) + "\n"


def write_page(path: Path, figures: Figures) -> None:
    """Write the page, with the figures that other tests have put there before."""
    kept = path.with_suffix(".json")
    earlier = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    all_told = {test: [Figure(*one) for one in told] for test, told in earlier.items()} | dict(figures)
    kept.write_text(json.dumps(all_told, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    path.write_text(page(all_told), encoding="utf-8")
