"""Phones: mobile numbers of Kazakhstan only, in E.164 (rule G1)."""

from __future__ import annotations

import phonenumbers
import pytest

from queue_engine.domain.phones import PhoneError, _mobile, to_e164


def by_full_parse(text: str) -> bool:
    number = phonenumbers.parse(text, "KZ")
    mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    return mobile and phonenumbers.is_valid_number_for_region(number, "KZ")


def test_the_short_way_takes_exactly_the_numbers_of_the_full_parse() -> None:
    """Every prefix of four digits after +7, that is the whole numbering plan."""
    texts = [f"+7{prefix:04d}{'234567'}" for prefix in range(10_000)]
    short = [bool(_mobile().fullmatch(text)) for text in texts]
    assert short == [by_full_parse(text) for text in texts]
    assert 50 < sum(short) < 5_000


@pytest.mark.parametrize("text", ["+77011234567", "8 701 123-45-67", "7 (701) 123 45 67", "77011234567"])
def test_a_mobile_number_comes_out_in_e164(text: str) -> None:
    assert to_e164(text) == "+77011234567"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("+77511234567", id="VOIP"),
        pytest.param("+79161234567", id="Russian mobile"),
        pytest.param("+77172123456", id="landline of Astana"),
        pytest.param("+996555123456", id="Kyrgyz mobile"),
        pytest.param("+7701123456", id="a digit short"),
        pytest.param("+770112345678", id="a digit long"),
        pytest.param("+77011234567 ext 5", id="extension"),
        pytest.param("+7701CALLNOW", id="letters"),
        pytest.param("+٧٧٠١١٢٣٤٥٦٧", id="other digits"),
        pytest.param("", id="nothing"),
        pytest.param("+", id="a plus"),
    ],
)
def test_no_other_number_is_taken_nor_shown(text: str) -> None:
    with pytest.raises(PhoneError) as raised:
        to_e164(text)
    assert len(text) < 3 or text not in str(raised.value)
