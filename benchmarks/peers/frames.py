"""pandas: frames sorted and grouped by it, then a walk over rows, for a choice depends on all choices before it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from allocators.arrays import ANY_ORGANIZATION, NONE, Proposal
from benchmarks.peers import Peer, serve_by_turns
from benchmarks.workloads import Workload


class Night(NamedTuple):
    applications: pd.DataFrame
    vacancies: pd.DataFrame
    suits: list[list[int]]
    barred: set[tuple[int, int]]
    turns: pd.DataFrame


class Outcome(NamedTuple):
    place: pd.Series
    positions: list[int]


def prepare(workload: Workload) -> Night:
    applicants, places, turns, preferences = workload
    start, wishes = applicants.wish_start.tolist(), applicants.wish_organization.tolist()
    applications = pd.DataFrame(
        {
            "queue": applicants.queue,
            "class_rank": applicants.class_rank,
            "filed_at_us": applicants.filed_at_us,
            "id_rank": applicants.id_rank,
            "birth_day": applicants.birth_day,
            "profile": applicants.profile,
            "wishes": [wishes[low:high] for low, high in pairwise(start)],
        }
    )
    vacancies = pd.DataFrame({name: getattr(places, name) for name in places.__slots__})
    patterns = pd.DataFrame({name: getattr(turns, name) for name in turns.__slots__})
    barred = set(map(tuple, applicants.barred.tolist()))
    return Night(applications, vacancies, preferences.tolist(), barred, patterns)


def run(night: Night) -> Outcome:
    offered = night.vacancies[night.vacancies["free"] > 0].sort_values("rank")
    shelves = dict(list(offered.groupby("queue")))
    asking = night.applications[night.applications["queue"].isin(shelves)]
    asking = asking.sort_values(["queue", "class_rank", "filed_at_us", "id_rank"])
    place = pd.Series(NONE, index=night.applications.index, dtype="int32")
    positions = night.turns["position"].tolist()
    rows: list[int] = []
    got: list[int] = []
    for queue, applications in asking.groupby("queue", sort=False):
        serve = _server(night, shelves[queue], rows, got)
        streams = [applications[applications["class_rank"] == rank].itertuples(name="Application") for rank in range(3)]
        turn = night.turns.iloc[queue]
        pattern = int(turn["first_priority"]), int(turn["general"]), int(turn["position"])
        positions[queue] = serve_by_turns(streams, *pattern, serve)
    place.loc[rows] = np.array(got, np.int32)
    return Outcome(place, positions)


def _server(night: Night, shelf: pd.DataFrame, rows: list[int], got: list[int]) -> Callable[[Any], bool]:
    """A function that serves one application of a queue, whose vacancies are `shelf`."""
    vacancies = {vacancy.Index: vacancy for vacancy in shelf.itertuples(name="Vacancy")}
    left = shelf["free"].to_dict()
    by_organization = {code: list(group) for code, group in shelf.index.groupby(shelf["organization"]).items()}

    def serve(application: Any) -> bool:
        suits = night.suits[application.profile]
        for wish in application.wishes:
            best, best_preference = NONE, -1
            for row in left if wish == ANY_ORGANIZATION else by_organization.get(wish, ()):
                vacancy = vacancies[row]
                preference = suits[vacancy.kind]
                if (
                    row in left
                    and preference >= 0
                    and (best == NONE or preference < best_preference)
                    and vacancy.birth_first <= application.birth_day <= vacancy.birth_last
                    and (wish != ANY_ORGANIZATION or vacancy.organization not in application.wishes)
                    and (application.Index, row) not in night.barred
                ):
                    best, best_preference = row, preference
            if best != NONE:
                left[best] -= 1
                if left[best] == 0:
                    del left[best]
                rows.append(application.Index)
                got.append(best)
                return True
        return False

    return serve


def read(_workload: Workload, outcome: Outcome) -> Proposal:
    return Proposal(outcome.place.to_numpy(np.int32), np.array(outcome.positions, np.int32))


PEERS = (Peer("pandas", prepare, run, read),)
