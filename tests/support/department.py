"""A department of education that works with nothing but the command: files in, tables out.

`Department` keeps a database of its own and speaks to it only through `main(argv)`. Every answer is checked
on the way: the exit code is the expected one, nobody is shown a stack trace, and no IIN, phone or e-mail of
a family appears on stdout or stderr (rules of trust).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from queue_engine.cli.main import main
from support import postgres
from support.rows import (
    APPLICATION_COLUMNS,
    BULLETIN_COLUMNS,
    CALENDAR_COLUMNS,
    DECISION_COLUMNS,
    WITHDRAWAL_COLUMNS,
    Row,
    application,
    decision,
    vacancy,
    withdrawal,
)

__all__ = ["Answer", "Department", "application", "decision", "table_of", "vacancy", "withdrawal"]

Expected = int | tuple[int, ...] | None

_PERSONAL_COLUMNS = ("child_iin", "phones", "email")
_PERSONAL_FORMS = (re.compile(r"(?<!\d)\d{12}(?!\d)"), re.compile(r"@"), re.compile(r"\+7[ (-]*\d{3}"))


class Answer(NamedTuple):
    """What one command gave: exit code, stdout (data), stderr (words)."""

    code: int
    out: str
    err: str


class Department:
    """One database, one folder of files, and the command.

    `expect` of every method is the exit code (or the codes) that the command must give; None takes any.
    Days are ISO texts, rows are mappings of column to text as `support.rows` builds them.
    """

    def __init__(
        self, folder: Path, timezone: str = "Asia/Almaty", rules: str | None = None, database: str | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        here = f"sqlite:///{folder / 'kezek.db'}"
        self.database = database or (postgres.new_database() if postgres.asked_for() else here)
        self._files = 0
        self._decisions = 0
        self._secrets: set[str] = set()
        words = ["init", "--timezone", timezone]
        if rules is not None:
            words += ["--rules", str(self.file("rules.toml", rules))]
        self.kezek(*words)

    # The command itself

    def kezek(self, *words: str, expect: Expected = 0) -> Answer:
        """Run one command against the department's database."""
        return self.bare("--database", self.database, *words, expect=expect)

    def bare(self, *words: str, expect: Expected = 0) -> Answer:
        """Run the command with these words alone, so that a test can place `--database` itself."""
        data, said = io.BytesIO(), io.BytesIO()
        with redirect_stdout(_writer(data)), redirect_stderr(_writer(said)):
            code = main(list(words))
        answer = Answer(int(code), data.getvalue().decode(), said.getvalue().decode())
        codes = (expect,) if isinstance(expect, int) else expect
        told = f"kezek {' '.join(words)}: exit {answer.code}\n{answer.out}\n{answer.err}"
        assert codes is None or answer.code in codes, f"expected exit {expect}; {told}"
        assert "Traceback" not in answer.err, told
        self._assert_nothing_personal(answer.out + answer.err)
        return answer

    def file(self, name: str, content: str) -> Path:
        """Write a file of the department as it is and return where it lies."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8", newline="")
        return path

    def table(self, name: str, columns: Iterable[str], rows: Iterable[Row]) -> Path:
        """Write rows as a CSV file of these columns under a name not used before."""
        self._files += 1
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(columns))
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            self.keep_secret(row)
        return self.file(f"{name}_{self._files}.csv", text.getvalue())

    def keep_secret(self, row: Mapping[str, str]) -> None:
        """From now on no answer may show the IIN, phones or e-mail of this row."""
        values = [part for column in _PERSONAL_COLUMNS for part in row.get(column, "").split("|")]
        self._secrets |= {value for value in values if len(value) > 3}

    def _assert_nothing_personal(self, text: str) -> None:
        shown = [form.pattern for form in _PERSONAL_FORMS if form.search(text)]
        shown += ["a value of a file" for value in self._secrets if value in text]
        assert not shown, f"personal data in an answer ({', '.join(shown)}):\n{text}"

    # Files in

    def applications(self, *rows: Row, expect: Expected = 0, strict: bool = False) -> Answer:
        return self._take("applications", APPLICATION_COLUMNS, rows, expect, strict)

    def bulletin(self, *rows: Row, expect: Expected = 0, strict: bool = False) -> Answer:
        return self._take("bulletin", BULLETIN_COLUMNS, rows, expect, strict)

    def withdrawals(self, *rows: Row, expect: Expected = 0, strict: bool = False) -> Answer:
        return self._take("withdrawals", WITHDRAWAL_COLUMNS, rows, expect, strict)

    def decisions(self, *rows: Row, expect: Expected = 0, strict: bool = False) -> Answer:
        return self._take("decisions", DECISION_COLUMNS, rows, expect, strict)

    def decide(self, application: str, kind: str, day: str, reason: str = "", expect: Expected = 0) -> Answer:
        """Report one decision under an id of its own."""
        self._decisions += 1
        row = decision(f"D{self._decisions:03d}", application_id=application, decision=kind, decided_on=day)
        return self.decisions({**row, "reason": reason}, expect=expect)

    def calendar(self, rows: Iterable[Row], expect: Expected = 0) -> Answer:
        path = self.table("calendar", CALENDAR_COLUMNS, rows)
        return self.kezek("calendar", "import", str(path), expect=expect)

    def rules(self, toml: str, expect: Expected = 0) -> Answer:
        self._files += 1
        path = self.file(f"rules_{self._files}.toml", toml)
        return self.kezek("rules", "import", str(path), expect=expect)

    def _take(self, kind: str, columns: Iterable[str], rows: Iterable[Row], expect: Expected, strict: bool) -> Answer:
        path = self.table(kind, columns, rows)
        words = ["import", kind, str(path)] + (["--strict"] if strict else [])
        return self.kezek(*words, expect=expect)

    # The night

    def run(self, day: str, expect: Expected = 0, locality: str | None = None) -> Answer:
        words = ["run", "--date", day] + (["--locality", locality] if locality else [])
        return self.kezek(*words, expect=expect)

    # The officer

    def stop_list_add(
        self, application: str, reason: str = "false address", day: str | None = None, expect: Expected = 0
    ) -> Answer:
        return self._act(("stop-list", "add"), application, reason, day, expect)

    def stop_list_remove(
        self, application: str, reason: str = "complaint upheld", day: str | None = None, expect: Expected = 0
    ) -> Answer:
        return self._act(("stop-list", "remove"), application, reason, day, expect)

    def archive(
        self, application: str, reason: str = "asked by parent", day: str | None = None, expect: Expected = 0
    ) -> Answer:
        return self._act(("archive",), application, reason, day, expect)

    def restore(
        self, application: str, reason: str = "asked by parent", day: str | None = None, expect: Expected = 0
    ) -> Answer:
        return self._act(("restore",), application, reason, day, expect)

    def confirm(
        self, application: str, reason: str = "paper seen", day: str | None = None, expect: Expected = 0
    ) -> Answer:
        return self._act(("confirm",), application, reason, day, expect)

    def _act(
        self, command: tuple[str, ...], application: str, reason: str, day: str | None, expect: Expected
    ) -> Answer:
        words = [*command, application, "--reason", reason] + (["--date", day] if day else [])
        return self.kezek(*words, expect=expect)

    # Tables out

    def export(self, kind: str, *words: str) -> str:
        answer = self.kezek("export", kind, *words)
        return answer.out

    def vouchers(self, day: str | None = None) -> list[Row]:
        """Vouchers as exported; with a day, those issued on it."""
        rows = table_of(self.export("vouchers"))
        return [row for row in rows if day is None or row["issued_on"] == day]

    def queue(self) -> list[Row]:
        return table_of(self.export("queue"))

    def bulletins(self, day: str | None = None) -> list[Row]:
        """The bulletin as exported; with a day, that of the day alone."""
        rows = table_of(self.export("bulletin"))
        return [row for row in rows if day is None or row["date"] == day]

    def records(self) -> tuple[str, str, str]:
        """All three exports as text: what must be equal when nothing has changed."""
        return self.export("vouchers"), self.export("queue"), self.export("bulletin")

    def number(self, application: str) -> str:
        return self.kezek("number", application).out

    def explain(self, application: str, day: str) -> str:
        return self.kezek("explain", application, "--date", day).out

    # Questions that tests ask often

    def given(self, day: str | None = None) -> dict[str, str]:
        """Application to vacancy, of the vouchers issued on that day (or ever)."""
        return {row["application_id"]: row["vacancy_id"] for row in self.vouchers(day)}

    def voucher(self, application: str) -> Row:
        """The latest voucher of the application."""
        rows = [row for row in self.vouchers() if row["application_id"] == application]
        assert rows, f"{application} never had a voucher"
        return max(rows, key=lambda row: row["issued_on"])

    def status(self, application: str) -> str:
        return self.voucher(application)["status"]

    def line(self, birth_year: int = 2023, locality: str = "almaty") -> list[str]:
        """Application ids of one queue by number; the numbers must be 1, 2, 3, ..."""
        rows = [row for row in self.queue() if row["birth_year"] == str(birth_year) and row["locality"] == locality]
        assert [row["number"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
        return [row["application_id"] for row in rows]

    def listed(self, day: str, kind: str) -> list[tuple[str, str]]:
        """(vacancy, places) of one kind in the bulletin of the day, in its order."""
        return [(row["vacancy_id"], row["places"]) for row in self.bulletins(day) if row["kind"] == kind]


def table_of(text: str) -> list[Row]:
    """Read an exported CSV text as rows of column to text."""
    return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""))]


def _writer(stream: io.BytesIO) -> io.TextIOWrapper:
    """A stream of text like a real stdout: it has a `buffer`, and every word arrives at once."""
    return _Kept(stream, encoding="utf-8", newline="", write_through=True)


class _Kept(io.TextIOWrapper):
    """Leaves its bytes readable when it is thrown away."""

    def __del__(self) -> None:
        if not self.closed:
            self.detach()
