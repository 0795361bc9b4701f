"""Files that mean harm, sent as people send papers: through the real server, from the web chat and from LINE.

Each gets its reason in the chat, nothing of it is kept, and everybody else is answered meanwhile (FILE1, FILE2).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.channels import uploads
from bot.papers.room import Papers
from bot.papers.shapes import Photo, Refused
from samples import bad_papers, make_papers
from tests.chats import Chat, LineChat, WebChat
from tests.house import House, a_house
from tests.journeys.papers import announces, at_the_list, chooses, sends
from tests.journeys.test_documents import kept, nothing_left_over, pages
from tests.papers import tools
from tests.papers.test_clamd import EICAR, fake
from tests.security.tools import rows, stored

MIB = 2**20
SMALL = (1280, 960)
bad: Callable[[str], bytes] = cache(lambda name: make_papers.BAD[name]())


@cache
def told() -> bytes:
    """A photo that says where it was taken."""
    return make_papers.photo("id_card", SMALL)


@cache
def animated() -> bytes:
    """A PNG that moves: of its pictures the first is a paper, the second is not."""
    first = Image.open(BytesIO(told())).convert("RGB")
    return tools.saved(first, "PNG", save_all=True, append_images=[Image.new("RGB", first.size, "red")], duration=100)


def too_many_pixels() -> bytes:
    return tools.saved(Image.new("L", (8_200, 5_001)), "PNG")


REFUSED: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    **{
        name: (reason, lambda name=name: bad(name))  # type: ignore[misc]
        for name, reason in {
            "locked.pdf": "locked",
            "restricted.pdf": "restricted",
            "truncated.pdf": "damaged",
            "unpacking_bomb.pdf": "too_much_work",
            "drawing_bomb.pdf": "too_much_work",
            "picture_bomb.pdf": "too_many_pixels",
            "picture_bomb.png": "too_many_pixels",
            "many_pages.pdf": "too_many_pages",
            "huge_page.pdf": "too_large",
            "blank.pdf": "nothing",
            "drawing.jpg": "not_a_paper",
            "small.jpg": "too_small",
        }.items()
    },
    "41_megapixels.png": ("too_many_pixels", too_many_pixels),
    "moves.gif": ("not_a_paper", lambda: tools.saved(Image.new("L", SMALL), "GIF")),
    "no_pdf.pdf": ("not_a_paper", lambda: b"MZ" + bytes(2_000)),
}
TAKEN = {"active.pdf", "cut_short.pdf"}  # cleaned and mended


@pytest.fixture(params=["web", "line"])
async def chat(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Chat]:
    """Somchai, in front of his ID card's copy."""
    async with a_house(tmp_path, channel=request.param) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        await chooses(chat, "id_card")
        yield chat


async def nothing_is_kept(chat: Chat) -> None:
    assert await pages(chat.house) == []
    assert await rows(chat.house, "SELECT id FROM files") == [], "not even until tomorrow"
    await nothing_left_over(chat.house)
    assert stored(chat.house) == {}


def test_every_sample_is_here() -> None:
    assert make_papers.BAD.keys() == TAKEN | REFUSED.keys() & make_papers.BAD.keys()


async def test_each_gets_its_reason_and_nothing_of_it_is_kept_while_others_are_answered(chat: Chat) -> None:
    malee = await chat.house.somebody()
    for name, (reason, made) in REFUSED.items():
        before = len(chat.screens)
        await announces(chat, (name, made()))
        await malee.says("สวัสดี")  # raises if it takes long
        await chat.hears(before + 1)
        chat.sees(f"error.paper_{reason}", "ask.pages_card")
    await nothing_is_kept(chat)


async def test_what_is_too_big_is_not_even_fetched_whole(chat: Chat) -> None:
    """However it comes: LINE tells the size of a file beforehand, that of a picture it does not."""
    whole = bad_papers.picture_bomb() + bytes(21 * MIB)
    if isinstance(chat, WebChat):
        response = await chat.sends(whole)
        assert response.status_code == 413
        assert response.json()["message"]["th"] == chat.house.kp7.texts("th", "web.error.file_too_large")
    else:
        for name in ("big.pdf", "big.jpg"):
            await sends(chat, (name, whole))
            chat.sees("error.paper_too_big", "ask.pages_card")
    await nothing_is_kept(chat)


async def test_of_what_acts_only_its_pages_are_kept(chat: Chat) -> None:
    """Neither script, program, attachment, form nor place: not in the paper, nor in anything else that is kept."""
    await sends(chat, ("active.pdf", bad("active.pdf")))
    chat.sees("ask.pages_pdf")
    await chat.taps("choice.finish")
    (made,) = await rows(chat.house, "SELECT * FROM papers")
    found = tools.everything(await kept(chat.house, made["file_id"]))
    banned = ("JavaScript", "JS", "Launch", "EmbeddedFile", "EmbeddedFiles", "XFA", "AcroForm", "OpenAction", "AA")
    for name in banned:
        assert f"/{name} ".encode() not in found, name
        assert f"/{name}\n".encode() not in found, name
    for word in (b"Exif", b"kp7-", b"app.alert"):
        assert word not in found, word
    assert tools.everything(bad("active.pdf")).count(b"kp7-") > 9, "and there was much to be found"
    await nothing_left_over(chat.house)


async def test_a_mended_paper_says_so(chat: Chat) -> None:
    await sends(chat, ("cut_short.pdf", bad("cut_short.pdf")))
    chat.sees("ask.pages_pdf", "documents.repaired_look")


async def test_of_photos_only_what_they_show_is_kept(chat: Chat) -> None:
    """Not where and with what they were taken; of a picture that moves, how it begins."""
    assert b"Exif" in told()
    await sends(chat, ("photo.jpg", told()))
    await sends(chat, ("moves.png", animated()))
    assert "2 หน้า" in chat.screen.text
    for page in await rows(chat.house, "SELECT * FROM pages"):
        jpeg = await kept(chat.house, page["file_id"])
        assert not Image.open(BytesIO(jpeg)).getexif()
        assert b"kp7-maker" not in jpeg
        assert b"Exif" not in jpeg
    assert len(await rows(chat.house, "SELECT id FROM files")) == 2, "the originals are gone at once"
    await chat.taps("choice.finish")
    (made,) = await rows(chat.house, "SELECT * FROM papers")
    assert b"Exif" not in await kept(chat.house, made["file_id"])


@pytest.mark.parametrize("channel", ["web", "line"])
async def test_what_clamd_knows(tmp_path: Path, channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned = Papers(clamd=str(tmp_path / "clamd"))
    monkeypatch.setattr("bot.app.Papers", lambda *_, **__: scanned)
    async with fake(tmp_path / "clamd") as shown, a_house(tmp_path, channel=channel) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        await chooses(chat, "id_card")
        await sends(chat, ("eicar.pdf", tools.card() + EICAR))
        chat.sees("error.paper_infected", "ask.pages_card")
        assert shown == [tools.card() + EICAR]
        await nothing_is_kept(chat)


# --- without end ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["web", "line"])
async def few(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Chat]:
    """Where three files a day are enough."""
    async with a_house(tmp_path, channel=request.param, files_per_day=3) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        await chooses(chat, "id_card")
        yield chat


async def test_so_many_files_a_day(few: Chat) -> None:
    """Also for somebody who starts over again and again, and whose files are all refused."""
    await sends(few, ("a.jpg", told()))
    await few.taps("choice.retake")
    await sends(few, ("b.jpg", bad("drawing.jpg")))
    await sends(few, ("c.jpg", told()))
    await sends(few, ("d.jpg", told()))
    few.sees("error.paper_too_many_today", "ask.pages_more")
    assert "3 ไฟล์" in few.screen.text
    assert len(await pages(few.house)) == 1
    async with few.house.kp7.database.write() as tx:  # a day later; by the clock the session would be over
        await tx.run("UPDATE attempts SET at = at - 86400001 WHERE kind = 'file'")
    await sends(few, ("d.jpg", told()))
    few.sees("ask.pages_more")
    assert len(await pages(few.house)) == 2


async def test_hundreds_of_small_files_fill_nothing(few: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand would take longer, and leave no more: a file over the limit is no page, no process and no file."""
    monkeypatch.setattr(uploads, "UNHELD_MOST", 5)
    looked_at: list[bytes] = []
    look = Papers.page

    async def page(papers: Papers, photo: bytes) -> Photo | Refused:
        looked_at.append(photo)
        return await look(papers, photo)

    monkeypatch.setattr(Papers, "page", page)
    svg = bad("drawing.jpg")
    if isinstance(few, LineChat):
        for _ in range(3):
            album = few.webhooks.album(few.user, [svg] * 100)
            assert (await few.sends(*album)).status_code == 200
    else:
        assert isinstance(few, WebChat)
        told = [(await few.sends(svg)).status_code for _ in range(100)]
        assert set(told) <= {200, 429}
    await settled(few.house)
    assert len(await rows(few.house, "SELECT 1 FROM attempts WHERE kind = 'file'")) == 3
    assert len(looked_at) == 3
    assert await pages(few.house) == []
    assert len(await rows(few.house, "SELECT 1 FROM files")) <= (5 if isinstance(few, WebChat) else 0)


async def test_what_was_looked_at_no_longer_counts_as_waiting(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """A house registration has as many pages as it has people, and there are eight papers: all on one day."""
    monkeypatch.setattr(uploads, "UNHELD_MOST", 2)
    for number in range(4):
        await sends(chat, (f"{number}.jpg", told()))
        assert f"{number + 1} หน้า" in chat.screen.text


async def settled(house: House) -> None:
    async with asyncio.timeout(30):
        while await rows(house, "SELECT 1 FROM outbox WHERE dead_at IS NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
