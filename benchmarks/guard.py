"""`python -m benchmarks.guard`: the compiled walk has not become slow.

The city intake, as a multiple of the C floor in the same process, best of several contests; above twice what
`recorded.json` says, or without a C compiler, it says so and ends with 1. `--record` writes what it measures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks import contest, floor
from benchmarks.contest import Entry

RECORDED = Path(__file__).with_name("recorded.json")
CONTESTS, ROUNDS, LIMIT_S = 3, 25, 300.0
SLACK = 2.0


def measured_ratio() -> float:
    """Best ratio of the compiled walk to the floor. Raises: NotMeasured."""
    entries = [Entry(contest.FLOOR, "city intake"), Entry(contest.COMPILED, "city intake")]
    ratios = []
    for _ in range(CONTESTS):
        figures = contest.hold(entries, limit_s=LIMIT_S, rounds=ROUNDS)
        of_floor, of_compiled = (figures[entry] for entry in entries)
        if of_floor.digest != of_compiled.digest:
            raise contest.NotMeasured("the compiled walk and the floor give different places")
        ratios.append(of_compiled.best_s / of_floor.best_s)
    return min(ratios)


def main(arguments: list[str]) -> int:
    try:
        floor.library()
        ratio = measured_ratio()
    except (floor.NoCompiler, contest.NotMeasured) as trouble:
        print(f"guard: not measured: {trouble}", file=sys.stderr)
        return 1
    if arguments == ["--record"]:
        RECORDED.write_text(json.dumps({"city intake, compiled to C floor": round(ratio, 2)}) + "\n", encoding="utf-8")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))["city intake, compiled to C floor"]
    kept = ratio <= SLACK * recorded
    verdict = "kept" if kept else "slower than allowed"
    allowed = f"recorded {recorded:g}, allowed {SLACK * recorded:g}"
    print(f"guard: city intake {ratio:.2f} times the C floor; {allowed}: {verdict}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
