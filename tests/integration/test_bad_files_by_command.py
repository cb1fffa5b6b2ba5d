"""Bad files by the command, as a process: the good rows are kept, the bad ones told, and nothing private is shown.

Each bad row of an application file is of a kind of its own; a file that is no table at all is refused whole, in words,
in little memory, without a stack trace.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openpyxl
import pytest

from support.department import table_of
from support.processes import Finished, kezek, kezek_here, kezek_measured, records
from support.workbooks import (
    APPLICATION,
    VACANCY,
    application,
    bomb_pieces,
    csv_text,
    iins,
    random_bytes,
    vacancy,
    with_sheet_xml,
    write_csv,
    write_xlsx,
)

ROWS = 10_000
BAD_ROWS = 500
SECOND_CHILDREN = 20
MOST_MEGABYTES = 300
NIGHT = "2026-03-20"

OTHER_IIN = next(iins(date(2019, 3, 3)))
BAD_CELLS = [
    ("application_id", ""),
    ("application_id", "A|1"),
    ("filed_at", "2024-05-02T09:00:00"),
    ("filed_at", "02.05.2024 09:00"),
    ("filed_at", "2024-02-30T09:00:00+05:00"),
    ("locality", "*"),
    ("child_iin", ""),
    ("child_iin", "19101858364"),
    ("child_iin", "191018583649"),
    ("child_iin", OTHER_IIN),
    ("birth_date", "2021-13-01"),
    ("birth_date", "01.02.2021"),
    ("benefit", "льготник"),
    ("languages", "kz"),
    ("languages", "kk|kk"),
    ("group_type", "mixed"),
    ("regimes", ""),
    ("organizations", "балдыр?ан"),
    ("organizations", ""),
    ("accepts", "standart"),
    ("phones", "+77011234567|+77021234567|+77051234567"),
    ("phones", "+79161234567"),
    ("phones", "Айгүл"),
    ("email", "parent at example.org"),
    ("email", "a@b@c.kz"),
    ("notice_language", "de"),
]
TOLD = re.compile(r"^families\.csv, line (\d+), column (\w+): '.*' refused: expected .+\.", re.MULTILINE)
PRIVATE = re.compile(r"(?<!\d)\d{11,12}(?!\d)|\S@\S|\+7[ (-]*\d{3}|Айгүл")


class Families(NamedTuple):
    """A file of applications: where it lies, its bad lines with the column to blame, and the ids of the others."""

    path: Path
    bad: dict[int, str]
    good: set[str]


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Families:
    """10,000 rows, five in a hundred bad: all kinds of bad cells in turn, and second applications of a child."""
    chosen = np.random.default_rng(12).choice(np.arange(1, ROWS), BAD_ROWS, replace=False).tolist()
    numbers: dict[str, Iterator[str]] = {}
    rows, bad = [], {}
    for number in range(ROWS):
        born = application(number)[APPLICATION.index("birth_date")]
        child = next(numbers.setdefault(born, iins(date.fromisoformat(born))))
        rows.append(application(number, child_iin=child))
    first = rows[0][APPLICATION.index("child_iin")], rows[0][APPLICATION.index("birth_date")]
    for turn, number in enumerate(chosen):
        column, cell = BAD_CELLS[turn % len(BAD_CELLS)]
        cells = {"child_iin": rows[number][APPLICATION.index("child_iin")], column: cell}
        if turn < SECOND_CHILDREN:
            filed_later = f"2025-01-{turn + 1:02d}T09:00:00+05:00"
            column, cells = "child_iin", {"child_iin": first[0], "birth_date": first[1], "filed_at": filed_later}
        rows[number] = application(number, **cells)
        bad[number + 2] = column
    path = write_csv(tmp_path_factory.mktemp("files") / "families.csv", APPLICATION, rows)
    return Families(path, bad, {f"A-{number}" for number in range(ROWS) if number + 2 not in bad})


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database without a record."""
    path = tmp_path_factory.mktemp("empty") / "kezek.db"
    assert kezek(path, "init").code == 0
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, empty: bytes) -> Path:
    (tmp_path / "kezek.db").write_bytes(empty)
    return tmp_path / "kezek.db"


def in_the_queue(path: Path) -> set[str]:
    return {row["application_id"] for row in table_of(records(path).queue)}


def refused_whole(answer: Finished, code: str) -> bool:
    return answer.code == 1 and answer.out == "" and f"[{code}]" in answer.err and "Traceback" not in answer.err


def test_exactly_the_bad_rows_of_10000_are_refused_by_line_and_column(families: Families, path: Path) -> None:
    """The contract and rules A2, A7, G1: exit 1, the good rows are kept, and the same file again changes nothing."""
    assert len(families.bad) == BAD_ROWS
    assert set(families.bad.values()) == set(APPLICATION)
    answer, megabytes = kezek_measured(path, path.with_name("memory"), "import", "applications", str(families.path))
    assert answer.code == 1, answer.told
    told = [(int(line), column) for line, column in TOLD.findall(answer.err)]
    assert Counter(told) == Counter(families.bad.items())
    assert in_the_queue(path) == families.good
    assert f"{ROWS - BAD_ROWS} new" in answer.err
    assert f"{BAD_ROWS} refused" in answer.err
    assert PRIVATE.findall(answer.told) == []
    assert megabytes < MOST_MEGABYTES
    before = records(path)
    again = kezek(path, "import", "applications", str(families.path))
    assert (again.code, records(path)) == (1, before)
    assert f"0 new, 0 changed, {ROWS - BAD_ROWS} unchanged, {BAD_ROWS} refused" in again.err


def test_strict_keeps_none_of_them(families: Families, path: Path) -> None:
    """The contract: all or nothing, with the same rows told."""
    answer = kezek(path, "import", "applications", str(families.path), "--strict")
    assert answer.code == 1
    assert len(TOLD.findall(answer.err)) == BAD_ROWS
    assert "Nothing was kept" in answer.err
    assert in_the_queue(path) == set()
    assert PRIVATE.findall(answer.told) == []


def test_no_later_answer_shows_what_is_private(families: Families, path: Path) -> None:
    """The rules of trust: the night, exports, numbers and explanations name applications, never people."""
    kezek_here(path, "import", "applications", str(families.path))
    bulletin = write_csv(path.with_name("b.csv"), VACANCY, [vacancy(1), vacancy(2, birth_year="2021")])
    answers = [
        kezek_here(path, *words)
        for words in (
            ("import", "bulletin", str(bulletin)),
            ("run", "--date", NIGHT),
            ("export", "vouchers"),
            ("export", "queue", "--format", "json"),
            ("number", "A-0"),
            ("explain", "A-0"),
        )
    ]
    assert [answer.code for answer in answers] == [0] * len(answers), [answer.err for answer in answers]
    assert answers[2].out.count(",issued\n") > 0
    assert PRIVATE.findall("".join(answer.told for answer in answers)) == []


def test_the_search_for_what_is_private_finds_it(families: Families) -> None:
    """The twin: the same search of the file itself finds the numbers and addresses of everyone."""
    assert len(PRIVATE.findall(families.path.read_text(encoding="utf-8"))) > 2 * ROWS


KINDS = ("applications", "bulletin", "withdrawals", "decisions")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("noise.csv", random_bytes(1, 20_000)),
        ("noise.xlsx", random_bytes(2, 20_000)),
        ("empty.csv", b""),
        ("empty.xlsx", b""),
        ("zip_start.xlsx", b"PK\x03\x04" + random_bytes(3, 2_000)),
        ("other.csv", b"one,two\n1,2\n"),
        ("words.csv", "Құрметті бөлім!\n".encode()),
        ("zeros.csv", bytes(1_000)),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, path: Path, kind: str, name: str, content: bytes) -> None:
    """The contract: exit 1, a code and what to do, no stack trace, and nothing on record."""
    file = tmp_path / name
    file.write_bytes(content)
    before = path.read_bytes()
    answer = kezek_here(path, "import", kind, str(file))
    assert answer.code == 1, answer.told
    assert answer.out == ""
    assert name in answer.err
    assert re.search(r"\[table\.\w+\] .+\.", answer.err), answer.err
    assert len(answer.err) < 1_000
    assert path.read_bytes() == before


def test_a_file_that_is_not_there_is_refused_in_words(tmp_path: Path, path: Path) -> None:
    for file in (tmp_path / "none.csv", tmp_path):
        answer = kezek_here(path, "import", "applications", str(file))
        assert answer.code in (1, 2), answer.told
        assert answer.err.startswith("[")


def test_a_missing_column_is_named_and_nothing_taken(tmp_path: Path, path: Path) -> None:
    """The contract: the columns are found by name, and one that must be there is missed."""
    place = APPLICATION.index("birth_date")
    without = [name for name in APPLICATION if name != "birth_date"]
    rows = [row[:place] + row[place + 1 :] for row in map(application, range(5))]
    answer = kezek(path, "import", "applications", str(write_csv(tmp_path / "a.csv", without, rows)))
    assert refused_whole(answer, "table.columns"), answer.told
    assert "lacks birth_date" in answer.err
    assert in_the_queue(path) == set()
    assert PRIVATE.findall(answer.told) == []


def test_a_table_in_the_wrong_sheet_is_refused_in_words(tmp_path: Path, path: Path) -> None:
    """The contract: the first sheet counts; a cover sheet before it is no table."""
    file = write_xlsx(tmp_path / "a.xlsx", APPLICATION, [application(1)])
    book = openpyxl.load_workbook(file)
    cover = book.create_sheet("Мұқаба", 0)
    cover.append(["Өтініштер тізімі", "2026"])
    book.save(file)
    answer = kezek(path, "import", "applications", str(file))
    assert refused_whole(answer, "table.columns"), answer.told
    assert "first sheet" in answer.err
    assert in_the_queue(path) == set()
    book.move_sheet(cover, 1)
    book.save(file)
    assert kezek(path, "import", "applications", str(file)).code == 0
    assert in_the_queue(path) == {"A-1"}


def test_a_workbook_that_unpacks_to_300_megabytes_is_refused_in_little_memory(tmp_path: Path, path: Path) -> None:
    """A file of a few hundred kilobytes must not fill the machine of the department."""
    base = write_xlsx(tmp_path / "base.xlsx", APPLICATION, [application(1)])
    bomb = with_sheet_xml(tmp_path / "bomb.xlsx", base, bomb_pieces(300))
    assert bomb.stat().st_size < 2 << 20
    answer, megabytes = kezek_measured(path, tmp_path / "memory", "import", "applications", str(bomb))
    assert refused_whole(answer, "table.too_large"), answer.told
    assert megabytes < MOST_MEGABYTES
    assert in_the_queue(path) == set()


def test_a_large_file_of_one_line_is_refused_in_little_memory(tmp_path: Path, path: Path) -> None:
    """Fifty megabytes without an end of line, and a quotation mark that is never closed."""
    file = tmp_path / "line.csv"
    header = csv_text(APPLICATION, [])
    with file.open("w", encoding="utf-8") as out:
        out.write(header + '"')
        for _ in range(50):
            out.write("a" * (1 << 20))
    answer, megabytes = kezek_measured(path, tmp_path / "memory", "import", "applications", str(file))
    assert answer.code == 1, answer.told
    assert "Traceback" not in answer.err
    assert megabytes < MOST_MEGABYTES
    assert in_the_queue(path) == set()


@pytest.mark.parametrize("words", [("run",), ("init",), ("status",), ("import", "applications", "nothing.csv")])
def test_a_database_that_is_not_ours_is_left_as_it_is(tmp_path: Path, words: tuple[str, ...]) -> None:
    """It may be another program's, named by mistake."""
    path = tmp_path / "accounts.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table account (name text)")
        connection.execute("insert into account values ('first')")
        connection.commit()
    before = path.read_bytes()
    answer = kezek_here(path, *words)
    assert answer.code == 2, answer.told
    assert path.read_bytes() == before
