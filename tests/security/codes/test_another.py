"""Asking for another code (OTP6)."""

import asyncio
from collections import Counter

from bot.outbox import Carrier, Entry, Undelivered
from tests.cast import MALEE, SOMCHAI
from tests.house import House
from tests.security.codes.tools import OTHER, arrived
from tests.security.tools import begins_anew, other_than, rows


async def test_another_code_kills_the_old_one(house: House) -> None:
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    old = await house.code_for(SOMCHAI.email)
    house.clock.forward(seconds=55)
    await chat.taps("choice.resend")
    chat.sees("error.resend_wait")
    assert len(house.post.mails) == 1
    house.clock.forward(seconds=6)
    await chat.taps("choice.resend")
    new = await house.code_for(SOMCHAI.email, after=1)
    if new != old:  # one in a million
        await chat.says(old)
        chat.sees("error.code_wrong")
    await chat.says(new)
    chat.sees("ask.group")


async def test_a_code_that_was_replaced_is_not_mailed_from_memory(house: House) -> None:
    """It waits for a mail server that thinks about another one."""
    outbox, gate = house.kp7.outbox, asyncio.Event()
    mail = outbox.carriers["mail"]

    async def deliver(entry: Entry) -> None:
        await gate.wait()
        await mail.deliver(entry)

    outbox.carriers["mail"] = Carrier(deliver, mail.dead, at_once=1)
    somchai, malee = await house.somebody(), await house.somebody()
    await somchai.begins(SOMCHAI.national_id)
    await malee.begins(MALEE.national_id)
    house.clock.forward(seconds=61)
    await malee.taps("choice.resend")
    gate.set()
    await outbox.lanes.rest()
    assert [mail["to"] for mail in house.post.mails] == [SOMCHAI.email, MALEE.email]
    await malee.says(house.code_in(house.post.mails[1]))
    malee.sees("ask.group")


async def test_nobody_is_told_that_a_code_did_not_arrive_which_was_replaced(house: House) -> None:
    outbox, gate, left = house.kp7.outbox, asyncio.Event(), [Undelivered("refused (550)", permanent=True)]
    mail = outbox.carriers["mail"]

    async def deliver(entry: Entry) -> None:
        await gate.wait()
        if left:
            raise left.pop()
        await mail.deliver(entry)

    outbox.carriers["mail"] = Carrier(deliver, mail.dead)
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    house.clock.forward(seconds=61)
    await chat.taps("choice.resend")
    told = await rows(house, "SELECT id FROM chat_messages")
    gate.set()
    await outbox.lanes.rest()
    assert not left
    assert await rows(house, "SELECT id FROM chat_messages") == told
    await chat.says(await house.code_for(SOMCHAI.email))
    chat.sees("ask.group")


async def test_guess_and_resend_runs_into_the_limit(house: House) -> None:
    """Four guesses a code, then another code: the tenth wrong guess in an hour is the last, and no code lifts that."""
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    compared = 0
    for _ in range(5):
        code = await house.code_for(SOMCHAI.email, after=len(house.post.mails) - 1 if compared else 0)
        for n in range(4):
            if "เหลือ" not in (await chat.says(other_than(code, n))).text:
                break
            compared += 1
        house.clock.forward(seconds=61)
        mailed = len(house.post.mails)
        await chat.taps("choice.resend")
        if "ส่งรหัสยืนยันไปยัง" not in chat.screen.text or "กรอกรหัสยืนยันผิดครบ" in chat.screen.text:
            break
        await house.post.mail_to(SOMCHAI.email, after=mailed)
    assert compared == 10
    chat.sees("error.code_locked")


async def test_five_codes_an_hour_ten_a_day_for_one_address(house: House) -> None:
    """Mail bombing: a new browser every time, always the same victim."""
    mails = 0
    for minutes in (1, 13):
        for expected in ("ask.code",) * 5 + ("error.too_many_codes",):
            chat = await house.somebody()
            await chat.begins(SOMCHAI.national_id)
            chat.sees(expected)
            mails += expected == "ask.code"
            await arrived(house, mails)  # before the hour moves on, and what it says is over
            house.clock.forward(minutes=minutes)
        house.clock.forward(hours=1)
    assert Counter(mail["to"] for mail in house.post.mails) == {SOMCHAI.email: 10}


async def test_five_codes_an_hour_from_one_chat(house: House) -> None:
    """One browser, many victims."""
    chat = await house.somebody()
    victims = [SOMCHAI.national_id, MALEE.national_id, OTHER[0], "1999900000153", "1999900000161", "1999900000170"]
    for national_id in victims:
        await begins_anew(chat, national_id)
    chat.sees("error.too_many_codes")


async def test_the_minute_between_codes_holds_when_ids_alternate(house: House) -> None:
    """An attacker switches between two IDs so that each code request looks like the first."""
    chat = await house.somebody()
    for national_id in (SOMCHAI.national_id, MALEE.national_id, SOMCHAI.national_id):
        await begins_anew(chat, national_id)
    await house.post.mail_to(MALEE.email)
    await asyncio.sleep(0.2)
    assert Counter(mail["to"] for mail in house.post.mails) == {SOMCHAI.email: 1, MALEE.email: 1}
