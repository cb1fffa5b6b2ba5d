"""Play histories of the whole engine by their seeds; a failing one names its seed, and the same command repeats it.

python -m simulation 17 --localities 2 --days 30 --verbose
python -m simulation 0 --count 200
python -m simulation 1 --localities 20 --days 1096
"""

from __future__ import annotations

import argparse
import json
import sys

from simulation.guards import GUARDS
from simulation.history import Broken
from simulation.play import play


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__.splitlines()[0])
    parser.add_argument("seed", type=int, help="the first seed")
    parser.add_argument("--count", type=int, default=1, help="how many seeds")
    parser.add_argument("--step", type=int, default=1, help="from one seed to the next")
    parser.add_argument("--localities", type=int, help="instead of a number drawn from the seed")
    parser.add_argument("--days", type=int, help="instead of a number drawn from the seed")
    parser.add_argument("--faults", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--without", choices=sorted(GUARDS), help="take a guard off: a twin, which must fail")
    parser.add_argument("--verbose", action="store_true", help="tell every step")
    return parser.parse_args()


def main() -> int:
    """Exit 1 at the first seed that breaks; a summary as JSON goes to stdout in any case."""
    wanted = _arguments()
    if wanted.without:
        GUARDS[wanted.without]()
    seeds = range(wanted.seed, wanted.seed + wanted.count * wanted.step, wanted.step)
    told: dict[str, int] = {}
    broken = None
    for seed in seeds:
        try:
            summary = play(
                seed,
                localities=wanted.localities,
                days=wanted.days,
                faults=wanted.faults,
                server=wanted.store == "postgresql",
                say=_say if wanted.verbose else lambda _words: None,
            )
        except Broken as found:
            print(found, file=sys.stderr)
            broken = seed
            break
        for name, number in summary.items():
            told[name] = told.get(name, 0) + number
    print(json.dumps({"broken": broken, **told}))
    return 0 if broken is None else 1


def _say(words: str) -> None:
    print(words, file=sys.stderr)


sys.exit(main())
