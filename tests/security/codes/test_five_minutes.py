"""A code lives five minutes, by a clock that may be wrong (OTP2)."""

import pytest

from tests.cast import SOMCHAI
from tests.house import House


@pytest.mark.parametrize(("seconds", "entered"), [(4 * 60 + 59, True), (5 * 60 + 1, False)])
async def test_valid_for_five_minutes(house: House, seconds: int, entered: bool) -> None:
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    house.clock.forward(seconds=seconds)
    await chat.says(code)
    chat.sees("ask.group" if entered else "error.code_expired")


async def test_a_clock_set_back_makes_no_code_live_longer(house: House) -> None:
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    house.clock.forward(minutes=-10)
    await chat.says(code)
    chat.sees("error.code_expired")
    house.clock.forward(minutes=10)
    await chat.says(code)
    chat.sees("ask.group")
