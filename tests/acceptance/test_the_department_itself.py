"""The helper that all these tests stand on must notice what it says it notices."""

from __future__ import annotations

import sys

import pytest
from kz_iin_validator import validate_iin

import support.department
from support.department import Department
from support.rows import application


@pytest.mark.parametrize("column", ["child_iin", "phones", "email"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_personal_data_in_an_answer_fails_the_test(
    city: Department, monkeypatch: pytest.MonkeyPatch, column: str, stream: str
) -> None:
    """A command that prints an IIN, phone or e-mail on either stream is caught."""
    row = application("A1")

    def gossip(_argv: list[str]) -> int:
        print("child", row[column], file=getattr(sys, stream))
        return 0

    monkeypatch.setattr(support.department, "main", gossip)
    with pytest.raises(AssertionError, match="personal data"):
        city.applications(row)


def test_an_unexpected_exit_code_fails_the_test(city: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that ends with another code than expected is caught."""
    monkeypatch.setattr(support.department, "main", lambda _argv: 3)
    with pytest.raises(AssertionError, match="expected exit 0"):
        city.applications(application("A1"))


@pytest.mark.parametrize("born", ["1999-12-31", "2017-05-15", "2020-02-05", "2023-05-15", "2024-02-29"])
def test_made_iins_are_valid_and_differ(born: str) -> None:
    """An independent validator accepts them, and no two ids share one."""
    made = [application(f"{letter}{n}", birth_date=born)["child_iin"] for letter in "ABFG" for n in range(50)]
    assert len(set(made)) == len(made)
    assert {validate_iin(value).born_date.datetime.date().isoformat() for value in made} == {born}
