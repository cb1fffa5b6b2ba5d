"""Plain Python objects, written straight from the rules."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from allocators.arrays import ANY_ORGANIZATION, NONE, Proposal
from benchmarks.peers import Peer, serve_by_turns
from benchmarks.workloads import Workload


@dataclass(slots=True, eq=False)
class Vacancy:
    row: int
    queue: int
    organization: int
    kind: int
    rank: int
    free: int
    birth_first: int
    birth_last: int
    left: int = 0


@dataclass(slots=True, eq=False)
class Application:
    row: int
    queue: int
    class_rank: int
    filed_at_us: int
    id_rank: int
    birth_day: int
    suits: list[int]
    wishes: list[int]
    barred: set[int] = field(default_factory=set)

    def can_take(self, vacancy: Vacancy) -> bool:
        return (
            vacancy.left > 0
            and self.suits[vacancy.kind] >= 0
            and vacancy.birth_first <= self.birth_day <= vacancy.birth_last
            and vacancy.row not in self.barred
        )


class Night(NamedTuple):
    applications: list[Application]
    vacancies: list[Vacancy]
    turns: list[tuple[int, int, int]]


class Outcome(NamedTuple):
    place: dict[int, int]
    positions: list[int]


def prepare(workload: Workload) -> Night:
    applicants, places, turns, preferences = workload
    suits = preferences.tolist()
    start, wishes = applicants.wish_start.tolist(), applicants.wish_organization.tolist()
    columns = (
        applicants.queue,
        applicants.class_rank,
        applicants.filed_at_us,
        applicants.id_rank,
        applicants.birth_day,
    )
    rows = zip(*(column.tolist() for column in columns), applicants.profile.tolist(), strict=True)
    applications = [
        Application(row, queue, rank, filed, number, born, suits[profile], wishes[start[row] : start[row + 1]])
        for row, (queue, rank, filed, number, born, profile) in enumerate(rows)
    ]
    for applicant, place in applicants.barred.tolist():
        applications[applicant].barred.add(place)
    fields = (places.queue, places.organization, places.kind, places.rank, places.free)
    bounds = (places.birth_first, places.birth_last)
    vacancies = [
        Vacancy(row, *cells)
        for row, cells in enumerate(zip(*(column.tolist() for column in fields + bounds), strict=True))
    ]
    patterns = zip(turns.first_priority.tolist(), turns.general.tolist(), turns.position.tolist(), strict=True)
    return Night(applications, vacancies, list(patterns))


def run(night: Night) -> Outcome:
    queues: dict[int, list[Application]] = defaultdict(list)
    shelves: dict[int, list[Vacancy]] = defaultdict(list)
    for vacancy in night.vacancies:
        vacancy.left = vacancy.free
        shelves[vacancy.queue].append(vacancy)
    for application in night.applications:
        if application.queue in shelves:
            queues[application.queue].append(application)
    place: dict[int, int] = {}
    positions = [position for _first, _general, position in night.turns]
    for queue, applications in queues.items():
        applications.sort(key=lambda one: (one.class_rank, one.filed_at_us, one.id_rank))
        positions[queue] = _serve_queue(applications, shelves[queue], night.turns[queue], place)
    return Outcome(place, positions)


def _serve_queue(
    applications: list[Application], shelf: list[Vacancy], turns: tuple[int, int, int], place: dict[int, int]
) -> int:
    by_organization: dict[int, list[Vacancy]] = defaultdict(list)
    for vacancy in shelf:
        by_organization[vacancy.organization].append(vacancy)

    def serve(application: Application) -> bool:
        vacancy = _choose(application, by_organization, shelf)
        if vacancy is None:
            return False
        vacancy.left -= 1
        if vacancy.left == 0:
            shelf.remove(vacancy)
        place[application.row] = vacancy.row
        return True

    streams = [[one for one in applications if one.class_rank == rank] for rank in range(3)]
    return serve_by_turns(streams, *turns, serve)


def _choose(
    application: Application, by_organization: dict[int, list[Vacancy]], shelf: list[Vacancy]
) -> Vacancy | None:
    for wish in application.wishes:
        if wish == ANY_ORGANIZATION:
            offered = [vacancy for vacancy in shelf if vacancy.organization not in application.wishes]
        else:
            offered = by_organization.get(wish, [])
        suitable = [vacancy for vacancy in offered if application.can_take(vacancy)]
        if suitable:
            return min(suitable, key=lambda vacancy: (application.suits[vacancy.kind], vacancy.rank))
    return None


def read(workload: Workload, outcome: Outcome) -> Proposal:
    place = np.full(len(workload.applicants.queue), NONE, np.int32)
    place[list(outcome.place)] = list(outcome.place.values())
    return Proposal(place, np.array(outcome.positions, np.int32))


PEERS = (Peer("Python objects", prepare, run, read),)
