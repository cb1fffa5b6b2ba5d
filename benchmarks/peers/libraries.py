"""Matching libraries, where they can express the job: each vacancy a school, its places the capacity.

A queue in strict order is a serial dictatorship, that is, deferred acceptance where every vacancy ranks the
applicants in the one order of service. Turns by a ratio depend on who is passed over, which no such library knows.
Each gets, ready made, everyone's list of suitable vacancies, best first; that list is not timed. Queues share no
vacancy, so each is a game of its own.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any, NamedTuple

import numpy as np

from allocators.arrays import ANY_ORGANIZATION, NONE, Proposal
from benchmarks import floor
from benchmarks.peers import Peer
from benchmarks.workloads import Workload


class Game(NamedTuple):
    """One queue: `wanted` by applicant in the order of service, `asked` by vacancy; both best first."""

    wanted: dict[int, list[int]]
    asked: dict[int, list[int]]
    capacity: dict[int, int]


def games(workload: Workload) -> list[Game]:
    """Queues as games; applicants whom nothing suits and vacancies that suit nobody are left out."""
    applicants, places, turns, _preferences = workload
    order = floor.sort(applicants, len(turns.position))
    made = []
    for queue in np.unique(places.queue[places.free > 0]).tolist():
        rows = order.rows[order.stream_start[3 * queue] : order.stream_start[3 * queue + 3]].tolist()
        wanted = _wanted(workload, queue, rows)
        asked: dict[int, list[int]] = {}
        for row, vacancies in wanted.items():
            for vacancy in vacancies:
                asked.setdefault(vacancy, []).append(row)
        if wanted:
            made.append(Game(wanted, asked, {vacancy: int(places.free[vacancy]) for vacancy in asked}))
    return made


def _wanted(workload: Workload, queue: int, rows: list[int]) -> dict[int, list[int]]:
    applicants, places, _turns, preferences = workload
    barred = set(map(tuple, applicants.barred.tolist()))
    shelf = np.flatnonzero((places.queue == queue) & (places.free > 0))
    shelf = shelf[np.argsort(places.rank[shelf])]
    by_organization: dict[int, list[int]] = {}
    for vacancy in shelf.tolist():
        by_organization.setdefault(int(places.organization[vacancy]), []).append(vacancy)
    kind, suits = places.kind.tolist(), preferences.tolist()
    first, last = places.birth_first.tolist(), places.birth_last.tolist()
    wanted = {}
    for row in rows:
        suit, born = suits[applicants.profile[row]], int(applicants.birth_day[row])
        wishes = applicants.wish_organization[applicants.wish_start[row] : applicants.wish_start[row + 1]].tolist()
        mine: list[int] = []
        for wish in wishes:
            if wish == ANY_ORGANIZATION:
                offered = [one for one in shelf.tolist() if int(places.organization[one]) not in wishes]
            else:
                offered = by_organization.get(wish, [])
            able = [
                one
                for one in offered
                if suit[kind[one]] >= 0 and first[one] <= born <= last[one] and (row, one) not in barred
            ]
            preference = {one: suit[kind[one]] for one in able}
            mine += sorted(able, key=preference.__getitem__)
        if mine:
            wanted[row] = mine
    return wanted


def _read(workload: Workload, got: list[dict[int, int]]) -> Proposal:
    place = np.full(len(workload.applicants.queue), NONE, np.int32)
    for one in got:
        place[list(one)] = list(one.values())
    return Proposal(place, np.zeros_like(workload.turns.position))


# --- matching -----------------------------------------------------------------------------------------------


def _matching(played: list[Game]) -> list[dict[int, int]]:
    games_of = importlib.import_module("matching.games")
    sys.setrecursionlimit(1_000_000)  # it copies its players deeply
    got = []
    for game in played:
        solved = games_of.HospitalResident.create_from_dictionaries(game.wanted, game.asked, game.capacity).solve()
        got.append({one.name: vacancy.name for vacancy, holders in solved.items() for one in holders})
    return got


# --- matching-algorithms ------------------------------------------------------------------------------------


def _dictatorship(played: list[Game]) -> list[dict[int, int]]:
    main = importlib.import_module("matching_algorithms.main")
    got = []
    for game in played:
        solved = main.serial_dictatorship(game.wanted, game.capacity, list(game.wanted))
        got.append({one: vacancy for one, vacancy in solved.items() if vacancy is not None})
    return got


# --- py-school-match ----------------------------------------------------------------------------------------


def _school_match_module() -> Any:
    """Its deferred acceptance needs no graphs, but importing it needs graph-tool, which PyPI does not have."""
    if "graph_tool.all" not in sys.modules:
        stand_in = types.ModuleType("graph_tool.all")
        for name in ("Graph", "graph_draw", "all_circuits", "arf_layout", "sfdp_layout"):
            setattr(stand_in, name, None)
        sys.modules["graph_tool"] = types.ModuleType("graph_tool")
        sys.modules["graph_tool.all"] = stand_in
    return importlib.import_module("py_school_match.entities"), importlib.import_module("py_school_match.algorithms.da")


def _school_match(played: list[Game]) -> list[dict[int, int]]:
    entities, algorithm = _school_match_module()
    got = []
    for game in played:
        earlier = entities.Criteria("earlier", int)
        rules = entities.RuleSet()
        rules.add_rule(entities.Rule(earlier))
        schools = {vacancy: entities.School(capacity, f"v{vacancy}") for vacancy, capacity in game.capacity.items()}
        students = {}
        for nth, (row, vacancies) in enumerate(game.wanted.items()):
            student = students[row] = entities.Student(f"a{row}")
            student.preferences = [schools[vacancy] for vacancy in vacancies]
            student.add_characteristic(entities.Characteristic(earlier, len(game.wanted) - nth))
        entities.SocialPlanner(list(students.values()), list(schools.values()), rules).run_matching(algorithm.DA())
        vacancy_of = {school: vacancy for vacancy, school in schools.items()}
        got.append({row: vacancy_of[one.assigned_school] for row, one in students.items() if one.assigned_school})
    return got


# --- scarfmatch ---------------------------------------------------------------------------------------------


def _scarf(played: list[Game]) -> list[dict[int, int]]:
    scarf = importlib.import_module("scarf")
    got = []
    for game in played:
        rows, vacancies = list(game.wanted), list(game.capacity)
        number = {one: at for at, one in enumerate(vacancies)}
        singles = [[number[one] for one in wanted] for wanted in game.wanted.values()]
        common_order = list(range(len(rows)))
        made = scarf.create_instance(singles, [], common_order, [game.capacity[one] for one in vacancies])
        solved = scarf.solve(made)
        chosen = {row: solved.s(at) for at, row in enumerate(rows)}
        got.append({row: vacancies[one[0]] for row, one in chosen.items() if one and one[0] >= 0})
    return got


PEERS = (
    Peer("matching", games, _matching, _read, True, "HospitalResident"),
    Peer("py-school-match", games, _school_match, _read, True, "DA; graph-tool, not on PyPI, replaced by nothing"),
    Peer("matching-algorithms", games, _dictatorship, _read, True, "serial_dictatorship, given the order of service"),
    Peer("scarfmatch", games, _scarf, _read, True, "Scarf's algorithm without couples"),
)
