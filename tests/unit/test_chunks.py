"""A chunk read column by column gives what its rows give one by one, and leaves out the same rows."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletins.columns import PLAIN_EMAIL, PLAIN_ID, PLAIN_MOMENT, email, moment, text_id
from bulletins.refusals import Row
from queue_engine.domain.iin import MANY, IinError, check_iin, check_iins
from queue_engine.domain.moments import day_of, days_of, steady_offset, to_us
from queue_engine.domain.phones import at_most_two
from queue_engine.intake.application_file import phones, read_applications
from queue_engine.intake.application_rows import Applications, ChunkReader
from support.workbooks import APPLICATION, application, iin_of, iins, write_csv
from unit.test_files_rows import BAD_APPLICATION_CELLS

BORN = date(2021, 5, 17)
CELLS = {
    "application_id": [" A-1 ", "Ә-17", "A?1", "x" * 64, "A 1"],
    "filed_at": ["2024-05-02 09:00:00+05:00", "2024-05-02T04:00Z", "2024-02-29T23:59:59.999999-03:30", "2024-05-02T24"],
    "locality": [" astana", "Қарағанды", "кызыл?орда"],
    "child_iin": [f" {next(iins(BORN))}", "٢" * 12, next(iins(date(1921, 5, 17)))],
    "birth_date": [" 2021-05-17", "2021-05-18", "1921-05-17"],
    "benefit": ["orphan", "NONE", "жоқ"],
    "languages": ["қазақша|орысша", "ru", "kk|ru|kk"],
    "group_type": ["special", "арнайы"],
    "regimes": ["full_day", "half_day|full_day"],
    "organizations": ["*", "K1|K2", " K1 |*", "K1||K2", "K1|*|K1"],
    "accepts": ["", "temporary", "standard|standard"],
    "phones": ["", "+77011234567|+77051234567", "8 701 123 45 67", "+77011234567|+77011234567", "|"],
    "email": ["", " a@b.kz", "a@b.c", "ана@мектеп.қаз"],
    "notice_language": ["RU", "en", "қазақша"],
}  # fmt: skip
cells = st.one_of(
    st.just({}),
    st.sampled_from([{column: cell} for column, found in CELLS.items() for cell in found]),
    st.sampled_from([{column: cell} for column, cell, _expected in BAD_APPLICATION_CELLS]),
)


def as_columns(row: Row[object]) -> tuple[object, ...]:
    """A row's record as a chunk has it."""
    record = row.record
    assert hasattr(record, "filed_at")
    listed = [record.languages, (record.group_type,), record.regimes, record.accepts]
    return (
        row.line,
        record.application_id,
        to_us(record.filed_at),
        record.locality,
        record.child_iin,
        record.birth_date,
        str(record.benefit),
        tuple("|".join(items) for items in listed),
        record.organizations,
        "|".join(record.phones),
        record.email,
        str(record.notice_language),
    )


def as_rows(good: Applications | None) -> list[tuple[object, ...]]:
    return [(row[0][0], *row[1:]) for row in zip(*good, strict=True)] if good else []


def made(number: int, changes: dict[str, str]) -> list[str]:
    """A row whose birth date and IIN agree if nothing else is said."""
    own = next(iin for serial in range(number, 10_000) if (iin := iin_of(BORN, serial)))
    return application(number, **{"child_iin": own, "birth_date": BORN.isoformat(), **changes})


@settings(max_examples=150)
@given(changes=st.lists(cells, min_size=1, max_size=8), size=st.integers(1, 8), cut=st.integers(0, 2))
def test_a_chunk_gives_what_its_rows_give_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, changes: list[dict[str, str]], size: int, cut: int
) -> None:
    rows = [made(10 * number, change) for number, change in enumerate(changes)]
    rows += [[], [""] * len(APPLICATION), [*rows[0], ""], rows[0][:cut], [*rows[0], "more"]]
    path = write_csv(tmp_path_factory.mktemp("chunk") / "applications.csv", APPLICATION, rows)
    expected = [read for read in read_applications(path) if isinstance(read, Row)]
    reader = read_applications(path)
    columns = ChunkReader(reader)
    found: list[tuple[object, ...]] = []
    for chunk in reader.chunks(size):
        good, odd = columns.read(chunk)
        again = [reader.read(line, raw) for line, raw in odd]
        found += [*as_rows(good), *(as_columns(read) for read in again if isinstance(read, Row))]
        assert [line for line, _raw in odd] == sorted(line for line, _raw in odd)
    assert sorted(found) == sorted(map(as_columns, expected))


def test_the_plain_rows_of_a_chunk_are_all_read_column_by_column(tmp_path: Path) -> None:
    """One bad row costs no other its short way."""
    rows = [made(10 * number, {"phones": "none"} if number == 3 else {}) for number in range(20)]
    reader = read_applications(write_csv(tmp_path / "applications.csv", APPLICATION, rows))
    (chunk,) = reader.chunks(50)
    good, odd = ChunkReader(reader).read(chunk)
    assert good is not None
    assert (len(good.raw), [line for line, _raw in odd]) == (19, [5])


@given(st.from_regex(PLAIN_ID, fullmatch=True))
def test_an_id_that_stands_as_it_is_is_taken_so(cell: str) -> None:
    assert text_id(cell) == cell


@given(st.from_regex(PLAIN_EMAIL, fullmatch=True))
def test_an_address_that_stands_as_it_is_is_taken_so(cell: str) -> None:
    assert email(cell) == cell


@given(st.from_regex(re.compile(at_most_two(), re.ASCII), fullmatch=True))
def test_phones_that_stand_as_they_are_are_taken_so(cell: str) -> None:
    assert "|".join(phones(cell)) == cell


@given(st.integers(7_400, 47_800), st.integers(0, 86_399), st.integers(-12 * 60, 14 * 60))
def test_a_moment_as_programs_write_it_is_plain(day: int, second: int, minutes: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, seconds=second)
    cell = f"{at:%Y-%m-%dT%H:%M:%S}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    assert re.fullmatch(PLAIN_MOMENT, cell)
    assert moment(cell) == at - timedelta(minutes=minutes)


def test_many_numbers_are_checked_as_each_is() -> None:
    """Rule A7, also where the second row of weights decides; a wrong digit, letter or length anywhere is seen."""
    numbers = [number for serial in range(2 * MANY) if (number := iin_of(BORN + timedelta(serial), serial))]
    assert check_iins(numbers) == [check_iin(number).birth_date for number in numbers]
    for at in (0, 11, len(numbers) - 1):
        good = numbers[at]
        for bad in (good[:-1] + str((int(good[-1]) + 1) % 10), good[:-1], good + "1", good[:3] + "x" + good[4:], ""):
            with pytest.raises(IinError):
                check_iins([*numbers[:at], bad, *numbers[at + 1 :]])
    never = next(serial for serial in range(10_000) if iin_of(BORN, serial) is None)
    for digit in range(10):
        with pytest.raises(IinError):
            check_iins([*numbers, f"{BORN:%y%m%d}5{never:04d}{digit}"])


@pytest.mark.parametrize("zone", ["Asia/Almaty", "Asia/Qyzylorda", "America/Havana", "UTC"])
def test_many_moments_fall_on_the_days_that_each_falls_on(zone: str) -> None:
    """Rule F1; Almaty put its clocks back at midnight of 29 February 2024, Havana does it every year."""
    timezone = ZoneInfo(zone)
    middle = to_us(datetime(2024, 2, 29, 18, tzinfo=UTC))
    drawn = np.random.default_rng(29).integers(middle - 400 * 86_400_000_000, middle + 400 * 86_400_000_000, 4_000)
    moments = [*drawn.tolist(), *(middle + step * 1_800_000_000 for step in range(-96, 96))]
    assert days_of(moments, timezone) == [day_of(moment, timezone) for moment in moments]
    for span in (3_600, 86_400, 30 * 86_400, 400 * 86_400):
        for first in moments[::50]:
            last = first + span * 1_000_000
            between = [first + (last - first) * part // 20 for part in range(21)]
            offset = steady_offset(first, last, timezone)
            if offset is not None:
                days = [datetime.fromtimestamp(us // 1_000_000 + offset, UTC).date() for us in between]
                assert days == [day_of(us, timezone) for us in between]
    assert (steady_offset(middle - 1, middle, ZoneInfo("Asia/Almaty")) is None) == (middle > 0)
