"""Makes the pictures of the README: `python docs/make_pictures.py`, from the checkout. Needs a Chromium.

It starts the demo in a temporary folder and goes through it in a browser; every name and number is from `samples/`.
"""

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests import desks, officers  # noqa: E402
from tests.browser.window import FLAGS, Seat, Window, chromium  # noqa: E402
from tests.cast import MALEE, SOMCHAI  # noqa: E402
from tests.house import House, a_house  # noqa: E402
from tests.papers import tools  # noqa: E402

PICTURES = HERE / "pictures"
LARGEST = 150_000  # bytes
TELEPHONE: ViewportSize = {"width": 360, "height": 740}
WIDE: ViewportSize = {"width": 1280, "height": 720}
LOOK = {"color_scheme": "light", "reduced_motion": "reduce"}

# The same picture whenever it is made: nothing moves, no cursor blinks, no button is under the pointer, no time of day.
STILL = r"""
() => {
  document.activeElement?.blur();
  for (const time of document.querySelectorAll("time, .from-person .meta")) time.textContent = "09:30";
  const facts = document.getElementById("facts"); // of a mail: to whom, and when
  if (facts) facts.textContent = facts.textContent.replace(/\d\d:\d\d$/, "09:30");
  for (const day of document.querySelectorAll(".day")) day.remove();
  const sent = document.querySelector("#roster [data-key=submitted]"); // when a paper was handed in
  if (sent) sent.textContent = "20 พฤศจิกายน 2569 09:30 น.";
}
"""


async def main() -> None:
    found = chromium()
    if found is None:
        raise SystemExit("There is no chromium, chromium-browser or google-chrome on the PATH.")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where the demo keeps its mails
        async with (
            a_house(Path(folder), samples=False, demo=True) as house,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=found, args=FLAGS)
            await alone(browser, house)
            await papers(browser, house)
            await together(browser, house)
            await review(browser, house)
            await browser.close()


async def alone(browser: Browser, house: House) -> None:
    """Somchai at his telephone, in Thai."""
    async with Window.at(browser, house, "th", TELEPHONE, device_scale_factor=1.5, **LOOK) as window:
        somchai = window.seat()
        await somchai.sees("home.choose")
        await picture(window.page, "welcome")
        await somchai.begins(SOMCHAI.national_id)
        await somchai.sees("ask.code")
        await picture(window.page, "code")

        await window.page.set_viewport_size({"width": 1000, "height": 680})
        await window.page.goto(f"{house.url}/mail")
        await expect(window.page.get_by_role("listitem")).to_have_count(1)
        await window.page.get_by_role("listitem").get_by_role("button").first.click()
        await picture(window.page, "mailbox", scale="css")

        await window.page.set_viewport_size(TELEPHONE)
        await window.page.goto(f"{house.url}/chat")
        await somchai.sees("ask.code")
        await somchai.says(await house.code_for(SOMCHAI.email))
        await somchai.presses("choice.civil_servant")
        await somchai.presses("menu.profile")
        await somchai.sees("ask.card")
        await picture(window.page, "profile")


async def papers(browser: Browser, house: House) -> None:
    """Somchai again: what he owes, and the first page of what he sent."""
    async with Window.at(browser, house, "th", TELEPHONE, device_scale_factor=1.5, **LOOK) as window:
        somchai = window.seat()
        await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await somchai.presses("menu.documents")
        for answer in ("choice.alive", "choice.alive", "choice.no"):
            await somchai.presses(answer)
        await somchai.says("0")
        for answer in ("choice.degree_same", "choice.no", "choice.no"):
            await somchai.presses(answer)
        await somchai.sees("ask.checklist")
        await somchai.newest.evaluate("message => message.scrollIntoView()")
        await picture(window.page, "papers")
        name = re.compile(rf"^\S+ {somchai.words('paper.id_card')}$")
        await somchai.looks()
        await somchai.newest.get_by_role("button", name=name).click()
        await somchai.answered()
        card = (HERE.parent / "samples" / "papers" / "1_id_card_front.jpg").read_bytes()
        await somchai.sends({"name": "IMG_0041.jpg", "mimeType": "image/jpeg", "buffer": card})
        await somchai.presses("choice.finish")
        await somchai.sees("ask.certify")
        await somchai.newest.evaluate("message => message.scrollIntoView()")
        await picture(window.page, "paper")


async def together(browser: Browser, house: House) -> None:
    """Two people in one browser: Somchai in Thai, Malee in English."""
    async with Window.at(browser, house, "th", WIDE, **LOOK) as window:
        somchai, malee = window.seat(1), window.seat(2)
        await somchai.begins(SOMCHAI.national_id)
        await somchai.sees("ask.code")
        await window.add_person()
        await malee.sees("home.choose")
        await in_english(malee)
        await malee.logs_in(MALEE.national_id, MALEE.email)
        await picture(window.page, "side-by-side")


async def review(browser: Browser, house: House) -> None:
    """Malee at the review desk, before papers of Somchai."""
    for slot, make in (("id_card", tools.card), ("entry.degree", tools.card), ("entry.transcript", tools.transcript)):
        await desks.waits(house, SOMCHAI, slot, make)
    totp = await officers.enrol(house, MALEE.national_id)
    await desks.chats(house)
    async with Window.at(browser, house, "th", {"width": 1180, "height": 664}, **LOOK) as window:
        await window.page.goto(house.url + await desks.link(house))
        await window.page.locator("#open button").click()
        await window.page.locator("#code").fill(totp.at(house.clock() // 1000))
        await window.page.locator("#code").press("Enter")
        await expect(window.page.locator("#approve")).to_be_enabled()
        await picture(window.page, "desk")


async def in_english(seat: Seat) -> None:
    await seat.presses("control.language")
    seat.language = "en"
    await seat.sees("language_changed")


async def picture(page: Page, name: str, scale: Literal["css", "device"] = "device") -> None:
    await page.mouse.move(0, 0)
    await page.evaluate("document.fonts.ready")
    await page.evaluate(STILL)
    path = PICTURES / f"{name}.png"
    await page.screenshot(path=path, animations="disabled", caret="hide", scale=scale)
    size = path.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{path.name} has {size} bytes; at most {LARGEST} are wanted.")


if __name__ == "__main__":
    asyncio.run(main())
