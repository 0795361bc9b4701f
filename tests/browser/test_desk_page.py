"""Malee works through what waits at the review desk with the keyboard alone: in Thai on a small screen of an office, in
English on a telephone; and beside a colleague."""

import pytest
from playwright.async_api import Browser, Download, ViewportSize, expect

from bot.events import Language
from handlers.review.desk import api
from storage.seals import ORGANISATIONS
from tests.browser.sitting import OFFICE, focused, sitting
from tests.browser.window import TELEPHONE, pattern
from tests.cast import MALEE, SOMCHAI
from tests.desks import chats, waits
from tests.house import House
from tests.officers import officer
from tests.papers import tools
from tests.sealing import sealed
from tests.security.tools import change, rows

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(("language", "size"), [("th", OFFICE), ("en", TELEPHONE)], ids=["th", "en"])
async def test_walks_through_what_waits(browser: Browser, house: House, language: Language, size: ViewportSize) -> None:
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    first = await waits(house)
    second = await waits(house, slot="id_card", make=tools.card)
    third, fourth = await waits(house, slot="house"), await waits(house, slot="father", make=tools.card)
    async with sitting(browser, house, language, size, totp) as malee:
        page = malee.page
        await malee.sees(first)
        await malee.check()
        facts = page.locator("#roster")
        await expect(facts).to_contain_text("นายสมชาย ทดสอบ")
        await expect(facts).not_to_contain_text("1-9999")
        await page.locator("#reveal").press("Enter")
        await expect(facts).to_contain_text("1-9999-00000-01-3")
        await expect(page.locator(".sheet img.loaded").first).to_be_in_viewport()
        # zoom
        before = await page.locator(".sheet").first.bounding_box()
        await malee.presses("+")
        after = await page.locator(".sheet").first.bounding_box()
        assert before
        assert after
        assert after["width"] > before["width"]
        await malee.presses("+", "0")
        assert await page.locator(".sheet").first.bounding_box() == before
        # without a verdict, and back
        await malee.presses("ArrowRight")
        await malee.sees(second)
        await malee.presses("ArrowLeft")
        await malee.sees(first)
        # approve
        await malee.presses("a")
        await malee.sees(second)
        await expect(malee.said).to_contain_text(malee.says("desk.verdict_approved"))
        assert await focused(page) == "paper-title"
        await malee.presses("r")
        dialog = page.locator("#asking")
        await expect(dialog).to_be_visible()
        await malee.check()
        await malee.presses("Enter")
        await expect(page.locator("#asking-trouble")).to_have_text(malee.says("desk.reason_needed"))
        await malee.chooses("cut_off")
        await expect(page.locator("input[value=cut_off]")).to_be_checked()
        await malee.presses("Enter")
        await malee.sees(third)
        await expect(malee.said).to_contain_text(malee.says("desk.verdict_returned"))
        assert await focused(page) == "paper-title"
        # in her own words
        await malee.presses("r")
        await malee.chooses("other")
        await page.keyboard.type("<b>กลับหัว</b> & เอียง a r")
        await malee.presses("Enter")
        await malee.sees(fourth)
        # help
        await malee.presses("?")
        await expect(page.locator("#help")).to_contain_text(malee.says("desk.no_undo"))
        await malee.check()
        await malee.presses("Escape")
        await expect(page.locator("#help")).to_be_hidden()
        await malee.sees(fourth)
        await malee.presses("a")
        await expect(page.locator("#paper-title")).to_have_text(malee.says("desk.nothing"))
        await expect(page.locator("#items li")).to_have_count(0)
        await malee.check()
        await page.goto(f"{house.url}/console/progress")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await malee.check()
    given = await rows(house, "SELECT paper_id, verdict FROM verdicts ORDER BY at, id")
    assert [(row["paper_id"], row["verdict"]) for row in given] == [
        (first, "approved"), (second, "returned"), (third, "returned"), (fourth, "approved"),
    ]  # fmt: skip


async def test_more_comes_as_one_nears_the_end(browser: Browser, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page after page of the list, in the order of the queue."""
    monkeypatch.setattr(api, "PAGE", 2)
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    ids = []
    for slot in ("entry.transcript", "mother", "house", "id_card", "father"):
        ids.append(await waits(house, slot=slot))
        house.clock.forward(seconds=1)
    async with sitting(browser, house, "th", OFFICE, totp) as malee:
        rows = malee.page.locator("#items .row")
        await malee.sees(ids[0])
        await expect(rows).to_have_count(4)  # the next page, ahead
        await malee.page.locator("#more").press("Enter")
        await expect(rows).to_have_count(5)
        await expect(malee.page.locator("#more")).to_be_hidden()
        assert [await row.get_attribute("data-id") for row in await rows.all()] == ids
        for id in ids[1:]:
            await malee.presses("ArrowRight")
            await malee.sees(id)
        await malee.presses("ArrowRight")
        await expect(malee.said).to_have_text(malee.says("desk.last"))


async def test_two_officers_at_once(browser: Browser, house: House) -> None:
    """Who was faster is told; a key that is held down decides one paper; every focus is seen."""
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    first, second = await waits(house), await waits(house, slot="id_card", make=tools.card)
    async with sitting(browser, house, "th", OFFICE, totp) as one:
        house.clock.forward(minutes=1)
        async with sitting(browser, house, "th", OFFICE, totp) as other:
            one.window.forgive("Failed to load resource")
            await one.sees(first)
            await other.sees(first)
            await other.presses("a")
            await other.sees(second)
            await expect(other.said).to_contain_text(one.says("desk.verdict_approved"))
            await one.presses("a")
            await expect(one.page.locator("#trouble")).to_contain_text(
                pattern("th", "error.item_approved", officer="นางมาลี ตัวอย่าง")
            )
            await one.sees(second)
        await one.page.keyboard.down("r")
        await one.presses("Escape")
        await one.page.keyboard.up("r")
        for _ in range(20):
            await one.presses("Tab")
            if await focused(one.page) == "approve":
                break
        assert await focused(one.page) == "approve"
        outline = await one.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


@pytest.mark.parametrize(("language", "size"), [("th", OFFICE), ("en", TELEPHONE)], ids=["th", "en"])
async def test_what_is_taken_along_wants_fresh_digits(
    browser: Browser, house: House, language: Language, size: ViewportSize
) -> None:
    """They are asked for once they are stale, and then what was pressed is done."""
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    id = await waits(house)
    async with sitting(browser, house, language, size, totp) as malee:
        malee.window.forgive("Failed to load resource")
        page, dialog, facts = malee.page, malee.page.locator("#proof"), malee.page.locator("#roster")
        await malee.sees(id)
        async with page.expect_download() as coming:
            await page.locator("#original").press("Enter")
        await keeps(await coming.value)
        house.clock.forward(minutes=6)
        await page.locator("#reveal").press("Enter")
        await expect(page.locator("#code")).to_be_focused()
        await malee.check()
        await malee.presses("Escape")
        await expect(dialog).to_be_hidden()
        await expect(facts).not_to_contain_text("1-9999")
        await page.locator("#reveal").press("Enter")
        await expect(page.locator("#code")).to_be_focused()
        await page.keyboard.type("00000a")  # keys of the desk are letters here
        await malee.presses("Enter")
        await expect(page.locator("#proof-trouble")).not_to_be_empty()
        await expect(page.locator("#code")).to_be_focused()
        await page.keyboard.type(totp.at(house.clock() // 1000))
        await malee.presses("Enter")
        await expect(facts).to_contain_text("1-9999-00000-01-3")
        await expect(dialog).to_be_hidden()
        house.clock.forward(minutes=6)
        await page.locator("#original").press("Enter")
        await expect(page.locator("#code")).to_be_focused()
        await page.keyboard.type(totp.at(house.clock() // 1000))
        async with page.expect_download() as coming:
            await malee.presses("Enter")
        await keeps(await coming.value)
        await malee.sees(id)
        assert await page.locator("#trouble").is_hidden()
    assert await rows(house, "SELECT 1 FROM verdicts") == []


async def keeps(download: Download) -> None:
    assert download.suggested_filename == "07b-entry_transcript.pdf"
    assert (await download.path()).read_bytes().startswith(b"%PDF-")


async def test_what_people_wrote_is_shown_as_text(browser: Browser, house: House) -> None:
    """Names, units, reasons: nothing of it becomes markup, and nothing runs."""
    evil = "<img src=x onerror=console.error(1)>"
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    id = await waits(house)
    await change(house, "UPDATE campaigns SET name = :evil", evil=evil)
    await change(house, "UPDATE organisations SET name_th = :evil WHERE code = 'D0103'", evil=evil)
    async with house.kp7.database.write() as tx:
        await sealed(tx, house.kp7.vault, ORGANISATIONS, "D0103")
    async with sitting(browser, house, "th", OFFICE, totp) as malee:
        await malee.sees(id)
        await expect(malee.page.locator("#roster")).to_contain_text(evil)
        await expect(malee.page.locator("#items")).to_contain_text(evil)
        assert await malee.page.locator("#roster img, #items img").count() == 0


async def test_whose_seat_has_gone_is_shown_the_way_back(browser: Browser, house: House) -> None:
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    id = await waits(house, SOMCHAI)
    async with sitting(browser, house, "th", OFFICE, totp) as malee:
        malee.window.forgive("Failed to load resource")
        await malee.sees(id)
        house.clock.forward(minutes=16)
        await malee.presses("a")
        await expect(malee.page.get_by_text(malee.says("desk.closed"))).to_be_visible()
    assert await rows(house, "SELECT 1 FROM verdicts") == []
