"""Rules C1-C4: which place suits whom, which is preferred, and that nobody is skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.department import Department
from support.rows import Row, application, place, temporary, vacancy


@pytest.mark.parametrize(
    ("wish", "unsuitable", "suitable"),
    [
        ({}, {"locality": "astana"}, {}),
        ({}, {"birth_year": "2022"}, {}),
        ({"languages": "ru|en"}, {"language": "kk"}, {"language": "en"}),
        ({"regimes": "half_day"}, {"regime": "full_day"}, {"regime": "half_day"}),
        ({"regimes": "round_the_clock"}, {"regime": "half_day"}, {"regime": "round_the_clock"}),
        ({"organizations": "K2|K3"}, {"organization": "K1"}, {"organization": "K3"}),
        ({}, {"admission": "early_booking"}, {"admission": "standard"}),
        ({"accepts": "early_booking"}, {"admission": "standard"}, {"admission": "early_booking"}),
        ({"accepts": "standard"}, {"admission": "temporary", "attend_until": "2026-06-01"}, {}),
        ({}, {"group_type": "special"}, {"group_type": "general"}),
        ({"group_type": "special"}, {"group_type": "general"}, {"group_type": "special"}),
        (
            {"birth_date": "2024-03-02"},
            {"birth_year": "2024", "start_date": "2026-03-01"},
            {"birth_year": "2024", "start_date": "2026-03-02"},
        ),
    ],
)
def test_a_place_suits_only_if_every_field_suits(city: Department, wish: Row, unsuitable: Row, suitable: Row) -> None:
    """Rule C1: a place that differs in one field stays free; the like one that suits is given."""
    city.applications(application("A1", **wish))
    city.bulletin(vacancy("V1", **unsuitable))
    city.run("2026-02-02")
    assert city.given() == {}
    city.bulletin(vacancy("V2", published_at="2026-02-03T09:00:00+05:00", **suitable))
    city.run("2026-02-03")
    assert city.given() == {"A1": "V2"}


def test_a_star_means_any_organisation_of_the_locality_alone(city: Department) -> None:
    """Rule C1: the same organisation code in another locality is another organisation."""
    city.applications(application("A1", organizations="*"))
    city.bulletin(vacancy("V1", locality="astana"), vacancy("V2", organization="K77"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V2"}


@pytest.mark.parametrize(("kind", "reason"), [("decline", ""), ("refuse", "certificate out of date")])
def test_a_place_declined_or_refused_is_not_offered_to_the_same_child_again(
    city: Department, kind: str, reason: str
) -> None:
    """Rule C1: the very vacancy is barred for A1, a like one of the same organisation is not."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1"))
    city.run("2026-02-02")
    city.decide("A1", kind, "2026-02-03", reason)
    city.run("2026-02-03")
    assert city.given("2026-02-03") == {}
    assert city.line() == ["A1"]
    city.bulletin(place("V2", "2026-02-04"))
    city.run("2026-02-04")
    assert city.given("2026-02-04") == {"A1": "V2"}


def _choice(city: Department, wish: Row, worse: Row, better: Row) -> dict[str, str]:
    """Offer two places, the worse one under the lesser id, and see which is taken."""
    every = {
        "organizations": "K1|K2",
        "languages": "kk|ru",
        "regimes": "full_day|half_day",
        "accepts": "standard|early_booking|temporary",
    }
    city.applications(application("A1", **{**every, **wish}))
    city.bulletin(vacancy("V1", **worse), vacancy("V2", **better))
    city.run("2026-02-02")
    return city.given()


RUSSIAN = {"language": "ru"}
HALF = {"regime": "half_day"}
BOOKED = {"admission": "early_booking"}
LATER = {"start_date": "2026-04-01"}
NOON = {"published_at": "2026-02-02T12:00:00+05:00"}


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"organization": "K2"}, {**BOOKED, **RUSSIAN, **HALF, **LATER, **NOON}),
        (BOOKED, {**RUSSIAN, **HALF, **LATER, **NOON}),
        (RUSSIAN, {**HALF, **LATER, **NOON}),
        (HALF, {**LATER, **NOON}),
        (LATER, NOON),
        (NOON, {}),
    ],
)
def test_wishes_are_weighed_one_after_another(city: Department, worse: Row, better: Row) -> None:
    """Rule C2: organisation, admission, language, regime, start, moment; each beats all that follow."""
    assert _choice(city, {}, worse, better) == {"A1": "V2"}


@pytest.mark.parametrize(
    ("wish", "worse", "better"),
    [
        ({"organizations": "K2|K1"}, {"organization": "K1"}, {"organization": "K2"}),
        ({"accepts": "early_booking|standard"}, {}, BOOKED),
        ({"languages": "ru|kk"}, {}, RUSSIAN),
        ({"regimes": "half_day|full_day"}, {}, HALF),
    ],
)
def test_the_position_in_the_family_s_list_counts_and_no_other(
    city: Department, wish: Row, worse: Row, better: Row
) -> None:
    """Rule C2: lists are ordered wishes, so a list turned round turns the choice round."""
    assert _choice(city, wish, worse, better) == {"A1": "V2"}


@pytest.mark.parametrize(
    ("wishes", "first", "second"),
    [("K1|*|K2", "K9", "K2"), ("*|K2", "K9", "K2"), ("K2|*", "K2", "K9"), ("K1|K2|*", "K2", "K9")],
)
def test_a_star_stands_for_every_organisation_not_named(city: Department, wishes: str, first: str, second: str) -> None:
    """Rule C2: all of them at the star's own position; a named one stays at its own, even behind the star."""
    worse, better = {"organization": second}, {"organization": first}
    assert _choice(city, {"organizations": wishes}, worse, better) == {"A1": "V2"}


def test_organisations_under_the_star_are_equal(city: Department) -> None:
    """Rule C2: between two not named the start date decides, not the code."""
    worse, better = {"organization": "K3", **LATER}, {"organization": "K8"}
    assert _choice(city, {"organizations": "K1|*"}, worse, better) == {"A1": "V2"}


def test_the_last_tie_is_broken_by_the_vacancy_id_as_text(city: Department) -> None:
    """Rule C2: V10 goes before V9."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V9"), vacancy("V10"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V10"}


def test_an_application_holds_one_voucher_at_a_time(city: Department) -> None:
    """Rule C3: neither in one night nor in the next is a second voucher given."""
    city.applications(application("A1"))
    city.bulletin(vacancy("V1", places="3"), vacancy("V2", organization="K2"))
    city.run("2026-02-02")
    city.bulletin(place("V0", "2026-02-03"))
    city.run("2026-02-03")
    assert len(city.vouchers()) == 1


def test_nobody_is_skipped_while_a_place_that_suits_is_free(city: Department) -> None:
    """Rule C3: the first two can take nothing here, so the place goes on to the third and fourth."""
    city.applications(
        application("A1", languages="ru"),
        application("A2", organizations="K5"),
        application("A3"),
        application("A4", regimes="half_day|full_day"),
        application("A5"),
    )
    city.bulletin(vacancy("V1", places="2"))
    city.run("2026-02-02")
    assert city.given() == {"A3": "V1", "A4": "V1"}


def test_nobody_holds_what_someone_served_before_would_have_preferred(city: Department) -> None:
    """Rule C3: all prefer K2; the first gets it, the second its next wish, the third the rest."""
    city.applications(
        application("A1", organizations="K2|K1"),
        application("A2", organizations="K2|K3|K1"),
        application("A3", organizations="K2|K3|K1"),
        application("A4", organizations="K2|K3"),
    )
    city.bulletin(vacancy("V1", organization="K1"), vacancy("V2", organization="K2"), vacancy("V3", organization="K3"))
    city.run("2026-02-02")
    assert city.given() == {"A1": "V2", "A2": "V3", "A3": "V1"}


def _city_of_many(folder: Path, turned: bool) -> tuple[str, str]:
    """The same records in rows of one order or the other; the vouchers and the queue that came of them."""
    city = Department(folder)
    wishes = ("K1|K2", "K2|*", "*", "K3|K1", "K2")
    benefits = ("none", "orphan", "none", "military", "none", "teacher")
    families = [
        application(f"A{n}", organizations=wishes[n % 5], benefit=benefits[n % 6], languages=("kk|ru", "ru")[n % 2])
        for n in range(24)
    ]
    places = [
        vacancy(f"V{n}", organization=f"K{n % 4}", language=("kk", "ru")[n % 3 == 0], places=str(1 + n % 2))
        for n in range(8)
    ]
    places.append(temporary("T1", "2026-02-02", until="2026-03-20"))
    city.applications(*(reversed(families) if turned else families))
    city.bulletin(*(reversed(places) if turned else places))
    city.run("2026-02-02")
    city.run("2026-02-03")
    vouchers, queue, _ = city.records()
    return vouchers, queue


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    """Rule C4: the same records, read backwards, give the same vouchers and the same queue."""
    straight = _city_of_many(tmp_path / "straight", turned=False)
    assert straight[0].count(",issued") > 8
    assert _city_of_many(tmp_path / "turned", turned=True) == straight


def test_a_voucher_has_the_same_number_on_every_machine(city: Department) -> None:
    """Rule C4 and Decision 1.18: it is made of the day and the application."""
    city.applications(application("A17"))
    city.bulletin(place("V1", "2026-03-20"))
    city.run("2026-03-20")
    assert city.voucher("A17")["voucher_id"] == "V-20260320-A17"
