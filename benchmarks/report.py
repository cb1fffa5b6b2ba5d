"""`python -m benchmarks.report`: docs/performance.md out of what `pytest benchmarks` last measured.

Plots go to docs/performance/ as SVG if matplotlib is installed.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks import results
from benchmarks.results import Growth, Section

PAGE = results.REPOSITORY / "docs" / "performance.md"
PLOTS = results.REPOSITORY / "docs" / "performance"
HEAD = """# Performance

Written by `pytest benchmarks && python -m benchmarks.report` (extra `benchmark`); do not edit. What is compared is
run side by side, by turns, on made workloads that are the same everywhere; the best round counts. Machines differ and
are noisy: trust the ratios.
"""


def page(sections: list[Section], plots: bool) -> str:
    """The page as text; with links to plots if they are drawn."""
    parts = [HEAD]
    for section in sections:
        parts.append(f"## {section.title}\n")
        parts.append("Measured on: " + "; ".join(f"{name} {told}" for name, told in section.machine.items()) + ".\n")
        if section.goals:
            parts.append(_goals(section))
        parts += [_titled(table.title, table.note, _table(table.columns, table.rows)) for table in section.tables]
        parts += [_growth(section, growth, plots) for growth in section.growth if growth.series]
    return "\n".join(parts)


def _goals(section: Section) -> str:
    rows = [
        [
            goal.name,
            f"{goal.sense} {goal.bound:g} {goal.unit}",
            "-" if goal.measured is None else f"{goal.measured:.3g} {goal.unit}",
            goal.verdict,
        ]
        for goal in section.goals
    ]
    return _titled("Goals", "", _table(["goal", "bound", "measured", "verdict"], rows))


def _growth(section: Section, growth: Growth, plots: bool) -> str:
    sizes = sorted({size for points in growth.series.values() for size, _cost in points})
    rows = []
    for name, points in growth.series.items():
        cost: dict[float, float] = dict(points)
        found = results.exponent(points)
        cells = [f"{cost[size]:.3g}" if size in cost else "" for size in sizes]
        rows.append([name, *cells, "fewer than three sizes" if found is None else f"{found:.2f}"])
    columns = ["who", *(f"{size:,.0f}" for size in sizes), "exponent"]
    note = f"Cost in {growth.cost} by {growth.size}; the exponent is the slope of the logarithms."
    text = _titled(f"Growth: {growth.title}", note, _table(columns, rows))
    return f"{text}\n![{growth.title}](performance/{plot_name(section, growth)})\n" if plots else text


def _titled(title: str, note: str, body: str) -> str:
    return f"### {title}\n\n{note}\n\n{body}" if note else f"### {title}\n\n{body}"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def plot_name(section: Section, growth: Growth) -> str:
    words = f"{section.title} {growth.title}".lower()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in words).split()) + ".svg"


def draw(section: Section, growth: Growth, folder: Path) -> Path:
    """One plot, both axes logarithmic; needs matplotlib."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "kezek"  # the same figures give the same file
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, points in growth.series.items():
        size, cost = zip(*sorted(map(tuple, points)), strict=True)
        axes.loglog(size, cost, marker="o", label=name)
    axes.set(xlabel=growth.size, ylabel=growth.cost, title=growth.title)
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    path = folder / plot_name(section, growth)
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path


def main() -> int:
    sections = results.load()
    if not sections:
        print("report: nothing was measured yet; run `pytest benchmarks` first", file=sys.stderr)
        return 1
    plots = find_spec("matplotlib") is not None
    if plots:
        PLOTS.mkdir(parents=True, exist_ok=True)
        for section in sections:
            for growth in section.growth:
                if growth.series:
                    draw(section, growth, PLOTS)
    PAGE.write_text(page(sections, plots), encoding="utf-8")
    print(f"report: wrote docs/{PAGE.name} with {sum(len(each.goals) for each in sections)} goals")
    return 0


if __name__ == "__main__":
    sys.exit(main())
