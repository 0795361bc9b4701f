"""What is no paper, decided at the review desk with the keyboard: who somebody is, a lock, a new chat, a question; and
papers that leave with six digits more."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.sitting import OFFICE, Sitting, focused, sitting
from tests.browser.window import TELEPHONE, pattern
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.desks import chats, decided_by, waits
from tests.house import House, a_house
from tests.journeys.test_officer import asks_hr
from tests.officers import grant, officer
from tests.security.tools import change, other_than, person, rows

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def office(tmp_path: Path) -> AsyncIterator[House]:
    """Where HR looks at cards."""
    async with a_house(tmp_path, card_verifier="officer") as house:
        yield house


async def asked(malee: Sitting) -> Page:
    """What comes with a verdict is asked for, and fits."""
    await expect(malee.page.locator("#asking")).to_be_visible()
    await malee.check()
    return malee.page


async def test_a_question_and_a_new_chat(browser: Browser, house: House) -> None:
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    old, new = await house.somebody(), await house.somebody()
    await old.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    house.clock.forward(minutes=2)
    await new.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    house.clock.forward(seconds=1)
    await new.taps("menu.ask_hr")
    await new.says("ต้องส่งทะเบียนบ้านเล่มใหม่ไหม <b>")
    relink, question = await rows(house, "SELECT id FROM requests ORDER BY asked_at")
    async with sitting(browser, house, "th", OFFICE, totp) as malee:
        page = malee.page
        await malee.sees(relink["id"])
        await malee.check()
        await expect(page.locator("#zoom")).to_be_hidden()
        await malee.presses("ArrowRight")
        await malee.sees(question["id"])
        await expect(page.locator("#lines")).to_contain_text("เล่มใหม่ไหม <b>")
        await expect(page.locator("#return")).to_be_hidden()
        await malee.presses("a")
        await asked(malee)
        assert await focused(page) == "own-words"
        await malee.presses("Enter")
        await expect(page.locator("#asking-trouble")).to_have_text(malee.says("desk.answer_needed"))
        heard = len(new.screens)
        await page.keyboard.type("ไม่ต้องค่ะ a r")
        await malee.presses("Enter")
        await expect(malee.said).to_contain_text(malee.says("desk.verdict_answered"))
        await new.hears(heard + 1)
        assert "ไม่ต้องค่ะ a r" in new.sees("notice.hr_answer").text

        await malee.sees(relink["id"])
        await malee.presses("r")
        await asked(malee)
        await malee.presses("Escape")
        await malee.sees(relink["id"])
        heard = len(new.screens)
        await malee.presses("r")
        await asked(malee)
        await malee.presses("Enter")
        await expect(malee.said).to_contain_text(malee.says("desk.verdict_cut_off"))
        await expect(malee.title).to_have_text(malee.says("desk.nothing"))
        assert await focused(page) == "paper-title"
        await new.hears(heard + 1)
        new.sees("cut_off_by_hr")


async def test_a_lock_and_who_somebody_is(browser: Browser, office: House) -> None:
    totp = await officer(office, MALEE.national_id)
    await grant(office, MALEE.national_id, scope="D02")
    await chats(office)
    somchai, rogue = await office.somebody(), await office.somebody()
    await somchai.begins(SOMCHAI.national_id)
    code = await office.code_for(SOMCHAI.email)
    await change(office, "UPDATE people SET wrong_codes = 99 WHERE id = :id", id=(await person(office, SOMCHAI)).id)
    await somchai.says(other_than(code))
    office.clock.forward(seconds=1)
    await asks_hr(rogue, replace(ANAN, name="ใคร ไม่รู้"))
    (lock,), (check,) = (
        await rows(office, "SELECT id FROM requests"),
        await rows(office, "SELECT id FROM identity_checks"),
    )
    async with sitting(browser, office, "en", TELEPHONE, totp) as malee:
        page = malee.page
        await malee.sees(lock["id"])
        await malee.presses("a")
        await asked(malee)
        await expect(page.locator("#words-part")).to_be_hidden()
        await malee.presses("Enter")
        await expect(malee.said).to_contain_text(malee.says("desk.verdict_unlocked"))
        await malee.sees(check["id"])
        await malee.check()
        await expect(page.locator("#lines")).to_contain_text(pattern("en", "describe.name_differs", typed="ใคร ไม่รู้"))
        await malee.presses("a")
        await asked(malee)
        await expect(page.locator("#asking-title")).to_have_text(pattern("en", "describe.sure", name="นายอนันต์ สมมติ"))
        await malee.presses("Enter")
        await expect(malee.said).to_contain_text(malee.says("desk.verdict_confirmed"))
        await expect(malee.title).to_have_text(malee.says("desk.nothing"))
    done = await rows(office, "SELECT verdict FROM requests UNION ALL SELECT verdict FROM identity_checks")
    assert [row["verdict"] for row in done] == ["unlocked", "confirmed"]


async def test_papers_leave_with_six_digits(browser: Browser, house: House) -> None:
    """They are asked for again once those of the entrance are some minutes old; wrong ones are told so."""
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    await decided_by(house, MALEE, await waits(house))
    async with sitting(browser, house, "th", OFFICE, totp) as malee:
        page = malee.page
        malee.window.forgive("Failed to load resource")
        house.clock.forward(minutes=6)
        await page.get_by_role("link", name=malee.says("desk.to_progress")).press("Enter")
        code = page.get_by_label(malee.says("desk.export_code"))
        await expect(code).to_be_visible()
        await expect(page.locator("#export-form")).to_be_hidden()
        await malee.check()
        await code.press_sequentially(other_than(totp.at(house.clock() // 1000)))
        await code.press("Enter")
        await expect(page.locator("#trouble")).to_be_visible()
        await expect(code).to_be_focused()
        await page.keyboard.type(totp.at(house.clock() // 1000))
        async with page.expect_download() as download:
            await page.keyboard.press("Enter")
        assert (await download.value).suggested_filename.endswith(".zip")
        await expect(malee.said).to_have_text(malee.says("desk.export_begun"))
        await expect(code).to_be_visible()  # and again, the next time
