"""Logging in and registering in a real browser (letters นร ๑๐๑๓.๓/๒๑๖, มท ๐๔๐๒.๕/ว ๓๕๗๘), and what people get wrong."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.window import Window, words
from tests.cast import ANAN, MALEE, SOMCHAI

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000003000101"
    "00c9fe92ef0000000049454e44ae426082"
)


async def test_with_the_address_on_record(window: Window) -> None:
    seat = window.seat()
    await seat.sees("home.welcome", "home.choose")
    await window.check_names()
    await seat.presses("menu.login")
    await seat.sees("ask.notice")
    await seat.presses("choice.acknowledge")
    await seat.says("๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓")
    await seat.sees("ask.code", masked="XXXchai.t@example.go.th", digits=6, minutes=5)
    assert await seat.composer.get_attribute("inputmode") == "numeric"
    assert await seat.composer.get_attribute("autocomplete") == "one-time-code"
    await window.check_names()
    await seat.says(await seat.mailed(SOMCHAI.email, 0))
    await seat.sees("ask.group")
    await seat.presses("choice.civil_servant")
    await seat.sees("login.done", name="นายสมชาย ทดสอบ")
    menu = ("menu.documents", "menu.profile", "menu.change_email", "menu.shared_phone", "menu.ask_hr")
    assert (await seat.labels())[:5] == [seat.words(key) for key in menu]
    await window.check_names()
    assert await window.page.title() == seat.words("web.title")


async def test_registering_an_address(window: Window) -> None:
    seat = window.seat()
    await seat.begins(ANAN.national_id)
    await seat.sees("register.no_email", "ask.name")
    await seat.says("นาย อนันต์   สมมติ")
    await seat.sees("ask.birth_date")
    await seat.says("๓๐ พ.ย. ๒๕๑๙")
    await seat.sees("ask.laser", birth_date={"th": "30 พฤศจิกายน 2519", "en": "30 November 1976"}[window.language])
    await window.check_names()
    await seat.says("jt3-0000003-03")
    await seat.sees("ask.email")
    assert await seat.composer.get_attribute("inputmode") == "email"
    await seat.says("anan.s@example.org")
    await seat.sees("ask.email_again")
    await seat.says("anan.z@example.org")
    await seat.sees("error.email_differs")
    await seat.says("Anan.S@Example.org")
    await seat.sees("ask.save_email", email="anan.s@example.org")
    await window.check_names()
    await seat.presses("choice.save")
    await seat.sees("ask.code", masked="XXXn.s@example.org")
    await seat.says(await seat.mailed("anan.s@example.org", 0))
    await seat.sees("register.saved", "ask.group")
    await seat.presses("choice.civil_servant")
    await seat.sees("login.done", name="นายอนันต์ สมมติ")
    await seat.presses("menu.profile")
    await seat.sees("ask.card", name="นายอนันต์ สมมติ", email="XXXn.s@example.org")


async def test_the_keyboard_alone_is_enough(window: Window) -> None:
    seat, keyboard = window.seat(), window.page.keyboard
    await seat.sees("home.choose")
    await expect(seat.composer).to_be_focused()

    async def reaches(key: str) -> None:
        """Back through the page with Tab, until the button has the focus and shows it."""
        label = seat.words(key)
        for _ in range(12):
            await keyboard.press("Shift+Tab")
            focused = window.page.locator(":focus")
            if await focused.inner_text() == label:
                assert await focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
                return
        raise AssertionError(f"no way to {label}")

    async def enters() -> None:
        await seat.looks()
        await keyboard.press("Enter")
        await seat.answered()
        await expect(seat.composer).to_be_focused()

    await reaches("menu.login")
    await enters()
    await reaches("choice.acknowledge")
    await enters()
    await keyboard.type(SOMCHAI.national_id)
    await enters()
    await keyboard.type(await seat.mailed(SOMCHAI.email, 0))
    await enters()
    await reaches("choice.civil_servant")
    await enters()
    await seat.sees("login.done")


async def test_another_language_in_the_middle_of_a_question(window: Window) -> None:
    seat = window.seat()
    await seat.begins(SOMCHAI.national_id)
    other = {"th": "en", "en": "th"}[window.language]
    assert await window.page.locator("html").get_attribute("lang") == window.language
    await seat.says({"en": "English", "th": "ภาษาไทย"}[other])
    seat.language = "en" if other == "en" else "th"
    await seat.sees("language_changed", "ask.code")
    await expect(window.page.locator("html")).to_have_attribute("lang", other)
    await expect(window.page.get_by_role("heading", name=seat.words("web.title"))).to_be_visible()
    await expect(seat.root.get_by_role("button", name=seat.words("web.send"), exact=True)).to_be_visible()
    assert await seat.composer.get_attribute("placeholder") == seat.words("web.placeholder.digits")
    await window.check_names()
    await seat.says(await seat.mailed(SOMCHAI.email, 0))
    await seat.presses("choice.new_civil_servant")
    await seat.sees("login.done")


async def test_what_cannot_be_taken_is_explained(window: Window) -> None:
    seat = window.seat()
    await seat.presses("menu.login")
    await seat.presses("choice.acknowledge")
    await seat.says("1999900000014")
    await seat.sees("error.national_id_checksum", "ask.national_id")
    await seat.says("12345")
    await seat.sees("error.national_id_format")
    window.forgive("status of 403")
    await seat.hands_in({"name": "บัตรประชาชน.png", "mimeType": "image/png", "buffer": PICTURE})
    await expect(seat.log.get_by_text(seat.words("web.error.login_first"), exact=True)).to_be_visible()
    await expect(seat.log.get_by_text(seat.words("web.not_taken"), exact=True)).to_be_visible()
    await expect(seat.log.locator("img.preview")).to_be_visible()
    await expect(seat.log.get_by_text("บัตรประชาชน.png")).to_be_visible()
    await window.check_fit()

    old = seat.log.get_by_role("button", name=seat.words("choice.acknowledge"), exact=True)
    await seat.looks()
    await old.click()
    await seat.answered()
    await seat.sees("error.old_button", "ask.national_id")

    await seat.says(SOMCHAI.national_id)
    await seat.says("abcdef")
    await seat.sees("error.code_format", "ask.code", digits=6)
    code = await seat.mailed(SOMCHAI.email, 0)
    await seat.says("000000" if code != "000000" else "111111")
    await seat.sees("error.code_wrong", left=4)
    await seat.presses("choice.resend")
    await seat.sees("error.resend_wait")
    await seat.presses("control.help")
    await seat.sees("help.code", "ask.code")
    await seat.presses("control.cancel")
    await seat.sees("cancelled", "home.choose")
    await seat.says("hmm?")
    await seat.sees("home.unclear")
    await seat.logs_in(MALEE.national_id, MALEE.email)
    await seat.sends({"name": "x.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    await seat.sees("error.no_file_wanted")


async def test_too_much_text(window: Window) -> None:
    """What is too long for a question, what is too long for a message, and one word that is wider than the screen."""
    seat = window.seat()
    await seat.begins(ANAN.national_id)
    await seat.says("ก" * 150 + " " + "ข" * 150)
    await seat.sees("error.name_long", "ask.name")

    window.forgive("status of 413")
    await seat.composer.fill("ยาวมาก " * 1000)
    await seat.composer.press("Enter")
    await expect(seat.log.get_by_text(seat.words("web.error.too_long"), exact=True)).to_be_visible()
    await expect(seat.log.get_by_text(seat.words("web.not_taken"), exact=True)).to_be_visible()
    await window.check_fit()
    await seat.says("อนันต์ สมมติ")  # and nothing is stuck
    await seat.sees("ask.birth_date")


async def test_markup_stays_words(window: Window) -> None:
    """What people type is shown as they typed it; only web addresses of the assistant become links."""
    seat = window.seat()
    await seat.sees("home.choose")
    typed = "<img src=x onerror=alert(1)> <b>ก.พ.๗</b> https://example.org/"
    await seat.says(typed)
    await seat.sees("home.unclear")
    await expect(seat.log.get_by_text(typed)).to_be_visible()
    assert await seat.log.locator("img, b, a").count() == 0
    assert re.search(words(window.language, "web.you"), await seat.log.locator(".from-person").first.inner_text())
