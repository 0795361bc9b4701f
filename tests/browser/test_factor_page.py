"""Malee sets up her second factor in a browser."""

import pytest
from playwright.async_api import expect

from tests.browser.window import Window, pattern
from tests.cast import MALEE
from tests.officers import grant
from tests.security.factor.page import scanned

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_from_the_chat_to_a_second_factor(window: Window) -> None:
    page, house = window.page, window.house
    await grant(house, MALEE.national_id)
    seat = window.seat()
    await seat.logs_in(MALEE.national_id, MALEE.email)
    await seat.presses("menu.second_factor")
    await seat.sees("ask.set_up_factor")
    link = seat.newest.get_by_role("link", name=seat.words("choice.factor_page"))
    await page.goto(house.url + str(await link.get_attribute("href")))
    await window.check_fit()
    await window.check_names()
    await page.get_by_role("button", name=seat.words("factor_page.open")).click()
    await expect(page.get_by_role("img", name=seat.words("factor_page.picture"))).to_be_visible()
    await window.check_fit()
    await window.check_names()
    totp = scanned(await page.content())
    field = page.get_by_label(seat.words("factor_page.code"))
    confirm = page.get_by_role("button", name=seat.words("factor_page.confirm"), exact=True)
    window.forgive("Failed to load resource")
    await field.fill(totp.at(house.clock() // 1000 - 300))
    await confirm.click()
    await expect(page.get_by_role("alert")).to_have_text(pattern(window.language, "error.factor_wrong"))
    await window.check_fit()
    await field.fill(totp.at(house.clock() // 1000))
    await field.press("Enter")
    await expect(page.get_by_role("heading", name=seat.words("factor_page.done_title"))).to_be_focused()
    await window.check_fit()
    await page.reload()
    await page.get_by_role("link", name=seat.words("factor_page.to_chat")).click()
    await seat.presses("choice.factor_done")
    await seat.sees("factor.ready")
