"""Applicants, places and turns as columns: what an allocation takes in and gives back.

Everything is encoded by the caller: a queue, an organisation, a profile, a kind and a day are numbers.
The arrays are never modified by an allocation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Int8: TypeAlias = NDArray[np.int8]
Int32: TypeAlias = NDArray[np.int32]
Int64: TypeAlias = NDArray[np.int64]

OUT_OF_TURN, FIRST_PRIORITY, GENERAL = 0, 1, 2
ANY_ORGANIZATION = -1
NONE = -1


@dataclass(frozen=True, slots=True)
class Applicants:
    """Who asks, one row an applicant, in any order (rules A3, A4, C1).

    queue:             (n,) int32, index of the queue, 0 <= queue < number of queues
    class_rank:        (n,) int8, OUT_OF_TURN, FIRST_PRIORITY or GENERAL
    filed_at_us:       (n,) int64, moment of filing, microseconds since 1970-01-01T00:00Z
    id_rank:           (n,) int32, place of the application id in text order; all different
    birth_day:         (n,) int32, days since 1970-01-01
    profile:           (n,) int32, row of `preferences`
    wish_start:        (n+1,) int64, wishes of applicant i are wish_organization[wish_start[i]:wish_start[i+1]]
    wish_organization: (m,) int32, organisations, best first; ANY_ORGANIZATION = every one not named
    barred:            (b, 2) int32, (applicant, place): declined or refused before
    """

    queue: Int32
    class_rank: Int8
    filed_at_us: Int64
    id_rank: Int32
    birth_day: Int32
    profile: Int32
    wish_start: Int64
    wish_organization: Int32
    barred: Int32


@dataclass(frozen=True, slots=True)
class Places:
    """What is free, one row a vacancy, in any order (rules B1, C1, C2).

    queue:        (p,) int32, index of the queue
    organization: (p,) int32, >= 0
    kind:         (p,) int32, column of `preferences` (language, group type, regime, admission order)
    rank:         (p,) int32, place in the order of start date, publication moment, vacancy id; all different
    free:         (p,) int32, free places, >= 0
    birth_first:  (p,) int32, first birth day whose age suits the start date, inclusive
    birth_last:   (p,) int32, last such birth day, inclusive
    """

    queue: Int32
    organization: Int32
    kind: Int32
    rank: Int32
    free: Int32
    birth_first: Int32
    birth_last: Int32


@dataclass(frozen=True, slots=True)
class Turns:
    """The turn pattern of each queue (rule A5), one row a queue.

    first_priority: (q,) int32, turns of the first-priority stream in a round; 0 = strict order
    general:        (q,) int32, turns of the general stream in a round; 0 = strict order
    position:       (q,) int32, turns of the present round already spent, 0 <= position < first_priority + general;
                    turn number t of a round belongs to first-priority if t < first_priority, else to general
    """

    first_priority: Int32
    general: Int32
    position: Int32


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who gets what.

    place:          (n,) int32, row of Places, NONE = no place
    position_after: (q,) int32, turns of the round spent after the last voucher; 0 for strict queues
    """

    place: Int32
    position_after: Int32
