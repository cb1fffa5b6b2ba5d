"""The public contract of rule parameters, of the database option, and of the first words to a department."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.department import Department
from support.rows import application, place, rule

PARAMETERS = (
    "turn.pattern",
    "age.min",
    "age.max",
    "voucher.validity",
    "voucher.extension",
    "stop_list.days",
    "archive.restore",
    "benefit.confirmation_required",
    "publication.suspended",
    "calendar.country",
)


def test_rules_show_prints_all_in_force_with_sources(city: Department) -> None:
    """The contract: every parameter by name on stdout, its value, and the act it comes from."""
    shown = city.kezek("rules", "show", "--date", "2026-02-02").out
    assert [name for name in PARAMETERS if name not in shown] == []
    assert "254" in shown
    assert "strict" in shown


def test_rules_show_follows_day_and_locality(city: Department) -> None:
    """The contract: an override holds from its day on and for its locality alone."""
    city.rules(rule("turn.pattern", "2:5", since="2026-02-03", locality="astana"))
    show = ("rules", "show", "--date")
    assert "2:5" in city.kezek(*show, "2026-02-03", "--locality", "astana").out
    assert "Education department, order 1" in city.kezek(*show, "2026-02-03", "--locality", "astana").out
    assert "2:5" not in city.kezek(*show, "2026-02-02", "--locality", "astana").out
    assert "2:5" not in city.kezek(*show, "2026-02-03", "--locality", "almaty").out


def test_an_override_of_one_locality_leaves_the_others(city: Department) -> None:
    """The contract: three working days in Astana, five in Almaty."""
    city.rules(rule("voucher.validity", 3, locality="astana"))
    city.applications(application("A1"), application("B1", locality="astana"))
    city.bulletin(place("V1", "2026-02-02"), place("V2", "2026-02-02", locality="astana"))
    city.run("2026-02-02")
    assert city.voucher("A1")["expires_on"] == "2026-02-09"
    assert city.voucher("B1")["expires_on"] == "2026-02-05"


BAD = {
    "an unknown name": rule("turn.patern", "1:3"),
    "a value of another kind": rule("age.min", "two years"),
    "a broken ratio": rule("turn.pattern", "1-3"),
    "a ratio of nothing": rule("turn.pattern", "0:0"),
    "no first day": rule("age.min", 18).replace("from = 2020-01-01\n", ""),
    "a window turned round": rule("publication.suspended", [("2026-08-20", "2026-08-01")]),
    "not TOML at all": "turn.pattern = 1:3\n",
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_bad_rules_file_makes_no_database(tmp_path: Path, content: str) -> None:
    """The contract: `init` with it is refused in words and leaves nothing behind; a good one then works."""
    bad = tmp_path / "bad.toml"
    bad.write_text(content, encoding="utf-8")
    city = Department(tmp_path / "city")
    other = f"sqlite:///{tmp_path / 'other.db'}"
    refused = city.bare("--database", other, "init", "--rules", str(bad), expect=(1, 2))
    assert "[" in refused.err
    assert not (tmp_path / "other.db").exists()
    city.bare("--database", other, "init")


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_bad_rules_file_changes_no_rule(city: Department, content: str) -> None:
    """The contract: `rules import` takes the whole file or none of it."""
    before = city.kezek("rules", "show", "--date", "2026-02-02").out
    city.rules(rule("stop_list.days", 7) + content, expect=(1, 2))
    assert city.kezek("rules", "show", "--date", "2026-02-02").out == before


def test_the_database_is_named_before_or_after_the_command_or_by_the_environment(
    city: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract: `--database` in either place, and `KEZEK_DATABASE`, speak of the same records."""
    city.applications(application("A1"))
    city.run("2026-02-02")
    before = city.bare("--database", city.database, "export", "queue").out
    after = city.bare("export", "queue", "--database", city.database).out
    monkeypatch.setenv("KEZEK_DATABASE", city.database)
    assert before == after == city.bare("export", "queue").out
    assert ",A1," in before


def test_the_tables_can_be_asked_for_before_the_first_night(city: Department) -> None:
    """The contract: a locality known by a vacancy or a refused row alone is no reason to fail."""
    city.bulletin(place("V1", "2026-02-02", locality="astana"))
    assert city.queue() == []
    city.applications(application("A1"))
    city.applications(application("A1", locality="taraz"), expect=1)
    assert city.line() == ["A1"]
    assert city.vouchers() == []
    assert "A1" in city.number("A1")


def test_a_command_without_a_database_made_says_what_to_do(city: Department, tmp_path: Path) -> None:
    """The contract: no stack trace, but the word `init`."""
    nowhere = f"sqlite:///{tmp_path / 'nowhere.db'}"
    refused = city.bare("--database", nowhere, "export", "queue", expect=(1, 2, 3))
    assert "init" in refused.err


def test_an_unknown_application_is_told(city: Department) -> None:
    """The contract: `number` and `explain` speak of recorded applications alone."""
    city.applications(application("A1"))
    city.run("2026-02-02")
    for words in (
        ("number", "A2"),
        ("explain", "A2", "--date", "2026-02-02"),
        ("archive", "A2", "--reason", "x"),
    ):
        refused = city.kezek(*words, expect=(1, 2, 3))
        assert "A2" in refused.err


def test_every_command_has_help_with_an_example(city: Department) -> None:
    """The contract: `--help` of each command shows its usage and, besides, a call of it."""
    commands = [
        ("init",),
        ("import",),
        ("run",),
        ("export",),
        ("number",),
        ("explain",),
        ("rules", "show"),
        ("rules", "import"),
        ("calendar", "import"),
        ("stop-list", "add"),
        ("stop-list", "remove"),
        ("archive",),
        ("restore",),
        ("confirm",),
        ("demo",),
    ]
    for command in commands:
        shown = city.bare(*command, "--help").out
        assert shown.count(f"kezek {' '.join(command)}") >= 2, shown
