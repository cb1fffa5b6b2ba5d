"""The made city: real totals, likely shares, valid cells, the same bytes for the same seed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import phonenumbers
import pytest
from kz_iin_validator import validate_iin

from bulletins.vacancy import AdmissionOrder, GroupType, Regime
from queue_engine.demo.city import (
    APPLICATION_COLUMNS,
    BULLETIN_COLUMNS,
    INTAKE_DAY,
    LOCALITY,
    TIMEZONE,
    City,
    check_digits,
    make_iins,
)
from queue_engine.demo.life import DECISION_COLUMNS, WITHDRAWAL_COLUMNS, DayFiles, LiveVoucher
from queue_engine.domain.application import Benefit, NoticeLanguage
from queue_engine.errors import WrongUsage

Record = dict[str, str]


def read(path: Path) -> list[Record]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def city() -> City:
    return City.make()


@pytest.fixture(scope="module")
def applications(city: City, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    path = tmp_path_factory.mktemp("city") / "applications.csv"
    city.write_applications(path)
    return read(path)


@pytest.fixture(scope="module")
def vacancies(city: City, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    path = tmp_path_factory.mktemp("city") / "bulletin.csv"
    city.write_bulletin(path)
    return read(path)


def check_application(row: Record) -> None:
    """Every cell as the public contract of applications.csv has it."""
    assert tuple(row) == APPLICATION_COLUMNS
    filed_at, born = datetime.fromisoformat(row["filed_at"]), date.fromisoformat(row["birth_date"])
    assert filed_at.utcoffset() == filed_at.astimezone(ZoneInfo(TIMEZONE)).utcoffset()
    assert filed_at.date() > born
    assert row["locality"] == LOCALITY
    assert validate_iin(row["child_iin"]).born_date.datetime.date() == born
    assert row["benefit"] in set(Benefit)
    assert row["group_type"] in set(GroupType)
    assert row["notice_language"] in set(NoticeLanguage)
    for column, allowed in (("languages", {"kk", "ru", "en"}), ("regimes", set(Regime))):
        values = row[column].split("|")
        assert values
        assert set(values) <= allowed
        assert len(values) == len(set(values))
    assert row["accepts"] == "" or set(row["accepts"].split("|")) <= set(AdmissionOrder)
    wishes = row["organizations"].split("|")
    assert len(wishes) == len(set(wishes))
    assert 1 <= len([code for code in wishes if code != "*"]) <= 10
    assert "*" not in wishes[:-1]
    assert row["phones"] or row["email"]
    assert row["phones"].count("|") <= 1
    assert row["email"] == "" or row["email"].endswith("@example.org")


def check_vacancy(row: Record) -> None:
    """Every cell as the public contract of bulletin.csv has it (rules B1-B4)."""
    assert tuple(row) == BULLETIN_COLUMNS
    published = datetime.fromisoformat(row["published_at"])
    assert published.utcoffset() == timedelta(hours=6)
    assert row["locality"] == LOCALITY
    assert row["organization"].startswith("KG")
    assert row["age_group"]
    assert row["birth_year"] in {"2016", "2017", "2018", "2019"}
    assert row["language"] in {"kk", "ru", "en"}
    assert row["group_type"] in set(GroupType)
    assert row["regime"] in set(Regime)
    assert row["admission"] in set(AdmissionOrder)
    assert int(row["places"]) >= 1
    start = date.fromisoformat(row["start_date"])
    assert start > published.date()
    if row["admission"] == AdmissionOrder.TEMPORARY:
        assert date.fromisoformat(row["attend_until"]) > start
    else:
        assert row["attend_until"] == ""
    if row["vacated_on"]:
        assert row["admission"] == AdmissionOrder.EARLY_BOOKING
        date.fromisoformat(row["vacated_on"])


def test_the_city_has_exactly_the_places_of_astanas_intake(vacancies: list[Record]) -> None:
    places: Counter[str] = Counter()
    for row in vacancies:
        places[row["birth_year"]] += int(row["places"])
    assert places == {"2019": 6_074, "2018": 9_372, "2017": 5_616, "2016": 3_235}
    assert sum(places.values()) == 24_297
    assert len({row["organization"] for row in vacancies}) == 653
    assert len({row["vacancy_id"] for row in vacancies}) == len(vacancies) > 4 * 653


def test_every_vacancy_has_the_shape_of_the_contract(vacancies: list[Record]) -> None:
    """Rules B1 to B4."""
    for row in vacancies:
        check_vacancy(row)
        assert row["published_at"].startswith(f"{INTAKE_DAY}T")
    assert {row["admission"] for row in vacancies} == set(AdmissionOrder)
    bookings = [row for row in vacancies if row["admission"] == AdmissionOrder.EARLY_BOOKING]
    assert 0 < sum(row["vacated_on"] == "" for row in bookings) < len(bookings)
    moments = [row["published_at"] for row in vacancies]
    assert moments == sorted(moments)


def test_every_application_has_the_shape_of_the_contract(applications: list[Record]) -> None:
    assert len(applications) == 47_000
    for row in applications:
        check_application(row)
        assert "2018-01-01" <= row["filed_at"] < str(INTAKE_DAY)
    assert len({row["application_id"] for row in applications}) == 47_000


def test_no_two_children_have_one_iin(applications: list[Record]) -> None:
    """Rule A7."""
    assert len({row["child_iin"] for row in applications}) == 47_000


def test_phones_are_valid_mobile_numbers_of_kazakhstan(applications: list[Record]) -> None:
    numbers = [phone for row in applications[::40] for phone in row["phones"].split("|") if phone]
    assert len(numbers) > 1_000
    for number in numbers:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE
        assert phonenumbers.region_code_for_number(parsed) == "KZ"


def test_shares_are_those_of_a_likely_city(applications: list[Record]) -> None:
    """Rules A2 and A3: all ten benefits, a fifth to a quarter privileged."""
    count, benefits = len(applications), Counter(row["benefit"] for row in applications)
    assert set(benefits) == set(Benefit)
    assert 0.20 < 1 - benefits[Benefit.NONE] / count < 0.25
    assert 0.02 < (benefits[Benefit.MILITARY] + benefits[Benefit.SPECIAL_STATE_BODY]) / count < 0.03
    assert 0.18 < sum(row["organizations"].endswith("*") for row in applications) / count < 0.22
    assert 0.005 < sum(row["group_type"] == "special" for row in applications) / count < 0.03
    assert 0.7 < sum(row["accepts"] in ("", "standard") for row in applications) / count < 0.9
    assert {row["filed_at"][:4] for row in applications} == {"2018", "2019", "2020", "2021"}


def test_a_few_children_are_too_young(applications: list[Record]) -> None:
    """Rule A8, at its default of 24 months and 6 years on 1 September 2021."""
    young = sum(row["birth_date"] > "2019-09-01" for row in applications)
    assert 0.01 < young / len(applications) < 0.05
    assert min(row["birth_date"] for row in applications) > "2015-09-01"


def test_some_families_filed_in_the_same_second(applications: list[Record]) -> None:
    """Rule A4: the application id decides between them."""
    assert len({row["filed_at"] for row in applications}) < 0.98 * len(applications)


def test_popularity_is_uneven(applications: list[Record]) -> None:
    wishes = Counter(code for row in applications for code in row["organizations"].split("|") if code != "*")
    ranked = sorted(wishes.values(), reverse=True)
    assert sum(ranked[:65]) > 0.3 * sum(ranked)
    assert len(ranked) > 640


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    """Rule C4 begins with the same records."""
    written = []
    for number, seed in enumerate((7, 7, 8)):
        made, paths = City.make(seed, 0.02), (tmp_path / f"a{number}.csv", tmp_path / f"b{number}.csv")
        made.write_applications(paths[0])
        made.write_bulletin(paths[1])
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    assert all(one != other for one, other in zip(written[0], written[2], strict=True))
    assert b"\r" not in written[0][0]


@pytest.mark.parametrize("scale", [0.002, 0.1])
def test_a_smaller_city_keeps_its_proportions(scale: float) -> None:
    made = City.make(scale=scale)
    places = sum(int(row[BULLETIN_COLUMNS.index("places")]) for row in made.vacancies)
    assert len(made.applications) == round(47_000 * scale)
    assert places == pytest.approx(24_297 * scale, abs=4)


@pytest.mark.parametrize(("seed", "scale"), [(-1, 1.0), (1, 0.0), (1, -1.0), (1, float("nan")), (1, 1e-9)])
def test_no_city_is_made_of_nothing(seed: int, scale: float) -> None:
    with pytest.raises(WrongUsage, match="no city can be made"):
        City.make(seed, scale)


def test_check_digits_agree_with_an_independent_validator() -> None:
    stems = np.random.default_rng(3).integers(19_010_150_000, 19_010_170_000, 500)
    digits = check_digits(stems)
    issued = [f"{stem}{digit}" for stem, digit in zip(stems, digits, strict=True) if digit < 10]
    assert 450 < len(issued) < 500
    assert [validate_iin(iin).iin for iin in issued] == issued


def test_made_iins_avoid_those_that_are_taken() -> None:
    """Rule A7; one birth date for many children makes clashes certain if nothing avoided them."""
    rng, born = np.random.default_rng(5), np.full(6_000, 17_897, np.int64)
    first = make_iins(rng, born, np.zeros(0, np.int64))
    second = make_iins(rng, born, first)
    assert len(set(first.tolist()) | set(second.tolist())) == 12_000


class Days:
    """Ten days played with the plainest store: first come, first served, any place; vouchers in a dict."""

    def __init__(self, folder: Path) -> None:
        self.city = City.make(scale=0.1)
        self.life = self.city.life()
        self.folder = folder
        self.vacancies = {row[0]: dict(zip(BULLETIN_COLUMNS, row, strict=True)) for row in self.city.vacancies}
        self.free = {vacancy: int(row["places"]) for vacancy, row in self.vacancies.items()}
        self.live: dict[str, LiveVoucher] = {}
        self.issued: dict[str, LiveVoucher] = {}
        self.decided: dict[str, Counter[str]] = {}
        spots = [vacancy for vacancy, places in self.free.items() for _ in range(places - 1)]
        for row, vacancy in zip(self.city.applications, spots, strict=False):
            booking = self.vacancies[vacancy]["admission"] == AdmissionOrder.EARLY_BOOKING
            last = None if booking else INTAKE_DAY + timedelta(days=7)
            self.live[row[0]] = LiveVoucher(f"V-{row[0]}", row[0], vacancy, INTAKE_DAY, last)
            self.free[vacancy] -= 1
        self.issued.update(self.live)

    def play(self) -> Iterator[tuple[date, DayFiles]]:
        """Yield each day and its files before they are taken in."""
        for day in self.life.days:
            files = self.life.day_files(self.folder, day, list(self.live.values())[::-1], self.free)
            yield day, files
            for row in read(files.bulletin):
                self.free.setdefault(row["vacancy_id"], int(row["places"]))
                self.vacancies[row["vacancy_id"]] = row
            for row in read(files.withdrawals):
                self.free[row["vacancy_id"]] -= int(row["places"])
            for row in read(files.decisions):
                voucher = self.live.pop(row["application_id"])
                self.decided.setdefault(voucher.application_id, Counter())[row["decision"]] += 1
                if row["decision"] == "extend":
                    last = voucher.issued_on + timedelta(days=30)
                    self.live[voucher.application_id] = replace(voucher, expires_on=last)
            self.night(day)

    def night(self, day: date) -> None:
        """Lapse, and begin the terms of bookings vacated."""
        for application, voucher in list(self.live.items()):
            vacated = self.vacancies[voucher.vacancy_id]["vacated_on"]
            if voucher.expires_on is None and vacated and vacated <= str(day):
                self.live[application] = replace(voucher, expires_on=day + timedelta(days=7))
            elif voucher.expires_on is not None and voucher.expires_on <= day:
                del self.live[application]


def test_new_applications_and_changes_have_the_shape_of_the_contract(tmp_path: Path) -> None:
    """Rule A7: a change keeps the id, the child and the moment of filing, and changes benefit or wishes."""
    played = Days(tmp_path)
    known = {row[0]: dict(zip(APPLICATION_COLUMNS, row, strict=True)) for row in played.city.applications}
    iins, changes = {row["child_iin"] for row in known.values()}, 0
    for day, files in played.play():
        for row in read(files.applications):
            check_application(row)
            if row["application_id"] in known:
                before = known[row["application_id"]]
                differing = {column for column in row if row[column] != before[column]}
                assert differing in ({"benefit"}, {"organizations"})
                assert row["application_id"] not in played.issued
                changes += 1
            else:
                assert row["filed_at"].startswith(str(day))
                assert row["child_iin"] not in iins
                iins.add(row["child_iin"])
            known[row["application_id"]] = row
    assert changes >= 30
    assert len(known) > len(played.city.applications) + 60


def test_vacated_places_and_bookings_have_the_shape_of_the_contract(tmp_path: Path) -> None:
    """Rules B3 and B4: a booking's day is set by a row that changes nothing else, once, on that day."""
    played, later = Days(tmp_path), 0
    for day, files in played.play():
        for row in read(files.bulletin):
            check_vacancy(row)
            if row["vacancy_id"] in played.vacancies:
                assert {**played.vacancies[row["vacancy_id"]], "vacated_on": str(day)} == row
                assert played.vacancies[row["vacancy_id"]]["vacated_on"] == ""
                later += 1
            else:
                assert row["published_at"].startswith(str(day))
    assert later >= 20


def test_no_more_places_are_withdrawn_than_are_free(tmp_path: Path) -> None:
    """Rule B6."""
    played, seen = Days(tmp_path), set()
    for day, files in played.play():
        rows = read(files.withdrawals)
        assert len({row["vacancy_id"] for row in rows}) == len(rows) == files.counts.withdrawals
        for row in rows:
            assert tuple(row) == WITHDRAWAL_COLUMNS
            assert 1 <= int(row["places"]) <= played.free[row["vacancy_id"]]
            assert datetime.fromisoformat(row["withdrawn_at"]).date() == day
            assert row["reason"]
            seen.add(row["withdrawal_id"])
    assert len(seen) >= 20


def test_nothing_is_withdrawn_where_nothing_is_free(tmp_path: Path) -> None:
    """Rule B6."""
    files = City.make(scale=0.01).life().day_files(tmp_path, date(2021, 8, 11), [], {"P-1": 0})
    assert read(files.withdrawals) == []
    assert read(files.decisions) == []
    assert files.withdrawals.read_text(encoding="utf-8").strip() == ",".join(WITHDRAWAL_COLUMNS)


def test_decisions_fall_on_working_days_within_the_term_of_a_live_voucher(tmp_path: Path) -> None:
    """Rules B3, D1 to D5: none before the term has begun, none after it, a ground for every refusal."""
    played, ids, working_days = Days(tmp_path), [], set()
    for day, files in played.play():
        rows = read(files.decisions)
        assert day.weekday() < 5 or rows == []
        assert len({row["application_id"] for row in rows}) == len(rows)
        for row in rows:
            assert tuple(row) == DECISION_COLUMNS
            voucher = played.live[row["application_id"]]
            assert voucher.expires_on is not None
            assert voucher.issued_on < day <= voucher.expires_on
            assert row["decided_on"] == str(day)
            assert row["decision"] in {"admit", "decline", "refuse", "extend"}
            assert row["reason"] or row["decision"] != "refuse"
            ids.append(row["decision_id"])
            working_days.add(day)
    assert len(set(ids)) == len(ids) > 1_000
    assert working_days >= {date(2021, 8, number) for number in (11, 12, 13, 16, 17)}


def test_most_families_come_and_a_few_never_do(tmp_path: Path) -> None:
    played = Days(tmp_path)
    assert sum(files.counts.admissions for _, files in played.play()) > 1_000
    standard = [name for name, voucher in played.issued.items() if voucher.expires_on is not None]
    fates = {name: played.decided.get(name, Counter()) for name in standard}
    assert len(standard) > 1_000
    for decision, least, most in (("admit", 0.85, 0.93), ("decline", 0.03, 0.055), ("refuse", 0.005, 0.025)):
        assert least < sum(fate[decision] for fate in fates.values()) / len(standard) < most
    assert 0.003 < sum(fate["extend"] > 0 for fate in fates.values()) / len(standard) < 0.02
    assert max(fate["extend"] for fate in fates.values()) == 1
    assert 0.035 < sum(not fate for fate in fates.values()) / len(standard) < 0.065


def test_the_same_days_are_lived_the_same_way_in_any_order_of_vouchers(tmp_path: Path) -> None:
    """Rule C4."""
    first, second = Days(tmp_path / "first"), Days(tmp_path / "second")
    second.live = dict(reversed(second.live.items()))
    for (_, one), (_, other) in zip(first.play(), second.play(), strict=True):
        assert one.counts == other.counts
        for path in (one.applications, one.bulletin, one.withdrawals, one.decisions):
            assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_a_day_is_lived_once_and_in_order(tmp_path: Path) -> None:
    life = City.make(scale=0.01).life()
    assert list(life.days) == [date(2021, 8, number) for number in range(11, 21)]
    life.day_files(tmp_path, date(2021, 8, 12), [], {})
    for day in (date(2021, 8, 12), date(2021, 8, 11), date(2021, 8, 21)):
        with pytest.raises(WrongUsage, match=r"demo\.day"):
            life.day_files(tmp_path, day, [], {})
