"""Five guesses, then a lock (OTP4)."""

import asyncio

from tests.cast import SOMCHAI
from tests.house import House
from tests.security.tools import all_said, other_than, rows


async def test_sixty_parallel_guesses_are_five(house: House) -> None:
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    await asyncio.gather(*(chat.post({"text": other_than(code, n)}) for n in range(60)))
    await all_said(house)
    assert await rows(house, "SELECT guesses, outcome FROM codes") == [{"guesses": 5, "outcome": "guessed"}]
    compared = await rows(house, "SELECT COUNT(*) AS n FROM attempts WHERE kind = 'wrong_code'")
    assert compared == [{"n": 5}]
    wrong = (await chat.says(other_than(code))).text
    right = (await chat.says(code)).text
    assert wrong == right
    chat.sees("error.code_locked")


async def test_the_fifteen_minutes_of_a_lock(house: House) -> None:
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    for left in (4, 3, 2, 1):
        assert f"เหลือ {left} ครั้ง" in (await chat.says(other_than(code, left))).text
    await chat.says(other_than(code))
    chat.sees("error.code_locked")
    house.clock.forward(minutes=14, seconds=50)
    await chat.taps("choice.resend")
    chat.sees("error.code_locked")
    house.clock.forward(seconds=15)
    mailed = len(house.post.mails)
    await chat.taps("choice.resend")
    await chat.says(await house.code_for(SOMCHAI.email, after=mailed))
    chat.sees("ask.group")


async def test_another_chat_and_a_restart_do_not_lift_the_lock(house: House) -> None:
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    for n in range(5):
        await chat.says(other_than(code, n))
    await house.restart()
    other = await house.somebody()
    await other.begins(SOMCHAI.national_id)
    other.sees("error.code_locked")
    assert len(house.post.mails) == 1
