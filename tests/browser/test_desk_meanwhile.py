"""What happens at the review desk while somebody sits there: others decide, more comes in, the net is slow."""

import asyncio

import pytest
from playwright.async_api import Browser, Page, Route, ViewportSize, expect

from bot.events import Language
from tests.browser.sitting import OFFICE, focused, sitting
from tests.browser.window import TELEPHONE, pattern
from tests.cast import MALEE, PRIYA, SOMCHAI
from tests.desks import chats, decided_by, waits
from tests.house import House
from tests.officers import officer
from tests.papers import tools
from tests.security.tools import rows

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL: ViewportSize = {"width": 1280, "height": 720}


async def half_a_minute(page: Page) -> None:
    """The page's own clock goes on, and it has asked what is new."""
    async with page.expect_response("**/console/api/waiting**") as answered:
        await page.clock.fast_forward(31_000)
    await (await answered.value).finished()


async def test_what_others_do_moves_nothing(browser: Browser, house: House) -> None:
    """More comes in, and a colleague decides: it is told; the paper on the screen stays until she goes on."""
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    first, second = await waits(house), await waits(house, slot="id_card", make=tools.card)
    await officer(house, PRIYA.national_id)
    async with sitting(browser, house, "th", SMALL, totp, clock=True) as malee:
        page = malee.page
        await malee.sees(first)
        await expect(page.locator("#waiting")).to_have_text(pattern("th", "desk.count", n=2))
        await half_a_minute(page)
        await expect(page.locator("#news")).to_be_hidden()

        third = await waits(house, slot="house")
        await half_a_minute(page)
        await expect(page.locator("#news")).to_have_text(pattern("th", "desk.news", n=1))
        await expect(page.locator("#waiting")).to_have_text(pattern("th", "desk.count", n=3))
        await expect(page.locator("#items li")).to_have_count(2)
        await malee.check()
        await page.locator("#news").press("Enter")
        await expect(page.locator("#items li")).to_have_count(3)
        await expect(page.locator("#news")).to_be_hidden()
        assert await focused(page) == "paper-title"
        await malee.sees(first)

        await decided_by(house, PRIYA, second)
        await half_a_minute(page)
        await expect(malee.said).to_have_text(pattern("th", "desk.gone", n=1))
        await expect(page.locator("#items li")).to_have_count(2)
        await malee.sees(first)

        await decided_by(house, PRIYA, first)
        await page.locator("#approve").focus()
        await half_a_minute(page)
        await expect(page.locator("#note")).to_have_text(malee.says("desk.gone_shown"))
        await expect(page.locator("#approve")).to_be_disabled()
        await expect(page.locator(".sheet img.loaded").first).to_be_visible()
        assert await focused(page) == "paper-title"
        await malee.check()
        await malee.presses("a", "ArrowRight")
        await malee.sees(third)
        await expect(page.locator("#note")).to_be_hidden()
        await expect(page.locator("#items li")).to_have_count(1)
        await malee.presses("a")
        await expect(malee.title).to_have_text(malee.says("desk.nothing"))
        assert await focused(page) == "paper-title"

        # nothing is before her any more: what comes is not opened for her, and one key does it
        fourth = await waits(house, slot="father", make=tools.card)
        await half_a_minute(page)
        await expect(page.locator("#news")).to_have_text(pattern("th", "desk.news", n=1))
        await expect(malee.title).to_have_text(malee.says("desk.nothing"))
        await malee.presses("ArrowRight")
        await malee.sees(fourth)
    decided = await rows(house, "SELECT paper_id FROM verdicts ORDER BY at, id")
    assert [row["paper_id"] for row in decided] == [second, first, third]


async def test_asking_what_is_new_keeps_no_seat(browser: Browser, house: House) -> None:
    """Who is not there is signed out, and no face and name stays on the screen."""
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    first = await waits(house)
    async with sitting(browser, house, "th", OFFICE, totp, clock=True) as malee:
        malee.window.forgive("Failed to load resource")
        await malee.sees(first)
        for _ in range(3):
            house.clock.forward(minutes=6)
            await half_a_minute(malee.page)
        await malee.page.clock.fast_forward(2_000)
        await expect(malee.page.get_by_text(malee.says("desk.closed"))).to_be_visible()


@pytest.mark.parametrize(("language", "size"), [("th", SMALL), ("en", TELEPHONE)], ids=["th", "en"])
async def test_waiting_for_a_page_is_seen(
    browser: Browser, house: House, language: Language, size: ViewportSize
) -> None:
    """So is a page that does not come; trying again brings it, and with it the verdicts."""
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    first, second = await waits(house), await waits(house, slot="id_card", make=tools.card)
    async with sitting(browser, house, language, size, totp) as malee:
        malee.window.forgive("Failed to load resource")
        page = malee.page
        await malee.sees(first)
        go_on, fails = asyncio.Event(), [True]

        async def slowly(route: Route) -> None:
            await go_on.wait()
            if fails:
                fails.pop()
                await route.fulfill(status=409, json={"message": "x"})
            else:
                await route.fallback()

        await page.route(f"**/items/{first}/pages/1?**", slowly)
        await page.reload()
        sheet = page.locator(".sheet").first
        await expect(sheet).to_have_attribute("aria-busy", "true")
        await expect(sheet).to_contain_text(malee.says("desk.opening"))
        await expect(page.locator("#paper")).to_have_attribute("aria-busy", "true")
        await expect(page.locator("#approve")).to_be_disabled()
        await malee.check()
        go_on.set()
        await expect(sheet).to_contain_text(malee.says("desk.page_failed"))
        await expect(sheet).to_have_attribute("aria-busy", "false")
        await malee.check()
        await page.get_by_role("button", name=malee.says("desk.try_again")).press("Enter")
        await malee.sees(first)
        await expect(page.locator("#paper")).to_have_attribute("aria-busy", "false")
        await malee.presses("a")
        await malee.sees(second)


async def test_an_item_that_does_not_come_is_asked_for_again(browser: Browser, house: House) -> None:
    """Nothing of the last paper stays beside the name of the next one."""
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    first, second = await waits(house), await waits(house, slot="id_card", make=tools.card)
    async with sitting(browser, house, "th", OFFICE, totp) as malee:
        malee.window.forgive("Failed to load resource")
        page = malee.page
        await malee.sees(first)
        go_on, fails = asyncio.Event(), [True]

        async def slowly(route: Route) -> None:
            await go_on.wait()
            if fails:
                fails.pop()
                await route.abort()
            else:
                await route.fallback()

        await page.route(f"**/items/{second}", slowly)
        await page.reload()
        await malee.sees(first)
        await malee.presses("ArrowRight")
        await expect(malee.title).to_contain_text(house.kp7.texts("th", "paper.id_card", {"n": 1}))
        await expect(page.locator(".sheet")).to_contain_text(malee.says("desk.opening"))
        await expect(page.locator("#roster dd")).to_have_count(0)
        go_on.set()
        await expect(malee.trouble).to_have_text(malee.says("desk.unsent"))
        await page.get_by_role("button", name=malee.says("desk.try_again")).press("Enter")
        await malee.sees(second)
        await expect(page.locator("#roster")).to_contain_text(SOMCHAI.name)


async def test_the_keyboard_finds_the_filters_and_back(browser: Browser, house: House) -> None:
    """Nowhere is the focus lost; at 1366 and at 1280 nothing is wider than the screen."""
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    first, second = await waits(house), await waits(house, slot="id_card", make=tools.card)
    async with sitting(browser, house, "th", OFFICE, totp) as malee:
        page = malee.page
        await malee.sees(first)
        for size in (OFFICE, SMALL):
            await page.set_viewport_size(size)
            await malee.check()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.locator("#filters summary").press("Enter")
        paper = page.locator("select[name=paper]")
        await paper.focus()
        await paper.select_option("id_card")
        await malee.sees(second)
        assert await focused(page) != "wide"
        await paper.press("Escape")
        assert await page.evaluate("document.activeElement.tagName") == "SUMMARY"
        assert await page.locator("#filters").get_attribute("open") is None
        await malee.presses("a")
        await expect(malee.title).to_have_text(malee.says("desk.nothing_filtered"))
        assert await focused(page) == "paper-title"
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
