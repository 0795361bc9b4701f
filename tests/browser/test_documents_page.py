"""Somchai sends his papers from a browser as small as a telephone: real files, from the list to handing in."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import cache

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, expect

from bot.events import Language
from handlers.documents import families
from handlers.documents.rules import Family
from samples import bad_papers, make_papers
from storage.ids import new_id
from tests.browser.test_certify_page import Signing
from tests.browser.window import Seat, Window
from tests.cast import SOMCHAI
from tests.house import House
from tests.journeys.papers import listed
from tests.security.tools import person, rows

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL = (1280, 960)
MIMES = {"pdf": "application/pdf", "jpg": "image/jpeg", "heic": "image/heic", "png": "image/png"}
FILES: dict[str, Callable[[], bytes]] = {
    "บัตร ด้านหน้า.jpg": lambda: make_papers.photo("id_card", SMALL),
    "บัตร ด้านหลัง.jpg": lambda: make_papers.photo("transcript", SMALL, 1),
    "IMG_0042.heic": lambda: make_papers.heic("degree", SMALL),
    "degree.pdf": lambda: make_papers.pdf("degree"),
    "scan.pdf": lambda: make_papers.scan("house_registration", 100),
    "active.pdf": make_papers.active,
    "locked.pdf": lambda: bad_papers.locked(make_papers.pdf("degree")),
    "truncated.pdf": lambda: bad_papers.truncated(make_papers.pdf("degree"), 0.01),
    "bomb.png": bad_papers.picture_bomb,
}


@cache
def file(name: str) -> FilePayload:
    return {"name": name, "mimeType": MIMES[name.rpartition(".")[2]], "buffer": FILES[name]()}


class Papers:
    """Somebody at the list of papers."""

    def __init__(self, seat: Seat) -> None:
        self.seat, self.house, self.window = seat, seat.window.house, seat.window

    @classmethod
    @asynccontextmanager
    async def at(cls, browser: Browser, house: House, language: Language = "th") -> AsyncIterator["Papers"]:
        async with Window.at(browser, house, language) as window:
            papers = cls(window.seat())
            await papers.goes_on()
            yield papers
            window.check_quiet()

    async def goes_on(self) -> None:
        await self.seat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await self.seat.presses("menu.documents")
        await self.seat.sees("ask.checklist")

    async def chooses(self, paper: str) -> None:
        await self.seat.looks()
        label = re.compile(rf"^\S+ {re.escape(self.seat.words(f'paper.{paper}'))}$")
        await self.seat.newest.get_by_role("button", name=label).click()
        await self.seat.answered()

    async def sends(self, *names: str) -> None:
        await self.seat.sends(*(file(name) for name in names))

    async def drags(self, name: str) -> None:
        """Out of a folder and onto the chat."""
        given = {"name": name, "type": file(name)["mimeType"], "data": b64encode(file(name)["buffer"]).decode()}
        dragged = await self.seat.root.evaluate_handle(
            """(_, {name, type, data}) => {
                const dragged = new DataTransfer();
                dragged.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
                return dragged;
            }""",
            given,
        )
        await self.seat.looks()
        for event in ("dragover", "drop"):
            await self.seat.root.dispatch_event(event, {"dataTransfer": dragged})
        await self.seat.answered()

    async def shows_its_page(self) -> None:
        """The first page, as something that can be opened larger."""
        picture = self.seat.newest.get_by_role("img", name=self.seat.words("web.picture"), exact=True)
        await expect(picture).to_be_visible()
        await expect(picture).to_have_js_property("complete", True)
        assert await picture.evaluate("image => image.naturalWidth") > 300

    async def signs_on_the_page(self) -> None:
        """The chat answers by itself once it is stamped."""
        link = self.seat.newest.get_by_role("link", name=self.seat.words("choice.open_page"))
        await self.seat.looks()
        async with self.window.page.context.expect_page() as opened:
            await link.click()
        signing = Signing(self.window, await opened.value)
        await signing.presses("certify.open")
        await expect(signing.sheet(1).locator(".loaded")).to_be_visible()
        await signing.signs()
        await signing.presses("certify.submit")
        await signing.is_done()
        await signing.page.close()
        await self.seat.answered()

    async def marks(self) -> dict[str, str]:
        """What stands before each paper of the list."""
        return {paper: mark for mark, _, paper in (each.partition(" ") for each in await self.seat.labels())}


@pytest_asyncio.fixture(loop_scope="session")
async def asked(house: House) -> House:
    """Somchai owes papers, and has answered the questions about his family."""
    await listed(house)
    owner, family = await person(house, SOMCHAI), Family(same_degree=True)
    async with house.kp7.database.write() as tx:
        await families.save(tx, owner.id, owner.key, asdict(family), house.clock())
    return house


async def lacks(house: House, *slots: str) -> None:
    """Papers that he has said he does not have."""
    owner = await person(house, SOMCHAI)
    async with house.kp7.database.write() as tx:
        for id, slot in ((new_id(), slot) for slot in slots):
            await tx.run(
                "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, detail, at) "
                "VALUES (:id, 'c1', :person, :slot, 1, 'asked', '', :key, :detail, 1)",
                {
                    "id": id,
                    "person": owner.id,
                    "slot": slot,
                    "key": owner.key.id,
                    "detail": owner.key.seal({}, "papers", id, "detail"),
                },
            )


async def test_three_photos_at_once_are_signed_on_the_page_and_handed_in(browser: Browser, asked: House) -> None:
    async with Papers.at(browser, asked) as papers:
        seat = papers.seat
        await papers.chooses("id_card")
        await papers.sends("บัตร ด้านหน้า.jpg", "IMG_0042.heic", "บัตร ด้านหลัง.jpg")
        await seat.sees("ask.pages_more", photos=3)
        await seat.presses("choice.finish")
        await seat.sees("ask.certify", sheets=3)
        await papers.shows_its_page()
        await seat.presses("choice.sign")
        await papers.signs_on_the_page()
        await seat.sees("ask.kept_received", sheets=3)
        await papers.shows_its_page()
        await seat.presses("choice.to_list")
        await lacks(asked, "father", "mother", "entry.transcript")
        await papers.chooses("house")
        await seat.presses("choice.no_such_paper")
        await seat.presses("choice.ask_waiver")
        await papers.chooses("entry_degree")
        await papers.drags("degree.pdf")
        await seat.sees("ask.pages_pdf")
        await seat.presses("choice.finish")
        await seat.presses("choice.stamp")
        await seat.presses("choice.stamp_now")
        await seat.sees("ask.kept_received", sheets=1)
        await seat.presses("choice.to_list")
        await seat.sees("ask.checklist_ready")
        await seat.presses("choice.submit")
        await seat.sees("ask.submit")
        await papers.window.check_names()
        await seat.presses("choice.submit_now")
        await seat.sees("documents.submitted")
        kept = await rows(asked, "SELECT state, count(*) AS n FROM papers GROUP BY state ORDER BY state")
        assert [tuple(row.values()) for row in map(dict, kept)] == [("submitted", 2), ("waiting", 4)]


async def test_what_is_refused_says_why_and_what_is_fit_is_taken(browser: Browser, asked: House) -> None:
    async with Papers.at(browser, asked) as papers:
        seat = papers.seat
        await papers.chooses("house")
        for name, why in (
            ("locked.pdf", "error.paper_locked"),
            ("truncated.pdf", "error.paper_damaged"),
            ("bomb.png", "error.paper_too_many_pixels"),
        ):
            await papers.sends(name)
            await seat.sees(why, "ask.pages_house", name=name)
        assert not await rows(asked, "SELECT id FROM files")
        await papers.sends("active.pdf")  # its scripts are gone
        await seat.sees("ask.pages_pdf", sheets=2)
        await papers.shows_its_page()
        await seat.presses("choice.retake")
        await papers.sends("scan.pdf")
        await seat.sees("ask.pages_pdf")
        await papers.shows_its_page()


async def test_reloaded_or_in_another_browser_it_is_as_it_was(browser: Browser, asked: House) -> None:
    async with Papers.at(browser, asked) as papers:
        await papers.chooses("entry_degree")
        await papers.sends("degree.pdf")
        await papers.window.page.reload()
        await papers.seat.sees("ask.pages_pdf")
        await papers.shows_its_page()
        await papers.seat.presses("choice.finish")
        await papers.window.page.reload()
        await papers.seat.sees("ask.certify")
        await papers.seat.presses("choice.signed_by_hand")
        await papers.seat.sees("documents.received", "ask.checklist", done=1)
        await papers.chooses("id_card")
        await papers.sends("บัตร ด้านหน้า.jpg")
        asked.clock.forward(minutes=2)
        async with Papers.at(browser, asked) as elsewhere:
            await papers.seat.sees("cut_off")
            assert "degree.pdf" not in await papers.seat.reads()
            marks = await elsewhere.marks()
            assert marks[elsewhere.seat.words("paper.entry_degree")] == elsewhere.seat.words("mark.received")
            await elsewhere.chooses("id_card")
            await elsewhere.seat.sees("ask.pages_more", photos=1)
            await elsewhere.seat.presses("choice.finish")
            await elsewhere.seat.sees("ask.certify", sheets=1)


async def test_the_same_in_english(browser: Browser, asked: House) -> None:
    async with Papers.at(browser, asked, "en") as papers:
        await papers.chooses("entry_degree")
        await papers.sends("degree.pdf")
        await papers.shows_its_page()
        await papers.seat.presses("choice.finish")
        await papers.seat.sees("ask.certify")
        await papers.seat.presses("choice.sign")
        await papers.signs_on_the_page()
        await papers.seat.sees("ask.kept_received")
