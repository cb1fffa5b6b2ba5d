"""One history of the service: its life day by day, with or without faults, checked after its nights."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from queue_engine.intake.report import ImportReport
from queue_engine.night.context import NightReport
from simulation.acknowledge import acknowledge, check_answer, foretold
from simulation.books import Books
from simulation.checks import check_locality
from simulation.dice import Dice
from simulation.faults import IN_A_NIGHT, IN_AN_IMPORT, Faults
from simulation.life import Life
from simulation.operations import File, Operation
from simulation.service import Clock, Killed, Service
from simulation.state import read_state

SIZE, SPANS, CHECKING = 7, 8, 9
"""Purposes of draws."""
ZONES = ("Asia/Almaty", "Asia/Aqtobe", "Asia/Qyzylorda")
EARLIEST, LATEST = date(2020, 3, 1), date(2026, 6, 1)
LOCALITIES = (1, 1, 1, 1, 1, 2, 2, 3)
DAYS = (10, 12, 14, 14, 18, 21, 28, 45)
REMEMBERED = 40
"""Steps that a failure shows."""


@dataclass(frozen=True)
class Size:
    """How long a history is, and where and when it begins; checked: every how many nights of a locality, about."""

    localities: int
    days: int
    first_day: date
    zone: str
    checked: int

    @classmethod
    def drawn(cls, seed: int, localities: int | None = None, days: int | None = None) -> Size:
        """Of the seed: one to three localities, ten days to six weeks; either may be given instead."""
        dice = Dice(seed, SIZE)
        first_day = EARLIEST + timedelta(days=dice.between(0, (LATEST - EARLIEST).days))
        size = cls(dice.pick(LOCALITIES), dice.pick(DAYS), first_day, dice.pick(ZONES), dice.between(1, 4))
        size = replace(size, localities=localities or size.localities, days=days or size.days)
        return replace(size, checked=size.checked * size.weight)

    @property
    def weight(self) -> int:
        """How much rarer what reads all records is in a long history, lest it take longer than the history."""
        return max(1, self.days // 60)


class Broken(Exception):
    """What must hold did not: in which seed, at which step, what; and how to see it again."""

    def __init__(self, seed: int, size: Size, where: str, what: object, trace: Iterable[str] = ()) -> None:
        shown = "\n".join(f"    {line[:200]}" for line in list(trace)[-12:])
        super().__init__(
            f"seed {seed}, {where}: {what}\n  repeat: python -m simulation {seed} "
            f"--localities {size.localities} --days {size.days} --verbose" + (f"\n{shown}" if shown else "")
        )


class History:
    """One of the histories of a seed; `spans` plays it, and stops after each span of days.

    faults None: nothing goes wrong, every night is run on its day.
    """

    def __init__(self, seed: int, size: Size, service: Service, faults: Faults | None, say: Callable[[str], None]):
        self.seed, self.size, self.service, self.faults, self.say = seed, size, service, faults, say
        self.zone = ZoneInfo(size.zone)
        self.localities = tuple(f"l{number}" for number in range(1, size.localities + 1))
        self.books = Books()
        self.life = Life(seed, self.localities, self.zone, size.first_day, self.books)
        self.steps = 0
        self.operations = 0
        self.checks = 0
        self._before: tuple[str, str, str] | None = None
        self.trace: deque[str] = deque(maxlen=REMEMBERED)

    def spans(self) -> Iterator[date]:
        """Play, and yield the last day of each span when its nights are done."""
        dice = Dice(self.seed, SPANS)
        day, end = self.size.first_day, self.size.first_day + timedelta(days=self.size.days)
        while day < end:
            length = 1 if day == self.size.first_day or dice.chance(0.6) else dice.between(2, 6)
            days = [day + timedelta(days=ahead) for ahead in range(min(length, (end - day).days))]
            try:
                self._span(days)
            except Exception as error:
                kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
                where = f"step {self.steps} ({self.trace[-1][:200] if self.trace else 'the beginning'})"
                raise Broken(self.seed, self.size, where, f"{kind}{error}", self.trace) from error
            yield days[-1]
            day = days[-1] + timedelta(days=1)

    def _span(self, days: list[date]) -> None:
        plan = self.life.plan(days, read_state(self.service.database, days[0]))
        late = self._nights_missed(days)
        handed = 0
        for number, day in enumerate(days):
            for operation in plan[number] if number >= handed else ():
                self.hand_in(operation)
            handed = max(handed, number + 1)
            if day in late:
                continue
            between: list[Operation] = []
            if self.faults and number + 1 < len(days) and handed == number + 1 and self._dice().chance(0.4):
                between, handed = plan[number + 1], number + 2
                self.faults.counts["files in between nights"] += 1
            self.night(day, between)
            if not between:
                self._check(day)

    def _nights_missed(self, days: list[date]) -> set[date]:
        """Days of a span whose nights are caught up later, if faults are in: never the last."""
        dice = self._dice()
        if self.faults is None or len(days) == 1 or dice.chance(0.4):
            return set()
        missed = set(dice.some(days[:-1], 0.7))
        self.faults.counts["nights missed"] += len(missed)
        return missed

    def _dice(self) -> Dice:
        """Draws of this step of this history."""
        return Dice(self.seed, CHECKING, self.steps)

    def _tell(self, words: str) -> None:
        self.trace.append(words)
        self.say(f"{self.steps:5d}  {words}")

    def nights(self) -> int:
        """Nights on record, of all localities."""
        with self.service.database.read() as connection:
            return int(connection.exec_driver_sql("select count(*) from run").scalar_one())

    # Files and acts

    def hand_in(self, operation: Operation) -> None:
        """Hand one thing in, with what goes wrong on the way, and write down what was acknowledged."""
        self.steps += 1
        self.operations += 1
        self._tell(str(operation))
        taken = []
        if isinstance(operation, File) and operation.kind in ("applications", "bulletin"):
            with self.service.database.read() as connection:
                taken = foretold(connection, self.books, operation)
        answer, again = self._ask(operation), False
        if answer is None:
            answer, again = self.service.hand_in(operation), True
        with self.service.database.read() as connection:
            noted = acknowledge(connection, self.books, operation, taken)
        check_answer(operation, answer, noted, again=again)
        if self.faults and self.faults.dice(self.steps).chance(0.1):
            self.faults.counts["handed in twice"] += 1
            check_answer(operation, self.service.hand_in(operation), noted, again=True)

    def _ask(self, operation: Operation) -> ImportReport | str | None:
        """The answer, or None if the process died before anybody heard it, be it before or after the commit."""
        if self.faults is None:
            return self.service.hand_in(operation)
        dice = self.faults.dice(self.steps)
        dice.chance(0.1)
        operation = self.faults.disordered(dice, operation)
        if not dice.chance(0.25):
            return self.service.hand_in(operation)
        self.faults.before_statement(dice.between(1, IN_AN_IMPORT), self.faults.die)
        died = self._dies(lambda: self.service.hand_in(operation))
        self.faults.counts["imports broken off" if died else "answers lost"] += 1
        self.service.restart()
        # If the fault fell after the last statement, it was committed, and nobody heard the answer.
        return self.service.hand_in(operation) if died else None

    def _dies(self, work: Callable[[], object]) -> bool:
        """Whether the process died at its work. Its frames go with the exception, and what they held open with them."""
        assert self.faults is not None
        try:
            work()
        except Killed:
            return True
        finally:
            self.faults.disarm()
        return False

    # Nights

    def night(self, day: date, between: list[Operation]) -> None:
        """All nights due up to the day, with what goes wrong; `between` is handed in after the first of them."""
        self.steps += 1
        self._tell(f"nights up to {day}")
        clock = Clock.at_night_of(day, self.zone, self._dice().between(0, 86_399))
        if self.faults:
            self._clock_behind(day)
            self._die_in_the_night(clock)
        for number, report in enumerate(self._run(clock)):
            if number == 0:
                for operation in between:
                    self.hand_in(operation)
            assert report.day <= day, f"a night of {report.day} was run on the evening of {day}"
        if self.faults and self.faults.dice(self.steps).chance(0.15 / self.size.weight):
            self._again(clock)

    def _run(self, clock: Clock) -> Iterator[NightReport]:
        for report in self.service.nights(clock):
            assert report.failure is None, f"the night of {report.locality} failed: {report.failure}"
            for words in report.refused_acts:
                self.books.act_refused(words)
            yield report

    def _die_in_the_night(self, clock: Clock) -> None:
        """Up to three times the process dies before a random statement of the run, be it its last commit or none."""
        assert self.faults is not None
        dice = self.faults.dice(self.steps)
        deaths = dice.pick((0, 0, 0, 1, 1, 2, 3))
        for _ in range(deaths):
            reader = dice.chance(0.2 / self.size.weight)
            if reader:
                self._before = self.service.exports()
            number = dice.between(1, IN_A_NIGHT * (1 if reader else len(self.localities)))
            self.faults.before_statement(number, self._read_beside if reader else self.faults.die)
            if self._dies(lambda: self._run_out(clock)):
                self.faults.counts["nights broken off"] += 1
                self.books.lost |= set(self.localities)
                self.service.restart()

    def _run_out(self, clock: Clock) -> None:
        for _report in self._run(clock):
            self._before = None  # the first night is over, and may be seen

    def _read_beside(self) -> None:
        """Another process reads in the middle of a night: nothing of it is to be seen (rule F3)."""
        assert self.faults is not None
        if self._before is None:
            return
        self.faults.counts["reads in a night"] += 1
        other = Service(self.service.address, self.service.folder, lambda _engine: None)
        try:
            assert other.exports() == self._before, "a reader saw a part of a night (F3)"
        finally:
            other.close()

    def _clock_behind(self, day: date) -> None:
        """A clock that has jumped back asks for nights long done: nothing may change (rules F1, F3)."""
        assert self.faults is not None
        dice = self.faults.dice(self.steps + 1_000_000)
        if day == self.size.first_day or not dice.chance(0.15 / self.size.weight):
            return
        self.faults.counts["clocks behind"] += 1
        before = self.service.exports()
        clock = Clock.at_night_of(self._last_run() - timedelta(days=dice.between(0, 400)), self.zone)
        for report in self.service.nights(clock):
            early = report.failure is not None and report.failure.code == "run.before_first"
            assert report.repeated or early, f"a clock behind ran the night of {report.day}"
        assert self.service.exports() == before, "a clock behind changed something (F1)"

    def _last_run(self) -> date:
        with self.service.database.read() as connection:
            found = connection.exec_driver_sql("select min(last_run_on) from locality").scalar_one()
        return date.fromisoformat(str(found))

    def _again(self, clock: Clock) -> None:
        """The same night again changes nothing (rule F3)."""
        assert self.faults is not None
        self.faults.counts["nights run again"] += 1
        before = self.service.exports()
        assert all(report.repeated for report in self._run(clock)), "a night was run twice (F3)"
        assert self.service.exports() == before, "the same night again changed something (F3)"

    def _check(self, day: date) -> None:
        """Check localities after their night, each about every `size.checked`-th."""
        dice = Dice(self.seed, CHECKING, day.toordinal(), 0)
        due = dice.some(self.localities, 1 / self.size.checked)
        with self.service.database.read() as connection:
            self.books.learn(connection)
            for locality in due:
                self.steps += 1
                self._tell(f"check {locality} after {day}")
                check_locality(connection, self.books, locality)
                self.checks += 1
