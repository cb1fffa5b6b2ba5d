"""A department's own file: what it may say, and how all that is wrong in it is told at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from queue_engine.errors import ExitCode, InputRefused
from queue_engine.law.errors import BadValue
from queue_engine.law.overrides import (
    Override,
    OverridesRefused,
    from_json,
    parse_overrides,
    read_overrides,
    to_json,
)
from queue_engine.law.values import BENEFITS, Value

ASTANA = """\
[[rule]]
name = "turn.pattern"
value = "1:3"
from = 2019-01-01
locality = "astana"            # left out = every locality
reference = "Education department of Astana, 2019"
"""


def rule(value: str, name: str = "turn.pattern", more: str = "from = 2019-01-01") -> str:
    return f'[[rule]]\nname = "{name}"\nvalue = {value}\n{more}\n'


def refusal(text: str) -> OverridesRefused:
    with pytest.raises(OverridesRefused) as refused:
        parse_overrides(text, "rules.toml")
    return refused.value


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_example_of_the_contract_is_taken_with_or_without_a_byte_order_mark(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(mark + ASTANA, "utf-8")
    expected = Override("turn.pattern", "1:3", date(2019, 1, 1), "astana", "Education department of Astana, 2019")
    assert read_overrides(file) == [expected]


def test_locality_and_reference_may_be_left_out_and_order_is_kept() -> None:
    given = parse_overrides(rule('"1:3"') + rule("30", "age.min"), "rules.toml")
    assert given == [
        Override("turn.pattern", "1:3", date(2019, 1, 1), None, ""),
        Override("age.min", 30, date(2019, 1, 1), None, ""),
    ]
    assert parse_overrides("", "rules.toml") == []


@pytest.mark.parametrize("window", ['["2026-08-01", "2026-08-31"]', "[2026-08-01, 2026-08-31]"])
def test_days_of_a_window_are_dates_or_text(window: str) -> None:
    """Rule B7."""
    [given] = parse_overrides(rule(f"[{window}]", "publication.suspended"), "rules.toml")
    assert given.value == [["2026-08-01", "2026-08-31"]]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("turn.pattern", "3", '"strict" or a ratio'),
        ("turn.pattern", '"0:3"', '"strict" or a ratio'),
        ("turn.pattern", '"1:3:1"', '"strict" or a ratio'),
        ("turn.pattern", '"Strict"', '"strict" or a ratio'),
        ("turn.pattern", '"1:١"', '"strict" or a ratio'),
        ("age.min", "true", "a whole number of months, 0 to"),
        ("age.min", "24.0", "a whole number of months, 0 to"),
        ("age.min", '"24"', "a whole number of months, 0 to"),
        ("age.max", "0", "a whole number of years, 1 to"),
        ("voucher.validity", "-5", "a whole number of working days, 1 to"),
        ("stop_list.days", "100000", "a whole number of calendar days, 1 to"),
        ("benefit.confirmation_required", "1", "true or false"),
        ("benefit.confirmation_required", '"true"', "true or false"),
        ("publication.suspended", '"2026-08-01"', "a list of [first, last] days"),
        ("publication.suspended", "[2026-08-01, 2026-08-31]", "a list of [first, last] days"),
        ("publication.suspended", "[[2026-08-31, 2026-08-01]]", "a list of [first, last] days"),
        ("publication.suspended", "[[2026-08-01]]", "a list of [first, last] days"),
        ("publication.suspended", '[["2026-08-01", "2026-08-32"]]', "a list of [first, last] days"),
        ("publication.suspended", "[[2026-08-01T00:00:00, 2026-08-31]]", "a list of [first, last] days"),
        ("calendar.country", '"kz"', "an ISO 3166 code"),
        ("run.at", '"0:30"', "a time of day"),
        ("run.at", '"24:00"', "a time of day"),
        ("run.at", "00:30:00", "a time of day"),
        ("calendar.country", '"XX"', "no working calendar is known"),
        ("benefit.classes", '{none = "general"}', "each of military"),
        ("benefit.classes", "[]", "each of military"),
    ],
)
def test_a_value_the_parameter_cannot_have_is_refused_with_what_is_expected(
    name: str, value: str, expected: str
) -> None:
    refused = refusal(rule(value, name))
    [problem] = refused.problems
    assert (problem.rule, problem.key) == (1, f"value of {name}")
    assert expected in problem.what


@pytest.mark.parametrize("change", [("none", "first_priority"), ("orphan", "second_priority")])
def test_classes_are_those_of_the_rules_and_no_benefit_is_no_priority(change: tuple[str, str]) -> None:
    """Rule A3."""
    classes = dict.fromkeys(BENEFITS, "general")

    def text(of: dict[str, str]) -> str:
        return rule("{" + ", ".join(f'{key} = "{value}"' for key, value in of.items()) + "}", "benefit.classes")

    assert parse_overrides(text(classes), "rules.toml")[0].value == classes
    assert "each of military" in refusal(text(classes | dict([change]))).problems[0].what


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        (rule("24", "age.minimum"), "name", 'got "age.minimum"; expected one of age.max, age.min'),
        (rule("24").replace('"turn.pattern"', "7"), "name", "got 7; expected one of"),
        (rule('"1:3"', more=""), "from", "is missing"),
        (rule('"1:3"', more='from = "2019-02-30"'), "from", 'got "2019-02-30"; expected a day'),
        (rule('"1:3"', more="from = 2019-01-01T00:00:00"), "from", "expected a day"),
        (rule('"1:3"', more="from = 2019"), "from", "got 2019; expected a day"),
        (
            rule('"1:3"', more='from = 2019-01-01\nlocality = ""'),
            "locality",
            "expected the code of a locality",
        ),
        (rule('"1:3"', more="from = 2019-01-01\nlocality = 7"), "locality", "got 7"),
        (rule('"1:3"', more="from = 2019-01-01\nreference = 7"), "reference", "got 7"),
        (
            rule('"1:3"', more="from = 2019-01-01\nuntil = 2020-01-01"),
            "until",
            "is unknown; expected only name",
        ),
        ('[[rule]]\nname = "age.min"\nfrom = 2019-01-01\n', "value", "is missing"),
    ],
)
def test_a_wrong_entry_is_told_by_number_and_key(text: str, key: str, told: str) -> None:
    refused = refusal(ASTANA + text)
    [problem] = refused.problems
    assert (problem.rule, problem.key) == (2, key)
    assert told in problem.what
    assert f"rules.toml, [[rule]] 2, {key}: " in str(refused)


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = "city = 1\n" + rule("3", more="") + ASTANA + rule("true", "age.min", "from = 1\nuntil = 2")
    refused = refusal(text)
    assert [(problem.rule, problem.key) for problem in refused.problems] == [
        (0, "city"),
        (1, "from"),
        (1, "value of turn.pattern"),
        (3, "until"),
        (3, "value of age.min"),
        (3, "from"),
    ]
    assert isinstance(refused, InputRefused)
    assert refused.exit_code is ExitCode.INPUT_REFUSED
    assert str(refused).count("rules.toml, ") == 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rule]\n", "is not TOML"),
        ("value = 1:3\n", "is not TOML"),
        ("a = " + "[" * 100_000, "is not TOML"),
        ('[rule]\nname = "age.min"\n', 'begin each with "[[rule]]"'),
        ("rule = [1]\n", 'begin each with "[[rule]]"'),
        ('[[rules]]\nname = "age.min"\n', "rules: is unknown"),
    ],
)
def test_a_file_that_is_no_list_of_rules_is_refused(text: str, told: str) -> None:
    refused = refusal(text)
    assert len(refused.problems) == 1
    assert told in str(refused)


def test_a_file_in_another_encoding_a_missing_one_and_a_folder_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(ASTANA.replace("Education", "Білім").encode("kz1048"))
    for path, told in (
        (file, "is not UTF-8"),
        (tmp_path / "none.toml", "cannot be read"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(OverridesRefused, match=told):
            read_overrides(path)


def test_a_number_that_may_be_somebodys_is_masked() -> None:
    """No IIN or telephone ever in an error."""
    text = rule('"180320500123"', more='from = "77011234567"\n180320500124 = 1')
    words = str(refusal(text))
    assert "************" in words
    assert not any(number in words for number in ("180320500123", "180320500124", "77011234567"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("turn.pattern", "1:3"),
        ("age.min", 24),
        ("benefit.confirmation_required", False),
        ("publication.suspended", [["2026-08-01", "2026-08-31"]]),
        ("publication.suspended", []),
    ],
)
def test_a_value_comes_back_from_the_records_as_it_was(name: str, value: Value) -> None:
    back = from_json(name, to_json(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(("name", "text"), [("age.min", "true"), ("age.min", "24,"), ("age.minimum", "24")])
def test_a_value_spoilt_in_the_records_is_not_taken(name: str, text: str) -> None:
    with pytest.raises(BadValue, match="expected"):
        from_json(name, text)
