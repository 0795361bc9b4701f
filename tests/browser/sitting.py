"""An officer who sits at the review desk in a real Chromium, with the keyboard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pyotp
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from bot.events import Language
from tests.browser.window import Window, words
from tests.desks import link
from tests.house import House

OFFICE: ViewportSize = {"width": 1366, "height": 768}
SETTLED = 300  # ms: see desk.js


class Sitting:
    """An officer before the page."""

    def __init__(self, window: Window) -> None:
        self.window, self.page, self.house = window, window.page, window.house

    def says(self, key: str) -> str:
        return words(self.window.language, key)

    async def enters(self, totp: pyotp.TOTP) -> None:
        """In Thai, as her chat is."""
        await self.page.goto(self.house.url + await link(self.house))
        await self.page.get_by_role("button", name=words("th", "desk.open")).press("Enter")
        code = self.page.get_by_label(words("th", "desk.code_hint"))
        await expect(code).to_be_focused()
        await expect(self.page.get_by_role("button", name=words("th", "desk.enter_code"))).to_be_enabled()
        await self.page.keyboard.type(totp.at(self.house.clock() // 1000))
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url("**/console")

    async def sees(self, id: str) -> None:
        """It is on the screen, and a key counts."""
        await expect(self.page.locator("body")).to_have_attribute("data-shown", id)
        await expect(self.page.locator("#approve")).to_be_enabled()
        await self.page.wait_for_timeout(SETTLED)

    async def chooses(self, reason: str) -> None:
        """By the digit that stands beside it."""
        digit = await self.page.locator(f".reason:has(input[value={reason}]) kbd").inner_text()
        await self.presses(digit)

    async def presses(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    @property
    def said(self) -> Locator:
        return self.page.locator("#said")

    @property
    def trouble(self) -> Locator:
        return self.page.locator("#trouble")

    @property
    def title(self) -> Locator:
        return self.page.locator("#paper-title")

    async def check(self) -> None:
        assert await self.page.evaluate("kp7Checks.misfits()") == []
        assert await self.page.evaluate("kp7Checks.nameless()") == []


@asynccontextmanager
async def sitting(
    browser: Browser, house: House, language: Language, size: ViewportSize, totp: pyotp.TOTP, *, clock: bool = False
) -> AsyncIterator[Sitting]:
    """`clock`: the page's own one can be moved (`Page.clock`)."""
    async with Window.at(browser, house, language, size) as window:
        malee = Sitting(window)
        if clock:
            await malee.page.clock.install()
        await malee.enters(totp)
        if language == "en":  # her chat is in Thai
            await malee.page.get_by_role("button", name="English").click()
        yield malee
        window.check_quiet()


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.id || document.activeElement.className"))
