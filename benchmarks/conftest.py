"""Sections that the benchmarks fill, the goals at the end of the session, and the results kept as JSON."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import results

# Contestants are imported by the process of a contest alone: many need libraries that may be missing, or that warn.
collect_ignore = ["peers"]

SECTIONS: pytest.StashKey[dict[str, results.Section]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SECTIONS] = {}


@pytest.fixture(scope="session")
def section(request: pytest.FixtureRequest) -> Callable[[str], results.Section]:
    """Give a section of the report by its title; a session that asks for one replaces it."""
    sections = request.config.stash[SECTIONS]

    def of(title: str) -> results.Section:
        if title not in sections:
            sections[title] = results.Section(title, machine=results.machine())
        return sections[title]

    return of


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    sections = [each for each in config.stash[SECTIONS].values() if each.goals or each.tables]
    if not sections:
        return
    results.save(sections)
    for each in sections:
        terminalreporter.section(f"goals: {each.title}")
        for name, told in each.machine.items():
            terminalreporter.write_line(f"{name}: {told}")
        for goal in each.goals:
            terminalreporter.write_line(goal.line(), green=goal.verdict == "met", red=goal.verdict == "not met")
    terminalreporter.write_line(f"kept in {results.path().name}; `python -m benchmarks.report` writes the page")
