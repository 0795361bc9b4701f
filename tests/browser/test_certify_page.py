"""Somchai signs a paper: with the mouse, with a finger, on an old phone; and when it does not work."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Locator, Page, expect

from tests.browser.window import Window
from tests.cast import SOMCHAI
from tests.house import House
from tests.papers import tools
from tests.signing import Jobs, hand_in, link

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Point = tuple[float, float]  # fractions of an element
NAME: Sequence[Sequence[Point]] = (
    ((0.15, 0.6), (0.25, 0.2), (0.3, 0.7), (0.4, 0.35), (0.5, 0.65)),
    ((0.55, 0.3), (0.62, 0.7), (0.75, 0.4), (0.88, 0.5)),
)


class Signing:
    """The page, before somebody who has logged in beside it."""

    def __init__(self, window: Window, page: Page | None = None) -> None:
        self.window, self.page = window, page or window.page
        self.words = window.seat().words
        self.pad = self.page.locator("#pad")

    async def opens(self, slot: str) -> None:
        path = await link(self.window.house, SOMCHAI, slot)
        await self.page.goto(self.window.house.url + path)
        await self.window.check_fit()
        await self.presses("certify.open")
        await expect(self.sheet(1).locator(".loaded")).to_be_visible()

    def sheet(self, number: int) -> Locator:
        return self.page.locator(".sheet").nth(number - 1)

    def button(self, key: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=self.words(key), exact=True)

    async def presses(self, key: str, within: Locator | None = None) -> None:
        await self.button(key, within).click()

    async def drags(self, element: Locator, *points: Point) -> None:
        """With the mouse."""
        at = await places(element, points)
        mouse = self.page.mouse
        await mouse.move(*at[0])
        await mouse.down()
        for each in at[1:]:
            await mouse.move(*each, steps=4)
        await mouse.up()

    async def covers(self, number: int, *corners: tuple[Point, Point]) -> None:
        sheet = self.sheet(number)
        await self.presses("certify.cover", sheet)
        for corner in corners:
            await self.drags(sheet.locator(".field"), *corner)
        await self.presses("certify.covered", sheet)

    async def signs(self) -> None:
        for stroke in NAME:
            await self.drags(self.pad, *stroke)

    async def is_done(self) -> None:
        await expect(self.page.get_by_text(self.words("certify.done"))).to_be_visible()
        await expect(self.page.get_by_text(self.words("certify.back"))).to_be_visible()

    def chat(self) -> Locator:
        return self.page.get_by_role("link", name=self.words("certify.to_chat"))


async def comes_to(element: Locator) -> None:
    """To the top of the screen: at its foot there are tools."""
    await element.evaluate("element => element.scrollIntoView()")


async def places(element: Locator, points: Sequence[Point]) -> list[Point]:
    await comes_to(element)
    box = await element.bounding_box()
    assert box is not None
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]


async def begins(window: Window, slot: str = "entry.transcript", make: Any = tools.transcript) -> Signing:
    await window.seat().logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await hand_in(window.house, SOMCHAI, slot, make)
    signing = Signing(window)
    await signing.opens(slot)
    return signing


async def test_covers_two_places_and_signs(window: Window) -> None:
    jobs = Jobs.of(window.house)
    signing = await begins(window, "id_card", tools.card)
    await expect(signing.page.get_by_text(signing.words("certify.card_hint"))).to_be_visible()
    await window.check_names()
    await signing.covers(1, ((0.2, 0.2), (0.5, 0.25)), ((0.6, 0.5), (0.4, 0.4)), ((0.1, 0.7), (0.3, 0.72)))
    await signing.sheet(1).locator(".box").nth(1).get_by_role("button").click()  # not that one
    await signing.covers(1, ((0.7, 0.5), (0.98, 0.6)), ((0.5, 0.9), (0.6, 0.95)))
    await signing.presses("certify.undo", signing.sheet(1))
    await signing.drags(signing.sheet(1), (0.5, 0.5), (0.6, 0.6))  # who is not covering covers nothing
    await expect(signing.sheet(1).locator(".box")).to_have_count(3)
    for stroke in (*NAME, ((0.9, 0.9), (0.95, 0.95))):
        await signing.drags(signing.pad, *stroke)
    await signing.page.locator("#undo").click()
    await window.check_fit()
    await window.check_names()
    await signing.presses("certify.submit")
    await signing.is_done()
    await window.check_fit()
    await signing.page.reload()
    await signing.is_done()
    boxes = (await jobs.one()).content["boxes"]
    drawn = [box[side] for box in boxes for side in ("left", "top", "width", "height")]
    assert drawn == pytest.approx([0.2, 0.2, 0.3, 0.05, 0.1, 0.7, 0.2, 0.02, 0.7, 0.5, 0.28, 0.1], abs=0.01)
    await signs_the_next_with_the_same(window, signing, jobs)


async def signs_the_next_with_the_same(window: Window, signing: Signing, jobs: Jobs) -> None:
    jobs.done.clear()
    await hand_in(window.house, SOMCHAI, "entry.transcript")
    await signing.opens("entry.transcript")
    await expect(signing.page.locator("#kept-pad")).to_be_visible()
    await is_inked(signing.page.locator("#kept-pad"))
    await window.check_fit()
    await signing.covers(2, ((0.5, 0.5), (0.7, 0.6)))
    await signing.presses("certify.sign_anew")
    await signing.presses("certify.use_kept")
    await signing.presses("certify.submit")
    await signing.is_done()
    assert [box["page"] for box in (await jobs.one()).content["boxes"]] == [2]


async def is_inked(canvas: Locator, wanted: bool = True) -> None:
    """There is something on it, or nothing."""
    drawn = "c => c.toDataURL() !== Object.assign(c.cloneNode(), {width: c.width}).toDataURL()"
    async with asyncio.timeout(30):
        while await canvas.evaluate(drawn) is not wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_what_was_covered_is_still_covered_when_the_page_is_opened_again(window: Window) -> None:
    """A telephone rings, and the chat has closed the page; a new link opens another. Once it is signed all is gone."""
    jobs = Jobs.of(window.house)
    window.forgive("Failed to load resource")  # a page still being drawn for whoever has gone is asked for again
    signing = await begins(window)
    boxes = signing.page.locator(".box")
    await expect(signing.page.get_by_text(signing.words("paper.entry_transcript"), exact=True)).to_be_visible()
    await signing.covers(1, ((0.2, 0.2), (0.5, 0.25)), ((0.6, 0.5), (0.7, 0.6)))
    await signing.covers(2, ((0.1, 0.1), (0.3, 0.2)))
    await boxes.nth(1).get_by_role("button").click()
    await signing.page.reload()
    await expect(boxes).to_have_count(2)
    await signing.opens("entry.transcript")
    await expect(signing.sheet(1).locator(".box")).to_have_count(1)
    await signing.presses("certify.undo", signing.sheet(1))
    await expect(boxes).to_have_count(1)
    await signing.signs()
    await signing.presses("certify.submit")
    await signing.is_done()
    (box,) = (await jobs.one()).content["boxes"]
    assert (box["page"], round(box["left"], 1), round(box["top"], 1)) == (2, 0.1, 0.1)
    assert await signing.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('kp7'))") == []


async def test_what_was_covered_on_another_version_is_not(window: Window) -> None:
    window.forgive("Failed to load resource")
    signing = await begins(window)
    await signing.covers(1, ((0.2, 0.2), (0.5, 0.25)))
    async with window.house.kp7.database.write() as tx:
        await tx.run("UPDATE papers SET version = 2")
    await signing.page.reload()
    await expect(signing.sheet(1).locator(".loaded")).to_be_visible()
    await expect(signing.page.locator(".box")).to_have_count(0)


async def test_what_the_page_says_when_it_does_not_work(window: Window) -> None:
    signing = await begins(window)
    window.forgive("Failed to load resource")
    trouble = signing.page.get_by_role("alert")
    await signing.presses("certify.submit")
    await expect(trouble).to_have_text(signing.words("certify.no_signature"))
    await signing.drags(signing.pad, (0.5, 0.5), (0.52, 0.5))
    await signing.presses("certify.submit")
    await expect(trouble).to_have_text(signing.words("certify.little_ink"))
    await window.check_fit()
    await signing.presses("certify.clear")
    await is_inked(signing.pad, False)
    for stroke in NAME:
        await signing.drags(signing.pad, *stroke)
    await is_inked(signing.pad)
    await signing.page.context.set_offline(True)
    await signing.presses("certify.submit")
    await expect(trouble).to_have_text(signing.words("certify.unsent"))
    await signing.page.context.set_offline(False)
    async with window.house.kp7.database.write() as tx:
        await tx.run("UPDATE papers SET version = 2")
    await signing.presses("certify.submit")
    await expect(trouble).to_have_text(signing.words("certify.changed"))
    window.house.clock.forward(minutes=40)
    await signing.presses("certify.submit")
    await expect(trouble).to_have_text(signing.words("certify.gone"))
    await signing.page.reload()
    await expect(signing.page.get_by_text(signing.words("certify.gone"))).to_be_visible()
    await window.check_fit()


async def test_a_page_is_asked_for_again(window: Window) -> None:
    window.forgive("Failed to load resource")
    tries: list[str] = []

    async def fail_twice(route: Any) -> None:
        tries.append(route.request.url)
        await (route.fulfill(status=503) if len(tries) < 3 else route.continue_())

    await window.page.route("**/pages/1?*", fail_twice)
    await begins(window)
    assert len(tries) == 3


async def test_what_one_covers_with_is_in_sight_on_a_desk(window: Window) -> None:
    """A page is higher than the screen; words for a mouse, and everything in the middle."""
    window.forgive("Failed to load resource")
    await window.wide(1280)
    signing = await begins(window)
    sheet = signing.sheet(1)
    await signing.presses("certify.cover", sheet)
    await comes_to(sheet.locator(".paper"))
    for element in (sheet.locator(".by-mouse"), signing.button("certify.covered", sheet)):
        await expect(element).to_be_in_viewport(ratio=1)
    await expect(sheet.get_by_text(signing.words("certify.cover_hint"))).to_be_hidden()
    for thing in (sheet, signing.pad):
        box = await thing.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] / 2 == pytest.approx(640, abs=10)
    await comes_to(signing.pad)  # where there is no page, there are no tools for it
    await expect(signing.button("certify.cover", signing.sheet(2))).not_to_be_in_viewport()


async def test_back_to_the_chat_from_which_the_page_was_opened(window: Window) -> None:
    window.forgive("Failed to load resource", "Scripts may close only")
    Jobs.of(window.house)
    signing = await begins(window)
    await signing.signs()
    await signing.presses("certify.submit")
    await signing.is_done()
    await signing.chat().click()
    await expect(signing.page).to_have_url(f"{window.house.url}/chat")


# --- with a finger ----------------------------------------------------------------------------------------------------

NO_POINTERS = "delete window.PointerEvent"


class Finger:
    def __init__(self, signing: Signing, session: CDPSession) -> None:
        self.signing, self.session = signing, session

    async def drags(self, element: Locator, *points: Point) -> None:
        at = await places(element, points)
        await self._touch("touchStart", at[0])
        for (x, y), (to_x, to_y) in pairwise(at):
            for step in (0.25, 0.5, 0.75, 1):
                await self._touch("touchMove", (x + (to_x - x) * step, y + (to_y - y) * step))
        await self.session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    async def _touch(self, kind: str, at: Point) -> None:
        await self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at[0], "y": at[1]}]})

    async def scrolled(self) -> float:
        return float(await self.signing.page.evaluate("window.scrollY"))


@asynccontextmanager
async def a_finger(browser: Browser, house: House, script: str = "") -> AsyncIterator[Finger]:
    async with Window.at(browser, house, "th", has_touch=True, is_mobile=True, device_scale_factor=3) as window:
        if script:
            await window.page.context.add_init_script(script)
        signing = await begins(window)
        yield Finger(signing, await window.page.context.new_cdp_session(window.page))
        window.check_quiet()


@pytest.mark.parametrize("script", ["", NO_POINTERS], ids=["today", "an old phone"])
async def test_a_finger_draws_or_scrolls_but_never_both(browser: Browser, house: House, script: str) -> None:
    jobs = Jobs.of(house)
    async with a_finger(browser, house, script) as finger:
        signing = finger.signing
        field = signing.sheet(1).locator(".paper")
        # on a page: scrolls
        await comes_to(field)
        before = await finger.scrolled()
        await finger.drags(field, (0.5, 0.7), (0.5, 0.2))
        await expect(signing.page.locator(".box")).to_have_count(0)
        async with asyncio.timeout(30):
            while await finger.scrolled() == before:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        # on a page that is being covered: draws
        await signing.presses("certify.cover", signing.sheet(1))
        await expect(signing.page.get_by_text(signing.words("certify.cover_hint")).first).to_be_visible()
        await comes_to(field)
        before = await finger.scrolled()
        await finger.drags(field, (0.3, 0.7), (0.6, 0.4))
        await expect(signing.page.locator(".box")).to_have_count(1)
        assert await finger.scrolled() == before
        # in the field for the signature: draws
        await comes_to(signing.pad)
        before = await finger.scrolled()
        for stroke in NAME:
            await finger.drags(signing.pad, *stroke)
        assert await finger.scrolled() == before
        await is_inked(signing.pad)
        await signing.presses("certify.submit")
        await signing.is_done()
    entry = await jobs.one()
    (box,) = entry.content["boxes"]
    assert (round(box["left"], 1), round(box["top"], 1)) == (0.3, 0.4)
