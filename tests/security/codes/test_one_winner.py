"""Of many right answers one wins (OTP3)."""

import asyncio
import re
from collections import Counter

from tests.cast import SOMCHAI
from tests.house import House
from tests.security.codes.tools import arrived
from tests.security.tools import Lab, all_said, rows


async def test_of_many_right_answers_one_wins(patient: House) -> None:
    """64 parallel transactions with the right code, 50 times over."""
    chat = await patient.somebody()
    lab = Lab(patient, patient.settings)
    account, somchai = await lab.account(chat), await lab.person(SOMCHAI)
    for _ in range(50):
        patient.clock.forward(minutes=2)
        code = await lab.issue(account, "login", somchai, SOMCHAI.email)
        tried = await asyncio.gather(*(lab.guess(account, "login", somchai, SOMCHAI.email, code) for _ in range(64)))
        assert Counter(tried) == {"right": 1, "code_expired": 63}
    ended = await rows(patient, "SELECT DISTINCT outcome FROM codes")
    assert ended == [{"outcome": "used"}]


async def test_sixty_four_times_the_same_code_in_one_chat(house: House) -> None:
    """A person hammers the send button: one login, one session, and 63 answers that choose no group."""
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    shown = len(chat.screens)
    answers = await asyncio.gather(*(chat.post({"text": code}) for _ in range(64)))
    assert {answer.status_code for answer in answers} == {200}
    await all_said(house)
    await chat.hears(shown + 1)
    assert "กรุณากดปุ่มใดปุ่มหนึ่ง" in chat.screen.text
    assert sum("กรุณากดปุ่มใดปุ่มหนึ่ง" not in screen.text for screen in chat.screens[shown:]) <= 1
    assert await rows(house, "SELECT outcome, COUNT(*) AS n FROM codes GROUP BY 1") == [{"outcome": "spent", "n": 1}]


async def test_the_code_of_one_chat_in_others(house: House) -> None:
    """Somchai asks from five browsers; the code of the first is typed into all of them at once."""
    chats = [await house.somebody() for _ in range(5)]
    for chat in chats:
        await chat.begins(SOMCHAI.national_id)
    await arrived(house, 5)
    first = re.search(r"รหัสอ้างอิง ([A-Z]{4})", chats[0].screen.text)
    assert first
    code = next(house.code_in(mail) for mail in house.post.mails if first[1] in house.post.text(mail))
    await asyncio.gather(*(chat.says(code) for chat in chats))
    assert [("เข้าสู่ระบบแล้วค่ะ" in chat.screen.text) for chat in chats] == [True, False, False, False, False]
