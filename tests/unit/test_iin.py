"""The IIN check against an independent implementation, over issued, spoilt and impossible numbers (rule A7)."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from kz_iin_validator import safe_validate_iin

from queue_engine.domain.iin import IinError, birth_date_of, check_iin
from support.workbooks import iin_of


def ours(number: str) -> bool:
    try:
        check_iin(number)
    except IinError:
        return False
    return True


def made_numbers(count: int) -> list[str]:
    rng = np.random.default_rng(20260320)
    numbers: list[str] = []
    while len(numbers) < count:
        born = date(1930, 1, 1) + timedelta(days=int(rng.integers(0, 35_000)))
        number = iin_of(born, int(rng.integers(0, 10_000)))
        if number is not None:
            numbers.append(number)
    return numbers


def spoilt(numbers: list[str]) -> list[str]:
    rng = np.random.default_rng(7)
    out = []
    for number in numbers:
        place, digit = int(rng.integers(0, 12)), str(rng.integers(0, 10))
        out.append(number[:place] + digit + number[place + 1 :])
    return out


def test_our_check_agrees_with_an_independent_one_on_20000_numbers() -> None:
    """Rule A7: the number is checked whole."""
    good = made_numbers(12_000)
    numbers = good + spoilt(good)
    verdicts = [ours(number) for number in numbers]
    assert verdicts == [safe_validate_iin(number)[0] is not None for number in numbers]
    assert all(verdicts[: len(good)])
    assert verdicts.count(False) > 8_000


def test_the_birth_date_has_its_century_from_the_seventh_digit() -> None:
    for born in (date(1899, 12, 31), date(1999, 2, 28), date(2000, 2, 29), date(2024, 2, 29)):
        number = next(iin for serial in range(50) if (iin := iin_of(born, serial)) is not None)
        assert check_iin(number).birth_date == born == birth_date_of(number)


def test_a_number_whose_second_remainder_is_10_too_was_never_issued() -> None:
    born = date(2021, 5, 17)
    never = [serial for serial in range(10_000) if iin_of(born, serial) is None]
    assert never
    for digit in range(10):
        assert not ours(f"2105175{never[0]:04d}{digit}")


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("", "12 digits"),
        ("19101858364", "12 digits"),
        ("1910185836481", "12 digits"),
        ("19101858364x", "12 digits"),
        ("١٩١٠١٨٥٨٣٦٤٨", "12 digits"),
        ("191018583649", "check digit"),
        ("000000000000", "seventh"),
        ("999999999999", "check digit"),
    ],
)
def test_a_wrong_number_is_told_why_without_being_shown(number: str, why: str) -> None:
    with pytest.raises(IinError, match=why) as raised:
        check_iin(number)
    assert not number or number not in str(raised.value)
