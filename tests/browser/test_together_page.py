"""Several people at one browser, a server that restarts under them, and the demo's mailbox."""

import re

import pytest
from playwright.async_api import Browser, expect

from bot.events import Language
from tests.browser.desk import Desk, words
from tests.cast import MALEE, SOMCHAI
from tests.house import House

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_two_people_side_by_side(desk: Desk) -> None:
    await desk.wide(1280)
    first = desk.seat(1)
    await first.sees("home.choose")
    await desk.add_person()
    second = desk.seat(2)
    await second.sees("home.choose")
    await expect(desk.page.get_by_role("navigation")).to_be_hidden()  # side by side they need no tabs
    await desk.check_names()
    await first.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await second.logs_in(MALEE.national_id, MALEE.email)
    await first.presses("menu.profile")
    await first.sees("ask.card", name="นายสมชาย ทดสอบ")
    await second.presses("menu.profile")
    await second.sees("ask.card", name="นางมาลี ตัวอย่าง")
    assert "มาลี" not in await first.reads()
    assert "สมชาย" not in await second.reads()

    await desk.wide(360, 740)  # the same on a telephone: one at a time
    await expect(second.root).to_be_visible()
    await expect(first.root).to_be_hidden()
    await desk.check_names()
    tabs = desk.page.get_by_role("navigation")
    await tabs.get_by_role("button", name=re.compile("1")).click()
    await expect(first.root).to_be_visible()
    await expect(second.root).to_be_hidden()
    await first.presses("choice.close")
    await first.sees("home.choose")


async def test_the_same_person_on_a_second_phone(desk: Desk) -> None:
    await desk.wide(1280)
    first, second = desk.seat(1), desk.seat(2)
    await first.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await first.presses("menu.profile")
    await desk.add_person()
    desk.house.clock.forward(minutes=2)
    await second.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    mail = await desk.house.post.mail_to(SOMCHAI.email, after=2)
    assert mail["subject"] == words(desk.language, "mail.linked.subject")
    await first.presses("choice.edit_contact")
    await first.sees("home.choose")
    assert first.words("menu.login") in await first.labels()
    await second.presses("menu.profile")
    await second.sees("ask.card", name="นายสมชาย ทดสอบ")
    await desk.page.reload()
    await first.sees("home.choose")
    assert "สมชาย" not in await first.reads()


async def test_a_restart_in_the_middle(desk: Desk) -> None:
    desk.forgive("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")
    seat = desk.seat()
    await seat.begins(SOMCHAI.national_id)
    await seat.sees("ask.code")
    code = await seat.mailed(SOMCHAI.email, 0)
    before = await seat.reads()
    await desk.house.restart()
    assert await seat.reads() == before
    await seat.says(code)
    await seat.sees("ask.group")
    await desk.house.stop()
    await seat.looks()
    await seat.choice("choice.civil_servant").click()  # into the void: sent again until somebody is there
    await desk.house.start()
    await seat.answered()
    await seat.sees("login.done")
    await expect(desk.page.locator("#lost")).to_be_hidden()
    said = await seat.reads()
    for line in (line for line in before.splitlines() if line and not re.fullmatch(r"\d\d:\d\d", line)):
        assert line in said
    await desk.page.reload()
    await seat.sees("login.done")


async def test_the_demo_mailbox(
    browser: Browser, house: House, language: Language, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None: ...
