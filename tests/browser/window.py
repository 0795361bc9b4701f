"""Somebody who sits before the chat page in a real Chromium: presses, types, reads, and notices what is wrong."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from playwright.async_api import Browser, ConsoleMessage, FilePayload, Locator, Page, ViewportSize, expect

from bot.events import Language
from bot.text import Texts
from tests.house import House

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TELEPHONE: ViewportSize = {"width": 360, "height": 740}
WIDTHS = (320, 360, 1280)
PATIENCE = 30_000  # ms
CHECKS = (Path(__file__).parent / "checks.js").read_text("utf-8")

_texts = Texts()


def chromium() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def words(language: Language, key: str) -> str:
    """A sentence without anything to fill in, such as a button's label."""
    return _texts(language, key)


def pattern(language: Language, key: str, **params: object) -> re.Pattern[str]:
    """A sentence as it may stand on the screen: what `params` leave open may be anything, and so may white space."""
    made = ""
    for piece in re.split(r"(\{\w+\})", _raw(language, key)):
        name = piece[1:-1]
        if piece.startswith("{") and name not in params:
            made += r"[\s\S]*?"
        else:
            text = str(params[name]) if piece.startswith("{") else piece
            made += "".join(r"\s*" if part.isspace() else re.escape(part) for part in re.split(r"(\s+)", text))
    return re.compile(made)


def _raw(language: Language, key: str) -> str:
    return _texts.prefixed(language, key)[key]


class Window:
    """A browser window, first with the chat; `seats` are the people at it. Widths are checked at every answer."""

    def __init__(self, page: Page, house: House, language: Language) -> None:
        self.page, self.house, self.language = page, house, language
        self.complaints: list[str] = []
        self.forgiven: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    @classmethod
    @asynccontextmanager
    async def at(
        cls, browser: Browser, house: House, language: Language, viewport: ViewportSize = TELEPHONE, **more: Any
    ) -> AsyncIterator["Window"]:
        locale = {"th": "th-TH", "en": "en-GB"}[language]
        context = await browser.new_context(locale=locale, timezone_id="Asia/Bangkok", viewport=viewport, **more)
        context.set_default_timeout(PATIENCE)
        await context.add_init_script(CHECKS)
        try:
            window = cls(await context.new_page(), house, language)
            await window.page.goto(f"{house.url}/chat")
            yield window
        finally:
            await context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def forgive(self, *known: str) -> None:
        """Complaints that a test provokes: the browser itself notes every answer that is not a success."""
        self.forgiven += known

    def check_quiet(self) -> None:
        """No script failed, and the content security policy was never violated (see checks.js)."""
        found = [c for c in self.complaints if not any(known in c for known in self.forgiven)]
        assert not found, found

    def seat(self, number: int = 1) -> "Seat":
        return Seat(self, number)

    async def add_person(self) -> None:
        await self.page.get_by_role("button", name=re.compile(f"^{_either('web.add_person')}$")).click()

    async def wide(self, width: int, height: int = 800) -> None:
        await self.page.set_viewport_size({"width": width, "height": height})

    async def check_fit(self) -> None:
        """Nothing is cut off or pushes the page sideways, on a small telephone as on a desk."""
        before = self.page.viewport_size
        for width in WIDTHS:
            await self.wide(width, 740)
            found = await self.page.evaluate("kp7Checks.misfits()")
            assert not found, f"{width} px wide: {found}"
        if before:
            await self.page.set_viewport_size(before)

    async def check_names(self) -> None:
        """What a screen reader needs, as far as a script can tell."""
        found = await self.page.evaluate("kp7Checks.nameless()")
        assert not found, found


def _either(key: str, number: int | None = None) -> str:
    return "(" + "|".join(re.escape(_raw(each, key)).replace(r"\{n\}", str(number)) for each in ("th", "en")) + ")"


class Seat:
    """One person's phone on the page."""

    _fitting: ClassVar[set[tuple[Language, str]]] = set()

    def __init__(self, window: Window, number: int) -> None:
        self.window, self.number = window, number
        self.language = window.language
        self.root = window.page.get_by_role("region", name=re.compile(f"^{_either('web.person', number)}$"))
        self.log = self.root.get_by_role("log")
        self.composer = self.root.get_by_role("textbox")
        self.newest = self.root.locator(".newest")

    # --- reading ----------------------------------------------------------------------------------------------------

    def words(self, key: str) -> str:
        return words(self.language, key)

    async def sees(self, *keys: str, **params: object) -> None:
        """The newest message says all of this."""
        for key in keys:
            await expect(self.newest).to_contain_text(pattern(self.language, key, **params), timeout=PATIENCE)

    async def reads(self) -> str:
        return await self.log.inner_text()

    def choice(self, key: str) -> Locator:
        """A button of the newest message."""
        return self.newest.get_by_role("button", name=self.words(key), exact=True)

    async def labels(self) -> list[str]:
        return await self.newest.get_by_role("button").all_inner_texts()

    # --- doing ------------------------------------------------------------------------------------------------------

    async def says(self, text: str) -> None:
        await self.looks()
        await self.composer.fill(text)
        await self.composer.press("Enter")
        await self.answered()

    async def presses(self, key: str) -> None:
        await self.looks()
        await self.choice(key).click()
        await self.answered()

    async def sends(self, *files: FilePayload) -> None:
        await self.looks()
        await self.hands_in(*files)
        await self.answered()

    async def hands_in(self, *files: FilePayload) -> None:
        async with self.window.page.expect_file_chooser() as chosen:
            await self.root.get_by_role("button", name=self.words("web.attach")).click()
        await (await chosen.value).set_files(list[FilePayload](files))

    async def looks(self) -> None:
        """Whatever comes after this is new."""
        await self.newest.evaluate("element => { element.dataset.seen = true }", timeout=PATIENCE)

    async def answered(self) -> None:
        await expect(self.root.locator(".newest:not([data-seen])")).to_be_visible(timeout=PATIENCE)
        looks = re.sub(r"\d|\b[A-Z]{4}\b", "#", await self.newest.inner_text())
        if (self.language, looks) not in Seat._fitting:  # the same words need no second look
            Seat._fitting.add((self.language, looks))
            await self.window.check_fit()

    # --- what everybody does ----------------------------------------------------------------------------------------

    async def mailed(self, address: str, after: int) -> str:
        return await self.window.house.code_for(address, after=after)

    async def begins(self, national_id: str) -> None:
        """From the welcome past the privacy notice and the ID."""
        await self.sees("home.choose")
        await self.presses("menu.login")
        if self.words("choice.acknowledge") in await self.labels():
            await self.presses("choice.acknowledge")
        await self.sees("ask.national_id")
        await self.says(national_id)

    async def logs_in(self, national_id: str, address: str) -> None:
        after = len(self.window.house.post.mails)
        await self.begins(national_id)
        await self.sees("ask.code")
        await self.says(await self.mailed(address, after))
        await self.sees("ask.group")
        await self.presses("choice.civil_servant")
        await self.sees("login.done")
