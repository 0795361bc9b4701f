"""My data, another address, a shared phone, logging out: in a real browser."""

import pytest
from playwright.async_api import expect

from tests.browser.window import Window
from tests.cast import MALEE, SOMCHAI

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_telephone_and_fax(window: Window) -> None:
    seat = window.seat()
    await seat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await seat.presses("menu.profile")
    await seat.sees("ask.card", name="นายสมชาย ทดสอบ", phone="081-000-0001", email="XXXchai.t@example.go.th")
    await window.check_names()
    await seat.presses("choice.edit_contact")
    await seat.sees("ask.phone")
    await seat.says("02")
    await seat.sees("error.phone_format")
    await seat.says("๐๘๑ ๑๑๑ ๒๒๒๒")
    await seat.sees("ask.fax")
    await seat.presses("control.back")
    await seat.sees("ask.phone")
    await seat.says("081-111-3333")
    await seat.presses("choice.no_number")
    await seat.sees("ask.save_contact", phone="081-111-3333", fax=seat.words("none_yet"))
    await window.check_names()
    await seat.presses("choice.edit_fax")
    await seat.sees("ask.fax")
    await seat.says("021234567")
    await seat.sees("ask.save_contact", phone="081-111-3333", fax="02-123-4567")
    await seat.presses("choice.edit_phone")
    await seat.says("0812223333")
    await seat.sees("ask.save_contact", phone="081-222-3333", fax="02-123-4567")
    await seat.presses("choice.clear")
    await seat.sees("ask.phone")
    await seat.presses("choice.no_number")
    await seat.says("029876543")
    await seat.sees("ask.save_contact", phone=seat.words("none_yet"), fax="02-987-6543")
    await seat.presses("choice.save_edit")
    await seat.sees("contact.saved", "home.choose")
    await seat.presses("menu.profile")
    await seat.sees("ask.card", phone=seat.words("none_yet"), fax="02-987-6543")
    await seat.presses("choice.close")
    await seat.sees("home.choose")


async def test_another_address(window: Window) -> None:
    seat, post = window.seat(), window.house.post
    await seat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    window.house.clock.forward(minutes=10)  # the code of the login is no longer fresh enough for this
    await seat.presses("menu.change_email")
    await seat.sees("ask.email")
    await seat.says("somchai.new@example.org")
    await seat.says("somchai.new@example.org")
    await seat.sees("ask.save_change", email="somchai.new@example.org")
    after = len(post.mails)
    await seat.presses("choice.save")
    await seat.sees("ask.code", masked="XXXchai.t@example.go.th")
    await seat.says(await seat.mailed(SOMCHAI.email, after))
    await seat.sees("ask.code", masked="XXXchai.new@example.org")
    await seat.says(await seat.mailed("somchai.new@example.org", after))
    await seat.sees("register.saved", "home.choose")
    await seat.presses("menu.profile")
    await seat.sees("ask.card", email="XXXchai.new@example.org")


async def test_shared_phone_and_logging_out(window: Window) -> None:
    seat = window.seat()
    await seat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await seat.presses("menu.shared_phone")
    await seat.sees("ask.shared", state=seat.words("shared.off"))
    await seat.presses("choice.shared_yes")
    await seat.sees("shared.done_on")
    await seat.presses("menu.profile")
    await seat.sees("ask.card", phone="081-000-0001")
    await seat.presses("choice.close")
    await seat.presses("menu.logout")
    await seat.sees("logout.done")
    await _nothing_left(window, "สมชาย", "081-000-0001", "XXXchai", SOMCHAI.national_id)
    await seat.logs_in(MALEE.national_id, MALEE.email)
    await seat.sees("login.done", name="นางมาลี ตัวอย่าง")
    await window.page.reload()
    await seat.sees("login.done", name="นางมาลี ตัวอย่าง")
    await expect(seat.log.get_by_text(seat.words("web.not_kept"))).to_be_visible()
    await _nothing_left(window, "สมชาย", "081-000-0001", "XXXchai")


async def test_a_shared_phone_that_was_left_alone(window: Window) -> None:
    seat = window.seat()
    await seat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await seat.presses("menu.shared_phone")
    await seat.presses("choice.shared_yes")
    await seat.presses("menu.profile")
    window.house.clock.forward(minutes=16)
    await seat.presses("choice.edit_contact")
    await seat.sees("session_over", "home.choose")
    await _nothing_left(window, "สมชาย", "081-000-0001", "XXXchai")


async def _nothing_left(window: Window, *pieces: str) -> None:
    """No word of the person before stands on the screen, and none comes back with a reload."""
    read = await window.seat().reads()
    assert [piece for piece in pieces if piece in read] == []
