"""A department's weeks, followed by someone who reads the files: what must hold after every step.

`Weeks` gives each file and act to the command and keeps only what the files say. What a night must have seen is
worked out from that and the exports; SQL on the database file is used to count, never to know what was asked.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from queue_engine.answers.explanation import explain
from queue_engine.answers.standing import describe
from queue_engine.store.engine import Database
from support.department import Department, table_of
from support.judged import CLASSES, judge_night, reached_on, told
from support.rows import Row, decision, rule, withdrawal

FIRST_DAY = date(2026, 2, 2)
OFFSET = "+05:00"
AGE_MIN_MONTHS, AGE_MAX_YEARS = 24, 6
STREAMS = ("out_of_turn", "first_priority", "general")
BARS = ("declined", "refused")
RETURNS = ("declined", "refused", "expired", "cancelled")

Key = tuple[int, datetime, str]
"""Class, moment of filing, application id: the order of rule A4."""


def order_of_service(keys: Iterable[Key], turn: tuple[int, int], position: int) -> list[str]:
    """Ids in the order they would be served if each took a place, turn by turn as rule A5 tells it."""
    streams: tuple[list[str], ...] = ([], [], [])
    for rank, _moment, name in sorted(keys):
        streams[rank].append(name)
    out_of_turn, first, general = streams
    if turn == (0, 0):
        return out_of_turn + first + general
    line = list(out_of_turn)
    while first or general:
        own, other = (first, general) if position < turn[0] else (general, first)
        if own:
            position = (position + 1) % sum(turn)
        line.append((own or other).pop(0))
    return line


class Seen(NamedTuple):
    """What one application had in one night: its number, and how many stood in its queue."""

    number: int
    standing: int


class Weeks:
    """One locality and its department from the first file on; every method checks what must hold."""

    def __init__(self, folder: Path, turn: tuple[int, int] = (0, 0)) -> None:
        pattern = f"{turn[0]}:{turn[1]}" if turn != (0, 0) else "strict"
        self.department = Department(folder, rules=rule("turn.pattern", pattern))
        self.turn = turn
        self.last_run: date | None = None
        self.rows: dict[str, Row] = {}
        self.vacancies: dict[str, Row] = {}
        self.decided_on: dict[str, date] = {}
        self.extended: set[str] = set()
        self.nights: dict[date, dict[str, Seen]] = {}
        self._closed: list[Row] | None = None
        self._numbers: dict[str, tuple[int, str]] = {}
        self._ids = 0

    @property
    def open_day(self) -> date:
        """The day whose files come in now (decision 1.1)."""
        return self.last_run + timedelta(days=1) if self.last_run else FIRST_DAY

    def day(self, offset: int) -> str:
        return (self.open_day + timedelta(days=offset)).isoformat()

    def sql(self, query: str) -> list[tuple[object, ...]]:
        """Rows of the database file itself."""
        with closing(sqlite3.connect(self.department.folder / "kezek.db")) as connection:
            return connection.execute(query).fetchall()

    # Files in

    def applications(self, *rows: Row) -> None:
        """New applications and changes of circumstances; rows of one file are of different children."""
        states = {str(name): str(state) for name, state in self.sql("select application_id, state from application")}
        live = {self.rows[name]["child_iin"]: name for name, state in states.items() if state != "archived"}
        refused = 0
        for row in rows:
            name = row["application_id"]
            before = self.rows.get(name)
            if before is not None:
                row = {**row, "filed_at": before["filed_at"]}
            another = live.get(row["child_iin"], name) != name
            if row != before and (another or states.get(name) == "archived"):
                refused += 1
                continue
            self.rows[name] = row
        self.department.applications(*rows, expect=int(refused > 0))
        self.check()

    def bulletin(self, *rows: Row) -> None:
        """New vacancies; a known early-booking place may learn the day it is vacated, until terms run from it."""
        refused, used = 0, {name for (name,) in self.sql("select vacancy_id from vacancy where used > 0")}
        for row in rows:
            before = self.vacancies.get(row["vacancy_id"], row)
            passed = "" < before["vacated_on"] <= str(self.last_run or "")
            if (
                (passed or before["vacancy_id"] in used)
                and before["vacated_on"]
                and row["vacated_on"] not in ("", before["vacated_on"])
            ):
                refused += 1
                continue
            self.vacancies[row["vacancy_id"]] = {**row, "vacated_on": row["vacated_on"] or before["vacated_on"]}
        self.department.bulletin(*rows, expect=int(refused > 0))
        self.check()

    def withdraw(self, vacancy_id: str, places: int, offset: int) -> None:
        """A request to take places back; more than are free is refused whole (rule B6)."""
        self._ids += 1
        waiting = "select coalesce(sum(w.places), 0) from withdrawal w where w.state = 'waiting' and w.vacancy_row"
        later = f"select count(*) from voucher where closed_on > '{self.day(offset)}' and status in {RETURNS}"
        [(free,)] = self.sql(
            f"select places - withdrawn - held - used - ({waiting} = v.vacancy_row) "
            f"- ({later} and vacancy_row = v.vacancy_row) from vacancy v where vacancy_id = '{vacancy_id}'"
        )
        moment = f"{self.day(offset)}T12:00:00{OFFSET}"
        row = withdrawal(f"W{self._ids}", vacancy_id=vacancy_id, places=str(places), withdrawn_at=moment)
        self.department.withdrawals(row, expect=3 if places > int(str(free)) else 0)
        self.check()

    def decide(self, asked: Mapping[str, str], offset: int) -> None:
        """Application to decision, one file; lawful or not is known from what the exports say (rules B3, D)."""
        day = self.open_day + timedelta(days=offset)
        rows, against = [], 0
        before = self.department.vouchers()
        for name, kind in asked.items():
            self._ids += 1
            ground = "certificate out of date" if kind == "refuse" else ""
            row = decision(f"D{self._ids}", application_id=name, decision=kind, decided_on=day.isoformat())
            rows.append({**row, "reason": ground})
            against += not self._lawful(before, name, kind, day)
        self.department.decisions(*rows, expect=3 if against else 0)
        old = {row["voucher_id"]: row["status"] for row in before}
        for row in self.department.vouchers():
            if row["status"] != old[row["voucher_id"]]:
                self.decided_on[row["voucher_id"]] = day
        self.check()

    def _lawful(self, vouchers: Iterable[Row], name: str, kind: str, day: date) -> bool:
        live = [row for row in vouchers if row["application_id"] == name and row["status"] == "issued"]
        if not live or day.isoformat() < live[0]["issued_on"] or day.isoformat() > (live[0]["expires_on"] or "9999"):
            return False
        place, begun = self.vacancies[live[0]["vacancy_id"]], bool(live[0]["expires_on"])
        if kind == "admit":
            over = "" < place["attend_until"] <= day.isoformat()
            return not over and (begun or "" < place["vacated_on"] <= day.isoformat())
        if kind == "extend":
            lawful = begun and live[0]["voucher_id"] not in self.extended
            self.extended |= {live[0]["voucher_id"]} if lawful else set()
            return lawful
        return True

    def act(self, kind: str, name: str, offset: int | None) -> None:
        """An officer's act, allowed or not; before the first run it needs a day (decision 1.24)."""
        words = {"stop": ("stop-list", "add"), "unstop": ("stop-list", "remove")}.get(kind, (kind,))
        dated = ["--date", self.day(offset or 0)] if offset is not None or self.last_run is None else []
        self.department.kezek(*words, name, "--reason", "papers checked", *dated, expect=(0, 3))
        self.check()

    def calendar(self, offset: int, kind: str) -> None:
        """A moved day; a live voucher may be held longer for it, never shorter, and nothing else moves (rule D1)."""
        before = self.department.vouchers()
        self.department.calendar([{"day": self.day(offset), "kind": kind, "act": "Resolution"}])
        for old, new in zip(before, self.department.vouchers(), strict=True):
            last = new["expires_on"] if old["status"] == "issued" and old["expires_on"] else old["expires_on"]
            assert new == {**old, "expires_on": last}, "a moved day changed more than an open term"
            assert last >= old["expires_on"], "a moved day shortened an open term (rule D1)"
        self.check()

    # The night

    def night(self, days: int = 1) -> None:
        """The nights of the next days, one by one; the same caught up together must give the same (rule F1)."""
        twins = [self._twin()] if days > 1 and self.last_run is not None else []
        for twin in twins:
            twin.run(self.day(days - 1))
        for _ in range(days):
            self._one_night()
        self.department.kezek("check")
        for twin in twins:
            assert twin.records() == self.department.records(), "nights caught up together differ from one by one"

    def _twin(self) -> Department:
        """The same department on a copy of the database."""
        self._ids += 1
        twin = Department(self.department.folder / f"twin{self._ids}")
        with (
            closing(sqlite3.connect(self.department.folder / "kezek.db")) as source,
            closing(sqlite3.connect(twin.folder / "kezek.db")) as target,
        ):
            source.backup(target)
        return twin

    def _one_night(self) -> None:
        day, positions = self.open_day, self._positions()
        self.department.run(day.isoformat())
        self.last_run = day
        records = self.department.records()
        self.department.run(day.isoformat())
        assert self.department.records() == records, "the same night again changed something (rule F3)"
        vouchers, queue, bulletin = (table_of(text) for text in records)
        closed = [row for row in bulletin if row["date"] <= day.isoformat()]
        if self._closed is not None:
            earlier = [row for row in closed if row["date"] < day.isoformat()]
            assert earlier == self._closed, "a closed bulletin changed (B5)"
        self._closed = closed
        for name, born in self.sql(
            "select application_id, birth_date from application where state in ('queued', 'stopped')"
        ):
            reached = reached_on(date.fromisoformat(str(born)), AGE_MAX_YEARS * 12)
            filed_later = self.rows[str(name)]["filed_at"][:10] > day.isoformat()
            assert filed_later or reached > day, f"{name} is over age since {reached} (A8)"
        self._judge(day, positions, vouchers, queue, bulletin)
        self.check()
        self.explained([day])

    def _judge(
        self, day: date, positions: dict[int, int], vouchers: list[Row], queue: list[Row], bulletin: list[Row]
    ) -> None:
        """The night served the only lawful way (rules A, C), from what the files say of that evening."""
        evening = day.isoformat()
        ahead = {row["voucher_id"] for row in vouchers if self.decided_on.get(row["voucher_id"], day) > day}
        issued = {row["application_id"]: row["vacancy_id"] for row in vouchers if row["issued_on"] == evening}
        stood = {row["application_id"] for row in queue} | set(issued)
        stood -= {row["application_id"] for row in vouchers if row["voucher_id"] in ahead}
        standing = [self.rows[name] for name in sorted(stood) if self.rows[name]["filed_at"][:10] <= evening]
        offered = [
            row
            for row in self.vacancies.values()
            if row["published_at"][:10] <= evening and (row["attend_until"] or "9999") > evening
        ]
        free = self._free(offered, [row for row in vouchers if row["issued_on"] < evening], ahead, bulletin, evening)
        assert min(free.values(), default=0) >= 0, f"less than nothing is free: {free}"
        stays = {
            row["application_id"]
            for row in vouchers
            if row["status"] == "admitted" and self.vacancies[row["vacancy_id"]]["attend_until"] > evening
        }
        findings = judge_night(
            standing,
            offered,
            free,
            issued,
            age_min_months=AGE_MIN_MONTHS,
            age_max_years=AGE_MAX_YEARS,
            turn=self.turn,
            positions=positions,
            positions_after=self._positions(),
            barred={(row["application_id"], row["vacancy_id"]) for row in vouchers if row["status"] in BARS},
            in_stay=stays,
        )
        assert not findings, "\n".join(told(findings, standing, offered))
        self.nights[day] = self._seen(standing, positions)
        stored = self.sql(
            "select application_id, v.number from voucher v join application using (application_row) "
            f"where v.issued_on = '{evening}'"
        )
        assert {str(name): number for name, number in stored} == {
            name: self.nights[day][name].number for name in issued
        }

    def _free(
        self, offered: Sequence[Row], vouchers: Sequence[Row], ahead: set[str], bulletin: Sequence[Row], evening: str
    ) -> dict[str, int]:
        """Places less withdrawn, less held, less taken by pupils, when the night began to serve (rule F2)."""
        gone: Counter[str] = Counter()
        for row in bulletin:
            if row["kind"] == "withdrawn" and row["date"] <= evening:
                gone[row["vacancy_id"]] += int(row["places"])
        for row in vouchers:
            if row["status"] not in RETURNS or row["voucher_id"] in ahead:
                gone[row["vacancy_id"]] += 1
        return {row["vacancy_id"]: int(row["places"]) - gone[row["vacancy_id"]] for row in offered}

    def _positions(self) -> dict[int, int]:
        """Birth year to turns spent, of the pattern in force."""
        rows = self.sql(
            "select birth_year, position from queue_turn "
            f"where first_priority_turns = {self.turn[0]} and general_turns = {self.turn[1]}"
        )
        return {int(str(year)): int(str(position)) for year, position in rows}

    def _seen(self, standing: Sequence[Row], positions: Mapping[int, int]) -> dict[str, Seen]:
        """Numbers in every queue by the naive order of service (rule A6)."""
        queues: dict[int, list[Key]] = {}
        for row in standing:
            key = CLASSES[row["benefit"]], datetime.fromisoformat(row["filed_at"]), row["application_id"]
            queues.setdefault(int(row["birth_date"][:4]), []).append(key)
        return {
            name: Seen(number, len(keys))
            for year, keys in queues.items()
            for number, name in enumerate(order_of_service(keys, self.turn, positions.get(year, 0)), 1)
        }

    # What must hold

    def check(self) -> None:
        """Everything that holds between any two steps."""
        self._check_states()
        self._check_places()
        self._check_numbers()

    def _check_states(self) -> None:
        rows = self.sql(
            "select application_id, state, filed_at_us, archived_on is not null, "
            "(select count(*) from voucher v where v.application_row = a.application_row and status = 'issued'), "
            "(select count(*) from stop_list s where s.application_row = a.application_row and ended_on is null) "
            "from application a"
        )
        assert {row[0] for row in rows} == set(self.rows)
        for name, state, filed_at_us, archived, live, stopped in rows:
            told_at = datetime.fromisoformat(self.rows[str(name)]["filed_at"]).timestamp()
            assert filed_at_us == int(told_at) * 1_000_000, f"{name}: the moment of filing changed (A4)"
            is_in = ("archived" if archived else "", "holding" if live else "", "stopped" if stopped else "")
            places = [where for where in is_in if where] or ["queued"]
            assert places == [state], f"{name} is {state}, its records say {places}"
            assert live in (0, 1), f"{name} holds {live} live vouchers (C3)"
        if self.last_run is not None:
            over = "select 1 from {} where {} <= '" + f"{self.last_run}'"
            assert not self.sql(over.format("stop_list", "ended_on is null and back_on")), "left on the stop-list (E1)"
            assert not self.sql(over.format("voucher", "status = 'issued' and expires_on")), "lapsed yet live (D6)"

    def _check_places(self) -> None:
        for row in self.sql(
            "select vacancy_id, places, withdrawn, held, used, "
            "(select count(*) from voucher v where v.vacancy_row = p.vacancy_row and status = 'issued'), "
            "(select count(*) from voucher v where v.vacancy_row = p.vacancy_row and status = 'admitted'), "
            "(select coalesce(sum(places), 0) from withdrawal w where w.vacancy_row = p.vacancy_row "
            "and state = 'taken') from vacancy p"
        ):
            name, (places, withdrawn, held, used, issued, admitted, taken) = row[0], map(int, map(str, row[1:]))
            assert (held, used, withdrawn) == (issued, admitted, taken), f"counts of {name} and its vouchers differ"
            assert 0 <= places - withdrawn - held - used <= places, f"places of {name} do not add up"

    def _check_numbers(self) -> None:
        queue = self.department.queue()
        queued = {str(name) for (name,) in self.sql("select application_id from application where state = 'queued'")}
        assert sorted(row["application_id"] for row in queue) == sorted(queued)
        expected = self._seen([self.rows[name] for name in queued], self._positions())
        numbers: dict[str, tuple[int, str]] = {}
        said: dict[str, str] = {}
        with Database(self.department.database).read() as connection:
            for row in queue:
                name, number = row["application_id"], int(row["number"])
                assert number == expected[name].number, f"{name} has number {number}, by service {expected[name]}"
                assert row["class"] == STREAMS[CLASSES[self.rows[name]["benefit"]]]
                said[name] = describe(connection, name)
                assert f"Number {number} of {expected[name].standing}." in said[name], said[name]
                numbers[name] = (number, f"{row['birth_year']} {row['class']}")
        for name, (number, where) in numbers.items():
            before = self._numbers.get(name)
            if before is None or before[1] != where:
                continue
            if before[0] != number:
                assert f"Last changed from {before[0]} to {number} by" in said[name], f"{before}: {said[name]}"
        self._numbers = numbers

    def explained(self, days: Iterable[date]) -> None:
        """`kezek explain` knows everybody's number of those nights, or why there was none (rules C, A6)."""
        with Database(self.department.database).read() as connection:
            for day in days:
                for name in self.rows:
                    words = explain(connection, name, day)
                    seen = self.nights[day].get(name)
                    number = f"number {seen.number} of {seen.standing}." if seen else ""
                    assert (number in words) if seen else ("number " not in words), f"{day} {name} {seen}: {words}"

    def end(self) -> None:
        """All nights once more, and one of each question through the command itself."""
        self.explained(self.nights)
        self.department.kezek("check")
        for name in list(self.rows)[:1]:
            self.department.number(name)
            for day in list(self.nights)[:1]:
                self.department.explain(name, day.isoformat())
