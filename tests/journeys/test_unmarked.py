"""The hint whether pages say “สำเนาถูกต้อง”: read beside the conversation, by a program that may do anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from samples import make_papers
from storage.people import national_id_index
from storage.vault import Key
from tests.cast import SOMCHAI
from tests.house import PATIENCE, Chat, House, a_house
from tests.journeys.papers import CARD, DEGREE, SMALL_PHOTO, at_the_list, finished, sends
from tests.papers.fake_reader import WORDS, a_program, needs_tesseract
from tests.security.tools import rows


@asynccontextmanager
async def somchai(folder: Path, ocr: str, channel: str = "web") -> AsyncIterator[Chat]:
    async with a_house(folder, channel=channel, ocr=ocr) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        yield chat


async def key(house: House) -> Key:
    index = national_id_index(house.kp7.vault, SOMCHAI.national_id)
    (row,) = await rows(
        house, f"SELECT k.id, k.wrapped FROM people p JOIN keys k ON k.id = p.key_id WHERE p.id_index = '{index}'"
    )
    return house.kp7.vault.unwrap(row["id"], row["wrapped"])


async def paper(house: House) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row, and what is sealed in it."""
    (row,) = await rows(house, "SELECT * FROM papers")
    return row, (await key(house)).open(row["detail"], "papers", row["id"], "detail")


async def looked(house: House) -> list[bool | None]:
    """Waits until somebody has looked, or given up."""
    async with asyncio.timeout(PATIENCE):
        while await rows(house, "SELECT 1 FROM outbox WHERE kind = 'looks'"):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    marks: list[bool | None] = (await paper(house))[1]["marks"]
    return marks


@pytest.mark.parametrize("channel", ["web", "line"])
async def test_a_page_that_does_not_seem_certified_is_asked_about_once(tmp_path: Path, channel: str) -> None:
    async with somchai(tmp_path, a_program(tmp_path, "echo ตัวอย่าง"), channel) as chat:
        await finished(chat, "id_card", ("card.pdf", CARD))
        chat.sees("ask.certify")
        assert await looked(chat.house) == [False]
        version = (await paper(chat.house))[0]["version"]
        await chat.taps("choice.signed_by_hand")
        chat.sees("ask.unmarked")
        assert "ที่หน้า 1 " in chat.screen.text
        await chat.taps("choice.signed_after_all")
        chat.sees("documents.received", "ask.checklist")
        row, detail = await paper(chat.house)
        assert (row["certified"], detail["marks"]) == ("hand", [False]), "HR will want to see the hint"
        assert row["version"] > version


async def test_another_one_instead(tmp_path: Path) -> None:
    async with somchai(tmp_path, a_program(tmp_path, "echo ตัวอย่าง")) as chat:
        await finished(chat, "id_card", ("card.pdf", CARD))
        await looked(chat.house)
        await chat.taps("choice.signed_by_hand")
        await chat.taps("choice.replace")
        chat.sees("ask.pages_card")
        assert await rows(chat.house, "SELECT * FROM papers") == []


async def test_on_the_phone_after_all(tmp_path: Path) -> None:
    async with somchai(tmp_path, a_program(tmp_path, "echo ตัวอย่าง")) as chat:
        await finished(chat, "id_card", ("card.pdf", CARD))
        await looked(chat.house)
        await chat.taps("choice.signed_by_hand")
        await chat.taps("choice.sign")
        chat.sees("ask.sign")
        await chat.taps("choice.other_way")
        chat.sees("ask.certify")


async def test_photos_of_pages_that_say_so_are_not_asked_about(tmp_path: Path) -> None:
    async with somchai(tmp_path, a_program(tmp_path, f"echo {WORDS}")) as chat:
        await finished(chat, "id_card", ("1.jpg", SMALL_PHOTO))
        chat.sees("ask.certify")
        assert await looked(chat.house) == [True]
        await chat.taps("choice.signed_by_hand")
        chat.sees("documents.received", "ask.checklist")


SLOW = "while ! [ -e {gate} ]; do :; done; echo ตัวอย่าง"


async def test_nobody_waits_for_it_and_hr_has_the_hint_nevertheless(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    async with somchai(tmp_path, a_program(tmp_path, SLOW.format(gate=gate))) as chat:
        await finished(chat, "id_card", ("card.pdf", CARD))
        await chat.taps("choice.signed_by_hand")
        chat.sees("documents.received", "ask.checklist")
        assert "marks" not in (await paper(chat.house))[1]
        gate.touch()
        assert await looked(chat.house) == [False]
        row, _ = await paper(chat.house)
        assert (row["state"], row["certified"]) == ("received", "hand")


async def test_a_program_that_fails_costs_nobody_anything(tmp_path: Path) -> None:
    async with somchai(tmp_path, a_program(tmp_path, "exit 3")) as chat:
        await finished(chat, "id_card", ("card.pdf", CARD))
        assert await looked(chat.house) == [None]
        await chat.taps("choice.signed_by_hand")
        chat.sees("documents.received", "ask.checklist")


async def test_what_was_seen_of_one_paper_is_not_said_of_the_next(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    program = f"[ -e {gate} ] && echo {WORDS} && exit; {SLOW.format(gate=gate)}"
    async with somchai(tmp_path, a_program(tmp_path, program)) as chat:
        await finished(chat, "id_card", ("card.pdf", CARD))
        await chat.taps("choice.replace")
        await sends(chat, ("degree.pdf", DEGREE))
        await chat.taps("choice.finish")
        gate.touch()
        assert await looked(chat.house) == [True]


@needs_tesseract
async def test_with_the_real_program(tmp_path: Path) -> None:
    async with somchai(tmp_path, "tesseract") as chat:
        await finished(chat, "house", ("house.pdf", make_papers.scan("house_registration")))
        assert await looked(chat.house) == [False, None], "of an empty page nobody can say anything"
        await chat.taps("choice.signed_by_hand")
        chat.sees("ask.unmarked")
