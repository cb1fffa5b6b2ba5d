"""What is in force: the law, a department's overrides over it, a locality's over those."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from queue_engine.law.errors import LawError
from queue_engine.law.overrides import Override
from queue_engine.law.rulebook import Rulebook
from queue_engine.law.values import TurnPattern, Value

DAY = date(2026, 3, 20)


def override(value: Value, from_day: str, locality: str | None = None, name: str = "turn.pattern") -> Override:
    return Override(name, value, date.fromisoformat(from_day), locality, "Education department")


OVERRIDES = [
    override("1:9", "2025-01-01", "astana"),
    override("1:2", "2024-01-01"),
    override("1:3", "2019-01-01", "astana"),
    override("1:4", "2024-01-01"),
]

IN_FORCE = [
    ("2018-12-31", "astana", "strict", "the law alone"),
    ("2019-01-01", "astana", "1:3", "from the first day, that day included"),
    ("2019-01-01", "almaty", "strict", "another locality's override does not count"),
    ("2024-01-01", "almaty", "1:4", "of two with the same first day the one given last"),
    ("2024-06-01", "astana", "1:3", "the locality's own goes before a later one for every locality"),
    ("2024-12-31", "astana", "1:3", "until the day before the next"),
    ("2026-03-20", "astana", "1:9", "the latest first day, in whatever order they were given"),
    ("2026-03-20", "almaty", "1:4", "an override for every locality"),
]


@pytest.mark.parametrize(("day", "locality", "pattern", "why"), IN_FORCE, ids=[case[3] for case in IN_FORCE])
def test_the_nearest_and_latest_override_is_in_force(day: str, locality: str, pattern: str, why: str) -> None:
    """Rule A5 by a department's file."""
    book = Rulebook(OVERRIDES)
    asked = date.fromisoformat(day)
    assert str(book.on(asked, locality).turn) == pattern, why
    shown = {entry.name: entry.value for entry in book.in_force(asked, locality)}
    assert shown["turn.pattern"] == pattern, why


def test_the_same_rules_are_given_whatever_was_asked_before() -> None:
    """Rule C4: days across every turning day, asked forwards, backwards and of a book never asked before."""
    days = [date(2018, 12, 1) + timedelta(days=step) for step in range(0, 2400, 7)]
    book = Rulebook(OVERRIDES)
    for day in [*days, *reversed(days)]:
        for locality in ("astana", "almaty"):
            assert book.on(day, locality) == Rulebook(OVERRIDES).on(day, locality)
    assert len({str(book.on(day, "astana").turn) for day in days}) == 3


def test_the_same_span_of_days_is_worked_out_once() -> None:
    book = Rulebook(OVERRIDES)
    assert book.on(date(2026, 3, 20), "almaty") is book.on(date(2027, 3, 20), "aktobe")
    assert book.on(date(2026, 3, 20), "astana") is not book.on(date(2026, 3, 20), "almaty")


def test_the_law_alone_gives_the_engine_every_parameter() -> None:
    """Rules A3, A5, A8, B7, D1, D2, D4, D7, E1, E2 with the defaults of the public contract."""
    rules = Rulebook().on(DAY, "astana")
    assert rules.turn == TurnPattern(0, 0)
    assert rules.turn.strict
    assert (rules.age_min_months, rules.age_max_years, rules.age_max_months) == (24, 6, 72)
    assert (rules.voucher_validity, rules.voucher_extension) == (5, 30)
    assert (rules.stop_list_days, rules.archive_restore, rules.certificate_validity) == (10, 28, 3)
    assert (rules.confirmation_required, rules.confirmation_days) == (False, 5)
    assert (rules.suspended, rules.country) == ((), "KZ")
    assert rules.benefit_classes["teacher"] == "first_priority"
    assert not rules.is_suspended(DAY)


def test_every_parameter_of_the_rules_can_be_overridden() -> None:
    classes: Value = dict.fromkeys(Rulebook().on(DAY, "astana").benefit_classes, "general")
    given: dict[str, Value] = {
        "turn.pattern": "2:5",
        "age.min": 12,
        "age.max": 7,
        "voucher.validity": 6,
        "voucher.extension": 31,
        "stop_list.days": 11,
        "archive.restore": 29,
        "benefit.confirmation_required": True,
        "benefit.confirmation_days": 4,
        "benefit.classes": classes,
        "certificate.validity": 2,
        "publication.suspended": [["2026-08-01", "2026-08-31"]],
        "calendar.country": "LT",
        "run.at": "23:05",
    }
    book = Rulebook([override(value, "2026-01-01", name=name) for name, value in given.items()])
    assert {entry.name: entry.value for entry in book.in_force(DAY, None)} == given
    rules = book.on(DAY, "astana")
    assert (str(rules.turn), rules.turn.strict) == ("2:5", False)
    assert (rules.age_min_months, rules.age_max_months, rules.voucher_validity) == (12, 84, 6)
    assert (rules.voucher_extension, rules.stop_list_days, rules.archive_restore) == (31, 11, 29)
    assert (rules.confirmation_required, rules.confirmation_days) == (True, 4)
    assert (rules.certificate_validity, rules.country, rules.run_at) == (2, "LT", time(23, 5))
    assert set(rules.benefit_classes.values()) == {"general"}


@pytest.mark.parametrize(
    ("day", "suspended"),
    [
        ("2026-07-31", False),
        ("2026-08-01", True),
        ("2026-08-31", True),
        ("2026-09-01", False),
        ("2027-08-05", True),
    ],
)
def test_a_window_of_suspension_includes_both_its_days(day: str, suspended: bool) -> None:
    """Rule B7."""
    windows: Value = [["2026-08-01", "2026-08-31"], ["2027-08-05", "2027-08-05"]]
    rules = Rulebook([override(windows, "2026-01-01", name="publication.suspended")]).on(DAY, "astana")
    assert rules.is_suspended(date.fromisoformat(day)) is suspended


def test_what_is_in_force_is_shown_by_name_with_its_source() -> None:
    """`kezek rules show`: an override names its own source and place and was not checked by Kezek."""
    shown = Rulebook(OVERRIDES).in_force(DAY, "astana")
    names = [entry.name for entry in shown]
    assert names == sorted(names)
    by_name = {entry.name: entry for entry in shown}
    turn, validity = by_name["turn.pattern"], by_name["voucher.validity"]
    assert (turn.value, turn.unit, turn.from_day) == ("1:9", "turn_pattern", date(2025, 1, 1))
    assert (turn.reference, turn.checked_on, turn.locality) == ("Education department", None, "astana")
    assert (validity.value, validity.unit, validity.from_day) == (5, "working_day", date(2020, 6, 22))
    assert "No. 254" in validity.reference
    assert (validity.checked_on, validity.locality) == (date(2026, 11, 21), None)
    assert validity.description.startswith("Working days")


def test_without_a_locality_only_what_holds_everywhere_is_shown() -> None:
    shown = {entry.name: entry for entry in Rulebook(OVERRIDES).in_force(DAY, None)}
    assert (shown["turn.pattern"].value, shown["turn.pattern"].locality) == ("1:4", None)


def test_a_day_before_the_law_has_no_rules() -> None:
    with pytest.raises(LawError, match="no value on 1991-12-15"):
        Rulebook().on(date(1991, 12, 15), "astana")


def test_an_override_of_an_unknown_parameter_is_not_ignored() -> None:
    with pytest.raises(LawError, match=r"turn\.pace"):
        Rulebook([override(3, "2026-01-01", name="turn.pace")])
