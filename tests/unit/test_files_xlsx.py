"""XLSX: the same as CSV, and nothing hidden: formulas, errors, lost zeros, wrong sheets, bombs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from bulletins import zip_guard
from bulletins.files import RefusedRow, Row, TableError, read_bulletin
from queue_engine.intake.application_file import read_applications
from support.workbooks import (
    APPLICATION,
    SHEET_END,
    SHEET_START,
    VACANCY,
    application,
    bomb_pieces,
    understate,
    vacancy,
    with_sheet_xml,
    write_csv,
    write_xlsx,
)

CHECKOUT = Path(__file__).parents[2]
READ_AND_MEASURE = """
import re, sys
from pathlib import Path
from bulletins.files import TableError, read_bulletin
try:
    print(len(list(read_bulletin(Path(sys.argv[1])))), "rows")
except TableError as error:
    print(error.code)
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def read_apart(path: Path) -> tuple[str, int]:
    """Read in a process of its own: what it said, and the most memory it took, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", READ_AND_MEASURE, str(path)], capture_output=True, text=True, cwd=CHECKOUT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    said, megabytes = done.stdout.split("\n")[:2]
    return said, int(megabytes)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_xlsx(tmp_path / "base.xlsx", VACANCY, [vacancy()])


def test_the_same_rows_in_csv_and_xlsx_read_equal(tmp_path: Path) -> None:
    rows = [vacancy(number) for number in range(1, 40)]
    rows[3] = vacancy(4, places="0")
    rows[5] = vacancy(6, admission="temporary", attend_until="2026-06-01")
    native: list[list[object]] = []
    for row in rows:
        cells: list[object] = list(row)
        cells[VACANCY.index("places")] = int(row[VACANCY.index("places")])
        cells[VACANCY.index("birth_year")] = 2022
        cells[VACANCY.index("start_date")] = date(2026, 4, 1)
        native.append(cells)
    from_csv = list(read_bulletin(write_csv(tmp_path / "b.csv", VACANCY, rows)))
    from_xlsx = list(read_bulletin(write_xlsx(tmp_path / "b.xlsx", VACANCY, native)))
    assert [read for read in from_csv if isinstance(read, Row)] == [read for read in from_xlsx if isinstance(read, Row)]
    refused = [read for read in from_xlsx if isinstance(read, RefusedRow)]
    assert [(read.line, read.refusals[0].column) for read in refused] == [(5, "places")]


def test_a_formula_is_refused_by_its_cell(tmp_path: Path) -> None:
    rows = [vacancy(1), vacancy(2, places="=2+3"), vacancy(3)]
    reads = list(read_bulletin(write_xlsx(tmp_path / "b.xlsx", VACANCY, rows)))
    assert [isinstance(read, Row) for read in reads] == [True, False, True]
    assert isinstance(reads[1], RefusedRow)
    (refusal,) = reads[1].refusals
    assert (refusal.line, refusal.column) == (3, "places")
    assert "not a formula (cell K3)" in str(refusal)


def test_an_excel_error_is_not_taken_for_an_empty_cell(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "b.xlsx", VACANCY, [vacancy(1, vacated_on="#N/A")])
    (read,) = read_bulletin(path)
    assert isinstance(read, RefusedRow)
    assert [refusal.column for refusal in read.refusals] == ["vacated_on"]
    assert "Excel error (cell M2)" in str(read.refusals[0])


def test_a_timestamp_held_as_an_excel_date_is_refused_for_want_of_an_offset(tmp_path: Path) -> None:
    row: list[object] = list(vacancy())
    row[1] = datetime.fromisoformat("2026-03-20T09:30:00")  # Excel knows no offset
    (read,) = read_bulletin(write_xlsx(tmp_path / "b.xlsx", VACANCY, [row]))
    assert isinstance(read, RefusedRow)
    assert [refusal.column for refusal in read.refusals] == ["published_at"]
    assert "offset" in str(read.refusals[0])


def test_an_iin_that_lost_its_leading_zero_is_refused_not_repaired(tmp_path: Path) -> None:
    """A child born in 2005 stands here for all whose number begins with 0."""
    iin = "050101500005"
    row: list[object] = list(application(1, birth_date="2005-01-01"))
    row[3] = int(iin)
    (read,) = read_applications(write_xlsx(tmp_path / "a.xlsx", APPLICATION, [row]))
    assert isinstance(read, RefusedRow)
    (refusal,) = read.refusals
    assert refusal.column == "child_iin"
    assert refusal.value == "*" * 11
    assert "leading zeros" in refusal.next_step


def test_an_iin_held_as_a_number_is_read_as_its_digits(tmp_path: Path) -> None:
    row: list[object] = list(application())
    row[3] = int(str(row[3]))
    (read,) = read_applications(write_xlsx(tmp_path / "a.xlsx", APPLICATION, [row]))
    assert isinstance(read, Row)
    assert read.record.child_iin == application()[3]


def test_the_wrong_sheet_is_named_with_the_columns_it_lacks(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "b.xlsx", ["Нұсқаулық"], [["read me"]], title="Нұсқаулық")
    book = openpyxl.load_workbook(path)
    second = book.create_sheet("Орындар")
    second.append(VACANCY)
    second.append(vacancy())
    book.save(path)
    with pytest.raises(TableError, match="sheet 'Нұсқаулық'") as raised:
        read_bulletin(path)
    assert "vacancy_id" in raised.value.what
    assert "first sheet" in raised.value.next_step


def test_a_zip_bomb_is_refused_and_the_memory_stays_small(tmp_path: Path, base: Path) -> None:
    bomb = with_sheet_xml(tmp_path / "bomb.xlsx", base, bomb_pieces(300))
    assert bomb.stat().st_size < 2 << 20
    said, megabytes = read_apart(bomb)
    assert said == "table.too_large"
    assert megabytes < 100


def test_a_zip_bomb_that_lies_about_its_size_is_refused_too(tmp_path: Path, base: Path) -> None:
    bomb = understate(with_sheet_xml(tmp_path / "bomb.xlsx", base, bomb_pieces(300)), 4096)
    with zipfile.ZipFile(bomb) as archive:
        assert sum(part.file_size for part in archive.infolist()) < 1 << 20
    said, megabytes = read_apart(bomb)
    assert said == "table.too_large"
    assert megabytes < 100


def test_a_cell_in_the_far_corner_reserves_no_memory(tmp_path: Path, base: Path) -> None:
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    path = with_sheet_xml(tmp_path / "corner.xlsx", base, [SHEET_START + corner + SHEET_END])
    said, megabytes = read_apart(path)
    assert said == "table.too_large"
    assert megabytes < 100


def test_an_endless_number_of_cells_is_refused_in_little_memory(tmp_path: Path, base: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield SHEET_START
        for row in range(1, 200_001):
            yield b'<row r="%d">' % row + b"".join(b'<c r="%c%d"><v>1</v></c>' % (65 + k, row) for k in range(14))
            yield b"</row>"
        yield SHEET_END

    said, megabytes = read_apart(with_sheet_xml(tmp_path / "wide.xlsx", base, pieces()))
    assert said == "table.too_large"
    assert megabytes < 300


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9, 0.99])
def test_a_torn_workbook_is_refused(tmp_path: Path, base: Path, keep: float) -> None:
    data = base.read_bytes()
    torn = tmp_path / "torn.xlsx"
    torn.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(TableError, match=r"torn\.xlsx"):
        read_bulletin(torn)


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bulletin.csv", "vacancy_id\n")
    with pytest.raises(TableError) as raised:
        read_bulletin(path)
    assert raised.value.code == "table.not_xlsx"


@pytest.mark.parametrize(
    "sheet",
    [
        pytest.param(SHEET_START + SHEET_END, id="no cells"),
        pytest.param(SHEET_START + b'<row r="1"><c><v>1</v></c></row>' + SHEET_END, id="cells without places"),
        pytest.param(b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + SHEET_START + SHEET_END, id="entities"),
        pytest.param(SHEET_START + b"<row><c r=", id="torn tag"),
        pytest.param(b"\x00\xff", id="no XML"),
    ],
)
def test_an_odd_sheet_is_refused_without_a_traceback(tmp_path: Path, base: Path, sheet: bytes) -> None:
    with pytest.raises(TableError, match=r"odd\.xlsx"):
        list(read_bulletin(with_sheet_xml(tmp_path / "odd.xlsx", base, [sheet])))


@pytest.mark.parametrize("prefix", [b"", b"x:"])
def test_formulas_are_found_wherever_the_sheet_is_cut_while_it_is_looked_through(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch, prefix: bytes
) -> None:
    """Pieces of a few bytes: every cut between a cell and its formula is met."""
    cells = b'<@c r="A1"><@v>1</@v></@c><@c s="0" r="B1"><@f>1+1</@f><@v>2</@v></@c><@c r="C1" t="e"><@v>#N/A</@v></@c>'
    start = SHEET_START if not prefix else SHEET_START.replace(b"xmlns=", b"xmlns:x=").replace(b"<w", b"<x:w")
    end = SHEET_END if not prefix else SHEET_END.replace(b"</", b"</x:")
    start = start if not prefix else start.replace(b"<sheetData", b"<x:sheetData")
    body = b'<@row r="1">' + cells + b"</@row>"
    path = with_sheet_xml(tmp_path / "b.xlsx", base, [start + body.replace(b"@", prefix) + end])
    found = []
    for size in range(1, 40):
        monkeypatch.setattr(zip_guard, "PIECE", size)
        found.append(zip_guard.look_through(path).marks)
    marks = {1: [zip_guard.Mark(1, formula=True), zip_guard.Mark(2, formula=False)]}
    assert all(one == marks for one in found), found[0]


def test_empty_styled_cells_far_out_do_no_harm(tmp_path: Path) -> None:
    whole = write_xlsx(tmp_path / "whole.xlsx", VACANCY, [vacancy(1), vacancy(2)])
    with zipfile.ZipFile(whole) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    far = b'<row r="1048576"><c r="XFD1048576" s="0" /></row></sheetData>'
    path = with_sheet_xml(tmp_path / "far.xlsx", whole, [sheet.replace(b"</sheetData>", far)])
    assert list(read_bulletin(path)) == list(read_bulletin(whole))
