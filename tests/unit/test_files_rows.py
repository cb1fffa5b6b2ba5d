"""Rows: each kind of bad cell is refused by line and column, its neighbours are kept, nothing private is shown."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from bulletins.files import RefusedRow, Row, TableError, read_bulletin, read_withdrawals
from bulletins.vacancy import AdmissionOrder, GroupType, Regime, Vacancy
from queue_engine.domain.application import Application, Benefit, NoticeLanguage
from queue_engine.domain.decision import DecisionKind
from queue_engine.intake.application_file import read_applications
from queue_engine.intake.calendar_file import CalendarRow, DayKind, read_calendar_corrections
from queue_engine.intake.decision_file import read_decisions
from support.workbooks import (
    APPLICATION,
    DECISION,
    VACANCY,
    WITHDRAWAL,
    application,
    iins,
    vacancy,
    write_csv,
)

OTHER_IIN = next(iins(date(2019, 3, 3)))

BAD_APPLICATION_CELLS = [
    ("application_id", "", "1 to 64"),
    ("application_id", "x" * 65, "1 to 64"),
    ("application_id", "A\u00001", "printable"),
    ("application_id", "A|1", "without '|'"),
    ("application_id", "A\ufffd1", "printable"),
    ("filed_at", "", "offset"),
    ("filed_at", "2024-05-02T09:00:00", "offset"),
    ("filed_at", "2024-05-02", "offset"),
    ("filed_at", "02.05.2024 09:00", "offset"),
    ("filed_at", "2024-02-30T09:00:00+05:00", "offset"),
    ("filed_at", "0204-05-02T09:00:00+05:00", "offset"),
    ("filed_at", "0001-01-01T00:00:00+05:00", "offset"),
    ("filed_at", "20240502T090000+0500", "offset"),
    ("locality", "", "code"),
    ("locality", "*", "other than '*'"),
    ("child_iin", "", "12 digits"),
    ("child_iin", "19101858364", "12 digits"),
    ("child_iin", "191018583649", "check digit"),
    ("child_iin", OTHER_IIN, "agree with birth_date"),
    ("birth_date", "2021-13-01", "YYYY-MM-DD"),
    ("birth_date", "01.02.2021", "YYYY-MM-DD"),
    ("birth_date", "2021-W05-1", "YYYY-MM-DD"),
    ("birth_date", "", "YYYY-MM-DD"),
    ("benefit", "", "one of military"),
    ("benefit", "льготник", "one of military"),
    ("languages", "", "ISO 639-1"),
    ("languages", "kz", "ISO 639-1"),
    ("languages", "kk|kk", "once"),
    ("languages", "kk|", "ISO 639-1"),
    ("group_type", "mixed", "general"),
    ("regimes", "", "full_day"),
    ("regimes", "full_day|full_day", "once"),
    ("organizations", "", "code"),
    ("organizations", "а|*|*", "once"),
    ("organizations", "балдыр?ан", "Kazakh letters"),
    ("organizations", "?айша", "Kazakh letters"),
    ("accepts", "standart", "standard"),
    ("phones", "+77011234567|+77021234567|+77051234567", "at most two"),
    ("phones", "+77011234567|8 701 123 45 67", "once"),
    ("phones", "+79161234567", "mobile number"),
    ("phones", "+77511234567", "mobile number"),
    ("phones", "Айгүл", "mobile"),
    ("email", "parent at example.org", "e-mail"),
    ("email", "a@b@c.kz", "e-mail"),
    ("email", "two@a.kz|three@a.kz", "e-mail"),
    ("notice_language", "", "kk, ru, en"),
    ("notice_language", "de", "kk, ru, en"),
]
BAD_VACANCY_CELLS = [
    ("vacancy_id", "  ", "1 to 64"),
    ("published_at", "2026-03-20 09:00", "offset"),
    ("organization", "*", "other than '*'"),
    ("organization", "Ж?лдыз", "Kazakh letters"),
    ("age_group", "жас ?лкендер", "Kazakh letters"),
    ("birth_year", "22", "YYYY"),
    ("birth_year", "2022.0", "YYYY"),
    ("language", "kaz", "ISO 639-1"),
    ("regime", "night", "full_day"),
    ("admission", "late", "standard"),
    ("places", "0", "from 1"),
    ("places", "-3", "from 1"),
    ("places", "2.5", "from 1"),
    ("places", "٣", "from 1"),
    ("places", "1" * 5000, "from 1"),
    ("start_date", "1/4/2026", "YYYY-MM-DD"),
    ("vacated_on", "2026-05-01", "only an early_booking"),
    ("attend_until", "2026-05-01", "only a temporary"),
]


def looks_private(text: str) -> bool:
    """Whether a message shows what looks like an IIN, a phone or an e-mail."""
    without_moments = re.sub(r"\d\d\.\d\d\.\d{4}|\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\+\d\d:\d\d)?", "", text)
    return bool(re.search(r"\d(?:[ ().-]*\d){7,}|\S@\S", without_moments))


@pytest.mark.parametrize(("column", "cell", "expected"), BAD_APPLICATION_CELLS)
def test_a_bad_cell_of_an_application_is_refused_by_line_column_and_expectation(
    tmp_path: Path, column: str, cell: str, expected: str
) -> None:
    """Rules A2, A7, G1; the rows around it are kept."""
    rows = [application(1), application(2, **{column: cell}), application(3)]
    reads = list(read_applications(write_csv(tmp_path / "applications.csv", APPLICATION, rows)))
    assert [isinstance(read, Row) for read in reads] == [True, False, True]
    refused = reads[1]
    assert isinstance(refused, RefusedRow)
    blamed = [refusal.column for refusal in refused.refusals]
    assert blamed == [column]
    message = str(refused.refusals[0])
    assert message.startswith(f"applications.csv, line 3, column {column}: '")
    assert expected in message
    assert not looks_private(message)
    if column in ("child_iin", "phones", "email"):
        assert set(refused.refusals[0].value) <= {"*"}


@pytest.mark.parametrize(("column", "cell", "expected"), BAD_VACANCY_CELLS)
def test_a_bad_cell_of_a_vacancy_is_refused_by_line_column_and_expectation(
    tmp_path: Path, column: str, cell: str, expected: str
) -> None:
    """Rules B1, B3, B4."""
    rows = [vacancy(1), vacancy(2, **{column: cell}), vacancy(3)]
    reads = list(read_bulletin(write_csv(tmp_path / "bulletin.csv", VACANCY, rows)))
    assert [isinstance(read, Row) for read in reads] == [True, False, True]
    assert isinstance(reads[1], RefusedRow)
    assert [refusal.column for refusal in reads[1].refusals] == [column]
    message = str(reads[1].refusals[0])
    assert message.startswith(f"bulletin.csv, line 3, column {column}: '")
    assert expected in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"admission": "temporary"}, "attend_until"),
        ({"admission": "temporary", "attend_until": "2026-03-31"}, "attend_until"),
        ({"admission": "early_booking", "attend_until": "2026-05-01"}, "attend_until"),
        ({"admission": "temporary", "attend_until": "2026-05-01", "vacated_on": "2026-04-01"}, "vacated_on"),
    ],
)
def test_dates_that_do_not_go_with_the_admission_order_are_refused(
    tmp_path: Path, cells: dict[str, str], column: str
) -> None:
    """Rules B3 and B4."""
    (read,) = read_bulletin(write_csv(tmp_path / "b.csv", VACANCY, [vacancy(1, **cells)]))
    assert isinstance(read, RefusedRow)
    assert [refusal.column for refusal in read.refusals] == [column]


def test_dates_that_go_with_the_admission_order_are_taken(tmp_path: Path) -> None:
    """Rules B3 and B4."""
    rows = [
        vacancy(1, admission="temporary", attend_until="2026-04-01"),
        vacancy(2, admission="early_booking"),
        vacancy(3, admission="early_booking", vacated_on="2026-05-01"),
        vacancy(4, admission=""),
    ]
    reads = list(read_bulletin(write_csv(tmp_path / "b.csv", VACANCY, rows)))
    taken = [read.record for read in reads if isinstance(read, Row)]
    assert [one.attend_until for one in taken] == [date(2026, 4, 1), None, None, None]
    assert [one.vacated_on for one in taken] == [None, None, date(2026, 5, 1), None]
    assert taken[3].admission is AdmissionOrder.STANDARD


def test_every_bad_cell_of_a_row_has_a_refusal_of_its_own(tmp_path: Path) -> None:
    row = application(1, child_iin=OTHER_IIN, benefit="", phones="1", email="x", filed_at="soon")
    (read,) = read_applications(write_csv(tmp_path / "a.csv", APPLICATION, [row]))
    assert isinstance(read, RefusedRow)
    assert {one.column for one in read.refusals} == {"child_iin", "benefit", "phones", "email", "filed_at"}


def test_a_refusal_reads_as_a_sentence_with_the_value_masked(tmp_path: Path) -> None:
    row = application(1, child_iin="191018583649")
    (read,) = read_applications(write_csv(tmp_path / "applications.csv", APPLICATION, [row]))
    assert isinstance(read, RefusedRow)
    assert str(read.refusals[0]) == (
        "applications.csv, line 2, column child_iin: '************' refused: "
        "expected 12 digits with a valid check digit. Rule A7."
    )


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_row_with_cells_out_of_place_shows_none_of_them(tmp_path: Path, shift: int) -> None:
    good = application(1)
    for bad in (good[:-1], [*good, "more"], good[shift:] + good[:shift]):
        path = write_csv(tmp_path / "a.csv", APPLICATION, [bad, application(2)])
        refused, kept = list(read_applications(path))
        assert isinstance(kept, Row)
        assert isinstance(refused, RefusedRow)
        messages = " ".join(map(str, refused.refusals)) + repr(refused)
        assert not looks_private(messages), messages
        assert good[3] not in messages


def test_a_file_without_a_header_shows_nothing_of_its_first_row(tmp_path: Path) -> None:
    row = application(1, organizations="Айгүл Омарова")
    with pytest.raises(TableError, match="lacks application_id") as raised:
        read_applications(write_csv(tmp_path / "a.csv", row, [application(2)]))
    assert not any(cell in str(raised.value) for cell in row if len(cell) > 4)


def test_trailing_empty_cells_and_blank_rows_do_no_harm(tmp_path: Path) -> None:
    rows = [[*application(1), "", ""], [""] * 14, [" "] * 3, application(2)]
    reads = list(read_applications(write_csv(tmp_path / "a.csv", APPLICATION, rows)))
    assert [read.line for read in reads] == [2, 5]
    assert all(isinstance(read, Row) for read in reads)


def test_a_file_of_10000_rows_loses_exactly_its_bad_ones(tmp_path: Path) -> None:
    """Five rows in a hundred spoilt, in all ways in turn."""
    rng = np.random.default_rng(12)
    spoilt = sorted(int(number) for number in rng.choice(10_000, 500, replace=False))
    rows = [application(number) for number in range(10_000)]
    wanted: dict[int, str] = {}
    for turn, number in enumerate(spoilt):
        column, cell, _ = BAD_APPLICATION_CELLS[turn % len(BAD_APPLICATION_CELLS)]
        rows[number] = application(number, **{column: cell})
        wanted[number + 2] = column
    reads = list(read_applications(write_csv(tmp_path / "a.csv", APPLICATION, rows)))
    refused = {read.line: [one.column for one in read.refusals] for read in reads if isinstance(read, RefusedRow)}
    assert refused == {line: [column] for line, column in wanted.items()}
    kept = [read.record.application_id for read in reads if isinstance(read, Row)]
    assert kept == [f"A-{number}" for number in range(10_000) if number + 2 not in wanted]
    messages = [str(one) for read in reads if isinstance(read, RefusedRow) for one in read.refusals]
    assert len(messages) == 500
    assert not [message for message in messages if looks_private(message)]


def test_a_good_application_is_read_whole(tmp_path: Path) -> None:
    row = application(1, accepts="", phones="+77011234567|8 702 765 43 21", email="", filed_at="2024-05-02T09:00+06:00")
    (read,) = read_applications(write_csv(tmp_path / "a.csv", APPLICATION, [row]))
    assert isinstance(read, Row)
    assert read.record == Application(
        application_id="A-1",
        filed_at=datetime(2024, 5, 2, 3, tzinfo=UTC),
        locality="astana",
        child_iin=row[3],
        birth_date=date(2021, 1, 2),
        benefit=Benefit.NONE,
        languages=("kk", "ru"),
        group_type=GroupType.GENERAL,
        regimes=(Regime.FULL_DAY, Regime.HALF_DAY),
        organizations=("балдырған-7", "айгөлек", "*"),
        accepts=(AdmissionOrder.STANDARD,),
        phones=("+77011234567", "+77027654321"),
        email="",
        notice_language=NoticeLanguage.KAZAKH,
    )


WORDS = {
    "kk": (
        "бос орын нөмірі,жарияланған уақыты,елді мекен,мектепке дейінгі ұйым,жас тобы,туған жылы,тәрбиелеу тілі,"
        "топ түрі,болу режимі,қабылдау тәртібі,орын саны,басталу күні,босатылған күні,келу мерзімінің соңы",
        {"language": "қазақ тілі", "group_type": "жалпы", "regime": "толық күн", "admission": "уақытша"},
    ),
    "ru": (
        "Номер свободного места,Дата и время публикации,Населённый пункт,Дошкольная организация,Возрастная группа,"
        "Год рождения,Язык воспитания,Вид группы,Режим пребывания,Порядок приёма,Количество мест,Дата начала,"
        "Дата освобождения,Посещение до",
        {"language": "Казахский", "group_type": "Общая", "regime": "Полный день", "admission": "Временный"},
    ),
    "mixed keyboard": (
        "бoc opын нөмipi,ЖАРИЯЛАНҒАН  УАҚЫТЫ,елдi мекен,мектепке дейiнгi ұйым,жас_тобы,туған жылы,тəрбиелеу тiлi,"
        "топ түрi,болу режимi,қабылдау тəртiбi,орын саны,бaсталу күнi,босатылған күнi,келу мерзiмiнiң соңы",
        {"language": "ҚAЗAҚ", "group_type": "жалпы топ", "regime": "тoлық күн", "admission": "уaқытшa"},
    ),
}


@pytest.mark.parametrize("tongue", list(WORDS))
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_headers_and_values_are_understood_in_kazakh_and_russian(tmp_path: Path, tongue: str, delimiter: str) -> None:
    headers, values = WORDS[tongue]
    row = vacancy(1, attend_until="2026-06-01", **values)
    (read,) = read_bulletin(write_csv(tmp_path / "b.csv", headers.split(","), [row], delimiter=delimiter))
    assert isinstance(read, Row), read
    assert read.record == Vacancy(
        vacancy_id="V-1",
        published_at=datetime(2026, 3, 20, 4, tzinfo=UTC),
        locality="astana",
        organization="балдырған-7",
        age_group="3-4 жас",
        birth_year=2022,
        language="kk",
        group_type=GroupType.GENERAL,
        regime=Regime.FULL_DAY,
        admission=AdmissionOrder.TEMPORARY,
        places=5,
        start_date=date(2026, 4, 1),
        vacated_on=None,
        attend_until=date(2026, 6, 1),
    )


def test_application_headers_and_benefits_are_understood_in_kazakh_and_russian(tmp_path: Path) -> None:
    """Rule A2, in the words of the officer."""
    kazakh = (
        "өтініш нөмірі;берілген уақыты;елді мекен;баланың ЖСН;туған күні;жеңілдік;тәрбиелеу тілдері;топ түрі;"
        "болу режимдері;мектепке дейінгі ұйымдар;қабылдау тәртіптері;телефондар;электрондық пошта;хабарлама тілі"
    )
    russian = (
        "номер заявления;дата и время подачи;населенный пункт;ИИН ребенка;дата рождения;льгота;языки воспитания;"
        "вид группы;режимы пребывания;дошкольные организации;порядок приема;телефоны;электронная почта;"
        "язык уведомлений"
    )
    for headers, benefit, regimes in (
        (kazakh, "көпбалалы отбасы", "толық күн|тәулік бойы"),
        (russian, "Многодетная семья", "полный день|круглосуточно"),
    ):
        row = application(1, benefit=benefit, regimes=regimes)
        (read,) = read_applications(write_csv(tmp_path / "a.csv", headers.split(";"), [row], delimiter=";"))
        assert isinstance(read, Row), read
        assert read.record.benefit is Benefit.LARGE_FAMILY
        assert read.record.regimes == (Regime.FULL_DAY, Regime.ROUND_THE_CLOCK)


def test_codes_are_never_respelt(tmp_path: Path) -> None:
    """Two codes that look alike stay two codes: only words are matched by their look."""
    latin, cyrillic = "oак", "оак"
    rows = [application(1, organizations=f"{latin}|{cyrillic}")]
    (read,) = read_applications(write_csv(tmp_path / "a.csv", APPLICATION, rows))
    assert isinstance(read, Row)
    assert read.record.organizations == (latin, cyrillic)


def test_decisions_are_read_and_a_refusal_needs_its_ground(tmp_path: Path) -> None:
    """Rule D4."""
    rows = [
        ["D-1", "A-1", "2026-03-27", "admit", ""],
        ["D-2", "A-2", "2026-03-27", "refuse", " "],
        ["D-3", "A-3", "2026-03-27", "отказ организации", "нет справки"],
        ["D-4", "A-4", "2026-03-27", "ұзарту", ""],
        ["D-5", "A-5", "2026-03-27", "отказ", ""],
    ]
    reads = list(read_decisions(write_csv(tmp_path / "d.csv", DECISION, rows)))
    refused = [(read.line, [one.column for one in read.refusals]) for read in reads if isinstance(read, RefusedRow)]
    assert refused == [(3, ["reason"]), (6, ["decision"])]
    kinds = [read.record.decision for read in reads if isinstance(read, Row)]
    assert kinds == [DecisionKind.ADMIT, DecisionKind.REFUSE, DecisionKind.EXTEND]


def test_withdrawals_are_read(tmp_path: Path) -> None:
    """Rule B6."""
    rows = [["W-1", "2026-03-21T10:00:00Z", "V-1", "2", "жөндеу"], ["W-2", "2026-03-21T10:00:00Z", "V-1", "0", ""]]
    reads = list(read_withdrawals(write_csv(tmp_path / "w.csv", WITHDRAWAL, rows)))
    assert isinstance(reads[0], Row)
    assert (reads[0].record.places, reads[0].record.reason) == (2, "жөндеу")
    assert isinstance(reads[1], RefusedRow)
    assert reads[1].refusals[0].rule == "B6"


def test_calendar_corrections_are_read(tmp_path: Path) -> None:
    """Rule D1: moved days included."""
    rows = [["2024-06-17", "рабочий день", "№ 426"], ["2026-08-31", "day_off", ""]]
    reads = list(read_calendar_corrections(write_csv(tmp_path / "c.csv", ["күні", "күн түрі", "акт"], rows)))
    assert reads[0] == Row(2, CalendarRow(date(2024, 6, 17), DayKind.WORKING, "№ 426"))
    assert isinstance(reads[1], RefusedRow)
