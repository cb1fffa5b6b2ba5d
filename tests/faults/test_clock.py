"""T15: clocks that jump, the year's end, a leap day, an hour that comes twice; two schedulers, as real processes.

The clock of the processes is libfaketime's. Whatever it does: one run a business date, no voucher lapses before its
last day is over, none comes back to life, and a jump raises an alarm.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from queue_engine.answers.status import STALE
from queue_engine.store.engine import Database
from queue_engine.store.service import read_heartbeat
from support import services
from support.department import Department
from support.faketime import FakedClock
from support.figures import Figure
from support.processes import Finished, kezek, records, url
from support.rows import application, place, rule

ALMATY = ZoneInfo("Asia/Almaty")
BACK, FORWARD = "the clock went back by", "the clock went forward by"
SETTLES_AT_ONCE = "scheduler.SETTLE = timedelta(seconds=1)\n"
NEVER_SETTLES = "scheduler.SETTLE = timedelta(0)\n"


class Step(NamedTuple):
    """The clock is set to `moment`, and then the night of `last` is the last on record."""

    moment: str
    last: str


class Story(NamedTuple):
    """What a clock does, from the first night on; `alarms` are the words of each jump that must be told."""

    what: str
    first: str
    steps: tuple[Step, ...]
    alarms: tuple[str, ...] = ()
    run_at: str = "00:30"


STORIES = (
    Story(
        "ten days forward",
        "2026-02-02",
        (Step("2026-02-03T12:00+05:00", "2026-02-02"), Step("2026-02-13T12:00+05:00", "2026-02-12")),
        (FORWARD,),
    ),
    Story(
        "three hours back over a night that lapsed vouchers",
        "2026-02-02",
        (
            Step("2026-02-10T00:30:01+05:00", "2026-02-09"),
            Step("2026-02-09T21:30:01+05:00", "2026-02-09"),
            Step("2026-02-10T00:30:01+05:00", "2026-02-09"),
            Step("2026-02-11T00:30:01+05:00", "2026-02-10"),
        ),
        (BACK, FORWARD, FORWARD),
    ),
    Story(
        "the year's end",
        "2025-12-29",
        (
            Step("2025-12-31T23:59:58+05:00", "2025-12-30"),
            Step("2026-01-01T00:29:58+05:00", "2025-12-31"),
            Step("2026-01-02T00:30:01+05:00", "2026-01-01"),
        ),
        (FORWARD,),
    ),
    Story(
        "a leap day",
        "2024-02-26",
        (
            Step("2024-02-29T00:29:58+06:00", "2024-02-28"),
            Step("2024-03-01T00:29:58+05:00", "2024-02-29"),
            Step("2024-03-02T00:30:01+05:00", "2024-03-01"),
        ),
        (FORWARD, FORWARD),
    ),
    Story(
        "the hour that Kazakhstan had twice, with the night's time in it",
        "2024-02-26",
        (
            Step("2024-02-29T23:29:57+06:00", "2024-02-28"),
            Step("2024-02-29T23:29:57+05:00", "2024-02-28"),
            Step("2024-03-01T23:30:01+05:00", "2024-02-29"),
        ),
        (FORWARD,),
        run_at="23:30",
    ),
)


class Stage:
    """A department with vouchers of its first night, and the clock of its schedulers."""

    def __init__(self, folder: Path, story: Story) -> None:
        folder.mkdir(parents=True)
        self.where = url(folder / "city.db")
        self.city = Department(folder, database=self.where, rules=rule("run.at", story.run_at))
        year = date.fromisoformat(story.first).year - 3
        born, filed = f"{year}-05-15", f"{story.first}T08:00:00+05:00"
        self.city.applications(*(application(f"A{n}", birth_date=born, filed_at=filed) for n in range(1, 6)))
        self.city.bulletin(place("V1", story.first, birth_year=str(year), places="3"))
        self.city.run(story.first)
        self.clock = FakedClock(folder, story.steps[0].moment)

    def take(self, step: Step) -> None:
        """Set the clock, wait until the schedulers have seen it, and until the night is on record."""
        self.clock.set(step.moment)
        services.wait_until(lambda: self.beat_age() < timedelta(seconds=30), "a heartbeat")
        services.wait_until(lambda: self.last() >= step.last, f"the night of {step.last}")
        time.sleep(3 if step.moment[17:19] in ("57", "58") else 1)
        assert self.last() == step.last

    def beat_age(self) -> timedelta:
        database = Database(self.where)
        with database.read() as connection:
            beat = read_heartbeat(connection)
        database.engine.dispose()
        return abs(self.clock.now() - beat.beat_at) if beat else STALE

    def last(self) -> str:
        return services.nights(self.where)[-1][1]

    def today(self) -> str:
        """The civil day by the clock."""
        return self.clock.now().astimezone(ALMATY).date().isoformat()

    def lapsed_early(self, today: str) -> int:
        """Vouchers that lapsed though their last day is not over on `today`, or before the run of that day."""
        database = Database(self.where)
        with database.read() as connection:
            rows = connection.exec_driver_sql(
                "select expires_on, closed_on from voucher where status = 'expired'"
            ).all()
        database.engine.dispose()
        return sum(last >= today or closed < last for last, closed in rows)

    def lapsed(self) -> set[str]:
        table = csv.DictReader(io.StringIO(records(self.where).vouchers))
        return {row["voucher_id"] for row in table if row["status"] == "expired"}


class Played(NamedTuple):
    """How two schedulers ended, and how many vouchers lapsed early or came back to life."""

    answers: list[Finished]
    harmed: int


def play(stage: Stage, story: Story) -> Played:
    """The whole story with two schedulers."""
    harmed, dead, latest = 0, set[str](), ""
    with services.running(stage.where, 2, SETTLES_AT_ONCE, stage.clock.surroundings) as both:
        for step in story.steps:
            stage.take(step)
            latest = max(latest, stage.today())
            harmed += stage.lapsed_early(latest) + len(dead - stage.lapsed())
            dead = stage.lapsed()
        return Played([services.stopped(process) for process in both], harmed)


def dates(story: Story) -> list[tuple[str, str]]:
    """Every business date from the first to the last, once."""
    first, last = date.fromisoformat(story.first), date.fromisoformat(story.steps[-1].last)
    return [("almaty", (first + timedelta(days=day)).isoformat()) for day in range((last - first).days + 1)]


def doubled_without_guards(folder: Path, story: Story) -> int:
    """The nights that two schedulers run twice by the same clock, with locks and the unique key off."""
    stage = Stage(folder, story)
    services.allow_doubles(stage.where)
    meeting = folder / "meeting"
    meeting.mkdir()
    prologue = SETTLES_AT_ONCE + services.NO_LOCKS + services.MEET.format(place=str(meeting))
    with services.running(stage.where, 2, prologue, stage.clock.surroundings):
        for step in story.steps:
            stage.clock.set(step.moment)
            if step.last != story.first:
                break
            services.wait_until(lambda: stage.beat_age() < timedelta(seconds=30), "a heartbeat")
        services.wait_until(lambda: bool(services.twice(stage.where)), "a night that is run twice")
    return len(services.twice(stage.where))


def test_every_business_date_is_run_once_and_no_voucher_lapses_early(
    tmp_path: Path, figure: Callable[[Figure], None]
) -> None:
    """Rules D6, F1 with two schedulers. The twin has neither locks nor the unique key, and sees a night run twice."""
    stages = [Stage(tmp_path / f"city{number}", story) for number, story in enumerate(STORIES)]
    with ThreadPoolExecutor(len(STORIES)) as pool:  # most of each is waiting
        played = list(pool.map(play, stages, STORIES))
    doubled = doubled_without_guards(tmp_path / "twin", STORIES[-1])
    assert doubled
    for story, stage, (answers, harmed) in zip(STORIES, stages, played, strict=True):
        assert [answer.code for answer in answers] == [0, 0], answers
        for answer in answers:
            jumps = [line for line in answer.err.splitlines() if "[clock.jumped]" in line]
            assert len(jumps) == len(story.alarms), answer.told
            assert all(words in line for words, line in zip(story.alarms, jumps, strict=True)), jumps
            assert services.failed([answer]) == []
        wanted, found = dates(story), services.nights(stage.where)
        figure(
            Figure(
                "T15",
                f"two schedulers, {story.what}",
                len(wanted),
                len(found) - len(set(found)) + len(set(wanted) ^ set(found)) + harmed,
                f"in the doubled hour without locks and unique key: {doubled} nights on record twice",
                f"{len(stage.lapsed())} vouchers lapsed, none early; alarms told: {len(story.alarms)}",
            )
        )


def test_a_clock_that_is_wrong_for_a_moment_does_no_harm(tmp_path: Path, figure: Callable[[Figure], None]) -> None:
    """Ten days forward and put right again. The twin does not wait for the clock to settle, and lapses vouchers."""
    story = STORIES[0]
    harm = []
    for name, prologue in (("held", ""), ("twin", NEVER_SETTLES)):
        stage = Stage(tmp_path / name, story)
        with services.running(stage.where, 1, prologue, stage.clock.surroundings) as [process]:
            stage.take(story.steps[0])
            stage.clock.set(story.steps[1].moment)
            services.wait_until(lambda stage=stage: stage.beat_age() < timedelta(seconds=30), "a heartbeat")
            time.sleep(3)
            stage.clock.set("2026-02-03T12:01+05:00")
            services.wait_until(lambda stage=stage: stage.beat_age() < timedelta(seconds=30), "a heartbeat")
            answer = services.stopped(process)
        assert answer.code == 0, answer.told
        assert FORWARD in answer.err
        assert BACK in answer.err
        harm.append(stage.lapsed_early(stage.today()))
    assert harm[1] == 3
    figure(
        Figure(
            "T15",
            "a clock wrong by ten days for three seconds",
            3,
            harm[0],
            f"without the time to settle {harm[1]} vouchers lapsed before their day",
        )
    )


def test_a_locality_imported_while_it_runs_has_the_coming_night_first(tmp_path: Path) -> None:
    """Its files may still be coming in; and without a restart it is there at its time."""
    story = STORIES[0]
    stage = Stage(tmp_path / "city", story)
    with services.running(stage.where, 1, SETTLES_AT_ONCE, stage.clock.surroundings) as [process]:
        stage.take(story.steps[0])
        stage.city.applications(application("D1", locality="taraz"))
        time.sleep(1)
        stage.clock.set("2026-02-04T00:30:01+05:00")
        services.wait_until(lambda: ("taraz", "2026-02-03") in services.nights(stage.where), "its first night")
        assert services.stopped(process).code == 0
    assert [day for code, day in services.nights(stage.where) if code == "taraz"] == ["2026-02-03"]


def test_status_raises_the_alarm_of_a_clock_set_back(tmp_path: Path) -> None:
    """Exit 3 and the words, by the command as monitoring runs it; before the jump it is 0."""
    story = STORIES[1]
    stage = Stage(tmp_path / "city", story)
    with services.running(stage.where, 1, SETTLES_AT_ONCE, stage.clock.surroundings) as [process]:
        stage.take(story.steps[0])
        assert kezek(stage.where, "status", surroundings=stage.clock.surroundings).code == 0
        stage.take(story.steps[1])
        answer = kezek(stage.where, "status", surroundings=stage.clock.surroundings)
        services.stopped(process)
    assert answer.code == 3, answer.told
    assert f"Overdue: scheduler: {BACK} 3:00:" in answer.out
    assert "almaty: the night of 2026-02-09 is on record, ahead of the clock." in answer.out
