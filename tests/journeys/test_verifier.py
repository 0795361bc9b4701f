"""An outside service says whether a laser code fits its card (`CARD_VERIFIER=http`)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import ANAN, RUNG, Player
from tests.fake_verifier import FakeVerifier, a_verifier
from tests.house import Chat, House, a_house

KLA = Player("1999900000111", "กล้า ใจทดสอบ", "7 กันยายน 2524", "BG7984764379")  # before 2561, no e-mail


@pytest.fixture
async def verifier() -> AsyncIterator[FakeVerifier]:
    async with a_verifier() as fake:
        fake.cards = {who.national_id: who.laser for who in (ANAN, RUNG, KLA)}
        yield fake


@pytest.fixture
async def bureau(tmp_path: Path, verifier: FakeVerifier) -> AsyncIterator[House]:
    async with a_house(tmp_path, card_verifier="http", card_verifier_url=verifier.url) as house:
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
