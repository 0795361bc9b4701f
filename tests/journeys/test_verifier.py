"""An outside service says whether a laser code fits its card (`CARD_VERIFIER=http`)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.cast import ANAN, PRIYA, RUNG, STRANGER, Player
from tests.fake_verifier import FakeVerifier, a_verifier
from tests.house import Chat, House, a_house
from tests.security.tools import on_disk, rows, words

KLA = Player("1999900000111", "กล้า ใจทดสอบ", "7 กันยายน 2524", "BG7984764379")  # before 2561, no e-mail


@pytest.fixture
async def verifier() -> AsyncIterator[FakeVerifier]:
    async with a_verifier() as fake:
        fake.cards = {who.national_id: who.laser for who in (ANAN, RUNG, KLA, PRIYA)}
        yield fake


@pytest.fixture
async def bureau(
    tmp_path: Path, channel: str, database: dict[str, Any], verifier: FakeVerifier
) -> AsyncIterator[House]:
    asks: dict[str, Any] = {"card_verifier": "http", "card_verifier_url": verifier.url}
    async with a_house(tmp_path, channel=channel, **asks, **database) as house:
        yield house


async def shows_card(chat: Chat, who: Player, *, laser: str = "") -> None:
    """From the welcome to the answer that the service is asked for."""
    await chat.begins(who.national_id)
    await chat.says(who.name)
    await chat.says(who.born)
    await chat.says(laser or who.laser)


async def test_own_card_does_not_open_somebody_elses_record(bureau: House, verifier: FakeVerifier) -> None:
    """Kla's own right card is on its way to a slow service when he cancels and claims to be Anan."""
    verifier.hold()
    kla = await bureau.somebody()
    await shows_card(kla, KLA)
    await verifier.is_asked(1)
    await kla.says("ยกเลิก")
    await shows_card(kla, ANAN, laser="AA0000000000")
    verifier.answer_one()  # "match": Kla's own
    await verifier.is_asked(2)
    assert "พิมพ์อีเมล" not in (await kla.says("สวัสดี")).text
    screens = len(kla.screens)
    verifier.answer_one()  # Anan's: no match
    assert "ข้อมูลไม่ตรงกับทะเบียน" in (await kla.hears(screens + 1)).text


async def verdict(chat: Chat, screens: int = 0) -> Chat:
    """Wait for the answer that comes by itself, after so many screens."""
    await chat.hears((screens or len(chat.screens)) + 1)
    return chat


async def asks(chat: Chat, who: Player, *, laser: str = "") -> int:
    """Shows the card; how many screens there are once "being checked" stands there."""
    before = len(chat.screens)
    await shows_card(chat, who, laser=laser)
    return next(n for n, screen in enumerate(chat.screens) if n >= before and "กำลังตรวจสอบ" in screen.text) + 1


async def test_a_card_that_fits(bureau: House, verifier: FakeVerifier) -> None:
    anan = await bureau.somebody()
    await verdict(anan, await asks(anan, ANAN))
    anan.sees("ask.email")
    assert verifier.asked == [
        {"national_id": ANAN.national_id, "name": ANAN.name, "birth_date": "1976-11-30", "laser_code": ANAN.laser}
    ]
    assert verifier.tokens == [""]


async def test_the_service_is_told_who_asks(tmp_path: Path, verifier: FakeVerifier) -> None:
    settings: dict[str, Any] = {"card_verifier": "http", "card_verifier_url": verifier.url}
    async with a_house(tmp_path, card_verifier_token="s3cret", **settings) as house:
        anan = await house.somebody()
        await verdict(anan, await asks(anan, ANAN))
        assert verifier.tokens == ["Bearer s3cret"]


async def test_a_card_that_does_not_fit(bureau: House) -> None:
    anan = await bureau.somebody()
    await verdict(anan, await asks(anan, ANAN, laser="AA0000000000"))
    anan.sees("error.identity_mismatch", "ask.laser")
    shown = len(anan.screens)
    await anan.says(ANAN.laser)
    await anan.hears(shown + 2)
    anan.sees("ask.email")


async def test_a_right_card_with_another_name_is_refused_whatever_the_service_says(
    bureau: House, verifier: FakeVerifier
) -> None:
    """The service only knows cards; name and birth date must agree with the roster besides."""
    chat = await bureau.somebody()
    await verdict(chat, await asks(chat, Player(ANAN.national_id, "มาลี ตัวอย่าง", ANAN.born, ANAN.laser)))
    chat.sees("error.identity_mismatch")
    assert len(verifier.asked) == 1


async def test_an_unknown_id_is_asked_for_in_the_same_way(bureau: House, verifier: FakeVerifier) -> None:
    """Even when the service knows that card: who is on no roster is refused in the same words, screen by screen."""
    verifier.cards[STRANGER.national_id] = STRANGER.laser
    seen = []
    for who, laser in ((ANAN, "AA0000000000"), (STRANGER, STRANGER.laser)):
        chat = await bureau.somebody()
        await chat.begins(who.national_id)
        for answer in (ANAN.name, ANAN.born, laser):
            await chat.says(answer)
        while "ข้อมูลไม่ตรงกับทะเบียน" not in chat.screen.text:
            await chat.hears(len(chat.screens) + 1)
        seen.append([words(screen) for screen in chat.screens[3:]])
    assert seen[0] == seen[1]
    assert [question["national_id"] for question in verifier.asked] == [ANAN.national_id, STRANGER.national_id]
    assert verifier.asked[0].keys() == verifier.asked[1].keys()


async def test_a_later_hire_whose_card_fits_is_sent_to_hr(bureau: House) -> None:
    priya = await bureau.somebody()
    await verdict(priya, await asks(priya, PRIYA))
    priya.sees("register.form_needed", "wait.officer")


async def test_a_slow_service_keeps_nobody_else_waiting(bureau: House, verifier: FakeVerifier) -> None:
    verifier.hold()
    slow, other = await bureau.somebody(), await bureau.somebody()
    await shows_card(slow, ANAN)
    await verifier.is_asked(1)
    slow.sees("wait.laser")
    await slow.says("เสร็จหรือยัง")
    slow.sees("error.still_waiting", "wait.laser")
    await slow.taps("control.help")
    await other.begins(KLA.national_id)
    other.sees("ask.name")
    shown = len(slow.screens)
    verifier.answer_one()
    await slow.hears(shown + 1)
    slow.sees("ask.email")


TROUBLE = {
    "500": lambda: web.Response(status=500),
    "503 with a page": lambda: web.Response(status=503, text="<h1>down</h1>", content_type="text/html"),
    "an empty answer": lambda: web.Response(status=200),
    "a page": lambda: web.Response(text='<h1>{"match": true}</h1>', content_type="text/html"),
    "not JSON": lambda: web.Response(text="match", content_type="application/json"),
    "a list": lambda: web.json_response([True]),
    "yes": lambda: web.json_response({"match": "true"}),
    "one": lambda: web.json_response({"match": 1}),
    "null": lambda: web.json_response({"match": None}),
    "another word": lambda: web.json_response({"matched": True}),
    "bad UTF-8": lambda: web.Response(body=b'{"match": true, "x": "\xff"}', content_type="application/json"),
    "brackets": lambda: web.Response(body=b"[" * 100_000, content_type="application/json"),
    "204": lambda: web.Response(status=204),
    "201": lambda: web.json_response({"match": True}, status=201),
    "a refusal": lambda: web.json_response({"match": True}, status=403),
}


@pytest.mark.parametrize("answer", TROUBLE)
async def test_an_answer_that_is_none_is_asked_for_again(bureau: House, verifier: FakeVerifier, answer: str) -> None:
    """Nothing but 200 with a true match lets anybody through; the next, truthful answer does."""
    verifier.says = [TROUBLE[answer]()]
    anan = await bureau.somebody()
    shown = await asks(anan, ANAN)
    await is_postponed(bureau)
    assert len(anan.screens) == shown
    bureau.clock.forward(seconds=3)
    await verdict(anan, shown)
    anan.sees("ask.email")
    assert len(verifier.asked) == 2
    assert verifier.asked[0] == verifier.asked[1]


async def is_postponed(house: House) -> None:
    async with asyncio.timeout(10):
        while not await rows(house, "SELECT 1 FROM outbox WHERE kind = 'verify' AND attempts > 0"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_redirect_is_not_followed(bureau: House, verifier: FakeVerifier) -> None:
    """The laser code goes to the address that was set, and nowhere else."""
    verifier.says = [
        web.Response(status=status, headers={"location": verifier.url + "?elsewhere"}) for status in (307,)
    ]
    anan = await bureau.somebody()
    shown = await asks(anan, ANAN)
    await is_postponed(bureau)
    assert len(verifier.asked) == 1
    bureau.clock.forward(seconds=3)
    await verdict(anan, shown)
    anan.sees("ask.email")


async def test_a_service_that_stays_away(bureau: House, verifier: FakeVerifier) -> None:
    """After two minutes the person hears of it, and the laser code is gone from the database."""
    verifier.always = web.Response(status=503)
    anan = await bureau.somebody()
    shown = await asks(anan, ANAN)
    await is_postponed(bureau)
    bureau.clock.forward(minutes=2, seconds=1)
    await verdict(anan, shown)
    anan.sees("error.verifier_unavailable", "ask.laser")
    assert await rows(bureau, "SELECT body FROM outbox WHERE kind = 'verify'") == [{"body": ""}]
    verifier.always = None
    shown = len(anan.screens)
    await anan.says(ANAN.laser)
    await anan.hears(shown + 2)
    anan.sees("ask.email")


async def test_nobody_listens_at_the_address(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"card_verifier": "http", "card_verifier_url": "http://127.0.0.1:9/cards"}
    async with a_house(tmp_path, samples=True, **settings) as house:
        anan = await house.somebody()
        shown = await asks(anan, ANAN)
        await is_postponed(house)
        house.clock.forward(minutes=2, seconds=1)
        await verdict(anan, shown)
        anan.sees("error.verifier_unavailable")


async def test_a_restart_while_the_service_thinks(bureau: House, verifier: FakeVerifier) -> None:
    verifier.always = web.Response(status=503)
    anan = await bureau.somebody()
    shown = await asks(anan, ANAN)
    await is_postponed(bureau)
    await bureau.restart()
    verifier.always = None
    bureau.clock.forward(seconds=3)
    await verdict(anan, shown)
    anan.sees("ask.email")


async def test_the_laser_code_is_gone_once_it_was_checked(bureau: House) -> None:
    anan = await bureau.somebody()
    await verdict(anan, await asks(anan, ANAN))
    async with asyncio.timeout(10):
        while await rows(bureau, "SELECT 1 FROM outbox"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert ANAN.laser.encode() not in on_disk(bureau)


async def test_the_sixth_try_asks_nobody(bureau: House, verifier: FakeVerifier) -> None:
    """ID1 counts before the service is asked: it cannot be used to try out cards."""
    chat = await bureau.somebody()
    await verdict(chat, await asks(chat, ANAN, laser="AA0000000000"))
    for n in range(1, 5):
        shown = len(chat.screens)
        await chat.says(f"AA{n:010d}")
        await chat.hears(shown + 2)
    await chat.says(ANAN.laser)
    chat.sees("error.identity_stopped")
    assert len(verifier.asked) == 5


async def test_going_back_while_the_service_thinks(bureau: House, verifier: FakeVerifier) -> None:
    """The answer to what was typed before is dropped; the new claim gets its own."""
    verifier.hold()
    chat = await bureau.somebody()
    await shows_card(chat, ANAN)
    await verifier.is_asked(1)
    await chat.taps("control.back")
    chat.sees("ask.birth_date")
    shown = len(chat.screens)
    verifier.answer_one()
    await chat.says("1 ม.ค. 2520")
    await chat.says(ANAN.laser)
    await verifier.is_asked(2)
    verifier.answer_one()
    await chat.hears(shown + 3)
    chat.sees("error.identity_mismatch")
    assert not any("พิมพ์อีเมล" in screen.text for screen in chat.screens)
