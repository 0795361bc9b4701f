"""Every text is taken or refused in words."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import example, given

from bot import thai
from bot.events import Invalid
from tests.thai.texts import anything, unhurried

TODAY = date(2026, 11, 1)
PARSERS: dict[str, Callable[[str], object]] = {
    "national_id": thai.national_id,
    "laser_code": thai.laser_code,
    "otp": thai.otp,
    "phone": thai.phone,
    "parse_date": thai.parse_date,
    "birth_date": lambda text: thai.birth_date(text, TODAY),
    "email": thai.email,
}


@pytest.mark.parametrize("parser", PARSERS)
@unhurried
@given(text=anything)
@example(text="\ud800")
@example(text="\x00" * 5000)
@example(text="9" * 5000)
@example(text="๙๙/๙๙/๙๙๙๙")
def test_every_text_is_taken_or_refused_in_words(parser: str, text: str) -> None:
    try:
        first = PARSERS[parser](text)
    except Invalid:
        return
    if isinstance(first, str):  # canonical: taken again, it is the same
        assert PARSERS[parser](first) == first
