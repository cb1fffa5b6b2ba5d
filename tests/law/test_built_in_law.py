"""The law shipped with Kezek: each number on its day with its source, and a strict loader."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from queue_engine.domain.application import Benefit, ServiceClass
from queue_engine.law.errors import LawError
from queue_engine.law.parameters import built_in, load
from queue_engine.law.values import BENEFITS, CLASSES, KINDS, Value

INDEPENDENCE = date(1991, 12, 16)
ORDER_254 = date(2020, 6, 22)

DEFAULTS: list[tuple[str, str, Value, str]] = [
    ("turn.pattern", "turn_pattern", "strict", "A5"),
    ("age.min", "month", 24, "A8"),
    ("age.max", "year", 6, "A8"),
    ("voucher.validity", "working_day", 5, "D1"),
    ("voucher.extension", "calendar_day", 30, "D2"),
    ("stop_list.days", "calendar_day", 10, "E1"),
    ("archive.restore", "calendar_day", 28, "E2"),
    ("benefit.confirmation_required", "boolean", False, "D7"),
    ("benefit.confirmation_days", "working_day", 5, "D7"),
    ("certificate.validity", "calendar_day", 3, "D4"),
    ("publication.suspended", "date_windows", [], "B7"),
    ("calendar.country", "country_code", "KZ", "D1"),
    ("run.at", "time_of_day", "00:30", "F1"),
]

GOOD = """\
description: Working days a voucher keeps the place
unit: working_day
values:
  2020-06-22: {value: 5, reference: "Order No. 254", checked_on: 2026-11-20}
"""


@pytest.mark.parametrize(("name", "unit", "value", "rule"), DEFAULTS, ids=[f"{c[0]}-{c[3]}" for c in DEFAULTS])
@pytest.mark.parametrize("day", [INDEPENDENCE, date(2015, 3, 1), ORDER_254, date(2026, 3, 20), date(2099, 1, 1)])
def test_every_default_holds_from_independence_on(name: str, unit: str, value: Value, rule: str, day: date) -> None:
    """The rule is the last of each case."""
    parameter = built_in()[name]
    assert (parameter.unit, parameter.on(day).value) == (unit, value), rule


def test_no_parameter_is_without_a_case() -> None:
    assert set(built_in()) == {case[0] for case in DEFAULTS} | {"benefit.classes"}


@pytest.mark.parametrize("name", sorted(built_in()))
def test_every_value_names_its_source_and_the_day_it_was_checked(name: str) -> None:
    for dated in built_in()[name].values:
        assert len(dated.reference) > 10
        assert dated.checked_on >= ORDER_254
        assert dated.from_day >= INDEPENDENCE


def test_before_the_law_begins_no_value_is_made_up() -> None:
    with pytest.raises(LawError, match=r"voucher\.validity has no value on 1991-12-15"):
        built_in()["voucher.validity"].on(date(1991, 12, 15))


@pytest.mark.parametrize("day", [date(2020, 6, 21), ORDER_254])
def test_teachers_and_siblings_are_first_priority_only_since_the_rules_of_2020(day: date) -> None:
    """Rule A3."""
    classes = built_in()["benefit.classes"].on(day).value
    since = "first_priority" if day >= ORDER_254 else "general"
    assert classes == {
        "military": "out_of_turn",
        "special_state_body": "out_of_turn",
        "disabled_guardian": "first_priority",
        "special_needs": "first_priority",
        "without_parental_care": "first_priority",
        "orphan": "first_priority",
        "large_family": "first_priority",
        "teacher": since,
        "disabled_sibling": since,
        "none": "general",
    }


def test_law_and_domain_speak_of_the_same_benefits_and_classes() -> None:
    """Rules A2, A3."""
    assert tuple(benefit.value for benefit in Benefit) == BENEFITS
    assert tuple(service_class.code for service_class in ServiceClass) == CLASSES


def law_of(tmp_path: Path, text: str) -> None:
    (tmp_path / "voucher").mkdir()
    (tmp_path / "voucher" / "validity.yaml").write_text(text, "utf-8")
    load(tmp_path)


def test_a_good_file_is_read_under_the_name_of_its_path(tmp_path: Path) -> None:
    law_of(tmp_path, GOOD)
    parameters = load(tmp_path)
    assert list(parameters) == ["voucher.validity"]
    assert parameters["voucher.validity"].on(date(2026, 1, 1)).value == 5


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("unit: working_day", "unit: working_day\nnote: x", "note: is unknown"),
        ("unit: working_day\n", "", "unit: is missing"),
        ("unit: working_day", "unit: fortnight", 'unit: got "fortnight"; expected one of'),
        ("description: Working", "description: 7 #", "description: got 7; expected words"),
        (
            "value: 5",
            "value: five",
            'values.2020-06-22.value: got "five"; expected a whole number of working days',
        ),
        ("value: 5", "value: true", "values.2020-06-22.value: got true"),
        ("value: 5", "value: 0", "values.2020-06-22.value: got 0"),
        ("value: 5, ", "", "values.2020-06-22.value: is missing"),
        ("value: 5", "value: 5, since: 3", "values.2020-06-22.since: is unknown"),
        ('reference: "Order No. 254"', 'reference: ""', "values.2020-06-22.reference: got"),
        ("checked_on: 2026-11-20", "checked_on: 2026-11", "values.2020-06-22.checked_on: got"),
        ("  2020-06-22:", "  summer:", 'values.summer: got "summer"; expected a day'),
        ("  2020-06-22:", "  2020-02-30:", "is not YAML"),
        ("values:", "values:\n  2020-06-22: {}", "2020-06-22: is given twice"),
        (
            "values:",
            'values:\n  "2020-06-22": {value: 4, reference: r, checked_on: 2026-11-20}',
            "is given twice",
        ),
        ("value: 5", "value: 5, value: 6", "value: is given twice"),
        ("unit:", "unit: month\nunit:", "unit: is given twice"),
        ("values:", "values: [", "is not YAML"),
        ("values:", "values: 5 #", "is not YAML"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_named_with_its_key(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in GOOD
    with pytest.raises(LawError) as refused:
        law_of(tmp_path, GOOD.replace(old, new))
    assert "parameters/voucher/validity.yaml" in refused.value.what
    assert told in refused.value.what


@pytest.mark.parametrize(("text", "told"), [("", "is empty"), ("5", "expected the keys"), ("values: {}", "missing")])
def test_a_file_that_holds_no_parameter_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(LawError, match=told):
        law_of(tmp_path, text)


def test_a_parameter_without_any_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LawError, match="at least one first day"):
        law_of(tmp_path, GOOD[: GOOD.index("values:")] + "values: {}\n")


@pytest.mark.parametrize("name", ["validity.yml", "validity.yaml~", "old.validity.yaml", "README"])
def test_a_file_that_would_silently_not_be_law_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(GOOD, "utf-8")
    with pytest.raises(LawError, match="is not a file of one parameter"):
        load(tmp_path)


def test_an_empty_folder_is_no_law(tmp_path: Path) -> None:
    with pytest.raises(LawError, match="empty"):
        load(tmp_path)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "validity.yaml").write_bytes(GOOD.replace("Order", "Бұйрық").encode("kz1048"))
    with pytest.raises(LawError, match="is not YAML"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("unit", "raw", "value"),
    [
        ("turn_pattern", "strict", "strict"),
        ("turn_pattern", "1:3", "1:3"),
        ("boolean", False, False),
        ("month", 24, 24),
        ("time_of_day", "23:59", "23:59"),
        ("country_code", "LT", "LT"),
        ("date_windows", [], []),
        (
            "date_windows",
            [[date(2027, 8, 1), "2027-08-31"], ["2026-08-01", date(2026, 8, 1)]],
            [["2026-08-01", "2026-08-01"], ["2027-08-01", "2027-08-31"]],
        ),
    ],
)
def test_a_good_value_is_kept_in_one_plain_form(unit: str, raw: object, value: Value) -> None:
    assert KINDS[unit].checked(raw) == value


def test_nothing_slow_is_imported_before_it_is_asked_for() -> None:
    """Words about a queue need neither YAML nor the calendars of every country."""
    asked = "import sys, queue_engine.law.rulebook as r; print({'yaml', 'holidays'} & set(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", asked], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_values_count_by_their_day_in_whatever_order_a_file_gives_them(tmp_path: Path) -> None:
    law_of(tmp_path, GOOD + "  2010-01-01: {value: 7, reference: before, checked_on: 2026-11-20}\n")
    validity = load(tmp_path)["voucher.validity"]
    assert [validity.on(date(year, 1, 1)).value for year in (2010, 2020, 2021)] == [7, 7, 5]
