"""The individual identification number (ЖСН, ИИН) of Kazakhstan: its check digit and the birth date in it.

Twelve digits: YYMMDD, century and sex, a four-digit serial, a check digit. No message holds the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from operator import mul
from typing import NamedTuple

FIRST_WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
MODULUS = 11
LENGTH = 12
MANY = 400  # numbers for which numpy pays, its import included
NOT_A_DIGIT = 10  # a remainder that no digit can show
CENTURIES = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}


class IinError(ValueError):
    """A number that was never issued; says why, never which."""


class IinDetails(NamedTuple):
    """What the number itself tells and Kezek needs."""

    birth_date: date


def check_iin(text: str) -> IinDetails:
    """Check all of a number; IinError tells what is wrong with it.

    >>> check_iin("191018583648")
    IinDetails(birth_date=datetime.date(2019, 10, 18))
    """
    if len(text) != LENGTH or not (text.isascii() and text.isdigit()):
        raise IinError("12 digits")
    # Both rows of weights add up to a multiple of 11, so the codes of the digits do for the digits.
    codes = text.encode()
    check = sum(map(mul, FIRST_WEIGHTS, codes)) % MODULUS
    if check == NOT_A_DIGIT:
        check = sum(map(mul, SECOND_WEIGHTS, codes)) % MODULUS
    if check != codes[-1] - ord("0"):
        raise IinError("12 digits with a valid check digit")
    return _details(text[:7])


def check_iins(texts: Sequence[str]) -> list[date]:
    """Check many numbers at once; their birth dates, or IinError if any of them is not one."""
    if len(texts) < MANY:
        return [check_iin(text).birth_date for text in texts]
    import numpy as np

    joined = "".join(texts)
    if set(map(len, texts)) != {LENGTH} or not (joined.isascii() and joined.isdigit()):
        raise IinError("12 digits")
    digits = np.frombuffer(joined.encode(), dtype=np.uint8).reshape(-1, LENGTH) - np.int64(ord("0"))
    stems = digits[:, :-1]
    check = stems @ np.array(FIRST_WEIGHTS) % MODULUS
    check = np.where(check == NOT_A_DIGIT, stems @ np.array(SECOND_WEIGHTS) % MODULUS, check)
    if (check != digits[:, -1]).any():
        raise IinError("12 digits with a valid check digit")
    return [_details(text[:7]).birth_date for text in texts]


def birth_date_of(checked_iin: str) -> date:
    """The birth date in a number that `check_iin` has passed."""
    return _details(checked_iin[:7]).birth_date


@lru_cache(maxsize=20_000)
def _details(stem: str) -> IinDetails:
    century = CENTURIES.get(stem[6])
    if century is None:
        raise IinError("12 digits, the seventh from 1 to 6 for century and sex")
    try:
        return IinDetails(date(century + int(stem[:2]), int(stem[2:4]), int(stem[4:6])))
    except ValueError:
        raise IinError("12 digits that begin with a real date, YYMMDD") from None
