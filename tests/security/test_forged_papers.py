"""Somebody writes the database, without MASTER_KEY: nobody else's papers for them, and no chat that stands still."""

from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from bot.links import PREFIX
from handlers.documents import drafts
from samples import make_papers
from storage.files import Files
from tests.cast import MALEE, SOMCHAI, Player
from tests.house import Chat, House, a_house
from tests.journeys import papers
from tests.security.tools import change, person, rows

HIS, HERS = (1600, 1200), (1000, 800)


async def at_the_list(house: House, who: Player) -> Chat:
    chat = await house.somebody()
    await papers.listed(house, who)
    await chat.logs_in(who.national_id, who.email)
    await chat.taps("menu.documents")
    await papers.answers_family(chat)
    await papers.chooses(chat, "id_card")
    return chat


async def size_of(house: House, who: Player) -> tuple[int, int]:
    """Of the one picture that this person's pages have, opened with this person's key."""
    owner = await person(house, who)
    (page,) = await rows(house, "SELECT file_id FROM pages WHERE person_id = :id", id=owner.id)
    return Image.open(BytesIO(await house.kp7.files.get(page["file_id"], owner.key))).size


def announced_as(monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    """From now on each row of `pages` is edited before its job looks at it."""
    genuine = drafts.announce

    async def forged(tx: Any, owner: Any, slot: str, chat: str, _: str, detail: Any, now: int) -> str:
        return await genuine(tx, owner, slot, chat, reference, detail, now)

    monkeypatch.setattr(drafts, "announce", forged)


async def test_a_picture_of_somebody_else_is_not_shown_by_naming_it_in_ones_own_row(house: House) -> None:
    victim, attacker = await at_the_list(house, SOMCHAI), await at_the_list(house, MALEE)
    for chat, size in ((victim, HIS), (attacker, HERS)):
        await papers.sends(chat, ("card.jpg", make_papers.photo("id_card", size)))
    await attacker.taps("choice.finish")
    his, hers = await person(house, SOMCHAI), await person(house, MALEE)
    (own,) = await rows(house, "SELECT preview_id FROM papers")

    async def shown() -> int:
        await attacker.taps("choice.to_list")
        await papers.chooses(attacker, "id_card")
        picture = attacker.screen.picture
        assert picture.startswith(PREFIX)
        async with httpx.AsyncClient() as anybody:
            return (await anybody.get(house.url + picture)).status_code

    assert await shown() == 200
    (page,) = await rows(house, "SELECT file_id FROM pages WHERE person_id = :id", id=his.id)
    await change(house, "UPDATE papers SET preview_id = :file", file=page["file_id"])
    assert await shown() == 404
    await change(house, "UPDATE files SET key_id = :key WHERE id = :file", key=hers.key.id, file=page["file_id"])
    assert await shown() == 404
    await change(house, "UPDATE papers SET preview_id = :file", file=own["preview_id"])
    assert await shown() == 200


async def test_what_is_fetched_is_what_was_sent_whatever_the_table_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_house(tmp_path, channel="line") as house:
        victim, attacker = await at_the_list(house, SOMCHAI), await at_the_list(house, MALEE)
        await papers.sends(victim, ("card.jpg", make_papers.photo("id_card", HIS)))
        assert await size_of(house, SOMCHAI) == HIS
        (his,) = await rows(house, "SELECT reference FROM pages")
        announced_as(monkeypatch, his["reference"])
        await papers.sends(attacker, ("mine.jpg", make_papers.photo("id_card", HERS)))
        assert await size_of(house, MALEE) == HERS


async def test_the_upload_that_goes_is_ones_own_whatever_the_table_says(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    his, attacker = await person(house, SOMCHAI), await at_the_list(house, MALEE)
    kept = Files(house.kp7.database, house.kp7.files.objects)
    waiting = await kept.put(his.id, his.key, b"on its way", house.clock())
    announced_as(monkeypatch, waiting.id)
    await papers.sends(attacker, ("mine.jpg", make_papers.photo("id_card", HERS)))
    assert await rows(house, "SELECT id FROM files WHERE held = 0") == [{"id": waiting.id}]
    await attacker.taps("choice.retake")
    assert await rows(house, "SELECT id FROM files") == [{"id": waiting.id}]


async def test_somebody_elses_paper_is_not_shown_as_ones_own(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    """It opens, with the key that the row names: but that is not the key of whom it was moved to."""
    victim, attacker = await at_the_list(house, SOMCHAI), await at_the_list(house, MALEE)
    await papers.sends(attacker, ("card.jpg", papers.SMALL_PHOTO))
    await attacker.taps("choice.finish")
    await attacker.taps("choice.to_list")
    await papers.chooses(attacker, "house")
    await papers.sends(attacker, ("house.pdf", papers.CARD))
    his = await person(house, SOMCHAI)
    for table in ("papers", "pages"):
        await change(house, f"UPDATE {table} SET person_id = :id", id=his.id)
    capfd.readouterr()
    await victim.says("documents")
    victim.sees("ask.checklist")
    assert "".join(capfd.readouterr()).count("paper_unreadable") >= 2
    await papers.chooses(victim, "id_card")
    victim.sees("ask.pages_card")


@pytest.mark.parametrize("column", ["papers.detail", "pages.detail", "signatures.strokes", "families.answers"])
async def test_a_row_that_does_not_open_is_left_out_and_the_chat_goes_on(
    house: House, column: str, capfd: pytest.CaptureFixture[str]
) -> None:
    chat, owner = await at_the_list(house, SOMCHAI), await person(house, SOMCHAI)
    await papers.sends(chat, ("card.jpg", papers.SMALL_PHOTO))
    await chat.taps("choice.finish")
    await chat.taps("choice.to_list")
    await papers.chooses(chat, "house")
    await papers.sends(chat, ("house.pdf", papers.CARD))
    await change(house, "INSERT INTO signatures VALUES (:person, :key, 'x', 1)", person=owner.id, key=owner.key.id)
    table, name = column.split(".")
    if table != "signatures":
        await change(house, "DELETE FROM signatures")
        await change(house, f"UPDATE {table} SET {name} = 'x'")
    capfd.readouterr()
    await chat.says("documents")
    chat.sees("ask.father" if table == "families" else "ask.checklist")
    told = "".join(capfd.readouterr())
    assert "paper_unreadable" in told
    assert "สมชาย" not in told
    if table == "papers":  # which can be sent anew, once what does not open is out of the way
        await papers.chooses(chat, "id_card")
        await papers.sends(chat, ("card.jpg", papers.SMALL_PHOTO))
        await chat.taps("choice.finish")
        chat.sees("error.pages_changed")
        await chat.taps("choice.retake")
        await papers.sends(chat, ("card.pdf", papers.CARD))
        await chat.taps("choice.finish")
        chat.sees("ask.certify")
