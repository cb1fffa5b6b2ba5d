"""The records of one locality as the checks see them, each table read once."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from queue_engine.answers.checks.finding import Finding, Findings, Kind
from queue_engine.answers.checks.frames import Frame, read
from queue_engine.law.calendar import CalendarCorrection, WorkingCalendar
from queue_engine.law.overrides import Override, from_json
from queue_engine.law.rulebook import Rulebook
from queue_engine.store.bulk import rows_of

NAMES = re.compile(r"\{(\w+)\}")


class RunRow(NamedTuple):
    """A night on record: its rules and counts as they were kept."""

    run_id: int
    on_day: date
    change_id: int
    calendar: str
    suspended: bool
    rules: dict[str, Any]
    report: dict[str, Any]

    @property
    def turn(self) -> tuple[int, int]:
        """Turns of a round for each stream; (0, 0) under the strict order."""
        if self.rules["turn"] == "strict":
            return 0, 0
        first, general = str(self.rules["turn"]).split(":")
        return int(first), int(general)


class View:
    """What the checks of one locality read. A transaction's steady view: nothing in it changes meanwhile."""

    def __init__(self, connection: Connection, locality_id: int, code: str) -> None:
        self.connection = connection
        self.locality_id = locality_id
        self.code = code

    def rows(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        """Rows of a query; `{l}` in it is this locality, other names in braces stand for the `values`."""
        values["l"] = self.locality_id
        wanted = tuple(values[name] for name in NAMES.findall(sql))
        # The same text for every locality, so that the database need not work it out anew.
        return rows_of(self.connection, NAMES.sub("?", sql), wanted)

    def found(self, kind: Kind, sql: str, **values: object) -> Findings:
        """A finding for every row of a query: its id, then the facts of the sentence."""
        for row in self.rows(sql, **values):
            yield kind.of(self.code, *row)

    def of(self, kind: Kind, *facts: object) -> Finding:
        return kind.of(self.code, *facts)

    @cached_property
    def years(self) -> str:
        """Birth years of the locality, by which its indexes are read; each is found by one step into the index."""
        found: list[str] = []
        while True:
            beyond = f"and birth_year > {found[-1]}" if found else ""
            [(year,)] = self.rows(f"select min(birth_year) from application where locality_id = {{l}} {beyond}")
            if year is None:
                return ", ".join(found) or "0"
            found.append(str(int(year)))

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.rows("select timezone from locality where locality_id = {l}")[0][0])

    def day_at(self, seconds: int) -> date:
        """The civil day of a moment, in seconds since 1970."""
        return datetime.fromtimestamp(seconds, self.zone).date()

    def start_of(self, day: date) -> int:
        """The first microsecond of a civil day."""
        return round(datetime.combine(day, time(), self.zone).timestamp()) * 1_000_000

    def end_of(self, day: date) -> int:
        """The first microsecond after a civil day."""
        return self.start_of(day + timedelta(days=1))

    @cached_property
    def runs(self) -> list[RunRow]:
        """Nights on record in the order of their days."""
        rows = self.rows(
            "select run_id, on_day, change_id, calendar, case when suspended then 1 else 0 end, rules, report "
            "from run where locality_id = {l} order by on_day"
        )
        return [
            RunRow(row[0], date.fromisoformat(row[1]), row[2], row[3], bool(row[4]), json.loads(row[5]), counts(row[6]))
            for row in rows
        ]

    def run_before(self, change_id: int) -> RunRow | None:
        """The last night committed before a change."""
        at = bisect_right([run.change_id for run in self.runs], change_id - 1)
        return self.runs[at - 1] if at else None

    @cached_property
    def kind_of(self) -> dict[int, tuple[str, str | None]]:
        """Kind and day of every change."""
        return {row[0]: (row[1], row[2]) for row in self.rows("select change_id, kind, on_day from change")}

    @cached_property
    def rules_changed_at(self) -> int:
        """The last import of a department's rules; 0 if there was none."""
        return max((change for change, (kind, _day) in self.kind_of.items() if kind == "rules import"), default=0)

    @cached_property
    def rulebook(self) -> Rulebook:
        """The law with the overrides on record now."""
        rows = self.rows("select name, value, from_day, locality, reference from rule_override order by override_id")
        return Rulebook(
            [Override(row[0], from_json(row[0], row[1]), date.fromisoformat(row[2]), row[3] or None, row[4])
             for row in rows]
        )  # fmt: skip

    def calendars(self, country: str) -> dict[str, WorkingCalendar]:
        """Calendars of a country that can be had again, by fingerprint: with all corrections on record, with none."""
        rows = self.rows("select day, kind, act from calendar_correction order by day")
        corrections = [CalendarCorrection(date.fromisoformat(row[0]), row[1], row[2]) for row in rows]
        both = (WorkingCalendar.of(country), WorkingCalendar.of(country, corrections))
        return {calendar.fingerprint: calendar for calendar in both}

    @cached_property
    def applications(self) -> Frame:
        """Applications by row id."""
        return read(
            self.connection,
            f"application where locality_id = {self.locality_id}",
            "application_row",
            row="int application_row",
            id="text application_id",
            year="int birth_year",
            rank="int class_rank",
            filed="int filed_at_us",
            state="text state",
            born="day birth_date",
            benefit="text benefit",
            confirmed_on="day benefit_confirmed_on",
            temporary_until="day temporary_until",
            archived_on="day archived_on",
            archive_reason="text archive_reason",
            registered="int registered_change",
        )

    @cached_property
    def vouchers(self) -> Frame:
        """Vouchers by row id, each with the id of its application and what its vacancy says."""
        source = (
            "voucher v left join application a on a.application_row = v.application_row "
            f"left join vacancy p on p.vacancy_row = v.vacancy_row where v.locality_id = {self.locality_id}"
        )
        return read(
            self.connection,
            source,
            "v.voucher_row",
            row="int v.voucher_row",
            id="text v.voucher_id",
            application="int v.application_row",
            application_id="text a.application_id",
            vacancy="int v.vacancy_row",
            vacancy_year="int p.birth_year",
            admission="text p.admission",
            vacated_on="day p.vacated_on",
            year="int v.birth_year",
            issued_on="day v.issued_on",
            expires_on="day v.expires_on",
            status="text v.status",
            rank="int v.class_rank",
            number="int v.number",
            calendar="text v.calendar",
            term_days="int v.term_days",
            term_from="day v.term_from",
            extended_on="day v.extended_on",
            confirm_by="day v.confirm_by",
            confirmed_on="day v.confirmed_on",
            closed_on="day v.closed_on",
            reason="text v.reason",
        )


def counts(text: str) -> dict[str, int]:
    """The counts a night kept of itself; ValueError if they are none."""
    kept = json.loads(text)
    if not isinstance(kept, dict) or not all(isinstance(count, int) for count in kept.values()):
        raise ValueError("a report holds counts by name")
    return kept
