"""The public contract of the command: headers, exit codes, where words go, and what a second import does."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from openpyxl import Workbook

from support.department import Answer, Department
from support.rows import (
    APPLICATION_COLUMNS,
    application,
    decision,
    moved_day,
    place,
    rule,
    vacancy,
    withdrawal,
)

HEADERS = {
    "vouchers": "voucher_id,application_id,vacancy_id,locality,organization,birth_year,issued_on,expires_on,status",
    "queue": "locality,birth_year,number,application_id,class,filed_at",
    "bulletin": "date,locality,kind,vacancy_id,organization,places,at",
}
KINDS = tuple(HEADERS)
TOLD = re.compile(r"(?:^|: )\[[a-z]+(?:[._-][a-z]+)*\] \S.+\. Rule [A-I]\d", re.MULTILINE)


@pytest.fixture
def busy(city: Department) -> Department:
    """A city after one night: A1 holds a place, A2 and B1 wait."""
    city.applications(application("A1"), application("A2"), application("B1", birth_date="2022-05-15"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    return city


@pytest.mark.parametrize("kind", KINDS)
def test_the_header_of_an_export_is_the_published_one(busy: Department, kind: str) -> None:
    """The contract: column names to the letter, and at least one row under them."""
    lines = busy.export(kind).splitlines()
    assert lines[0] == HEADERS[kind]
    assert len(lines) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_export_still_has_its_header(city: Department, kind: str) -> None:
    """The contract: a reader of the file finds its columns on any day."""
    assert city.export(kind).splitlines() == [HEADERS[kind]]


@pytest.mark.parametrize("kind", KINDS)
def test_json_has_the_fields_and_rows_of_csv(busy: Department, kind: str) -> None:
    """The contract: another format of the same table."""
    rows = json.loads(busy.export(kind, "--format", "json"))
    table = list(csv.DictReader(io.StringIO(busy.export(kind))))
    assert [list(row) for row in rows] == [HEADERS[kind].split(",")] * len(table)
    told = [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows]
    assert told == table


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_may_go_to_a_file(busy: Department, kind: str, tmp_path: Path) -> None:
    """The contract: the file holds what stdout would have shown, and stdout stays empty."""
    target = tmp_path / "out.csv"
    answer = busy.kezek("export", kind, "--output", str(target))
    assert answer.out == ""
    written = target.read_text(encoding="utf-8").splitlines()
    assert written == busy.export(kind).splitlines()


def test_an_export_of_one_day_is_that_of_the_day(busy: Department) -> None:
    """The contract: `--date` narrows vouchers and bulletin to a day."""
    busy.bulletin(place("V2", "2026-02-03", organization="K2"))
    busy.run("2026-02-03")
    vouchers = busy.export("vouchers", "--date", "2026-02-03").splitlines()
    bulletin = busy.export("bulletin", "--date", "2026-02-03").splitlines()
    assert (len(vouchers), len(bulletin)) == (2, 2)
    assert ",A2,V2," in vouchers[1]
    assert "V2" in bulletin[1]


def test_words_go_to_stderr_and_data_to_stdout(city: Department) -> None:
    """The contract: nothing but tables and answers on stdout."""
    spoken = [
        city.applications(application("A1")),
        city.bulletin(vacancy("V1"), vacancy("V2", places="3")),
        city.run("2026-02-02"),
        city.withdrawals(withdrawal("W1", vacancy_id="V2")),
        city.decisions(decision("D1", decision="extend")),
        city.calendar([moved_day("2026-02-13", "day_off")]),
        city.rules(rule("age.min", 18)),
    ]
    assert [answer.out for answer in spoken] == [""] * 7
    assert all(answer.err.strip() for answer in spoken[:5])
    assert city.number("A1").strip()
    assert city.explain("A1", "2026-02-02").strip()


@pytest.mark.parametrize(
    "words",
    [
        ("weave",),
        ("import", "applications"),
        ("import", "calendar", "calendar.csv"),
        ("export", "children"),
        ("run", "--date", "someday"),
        ("run", "--faster"),
        ("export", "queue", "--format", "xml"),
    ],
)
def test_wrong_usage_is_exit_2(city: Department, words: tuple[str, ...]) -> None:
    """The contract: a command that cannot be understood, with words on stderr alone."""
    answer = city.kezek(*words, expect=2)
    assert answer.out == ""
    assert answer.err.strip()


def test_refused_rows_are_exit_1_and_the_good_ones_are_kept(city: Department) -> None:
    """Decision 1.27: a refused application or vacancy gives 1; each is told by file, line and column."""
    told = city.applications(application("A1"), application("A2", regimes="nightly"), application("A3"), expect=1)
    assert "applications_1.csv" in told.err
    assert re.search(r"line 3\b|:3\b", told.err)
    assert "regimes" in told.err
    assert "nightly" in told.err
    assert "full_day" in told.err
    city.bulletin(vacancy("V1", places="3"), vacancy("V2", places="none"), expect=1)
    city.run("2026-02-02")
    assert city.given() == {"A1": "V1", "A3": "V1"}


def test_strict_keeps_no_row_if_any_is_bad(city: Department) -> None:
    """The contract: `--strict` is all or nothing."""
    city.applications(application("A1"), application("A2", regimes="nightly"), expect=1, strict=True)
    city.bulletin(vacancy("V1"), vacancy("V2", places="0"), expect=1, strict=True)
    city.run("2026-02-02", expect=None)
    assert (city.vouchers(), city.queue(), city.bulletins()) == ([], [], [])
    city.applications(application("A1"), strict=True)
    city.run("2026-02-03")
    assert city.line() == ["A1"]


def test_requests_are_exit_1_when_unreadable_and_3_when_against_the_rules(busy: Department) -> None:
    """Decision 1.27: in withdrawals and decisions the two are told apart, and nothing is recorded."""
    before = busy.records()
    busy.withdrawals(withdrawal("W1", places="many"), expect=1)
    busy.withdrawals(withdrawal("W2", places="2"), expect=3)
    busy.decisions(decision("D1", decision="enrol"), expect=1)
    busy.decisions(decision("D2", decided_on="soon"), expect=1)
    busy.decisions(decision("D3", application_id="A2"), expect=3)
    assert busy.records() == before


def test_the_same_withdrawal_twice_is_one_and_with_other_content_is_refused(city: Department) -> None:
    """Rule B6 and Decision 1.28: a request once recorded stays as it was."""
    city.bulletin(vacancy("V1", places="3"))
    city.run("2026-02-02")
    city.withdrawals(withdrawal("W1"))
    city.withdrawals(withdrawal("W1"))
    told = city.withdrawals(withdrawal("W1", places="2"), expect=(1, 3))
    assert "W1" in told.err
    city.run("2026-02-03")
    assert city.listed("2026-02-03", "withdrawn") == [("V1", "1")]


def test_an_error_says_code_what_rule_and_next(busy: Department) -> None:
    """The contract: `[code] what. Rule X. next.`"""
    answers: list[Answer] = [
        busy.decide("A2", "admit", "2026-02-03", expect=3),
        busy.decide("A1", "admit", "2026-02-10", expect=3),
        busy.withdrawals(withdrawal("W1"), expect=3),
        busy.run("2026-02-01", expect=3),
        busy.restore("A2", expect=3),
    ]
    for answer in answers:
        assert TOLD.search(answer.err), answer.err


def test_the_same_files_twice_change_nothing(city: Department) -> None:
    """The contract: every table is the same after a second import, before and after the next night."""
    families = [application("A1"), application("A2")]
    places = [vacancy("V1"), vacancy("V2", organization="K2", places="2")]
    for _ in range(2):
        city.applications(*families)
        city.bulletin(*places)
    city.run("2026-02-02")
    before = city.records()
    for _ in range(2):
        city.applications(*families)
        city.bulletin(*places)
        city.decisions(decision("D1"))
        city.withdrawals(withdrawal("W1", vacancy_id="V2"))
    city.run("2026-02-02")
    once = city.records()
    assert once[0] == before[0].replace("A1,V1,almaty,K1,2023,2026-02-02,2026-02-09,issued", _admitted(before))
    city.run("2026-02-03")
    assert city.listed("2026-02-03", "withdrawn") == [("V2", "1")]
    assert city.listed("2026-02-03", "vacated") == []


def _admitted(records: tuple[str, str, str]) -> str:
    line = "A1,V1,almaty,K1,2023,2026-02-02,2026-02-09,issued"
    assert line in records[0]
    return line.replace("issued", "admitted")


def test_a_change_is_told_as_such(city: Department) -> None:
    """The contract: a known id with other content is a change; with the same content it is none."""
    first = city.applications(application("A1"))
    same = city.applications(application("A1"))
    changed = city.applications(application("A1", languages="ru"))
    assert re.search(r"\b1 (application |row )?changed|changed:? 1\b|1 change\b", changed.err)
    assert not re.search(r"\b1 (application |row )?changed|changed:? 1\b|1 change\b", first.err + same.err)


def test_bad_values_are_masked(city: Department) -> None:
    """The contract: an IIN, phone or e-mail that is refused is not shown (every answer is checked for it)."""
    good = application("A1")["child_iin"]
    wrong_digit = good[:-1] + str((int(good[-1]) + 1) % 10)
    rows = [
        application("A1", child_iin=wrong_digit),
        application("A2", child_iin=application("A2", birth_date="2023-05-16")["child_iin"]),
        application("A3", phones="+7701"),
        application("A4", phones="+77010000001|+77010000002|+77010000003"),
        application("A5", email="parent.at.home"),
    ]
    for row, column in zip(rows, ("child_iin", "child_iin", "phones", "phones", "email"), strict=True):
        told = city.applications(row, expect=1)
        assert column in told.err


@pytest.mark.parametrize(("separator", "bom", "newline"), [(",", "", "\n"), (";", "", "\r\n"), (",", "\ufeff", "\r\n")])
def test_commas_semicolons_and_a_byte_order_mark_are_read(
    city: Department, separator: str, bom: str, newline: str
) -> None:
    """The contract: CSV with or without a byte order mark, of either separator and line end."""
    rows = [application("A1", languages="kk|ru"), application("A2")]
    lines = [separator.join(APPLICATION_COLUMNS), *(separator.join(row.values()) for row in rows)]
    path = city.file("families.csv", bom + newline.join(lines) + newline)
    city.kezek("import", "applications", str(path))
    city.run("2026-02-02")
    assert city.line() == ["A1", "A2"]


def test_a_sheet_of_xlsx_is_read_the_same_way(city: Department) -> None:
    """The contract: the same headers in the first sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(APPLICATION_COLUMNS))
    sheet.append(list(application("A1").values()))
    path = city.folder / "families.xlsx"
    book.save(path)
    city.kezek("import", "applications", str(path))
    city.run("2026-02-02")
    assert city.line() == ["A1"]


def test_the_order_of_columns_is_free_and_a_missing_one_is_told(city: Department) -> None:
    """The contract: columns are found by name."""
    columns = list(reversed(APPLICATION_COLUMNS))
    city.kezek("import", "applications", str(city.table("turned", columns, [application("A1")])))
    row = application("A2")
    del row["birth_date"]
    fewer = [name for name in APPLICATION_COLUMNS if name != "birth_date"]
    told = city.kezek("import", "applications", str(city.table("fewer", fewer, [row])), expect=1)
    assert "birth_date" in told.err
    city.run("2026-02-02")
    assert city.line() == ["A1"]


def test_explain_tells_the_lucky_from_those_without_a_place(busy: Department) -> None:
    """The contract: `explain` names the place, or says why there was none."""
    busy.applications(application("R1", languages="ru"))
    busy.bulletin(place("V2", "2026-02-03", organization="K2"))
    busy.run("2026-02-03")
    lucky, speaker = busy.explain("A2", "2026-02-03"), busy.explain("R1", "2026-02-03")
    assert "V2" in lucky
    assert "V2" not in busy.explain("A2", "2026-02-02")
    assert "language" in speaker
    assert "A1" not in lucky + speaker
