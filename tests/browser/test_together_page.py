"""Several people at one browser, a server that restarts under them, and the demo's mailbox."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bot.events import Language
from tests.browser.window import Window, words
from tests.cast import MALEE, SOMCHAI
from tests.house import a_house

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_two_people_side_by_side(window: Window) -> None:
    await window.wide(1280)
    first = window.seat(1)
    await first.sees("home.choose")
    await window.add_person()
    second = window.seat(2)
    await second.sees("home.choose")
    await expect(window.page.get_by_role("navigation")).to_be_hidden()  # side by side they need no tabs
    await window.check_names()
    await first.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await second.logs_in(MALEE.national_id, MALEE.email)
    await first.presses("menu.profile")
    await first.sees("ask.card", name="นายสมชาย ทดสอบ")
    await second.presses("menu.profile")
    await second.sees("ask.card", name="นางมาลี ตัวอย่าง")
    assert "มาลี" not in await first.reads()
    assert "สมชาย" not in await second.reads()

    await window.wide(360, 740)  # the same on a telephone: one at a time
    await expect(second.root).to_be_visible()
    await expect(first.root).to_be_hidden()
    await window.check_names()
    tabs = window.page.get_by_role("navigation")
    await tabs.get_by_role("button", name=re.compile("1")).click()
    await expect(first.root).to_be_visible()
    await expect(second.root).to_be_hidden()
    await first.presses("choice.close")
    await first.sees("home.choose")


async def test_the_same_person_on_a_second_phone(window: Window) -> None:
    await window.wide(1280)
    first, second = window.seat(1), window.seat(2)
    await first.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await first.presses("menu.profile")
    await window.add_person()
    window.house.clock.forward(minutes=2)
    await second.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    mail = await window.house.post.mail_to(SOMCHAI.email, after=2)
    assert mail["subject"] == words(window.language, "mail.linked.subject")
    await first.sees("cut_off")
    assert "สมชาย" not in await first.reads()
    await first.says("profile")
    await first.sees("home.choose")
    assert first.words("menu.login") in await first.labels()
    assert "สมชาย" not in await first.reads()
    await second.presses("menu.profile")
    await second.sees("ask.card", name="นายสมชาย ทดสอบ")
    await window.page.reload()
    await first.sees("home.choose")
    assert "สมชาย" not in await first.reads()


async def test_a_restart_in_the_middle(window: Window) -> None:
    window.forgive(
        "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"
    )
    seat = window.seat()
    await seat.begins(SOMCHAI.national_id)
    await seat.sees("ask.code")
    code = await seat.mailed(SOMCHAI.email, 0)
    before = await seat.reads()
    await window.house.restart()
    assert await seat.reads() == before
    await seat.says(code)
    await seat.sees("ask.group")
    await window.house.stop()
    await seat.looks()
    await seat.choice("choice.civil_servant").click()  # into the void: sent again until somebody is there
    await window.house.start()
    await seat.answered()
    await seat.sees("login.done")
    await expect(window.page.locator("#lost")).to_be_hidden()
    said = await seat.reads()
    for line in (line for line in before.splitlines() if line and not re.fullmatch(r"\d\d:\d\d", line)):
        assert line in said
    await window.page.reload()
    await seat.sees("login.done")


async def test_the_demo_mailbox(
    browser: Browser, language: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of `make run` that shows what was mailed: a code is there to copy, a mail is read in both forms."""
    monkeypatch.chdir(tmp_path)  # the demo keeps its mails in a folder below
    async with a_house(tmp_path, samples=False, demo=True) as house, Window.at(browser, house, language) as window:
        seat = window.seat()
        await seat.begins(SOMCHAI.national_id)
        async with window.page.expect_popup() as opened:
            await window.page.get_by_role("link", name=seat.words("web.mail")).click()
        mailbox = Window(await opened.value, house, language)
        await mailbox.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        mail = mailbox.page.get_by_role("listitem")
        await expect(mail).to_have_count(1)
        await expect(mail).to_contain_text(SOMCHAI.email)
        await mailbox.check_fit()
        await mailbox.check_names()
        await mailbox.wide(1280)
        alone = await mail.bounding_box()
        assert alone is not None
        assert alone["x"] + alone["width"] / 2 == pytest.approx(640, abs=10)
        await mail.get_by_role("button", name=seat.words("mailbox.copy")).click()
        await expect(mail.get_by_role("button", name=seat.words("mailbox.copied"))).to_be_visible()
        code = await mailbox.page.evaluate("navigator.clipboard.readText()")
        assert code == await house.code_for(SOMCHAI.email)

        await mail.get_by_role("button").first.click()
        reading = mailbox.page.get_by_role("region", name=seat.words("mailbox.reading"))
        await expect(reading).to_contain_text(code)
        await reading.get_by_role("button", name=seat.words("mailbox.as_html")).click()
        await expect(mailbox.page.frame_locator("iframe").get_by_text(code, exact=True)).to_be_visible()
        await mailbox.check_fit()
        await mailbox.check_names()
        await seat.says(code)
        await seat.sees("ask.group")
        window.check_quiet()
        mailbox.check_quiet()
