"""Who does what on which day: parents, staff and officers of some localities, all of it from the seed.

Days come in spans. In a span of one day everything may happen, dated back, today or ahead. In a longer one only what is
dated by its own day and touches each application and vacancy at most once: then nights missed in the span and caught
up at its end must come to what they would have come to one by one (rule F1, decision 1.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from queue_engine.store.acts import ActKind
from simulation.books import Books
from simulation.dice import Dice
from simulation.operations import Act, File, Operation, Rule, Value
from simulation.people import changed, family, moment, offer
from simulation.state import State
from support.rows import Row, decision, moved_day, withdrawal

FILING, GIVING, DECIDING, ACTING, RULING = range(1, 6)
"""Purposes of draws."""
DATED = (-2, -1, 0, 0, 0, 0, 1, 2)
"""Days from the open day: closed days, the open day, days ahead."""
RULES: tuple[tuple[str, tuple[Value, ...]], ...] = (
    ("turn.pattern", ("strict", "1:1", "1:3", "2:1", "1:3")),
    ("age.min", (18, 24, 30)),
    ("age.max", (6, 6, 7)),
    ("voucher.validity", (3, 5, 7)),
    ("voucher.extension", (15, 30)),
    ("stop_list.days", (4, 10, 15)),
    ("archive.restore", (10, 28)),
    ("benefit.confirmation_required", (True, True, False)),
    ("publication.suspended", ()),
    ("benefit.classes", ()),
)


@dataclass
class Life:
    """The life of the localities; `plan` is asked for each span in turn."""

    seed: int
    localities: tuple[str, ...]
    zone: ZoneInfo
    first_day: date
    books: Books
    numbers: dict[str, int] = field(default_factory=dict)

    def name(self, kind: str) -> str:
        """The next id of its kind."""
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{kind}{self.numbers[kind]}"

    def plan(self, days: list[date], state: State) -> list[list[Operation]]:
        """What is handed in on each day, in order; `state` is that of the morning of the first."""
        calm = len(days) > 1
        touched = set(state.awaited) if calm else set()
        return [self._day(day, day == self.first_day, calm, touched, state) for day in days]

    def _day(self, day: date, first: bool, calm: bool, touched: set[str], state: State) -> list[Operation]:
        rows: dict[str, list[Row]] = {"applications": [], "bulletin": [], "withdrawals": [], "decisions": []}
        acts: list[Operation] = []
        for number, locality in enumerate(self.localities):
            key = (self.seed, day.toordinal(), number)
            at = _At(day, locality, first, calm)
            rows["applications"] += self._applications(Dice(*key, FILING), at, state)
            rows["bulletin"] += self._bulletin(Dice(*key, GIVING), at, touched)
            if not calm:
                rows["withdrawals"] += self._withdrawals(Dice(*key, GIVING, 1), at)
            rows["decisions"] += self._decisions(Dice(*key, DECIDING), at, touched, state)
            if not first:
                acts += self._acts(Dice(*key, ACTING), at, touched, state)
        dice = Dice(self.seed, day.toordinal(), RULING, 0, 0)
        operations = [*(File(kind, tuple(found)) for kind, found in rows.items() if found), *acts]
        operations += [] if calm else self._law(dice, day)
        # What families ask and what officers do meet in any order; on the first day there must be something to act on.
        return operations if first else dice.shuffled(operations)

    def _on(self, dice: Dice, at: _At) -> date:
        return at.day if at.calm else at.day + timedelta(days=dice.pick(DATED))

    def _applications(self, dice: Dice, at: _At, state: State) -> list[Row]:
        rows = []
        for _ in range(dice.between(6, 16) if at.first else dice.about(0.7)):
            name = self.name(f"{at.locality}A")
            rows.append(family(dice, name, at.locality, moment(dice, self._on(dice, at), self.zone), at.day))
        if rows and dice.chance(0.04):
            rows[-1] |= {"child_iin": "000000000000"}  # refused, and told so
        if at.calm or at.first:
            return rows
        names = state.of(at.locality, "queued", "holding", "stopped", "archived")
        changing = dice.some(names, 0.02)
        for name in changing:
            rows.append(changed(dice, self.books.applications[name], at.day, dice.between(1, 9999)))
        moving = dice.pick(names) if names and dice.chance(0.05) else ""
        if moving and moving not in changing:
            rows.append(self._moved_here(dice, at, self.books.applications[moving]))
        return _one_a_child(rows)

    def _moved_here(self, dice: Dice, at: _At, row: Row) -> Row:
        """The same child asks again, in this or another locality: lawful once the first application is archived."""
        filed = moment(dice, at.day, self.zone)
        place = dice.pick(self.localities)
        return {**row, "application_id": self.name(f"{place}A"), "locality": place, "filed_at": filed}

    def _bulletin(self, dice: Dice, at: _At, touched: set[str]) -> list[Row]:
        rows = []
        for _ in range(dice.between(2, 5) if at.first else dice.about(0.35)):
            day = self._on(dice, at)
            name = self.name(f"{at.locality}V")
            rows.append(offer(dice, name, at.locality, at.day, moment(dice, day, self.zone)))
        known = list(self.books.vacancies.of(at.locality).values())[-60:]
        for row in dice.some([row for row in known if row["admission"] == "early_booking"], 0.08):
            if not at.calm:
                rows.append({**row, "vacated_on": self._on(dice, at).isoformat()})
            elif not row["vacated_on"] and row["vacancy_id"] not in touched:
                touched.add(row["vacancy_id"])
                rows.append({**row, "vacated_on": at.day.isoformat()})
        return rows

    def _withdrawals(self, dice: Dice, at: _At) -> list[Row]:
        known = list(self.books.vacancies.of(at.locality))[-30:]
        rows = []
        for name in dice.some(known, 0.012):
            told = moment(dice, self._on(dice, at), self.zone)
            places = str(dice.pick((1, 1, 2, 3)))
            number = self.name("W")
            rows.append(withdrawal(number, vacancy_id=name, places=places, withdrawn_at=told))
        return rows

    def _decisions(self, dice: Dice, at: _At, touched: set[str], state: State) -> list[Row]:
        rows = []
        kinds = ("admit",) * 6 + ("decline",) * 2 + ("refuse", "extend", "extend", "extend")
        begun = {each.application_id: each.begun for each in state.live.get(at.locality, ())}
        asked = dice.some(list(begun), 0.2)
        if not at.calm and dice.chance(0.03):  # of one that may hold nothing
            asked += [name for name in dice.some(state.of(at.locality, "queued", "stopped"), 0.1) if name not in asked]
        for name in asked:
            if at.calm and name in touched:
                continue
            touched.add(name)
            kind = dice.pick(kinds)
            if at.calm and kind == "extend" and not begun[name]:
                continue  # refused while the night that begins its term is still missed
            ground = "certificate out of date" if kind == "refuse" else ""
            day = self._on(dice, at).isoformat()
            number = self.name("D")
            rows.append(decision(number, application_id=name, decision=kind, decided_on=day, reason=ground))
        return rows

    def _acts(self, dice: Dice, at: _At, touched: set[str], state: State) -> list[Operation]:
        wanted: list[tuple[ActKind, str]] = []
        for kind, states, probability in (
            (ActKind.STOP, ("queued", "holding"), 0.004),
            (ActKind.UNSTOP, ("stopped",), 0.02),
            (ActKind.ARCHIVE, ("queued", "holding", "stopped"), 0.006),
            (ActKind.RESTORE, ("archived",), 0.03),
            (ActKind.CONFIRM, ("queued",), 0.004),
        ):
            wanted += [(kind, name) for name in dice.some(state.of(at.locality, *states), probability)]
        proofs = [each.application_id for each in state.live.get(at.locality, ()) if each.proof_wanted]
        wanted += [(ActKind.CONFIRM, name) for name in dice.some(proofs, 0.2)]
        acts: list[Operation] = []
        for kind, name in wanted:
            if at.calm and name in touched:
                continue
            touched.add(name)
            day = self._on(dice, at)
            undated = not at.calm and day == at.day and dice.chance(0.5)
            acts.append(Act(kind, name, None if undated else day, self.name("act ")))
        return acts

    def _law(self, dice: Dice, day: date) -> list[Operation]:
        found: list[Operation] = []
        if day == self.first_day or dice.chance(0.06):
            name, values = dice.pick(RULES)
            place = dice.pick(("", *self.localities))
            value = dice.pick(values) if values else self._worked_out(dice, name, day)
            found.append(Rule(name, value, day + timedelta(days=dice.between(0, 4)), place))
        if dice.chance(0.05):
            moved = (day + timedelta(days=dice.between(1, 12))).isoformat()
            found.append(File("calendar", (moved_day(moved, dice.pick(("working", "day_off"))),)))
        return found

    def _worked_out(self, dice: Dice, name: str, day: date) -> Value:
        """Suspended days, or benefits classed anew."""
        if name == "publication.suspended":
            first = day + timedelta(days=dice.between(1, 10))
            return [[first.isoformat(), (first + timedelta(days=dice.between(0, 9))).isoformat()]]
        classes: dict[str, str] = dict(self.books.in_force(name, day, ""))
        for benefit in ("teacher", "large_family", "military"):
            classes[benefit] = dice.pick(("out_of_turn", "first_priority", "general"))
        return classes


@dataclass(frozen=True)
class _At:
    """A locality on a day; `first`: the first of the history; `calm`: in a span whose nights may be missed."""

    day: date
    locality: str
    first: bool
    calm: bool


def _one_a_child(rows: list[Row]) -> list[Row]:
    """Rows of different children: of two of one child in a file the order of rows would matter (decision 1.10)."""
    kept: dict[str, Row] = {}
    for row in rows:
        kept.setdefault(row["child_iin"], row)
    return list(kept.values())
