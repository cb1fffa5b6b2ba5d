"""Mobile numbers of Kazakhstan, in E.164: the only ones an SMS is sent to (rule G1)."""

from __future__ import annotations

import re
from functools import cache

REGION = "KZ"
_TYPED = re.compile(r"\+?[0-9 ().\-]+", re.ASCII)


class PhoneError(ValueError):
    """A number that no SMS can be sent to; says why, never which."""


def to_e164(text: str) -> str:
    """The number in E.164; PhoneError unless it is a mobile number of Kazakhstan.

    Russian numbers, which share +7, landlines and VOIP (+7 751) are refused.

    >>> to_e164("+77011234567"), to_e164("8 (701) 123-45-67")
    ('+77011234567', '+77011234567')
    """
    if _mobile().fullmatch(text):
        return text
    return _parsed(text)


def at_most_two() -> str:
    """A pattern of a cell with no number, one, or two different ones in E.164 with `|` between."""
    one = _mobile().pattern
    return rf"(?:(?P<first>{one})(?:\|(?!(?P=first)){one})?)?"


@cache
def _mobile() -> re.Pattern[str]:
    """E.164-shaped mobile numbers, by phonenumbers' numbering plan; made at first use: it loads slowly."""
    from phonenumbers import PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region(REGION)
    if metadata is None or metadata.mobile is None or metadata.mobile.national_number_pattern is None:
        raise PhoneError("a numbering plan for KZ, which phonenumbers does not have")
    pattern = metadata.mobile.national_number_pattern
    return re.compile(rf"\+{metadata.country_code}(?:{pattern})", re.ASCII)


def _parsed(text: str) -> str:
    from phonenumbers import (
        NumberParseException,
        PhoneNumberFormat,
        PhoneNumberType,
        format_number,
        is_valid_number_for_region,
        number_type,
        parse,
    )

    if not _TYPED.fullmatch(text):
        raise PhoneError("digits")
    try:
        number = parse(text, REGION)
    except NumberParseException:
        raise PhoneError("a phone number") from None
    if not is_valid_number_for_region(number, REGION) or number_type(number) != PhoneNumberType.MOBILE:
        raise PhoneError("a mobile number of Kazakhstan")
    return format_number(number, PhoneNumberFormat.E164)
