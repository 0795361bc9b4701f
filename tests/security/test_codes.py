"""Mailed codes under attack (rules OTP1 to OTP7 of docs/security.md)."""

import asyncio
import itertools
import math
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.settings import Settings
from handlers.identity import codes
from storage.vault import Key
from tests.cast import MALEE, SOMCHAI
from tests.house import House, a_house
from tests.security.tools import Lab, all_said, begins_anew, other_than, rows, stranger

OTHER = ("1999900000102", "person010@example.go.th")  # somebody else with an address


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose limits over hours are out of the way of what is tested."""
    generous: dict[str, Any] = dict.fromkeys(
        ("codes_per_hour", "codes_per_day", "wrong_codes_per_hour", "wrong_codes_per_day", "lookups_per_hour"), 10**6
    )
    async with a_house(tmp_path, **generous) as house:
        yield house


async def arrived(house: House, mails: int) -> None:
    """Wait until so many mails have come in all."""
    async with asyncio.timeout(10):
        while len(house.post.mails) < mails:
            house.post.arrived.clear()
            await house.post.arrived.wait()


# --- OTP1: unpredictable --------------------------------------------------------------------------------------------


class Nothing:
    """A database in which nothing has happened yet."""

    async def run(self, *_: Any) -> int:
        return 0

    async def all(self, *_: Any) -> list[Any]:
        return []

    each = all

    async def one(self, *_: Any) -> None:
        return None

    async def among(self, *_: Any) -> None: ...


async def draw(times: int) -> tuple[list[str], list[str]]:
    """What `codes.issue` mails and shows, so many times over."""
    made: list[str] = []
    vault = SimpleNamespace(secret=lambda _: bytes(32), index=lambda *_: "")
    visitor = stranger("chat", Key("k", bytes(32)))
    context: Any = SimpleNamespace(
        tx=Nothing(), now=0, visitor=visitor, vault=vault, settings=Settings(_env_file=None), again=False,
        post=lambda *given, **_: made.append(given[2]["params"]["code"]),
    )  # fmt: skip
    person: Any = SimpleNamespace(id="person", wrong_codes=0)
    shown = [(await codes.issue(context, "login", person, "a@example.com")).reference for _ in range(times)]
    return made, shown


def chi_squared_p(counts: list[int]) -> float:
    """How likely at least so uneven counts are, if all are equally likely (Wilson and Hilferty's approximation)."""
    mean, df = sum(counts) / len(counts), len(counts) - 1
    statistic = sum((n - mean) ** 2 / mean for n in counts)
    z = ((statistic / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return 0.5 * math.erfc(z / math.sqrt(2))


def looks_random(made: list[str]) -> bool:
    thousands = Counter(code[:3] for code in made)
    units = Counter(code[3:] for code in made)
    return all(chi_squared_p([found[f"{n:03d}"] for n in range(1000)]) > 0.001 for found in (thousands, units))


async def test_codes_are_uniform() -> None:
    made, _ = await draw(100_000)
    assert all(re.fullmatch("[0-9]{6}", code) for code in made)
    if not looks_random(made):  # one honest draw in 500 looks uneven; two in a row do not
        assert looks_random((await draw(100_000))[0])


async def test_a_reference_stands_beside_the_code(house: House) -> None:
    _, shown = await draw(1)
    assert re.fullmatch("[A-Z]{4}", shown[0])
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    mail = await house.post.mail_to(SOMCHAI.email)
    reference = re.search(r"รหัสอ้างอิง ([A-Z]{4})", chat.screen.text)
    assert reference
    assert reference[1] in house.post.text(mail)


# --- OTP2: five minutes, by a clock that may be wrong ----------------------------------------------------------------


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


# --- OTP3: one winner -----------------------------------------------------------------------------------------------


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


# --- OTP4: five guesses ---------------------------------------------------------------------------------------------


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


# --- OTP5: failures add up over everything ---------------------------------------------------------------------------


async def test_ten_wrong_codes_an_hour_over_chats(house: House) -> None:
    for _ in range(2):
        chat = await house.somebody()
        mailed = len(house.post.mails)
        await chat.begins(SOMCHAI.national_id)
        code = await house.code_for(SOMCHAI.email, after=mailed)
        for n in range(5):
            await chat.says(other_than(code, n))
        house.clock.forward(minutes=16)
    innocent = await house.somebody()
    await innocent.begins(SOMCHAI.national_id)
    innocent.sees("error.code_locked")
    house.clock.forward(minutes=29)  # 61 minutes since the first of the ten
    mailed = len(house.post.mails)
    await innocent.says(SOMCHAI.national_id)
    await innocent.says(await house.code_for(SOMCHAI.email, after=mailed))
    innocent.sees("ask.group")


async def test_ten_wrong_codes_an_hour_over_purposes(house: House) -> None:
    """Three at login, four at step-up, three for the new address: the right one is refused."""
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    for n in range(3):
        await chat.says(other_than(code, n))
    await chat.says(code)
    await chat.taps("choice.civil_servant")
    house.clock.forward(minutes=6)
    await chat.taps("menu.change_email")
    await chat.says("new@example.com")
    await chat.says("new@example.com")
    mailed = len(house.post.mails)
    await chat.taps("choice.save")
    code = await house.code_for(SOMCHAI.email, after=mailed)
    for n in range(4):
        await chat.says(other_than(code, n))
    await chat.says(code)
    code = await house.code_for("new@example.com")
    for n in range(3):
        await chat.says(other_than(code, n))
    await chat.says(code)
    chat.sees("error.code_locked")


async def test_twenty_wrong_codes_a_day(house: House) -> None:
    lab = Lab(house, house.settings)
    account, somchai = await lab.account(await house.somebody()), await lab.person(SOMCHAI)
    for _ in range(4):
        code = await lab.issue(account, "login", somchai, SOMCHAI.email)
        for n in range(5):
            await lab.guess(account, "login", somchai, SOMCHAI.email, other_than(code, n))
        house.clock.forward(minutes=61)
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    chat.sees("error.code_locked")
    house.clock.forward(hours=20, minutes=5)
    later = await house.somebody()
    await later.begins(SOMCHAI.national_id)
    later.sees("ask.code")


async def test_a_hundred_in_a_row_disable(patient: House) -> None:
    lab = Lab(patient, patient.settings)
    account = await lab.account(await patient.somebody())
    for _ in range(20):
        somchai = await lab.person(SOMCHAI)
        code = await lab.issue(account, "login", somchai, SOMCHAI.email)
        for n in range(5):
            await lab.guess(account, "login", await lab.person(SOMCHAI), SOMCHAI.email, other_than(code, n))
        patient.clock.forward(minutes=16)
    patient.clock.forward(days=30)
    chat = await patient.somebody()
    await chat.begins(SOMCHAI.national_id)
    chat.sees("error.code_disabled")
    neighbour = await patient.somebody()
    await neighbour.begins(MALEE.national_id)
    neighbour.sees("ask.code")


async def test_a_right_code_ends_the_row(patient: House) -> None:
    lab = Lab(patient, patient.settings)
    account, somchai = await lab.account(await patient.somebody()), await lab.person(SOMCHAI)
    code = await lab.issue(account, "login", somchai, SOMCHAI.email)
    for n in range(4):
        await lab.guess(account, "login", somchai, SOMCHAI.email, other_than(code, n))
    assert (await lab.person(SOMCHAI)).wrong_codes == 4
    assert await lab.guess(account, "login", somchai, SOMCHAI.email, code) == "right"
    assert (await lab.person(SOMCHAI)).wrong_codes == 0


async def test_the_brake_for_everybody(tmp_path: Path) -> None:
    """One code sprayed over many people: after so many failures nobody gets in for a while, and hears why."""
    async with a_house(tmp_path, wrong_codes_everywhere_per_hour=6) as house:
        for national_id, address in ((SOMCHAI.national_id, SOMCHAI.email), OTHER):
            chat = await house.somebody()
            await chat.begins(national_id)
            code = await house.code_for(address)
            for n in range(3):
                await chat.says(other_than(code, n))
        malee = await house.somebody()
        await malee.begins(MALEE.national_id)
        malee.sees("error.busy")
        house.clock.forward(minutes=61)
        await malee.says(MALEE.national_id)
        malee.sees("ask.code")


# --- OTP6: asking for another one ------------------------------------------------------------------------------------


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
        if "ส่งรหัสผ่าน" not in chat.screen.text or "กรอกผิดครบ" in chat.screen.text:
            break
        await house.post.mail_to(SOMCHAI.email, after=mailed)
    assert compared == 10
    chat.sees("error.code_locked")


async def test_five_codes_an_hour_ten_a_day_for_one_address(house: House) -> None:
    """Mail bombing: a new browser every time, always the same victim."""
    for expected in ("ask.code",) * 5 + ("error.too_many_codes",):
        chat = await house.somebody()
        await chat.begins(SOMCHAI.national_id)
        chat.sees(expected)
        house.clock.forward(minutes=1)
    house.clock.forward(hours=1)
    for expected in ("ask.code",) * 5 + ("error.too_many_codes",):
        chat = await house.somebody()
        await chat.begins(SOMCHAI.national_id)
        chat.sees(expected)
        house.clock.forward(minutes=13)
    await arrived(house, 10)
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


# --- OTP7: good for one thing only -----------------------------------------------------------------------------------


async def test_a_code_is_good_for_its_purpose_chat_person_and_address_only(patient: House) -> None:
    """Each of 16 codes at each of 16 places: only at its own it opens."""
    lab = Lab(patient, patient.settings)
    chats = [await lab.account(await patient.somebody()) for _ in range(2)]
    both = [await lab.person(SOMCHAI), await lab.person(MALEE)]
    places = list(itertools.product(chats, ("login", "register"), both, (SOMCHAI.email, "other@example.com")))
    accepted = 0
    for made_for in places:
        patient.clock.forward(minutes=2)
        code = await lab.issue(*made_for)
        for place in places:
            answer = await lab.guess(*place, code, undo=True)
            assert answer == ("right" if place == made_for else "code_expired" if answer != "code_wrong" else answer)
            accepted += answer == "right"
    assert accepted == len(places)


async def test_a_login_code_changes_no_address(house: House) -> None:
    """Through the chat: the code that let Somchai in is typed again where the new address asks for its own."""
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    await chat.says(code)
    await chat.taps("choice.civil_servant")
    house.clock.forward(minutes=4)
    await chat.taps("menu.change_email")
    await chat.says("new@example.com")
    await chat.says("new@example.com")
    await chat.taps("choice.save")
    new = await house.code_for("new@example.com")
    if new != code:
        await chat.says(code)
        chat.sees("error.code_wrong")
    assert secrets.compare_digest(new, await house.code_for("new@example.com"))
