"""A department with a service whose clock the tests set, and whose nights they begin by hand as the timer would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from queue_engine import scheduler
from queue_engine.answers.status import Status, read_status
from queue_engine.night import run
from queue_engine.scheduler import Planned, Service
from queue_engine.store.engine import Database
from support.department import Department

ALMATY = ZoneInfo("Asia/Almaty")


class Hands:
    """A clock whose hands the test sets: local time of Almaty."""

    def __init__(self, local: str) -> None:
        self.set(local)

    def set(self, local: str) -> None:
        self.now = datetime.fromisoformat(local).replace(tzinfo=ALMATY).astimezone(UTC)

    def __call__(self) -> datetime:
        return self.now


class Desk:
    """A department with a service, its clock, and what it told."""

    def __init__(self, city: Department, local: str) -> None:
        self.city = city
        self.clock = Hands(local)
        self.told: list[str] = []
        self.database = Database(city.database)
        self.service = Service(self.database, self.clock, self.told.append)

    def plans(self, *, starting: bool = True) -> list[Planned]:
        """What the service plans now."""
        with self.database.read() as connection:
            found, law = scheduler.localities(connection), scheduler.rulebook(connection)
        return self.service.plan(found, law, self.clock(), starting=starting)

    def pass_time(self, local: str) -> None:
        """The clock goes on to a moment by small steps, as clocks do, and the service looks at each."""
        until = Hands(local)()
        while self.clock.now < until:
            self.clock.now = min(self.clock.now + timedelta(minutes=30), until)
            self.service.look()

    def run_all(self, *, starting: bool = True) -> None:
        """Run what is planned for now or earlier, as the timer would."""
        for planned in self.plans(starting=starting):
            if planned.at <= self.clock():
                self.service.run(planned)

    def nights(self, locality: str = "almaty") -> list[str]:
        return [day.isoformat() for day, _counts in run.past_runs(self.database, locality)]

    def status(self) -> Status:
        with self.database.read() as connection:
            return read_status(connection, self.clock())
