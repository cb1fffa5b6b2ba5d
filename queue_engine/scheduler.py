"""The service: the night of each locality at its own time, missed ones first, each once (decision 9).

A look, every few seconds, notes the heartbeat, watches the clock, and hands APScheduler the next night of every
locality; APScheduler begins each at its moment, one after another. What is due comes from the records, so a restart, a
second scheduler or an hour that comes twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from threading import Event, Lock
from time import perf_counter
from typing import NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from queue_engine.answers.status import jump_in_words
from queue_engine.domain.timetable import ONE_DAY, UNSTEADY, jump, last_due, moment_of, pause_after
from queue_engine.errors import KezekError, LocalityHeld
from queue_engine.law.rulebook import Rulebook
from queue_engine.night.context import NightReport
from queue_engine.night.run import Due, night_failed, run_locality
from queue_engine.night.words import night_in_words
from queue_engine.settings import Clock
from queue_engine.store.engine import Database
from queue_engine.store.records import Locality, find_locality, localities, rulebook
from queue_engine.store.service import read_heartbeat, write_alarm, write_beat, write_outcome

LOOK_SECONDS = 15.0
"""Time between two looks: a new locality, a changed rule or a jump of the clock is seen within it."""
SETTLE = timedelta(minutes=10)
"""After a jump forward no night begins for so long, that a wrong clock can be put right before it does harm."""
HELD_PAUSE = timedelta(seconds=30)
"""When to try again what another run holds."""

Tell = Callable[[str], None]


class Planned(NamedTuple):
    """The next night of a locality, and the aware moment to begin it."""

    locality: str
    day: date
    at: datetime


class Service:
    """Plans and runs the nights of one database: `start`, then `look` again and again, then `stop`, by one thread.

    Nights run in a thread of their own. `clock` gives aware moments; `tell` takes lines of words, from either thread.
    """

    def __init__(self, database: Database, clock: Clock, tell: Tell) -> None:
        self._database = database
        self._clock = clock
        self._tell = tell
        self._stopping = Event()
        self._lock = Lock()  # of what both threads change: all that follows
        self._handed: dict[str, datetime] = {}
        self._not_before: dict[str, datetime] = {}
        self._first: dict[str, date] = {}
        self._seen_at: datetime | None = None
        self._settled_at: datetime | None = None
        self._alarm: tuple[datetime, timedelta] | None = None  # not on record yet
        # What a job meets is told by us; APScheduler's own words on it hold a traceback.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL + 1)
        self._timer = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        """Begin; what is due is run at once. Raises what the database raises if it cannot be used."""
        now = self._clock()
        with self._database.read() as connection:
            beat = read_heartbeat(connection)
        # Time that passed while no scheduler was there is no jump; time that went back is.
        behind = beat is not None and now < beat.beat_at - UNSTEADY
        self._seen_at = beat.beat_at if beat is not None and behind else now
        self._look(starting=True)
        self._timer.start()

    def look(self) -> None:
        """Look after everything once; a database that cannot be used is told of, and asked again the next time."""
        try:
            self._look(starting=False)
        except (SQLAlchemyError, OSError) as error:
            self._tell(f"[scheduler.look] the database could not be used ({type(error).__name__}); tried again soon.")
        except KezekError as error:
            self._tell(str(error))

    def stop(self) -> None:
        """End in good order: the night under way is finished, no other begins."""
        self._stopping.set()
        if self._timer.running:
            # Its thread must find nothing to do any more: shut down while it hands out a job, it breaks.
            self._timer.pause()
            self._timer.remove_all_jobs()
            self._timer.shutdown(wait=True)
        try:
            with self._database.note() as connection:
                write_beat(connection, self._clock(), stopped=True)
        except (SQLAlchemyError, OSError) as error:
            self._tell(f"[scheduler.look] the end could not be noted ({type(error).__name__}).")

    def _look(self, *, starting: bool) -> None:
        now = self._clock()
        self._watch(now)
        with self._sign_of_life(now):
            pass
        if not self._settled(now):
            return
        with self._database.read() as connection:
            found, law = localities(connection), rulebook(connection)
        for planned in self.plan(found, law, now, starting=starting):
            self._hand_over(planned)
        if self._timer.running:
            self._timer.wakeup()  # it measures its waits by a clock that may have been set anew

    def _watch(self, now: datetime) -> timedelta:
        """By how much the clock jumped since it was last seen; if it did, forget what was reckoned by it."""
        with self._lock:
            jumped = jump(self._seen_at or now, now)
            self._seen_at = now
            if not jumped:
                return jumped
            self._not_before.clear()
            self._settled_at = now + SETTLE if jumped > timedelta() else None
            self._alarm = now, jumped
        held = f" No night begins before {self._settled_at:%Y-%m-%d %H:%M:%S %Z}." if self._settled_at else ""
        self._tell(f"[clock.jumped] {jump_in_words(jumped)}. Rule F1. Check the machine's clock.{held}")
        return jumped

    @contextmanager
    def _sign_of_life(self, now: datetime) -> Iterator[Connection]:
        """A transaction that notes the heartbeat, and the alarm that is not on record yet."""
        alarm = self._alarm
        with self._database.note() as connection:
            write_beat(connection, now)
            if alarm is not None:
                write_alarm(connection, *alarm)
            yield connection
        with self._lock:
            if self._alarm is alarm:
                self._alarm = None

    def _settled(self, now: datetime) -> bool:
        with self._lock:
            return self._settled_at is None or now >= self._settled_at

    def plan(self, found: list[Locality], law: Rulebook, now: datetime, *, starting: bool) -> list[Planned]:
        """The next night of each locality, by code.

        A locality without a night begins with the last that is due when the service starts; one that comes later,
        with the next: its files may still be coming in.
        """
        plans = []
        with self._lock:
            for entry in found:
                day = entry.open_day
                if day is None:
                    run_at = law.on(now.astimezone(entry.timezone).date(), entry.locality).run_at
                    due = last_due(now, run_at, entry.timezone)
                    day = self._first.setdefault(entry.locality, due if starting else due + ONE_DAY)
                at = _moment(entry, law, day)
                plans.append(Planned(entry.locality, day, max(at, self._not_before.get(entry.locality, at))))
        return plans

    def _hand_over(self, planned: Planned) -> None:
        """Have the timer begin it at its moment, unless it knows."""
        with self._lock:
            if self._handed.get(planned.locality) == planned.at:
                return
            self._handed[planned.locality] = planned.at
        trigger = DateTrigger(planned.at)
        self._timer.add_job(self.run, trigger, (planned,), id=planned.locality, replace_existing=True)

    def run(self, planned: Planned) -> None:
        """Run the nights of a locality from the planned one to the last that is due; never raises."""
        try:
            self._run(planned)
        except LocalityHeld:
            self._put_off(planned.locality, HELD_PAUSE)
        except Exception as error:  # whatever it was, the other localities have their nights
            self._note(NightReport(planned.locality, planned.day, failure=night_failed(error)), 0)
        finally:
            with self._lock:
                self._handed.pop(planned.locality, None)

    def _run(self, planned: Planned) -> None:
        now = self._clock()
        if self._stopping.is_set() or self._watch(now) or not self._settled(now):
            return
        with self._database.read() as connection:
            entry, law = find_locality(connection, planned.locality), rulebook(connection)
        last = first = entry.open_day or planned.day
        if _moment(entry, law, first) > now:
            return
        while _moment(entry, law, last + ONE_DAY) <= now:
            last += ONE_DAY
        # The first night of all is run alone: `run_locality` has no day to catch up from.
        due = Due(planned.locality, first if entry.open_day is None else last)
        with self._database.run_lock():
            began = perf_counter()
            for report in run_locality(self._database, due):
                self._note(report, round((perf_counter() - began) * 1000))
                if self._stopping.is_set() or not self._settled(self._clock()):
                    return
                began = perf_counter()

    def _note(self, report: NightReport, duration_ms: int) -> None:
        """Tell of a night and note how it ended, and that we are alive."""
        if isinstance(report.failure, LocalityHeld):
            self._put_off(report.locality, HELD_PAUSE)
            return
        self._tell(night_in_words(report))
        if report.repeated:
            return
        now = self._clock()
        self._watch(now)
        error = report.failure.code if report.failure else ""
        failures = 1
        try:
            with self._sign_of_life(now) as connection:
                failures = write_outcome(connection, report.locality, report.day, now, duration_ms, error)
        except (SQLAlchemyError, OSError) as broken:
            self._tell(f"[scheduler.look] the outcome could not be noted ({type(broken).__name__}).")
        if error:
            self._put_off(report.locality, pause_after(failures))

    def _put_off(self, locality: str, pause: timedelta) -> None:
        with self._lock:
            self._not_before[locality] = self._clock() + pause


def _moment(entry: Locality, law: Rulebook, day: date) -> datetime:
    """When the night of `day` is due in a locality, by the rules of that day."""
    return moment_of(day, law.on(day, entry.locality).run_at, entry.timezone)
