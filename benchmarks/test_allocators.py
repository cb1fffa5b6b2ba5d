"""The allocators against a floor in C and what a user would pick instead, on one thread.

What is asserted is that all give the same places; a goal missed is told, not failed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from allocators.checks import judge
from benchmarks import contest, startup, workloads
from benchmarks.contest import COMPILED, COMPILED_SORTED, FLOOR, FLOOR_SORTED, PLAIN, Entry, Figure, NotMeasured
from benchmarks.results import Growth, Section, Table

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

TITLE = "Allocators"
BEYOND_WANTED = bool(os.environ.get("KEZEK_BENCHMARK_BEYOND"))
SLOW_LIMIT_S = 400.0
UP_TO_NATION = [size for size in workloads.SIZES if size is not workloads.BEYOND]
GROWTH_SHARES = (1 / 16, 1 / 4, 1 / 2, 1.0)
LIBRARY_SHARES = (0.025, 0.1, 0.4, 1.0)
ALTERNATIVES = (contest.OBJECTS, contest.LISTS, contest.PANDAS, contest.PLPGSQL)
SectionOf = Callable[[str], Section]


@pytest.fixture(scope="module")
def allocators(section: SectionOf) -> Section:
    return section(TITLE)


@pytest.fixture(scope="module")
def sizes_table(allocators: Section) -> Table:
    return allocators.table(
        "Against the floor",
        ["workload", "applications", "places", "who", "best", "multiple of the floor", "most memory"],
        "All entries of a workload are run by turns in one process; sort and walk are timed, making the input is not.",
    )


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.2f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def held(entries: Sequence[Entry], limit_s: float = SLOW_LIMIT_S, rounds: int = contest.ROUNDS) -> dict[str, Figure]:
    """Figures by contestant; whoever measured on one workload must agree bit for bit. Raises: NotMeasured."""
    figures = contest.hold(entries, limit_s=limit_s, rounds=rounds)
    for entry, figure in figures.items():
        others = [figures[each].digest for each in entries if each.workload == entry.workload]
        assert {figure.digest} == set(others), f"{entry.contestant} gives other places on {entry.workload}"
    return {entry.contestant: figure for entry, figure in figures.items()}


@pytest.mark.parametrize("contestant", [FLOOR, PLAIN, COMPILED])
@pytest.mark.parametrize("size", [workloads.CITY_INTAKE, workloads.CITY_DAY], ids=lambda size: size.name)
def test_a_city_is_allocated(benchmark: BenchmarkFixture, contestant: str, size: workloads.Size) -> None:
    night = workloads.make(size)
    peer = contest.peer(contestant)
    prepared = peer.prepare(night)
    peer.run(prepared)
    timed: Any = benchmark
    outcome = timed.pedantic(peer.run, (prepared,), rounds=5, iterations=1)
    assert (peer.read(night, outcome).place >= 0).any()


@pytest.mark.parametrize("contestant", [FLOOR, COMPILED])
@pytest.mark.parametrize("size", [workloads.NATION_INTAKE, workloads.NATION_DAY], ids=lambda size: size.name)
def test_a_nation_is_allocated(benchmark: BenchmarkFixture, contestant: str, size: workloads.Size) -> None:
    test_a_city_is_allocated(benchmark, contestant, size)


@pytest.mark.parametrize("size", UP_TO_NATION, ids=lambda size: size.name)
def test_the_judge_finds_nothing_wrong_with_what_the_fastest_give(size: workloads.Size) -> None:
    """Rules A4, A5, C1-C3."""
    night = workloads.make(size)
    proposal = contest.peer(COMPILED).run(night)
    assert int((proposal.place >= 0).sum()) > size.places // 2
    assert judge(*night, proposal) == []


@pytest.mark.parametrize("size", UP_TO_NATION, ids=lambda size: size.name)
def test_the_compiled_walk_against_the_floor(allocators: Section, sizes_table: Table, size: workloads.Size) -> None:
    who = [FLOOR, COMPILED, FLOOR_SORTED, COMPILED_SORTED]
    who += [PLAIN] if size.applicants < 100_000 else []
    try:
        figures = held([Entry(each, size.name) for each in who], rounds=15)
    except NotMeasured as trouble:
        _not_measured(sizes_table, size, trouble)
        figures = {}
    _tell(sizes_table, size, figures)
    if size is workloads.NATION_INTAKE:
        ratio = figures[COMPILED].best_s / figures[FLOOR].best_s if figures else None
        allocators.goal("nation intake, compiled to C floor, sort included, one thread", ratio, 2.0, "x")


def test_a_small_bulletin_stays_small(allocators: Section) -> None:
    """Nation day with applicants sorted before, against nation intake whole."""
    day, intake = Entry(COMPILED_SORTED, "nation day"), Entry(COMPILED, "nation intake")
    ratio, why = None, ""
    try:
        figures = contest.hold([intake, day], limit_s=SLOW_LIMIT_S, rounds=15)
        ratio = figures[day].best_s / figures[intake].best_s
    except NotMeasured as trouble:
        why = str(trouble)
    allocators.goal("nation day sorted before, to nation intake", ratio, 0.1, "x", why=why)


def test_the_alternatives_a_user_would_pick(allocators: Section) -> None:
    table = allocators.table(
        "Alternatives, nation intake",
        ["who", "best", "multiple of the floor", "multiple of the compiled walk"],
        "Each is raced against the floor and the compiled walk in a process of its own.",
    )
    goals = {contest.PANDAS: 40.0, contest.LISTS: 18.0}
    for who in (PLAIN, *ALTERNATIVES):
        ratio, why = None, ""
        try:
            figures = held([Entry(each, "nation intake") for each in (FLOOR, COMPILED, who)])
            ratio = figures[who].best_s / figures[COMPILED].best_s
            to_floor = f"{figures[who].best_s / figures[FLOOR].best_s:.1f}"
            table.rows.append([who, milliseconds(figures[who].best_s), to_floor, f"{ratio:.1f}"])
        except NotMeasured as trouble:
            why = str(trouble)
            table.rows.append([who, why, "", ""])
        if who in goals:
            allocators.goal(f"nation intake, {who} to compiled", ratio, goals[who], "x", at_least=True, why=why)


def test_the_libraries_at_every_size_they_survive(allocators: Section) -> None:
    """A strict city intake: they cannot express turns by a ratio."""
    table = allocators.table(
        "Matching libraries, city intake in strict order",
        ["library", "what of it", "applications", "best", "multiple of the floor", "multiple of the compiled walk"],
        f"Given everyone's suitable vacancies best first, ready made, not timed; stopped after {contest.LIMIT_S:g} s.",
    )
    growth = allocators.grows("City intake in strict order", "applications", "seconds")
    for library in contest.LIBRARIES:
        _race_library(allocators, library, table, growth)


def _race_library(allocators: Section, library: str, table: Table, growth: Growth) -> None:
    ratios, why, note = [], "", contest.note_of(library)
    for share in LIBRARY_SHARES:
        entries = [Entry(each, "city intake", share, True) for each in (FLOOR, COMPILED, library)]
        applications = f"{entries[0].size.applicants:,}"
        try:
            figures = held(entries, limit_s=contest.LIMIT_S)
        except NotMeasured as trouble:
            why = str(trouble)
            table.rows.append([library, note, applications, why, "", ""])
            break
        best = figures[library].best_s
        ratios.append(best / figures[COMPILED].best_s)
        to_floor = f"{best / figures[FLOOR].best_s:.1f}"
        table.rows.append([library, note, applications, milliseconds(best), to_floor, f"{ratios[-1]:.1f}"])
        growth.add(library, entries[0].size.applicants, best)
    allocators.goal(
        f"{library} to compiled, least of {len(ratios)} sizes",
        min(ratios, default=None),
        1.0,
        "x",
        at_least=True,
        why=why,
    )


def test_how_cost_grows(allocators: Section) -> None:
    growth = allocators.grows("Nation intake and parts of it", "applications", "seconds")
    for share in GROWTH_SHARES:
        entries = [Entry(each, "nation intake", share) for each in (FLOOR, COMPILED, PLAIN, contest.LISTS)]
        try:
            figures = held(entries)
        except NotMeasured as trouble:
            growth.title += f" ({trouble})"
            return
        for who, figure in figures.items():
            growth.add(who, entries[0].size.applicants, figure.best_s)


def test_what_a_fresh_process_pays(allocators: Section) -> None:
    table = allocators.table(
        "A fresh process", ["what", "time"], "Each in a process of its own; imports best of three."
    )
    try:
        for module in startup.IMPORTS:
            table.rows.append([f"import {module}", milliseconds(startup.import_s(module))])
        for told, calls in zip(("nothing compiled before", "compiled code kept"), startup.first_calls(), strict=True):
            table.rows.append([f"compiled walk, {told}: import", milliseconds(calls.import_s)])
            table.rows.append([f"compiled walk, {told}: first city day", milliseconds(calls.first_s)])
            table.rows.append([f"compiled walk, {told}: second city day", milliseconds(calls.second_s)])
    except NotMeasured as trouble:
        table.rows.append(["not measured", str(trouble)])
    try:
        allocators.goal("kezek --help, processor time", startup.help_processor_s(), 0.5, "s")
    except NotMeasured as trouble:
        allocators.goal("kezek --help, processor time", None, 0.5, "s", why=str(trouble))


def test_beyond_the_nation_when_asked_for(section: SectionOf) -> None:
    """Twenty million applications; minutes long, so only with KEZEK_BENCHMARK_BEYOND set."""
    if not BEYOND_WANTED:
        section(TITLE).goal("beyond, compiled to C floor", None, 2.5, "x", why="KEZEK_BENCHMARK_BEYOND is not set")
        return
    beyond = section(f"{TITLE}, beyond")
    table = beyond.table(
        "Against the floor", ["workload", "applications", "places", "who", "best", "multiple", "memory"]
    )
    workloads.load(workloads.BEYOND, contest.kept_folder())
    figures: dict[str, Figure] = {}
    alone: dict[str, Figure] = {}
    why = ""
    try:
        figures = held([Entry(each, "beyond") for each in (FLOOR, COMPILED)], rounds=4)
        alone = held([Entry(COMPILED, "beyond")], rounds=2)
    except NotMeasured as trouble:
        why = str(trouble)
    _tell(table, workloads.BEYOND, figures)
    ratio = figures[COMPILED].best_s / figures[FLOOR].best_s if figures else None
    beyond.goal("beyond, compiled to C floor", ratio, 2.5, "x", why=why)
    peak = alone[COMPILED].peak_mb if alone else None
    beyond.goal("beyond, memory of the process", peak, 3000.0, "MB", why=why)


def _tell(table: Table, size: workloads.Size, figures: dict[str, Figure]) -> None:
    for who, figure in figures.items():
        floor = figures[FLOOR_SORTED if who == COMPILED_SORTED else FLOOR]
        multiple = f"{figure.best_s / floor.best_s:.2f}"
        counts = [f"{size.applicants:,}", f"{size.places:,}"]
        table.rows.append([size.name, *counts, who, milliseconds(figure.best_s), multiple, f"{figure.peak_mb:,.0f} MB"])


def _not_measured(table: Table, size: workloads.Size, trouble: NotMeasured) -> None:
    table.rows.append([size.name, f"{size.applicants:,}", f"{size.places:,}", "", str(trouble), "", ""])
