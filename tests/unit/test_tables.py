"""Tables of text: encodings, separators, physical lines, files that are no tables at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletins.files import Row, read_bulletin, read_withdrawals
from bulletins.reader import Reader
from bulletins.tables import MarkedCells, TableError, open_table
from queue_engine.domain.application import Application
from queue_engine.intake.application_file import read_applications
from queue_engine.intake.decision_file import read_decisions
from support.workbooks import APPLICATION, application, csv_text, random_bytes, write_csv

ROWS = [application(number) for number in range(1, 30)]


def records(reader: Reader[Application]) -> list[Application]:
    return [read.record for read in reader if isinstance(read, Row)]


@pytest.fixture
def plain(tmp_path: Path) -> list[Application]:
    taken = records(read_applications(write_csv(tmp_path / "plain.csv", APPLICATION, ROWS)))
    assert len(taken) == len(ROWS)
    return taken


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "kz1048"])
def test_every_encoding_and_separator_reads_the_same(
    tmp_path: Path, plain: list[Application], encoding: str, delimiter: str
) -> None:
    path = write_csv(tmp_path / "a.csv", APPLICATION, ROWS, encoding, delimiter)
    assert records(read_applications(path)) == plain


def test_an_old_code_page_is_told(tmp_path: Path) -> None:
    reader = read_applications(write_csv(tmp_path / "a.csv", APPLICATION, ROWS, "kz1048"))
    assert any("kz1048" in note for note in reader.notes)


def test_a_few_broken_bytes_cost_only_their_rows(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", APPLICATION, ROWS)
    data = path.read_bytes().replace(b"A-7,", b"A-\xff7,")
    path.write_bytes(data)
    reads = list(read_applications(path))
    assert [read.line for read in reads if not isinstance(read, Row)] == [8]
    assert len(reads) == len(ROWS)


def test_a_line_is_counted_where_its_record_starts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n"q"r,3\r\n4,w\r\n', encoding="utf-8", newline="")
    rows = list(open_table(path).rows())
    assert [line for line, _ in rows] == [2, 5, 6, 7]
    assert rows[0][1] == ["1", "x\r\ny"]
    assert isinstance(rows[2][1], MarkedCells)


def test_an_open_quotation_mark_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,2\n"3,4\n5,6\n', encoding="utf-8")
    with pytest.raises(TableError, match="line 3: a quotation mark") as raised:
        list(open_table(path).rows())
    assert raised.value.code == "table.open_quote"


def test_a_cell_without_end_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n" + "x" * 200_000 + ",4\n", encoding="utf-8")
    with pytest.raises(TableError, match="longer than"):
        list(open_table(path).rows())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "table.empty", id="empty file"),
        pytest.param(b"\n\n", "table.header", id="empty header"),
        pytest.param(b"a\x00b,c\n", "table.not_text", id="NUL bytes"),
        pytest.param(b"x" * (3 << 20), "table.not_text", id="a line without end"),
        pytest.param(b'a,"b\n1,2\n', "table.header", id="open quotation mark in the header"),
        pytest.param(b"\xff\xfea\x00,\x00b\x00\n\x00\xd8", "table.columns", id="UTF-16 cut short"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "table.old_excel", id="old Excel"),
        pytest.param(b"PK\x03\x04 and nothing more", "table.damaged", id="a torn XLSX"),
        pytest.param(b"no,such,columns\n1,2,3\n", "table.columns", id="other columns"),
        pytest.param((",".join([*APPLICATION, "benefit"]) + "\n").encode(), "table.columns", id="a column twice"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "handed-in.csv"
    path.write_bytes(data)
    with pytest.raises(TableError, match=r"handed-in\.csv") as raised:
        list(read_applications(path))
    assert raised.value.code == code
    assert raised.value.next_step


def test_a_file_without_rows_is_a_file_and_told(tmp_path: Path) -> None:
    reader = read_applications(write_csv(tmp_path / "a.csv", APPLICATION, []))
    assert list(reader) == []
    assert reader.notes == ["a.csv: no rows under the header, so nothing to take"]


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(TableError) as raised:
            read_applications(path)
        assert raised.value.code == "table.no_file"


def test_a_missing_mandatory_column_is_named(tmp_path: Path) -> None:
    header = [name for name in APPLICATION if name != "benefit"]
    with pytest.raises(TableError, match="lacks benefit"):
        read_applications(write_csv(tmp_path / "a.csv", header, []))


def test_unknown_columns_are_ignored_and_told(tmp_path: Path, plain: list[Application]) -> None:
    path = write_csv(tmp_path / "a.csv", [*APPLICATION, "remark"], [[*row, "x"] for row in ROWS])
    reader = read_applications(path)
    assert records(reader) == plain
    assert reader.notes == ["columns ignored: remark"]


def test_columns_stand_in_any_order_and_optional_ones_may_be_missing(tmp_path: Path, plain: list[Application]) -> None:
    header = [name for name in reversed(APPLICATION) if name != "email"]
    rows = [[row[APPLICATION.index(name)] for name in header] for row in ROWS]
    reader = read_applications(write_csv(tmp_path / "a.csv", header, rows))
    taken = records(reader)
    assert [one.application_id for one in taken] == [one.application_id for one in plain]
    assert {one.email for one in taken} == {""}
    assert any("email" in note for note in reader.notes)


def test_the_position_runs_to_the_size_of_the_file(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", APPLICATION, [application(number) for number in range(1, 3000)])
    reader = read_applications(path)
    positions = [reader.position for _ in reader]
    assert positions == sorted(positions)
    assert 0 < positions[0] < reader.size == positions[-1] == path.stat().st_size


def test_memory_stays_flat_however_long_the_file(tmp_path: Path) -> None:
    """A file five times as long takes no more memory than the short one did."""
    text = csv_text(APPLICATION, [application(number) for number in range(1, 20_000)])
    short, long = tmp_path / "short.csv", tmp_path / "long.csv"
    short.write_text(text, encoding="utf-8", newline="")
    long.write_text(text + "".join(text.partition("\n")[2] for _ in range(4)), encoding="utf-8", newline="")
    assert sum(1 for _ in read_applications(short)) == 19_999
    before = psutil.Process().memory_info().rss
    assert sum(1 for _ in read_applications(long)) == 5 * 19_999
    assert psutil.Process().memory_info().rss - before < 8 << 20


def refusal_of(read: Callable[[Path], Reader[Any]], path: Path) -> str:
    """What a reader says of a file without a single good row; empty if it refuses row by row."""
    try:
        rows = list(read(path))
    except TableError as error:
        return str(error)
    assert not any(isinstance(row, Row) for row in rows)
    return ""


@settings(max_examples=300, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=300).map(lambda tail: ",".join(APPLICATION).encode() + b"\n" + tail),
        st.binary(max_size=300).map(lambda tail: b"PK\x03\x04" + tail),
        st.text(max_size=200).map(lambda tail: (",".join(APPLICATION) + "\n" + tail).encode("utf-8", "replace")),
    )
)
def test_random_bytes_never_end_in_anything_but_a_clear_refusal(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.csv"
        path.write_bytes(data)
        for read in (read_applications, read_bulletin, read_withdrawals, read_decisions):
            said = refusal_of(read, path)
            assert said == "" or said.startswith("[table.")
            assert said == "" or "random.csv" in said


def test_a_megabyte_of_random_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "random.csv"
    path.write_bytes(random_bytes(3, 1 << 20))
    with pytest.raises(TableError):
        read_applications(path)
