"""Somchai certifies a copy on his phone: from the chat to the page, and back."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from bot.papers.room import Papers
from bot.papers.shapes import Box, Mark, Refused, Stamped
from bot.times import local_date
from handlers.documents.rules import Options
from samples import make_papers
from tests.cast import SOMCHAI
from tests.house import SAMPLES, Chat, House, LineChat
from tests.journeys.doors import Doors
from tests.journeys.papers import at_the_list, chooses, has_signed, sends
from tests.security.tools import rows
from tests.signing import BOX, Phone


def path(chat: Chat) -> str:
    """Where the button on the screen leads."""
    (address,) = {button["link"] for button in chat.screen["buttons"] if button.get("link")}
    return urlsplit(str(address)).path


async def test_from_the_chat_to_the_page_and_back(house: House) -> None:
    chat = await house.somebody()
    await at_the_list(house, chat)
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", make_papers.pdf("id_card")))
    await chat.taps("choice.finish")
    chat.sees("ask.certify")
    await chat.taps("choice.sign")
    chat.sees("ask.sign")
    old = path(chat)
    await chat.taps("choice.new_link")
    async with Phone(house) as phone:
        assert (await phone.looks(old)).status_code == 404
        new = path(chat)
        page = await phone.opens(new)
        assert '<p class="name">บัตรประชาชน</p>' in (await phone.looks(new)).text
        before = len(chat.screens)
        assert (await phone.signs(new, boxes=[BOX], version=page["version"])).status_code == 200
        await chat.hears(before + 1)
        assert house.kp7.texts("th", "certify.done") in (await phone.looks(new)).text
    chat.sees("ask.kept_received")
    (paper,) = await rows(house, "SELECT state, certified, version FROM papers")
    assert (paper["state"], paper["certified"]) == ("received", "phone")
    assert paper["version"] > page["version"]


@pytest.mark.parametrize(
    ("purpose", "says"), [("", "ใช้ประกอบการรับรองทะเบียนประวัติ ก.พ.๗ เท่านั้น"), ("ใช้ทดสอบเท่านั้น", "ใช้ทดสอบเท่านั้น")]
)
async def test_what_the_mark_says(house: House, monkeypatch: pytest.MonkeyPatch, purpose: str, says: str) -> None:
    """Who, when, and what for, as the campaign has it."""
    marks: list[Mark] = []
    stamp = Papers.stamp

    async def seen(self: Papers, pdf: bytes, mark: Mark, boxes: Sequence[Box] = ()) -> Stamped | Refused:
        marks.append(mark)
        return await stamp(self, pdf, mark, boxes)

    monkeypatch.setattr(Papers, "stamp", seen)
    chat = await house.somebody()
    await at_the_list(house, chat, options=Options(purpose=purpose))
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", make_papers.pdf("id_card")))
    await chat.taps("choice.finish")
    await chat.taps("choice.sign")
    async with Phone(house) as phone:
        page = await phone.opens(path(chat))
        before = len(chat.screens)
        await phone.signs(path(chat), version=page["version"])
        await chat.hears(before + 1)
    today = house.kp7.texts("th", "stamp.date", {"date": local_date(house.clock(), house.settings.timezone)})
    assert [(mark.heading, mark.lines) for mark in marks] == [("สำเนาถูกต้อง", (f"นาย{SOMCHAI.name}", today, says))]


async def test_the_chat_counts_the_pages_that_bear_the_mark(house: House) -> None:
    """A scan with an empty back: with the page on a screen, and with the signature that is kept."""
    paper = house.kp7.texts("th", "paper.house")
    kept = house.kp7.texts("th", "ask.kept_received_blank", {"paper": paper, "marked": 1, "blank": "2"})
    chat = await house.somebody()
    await at_the_list(house, chat)
    await chooses(chat, "house")
    await sends(chat, ("house.pdf", (SAMPLES / "papers" / "2_house_registration_scan.pdf").read_bytes()))
    await chat.taps("choice.finish")
    await has_signed(house)
    await chat.taps("choice.to_list")
    await chooses(chat, "house")
    await chat.taps("choice.stamp")
    await chat.taps("choice.stamp_now")
    assert kept in chat.screen.text
    await chat.taps("choice.replace")
    await chat.taps("choice.replace_now")
    await sends(chat, ("house.pdf", (SAMPLES / "papers" / "2_house_registration_scan.pdf").read_bytes()))
    await chat.taps("choice.finish")
    await chat.taps("choice.sign")
    async with Phone(house) as phone:
        page = await phone.opens(path(chat))
        before = len(chat.screens)
        assert (await phone.signs(path(chat), boxes=[BOX], version=page["version"])).status_code == 200
        await chat.hears(before + 1)
    assert kept in chat.screen.text


async def test_the_page_leads_back_to_where_it_was_opened(house: House) -> None:
    chat = await house.somebody()
    await at_the_list(house, chat)
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", make_papers.pdf("id_card")))
    await chat.taps("choice.finish")
    await chat.taps("choice.sign")
    async with Phone(house) as phone:
        page = await phone.opens(path(chat))
        assert (await phone.signs(path(chat), version=page["version"])).status_code == 200
        done = (await phone.looks(path(chat))).text
    on_line = isinstance(chat, LineChat)
    assert ('href="/chat"' in done) is not on_line
    assert house.kp7.texts("th", "certify.back_line" if on_line else "certify.back") in done


async def test_signed_on_the_phone_and_declared_by_hand_meanwhile(house: House) -> None:
    """Nobody is told that their paper was stamped when it was not."""
    doors = Doors(house)
    chat = await house.somebody()
    await at_the_list(house, chat)
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", make_papers.pdf("id_card")))
    await chat.taps("choice.finish")
    await chat.taps("choice.sign")
    doors.working.clear()
    async with Phone(house) as phone:
        page = await phone.opens(path(chat))
        assert (await phone.signs(path(chat), version=page["version"])).status_code == 200
    await chat.taps("choice.other_way")
    await chat.taps("choice.signed_by_hand")
    chat.sees("documents.received")
    await doors.open()
    chat.sees("documents.not_stamped", "error.paper_changed", "ask.checklist")
    assert house.kp7.texts("th", "documents.stamped_for_later") not in chat.screen.text
