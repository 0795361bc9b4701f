"""Malee opens one paper from her chat, and keeps its original: on a telephone, and on a small screen of an office."""

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.browser.window import TELEPHONE, Window, words
from tests.house import House
from tests.journeys.reviewing import proves
from tests.security.test_paper_page import link_on
from tests.security.test_review import at_work

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OFFICE: ViewportSize = {"width": 1366, "height": 768}


@pytest.mark.parametrize("size", [TELEPHONE, OFFICE], ids=["telephone", "office"])
async def test_the_original_wants_fresh_digits(browser: Browser, house: House, size: ViewportSize) -> None:
    _, malee, totp, _ = await at_work(house)
    await malee.presses_data(malee.screen.data(house.kp7.texts("th", "act.open_item")))
    await proves(malee, totp)
    async with Window.at(browser, house, "th", size) as window:
        page = window.page
        window.forgive("Failed to load resource")
        house.clock.forward(minutes=4)
        await malee.taps("choice.new_link")
        await page.goto(house.url + link_on(malee))
        await page.get_by_role("button", name=words("th", "paperpage.open")).click()
        await expect(page.locator(".page img").first).to_be_visible()
        house.clock.forward(minutes=2)
        await page.get_by_role("link", name=words("th", "paperpage.original")).click()
        code, keep = page.get_by_label(words("th", "paperpage.code")), page.get_by_role("button")
        await expect(code).to_be_visible()
        await window.check_fit()
        await window.check_names()
        await code.fill("12")
        await keep.click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await window.check_fit()
        await code.fill(totp.at(house.clock() // 1000))
        async with page.expect_download() as coming:
            await keep.click()
        download = await coming.value
        assert download.suggested_filename == "01-id_card.pdf"
        assert (await download.path()).read_bytes().startswith(b"%PDF-")
        window.check_quiet()
