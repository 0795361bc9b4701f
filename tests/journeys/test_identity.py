"""Whole conversations, each in Thai, in English, and with the server restarted before everything the person does.

Letters นร ๑๐๑๓.๓/๒๑๖ (codes, laser code, single sign-on) and มท ๐๔๐๒.๕/ว ๓๕๗๘ (login, groups).
"""

from collections.abc import Awaitable, Callable

import pytest

from tests.cast import ANAN, MALEE, PRIYA, RUNG, SOMCHAI, Player
from tests.house import Chat, House

Journey = Callable[[House, Chat], Awaitable[None]]
NEW = "anan.s@example.go.th"


async def log_in(house: House, chat: Chat) -> None:
    await chat.taps("menu.login")
    chat.sees("ask.notice")
    await chat.taps("choice.acknowledge")
    chat.sees("ask.national_id")
    await chat.says("๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓")
    chat.sees("ask.code")
    assert "XXXchai.t@example.go.th" in chat.screen.text
    await chat.says(await house.code_for(SOMCHAI.email))
    chat.sees("ask.group")
    await chat.taps("choice.civil_servant")
    chat.sees("login.done", "home.choose")


async def prove(chat: Chat, player: Player) -> None:
    await chat.begins(player.national_id)
    chat.sees("register.no_email", "ask.name")
    await chat.says(f"นาย{player.name}")
    chat.sees("ask.birth_date")
    await chat.says(player.born)
    chat.sees("ask.laser")
    await chat.says(player.laser.lower())


async def register(house: House, chat: Chat) -> None:
    await prove(chat, ANAN)
    chat.sees("ask.email")
    await chat.says("  Anan.S@Example.go.th ")
    chat.sees("ask.email_again")
    await chat.says("anan.z@example.go.th")
    chat.sees("error.email_differs", "ask.email_again")
    await chat.says(NEW)
    chat.sees("ask.save_email")
    await chat.taps("choice.other_address")
    chat.sees("ask.email")
    await chat.says(NEW)
    await chat.says(NEW)
    await chat.taps("choice.save")
    chat.sees("ask.code")
    await chat.says(await house.code_for(NEW))
    chat.sees("register.saved", "ask.group")
    await chat.taps("choice.new_civil_servant")
    chat.sees("login.done")
    async with house.kp7.database.read() as tx:
        row = await tx.one("SELECT source FROM emails WHERE replaced_at IS NULL ORDER BY id DESC LIMIT 1")
    assert row == {"source": "self"}


async def later_hire(house: House, chat: Chat) -> None:
    """Appointed from 1 ต.ค. 2561, or transferred in: HR corrects the form of the reporting day."""
    await prove(chat, PRIYA)
    chat.sees("register.form_needed", "wait.officer")
    await chat.taps("control.cancel")
    chat.sees("cancelled")
    await prove(chat, RUNG)
    chat.sees("register.form_needed", "wait.officer")
    await chat.says("hello?")
    chat.sees("error.still_waiting", "wait.officer")
    await chat.taps("control.cancel")


async def own_data(house: House, chat: Chat) -> None:
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await chat.taps("menu.profile")
    chat.sees("ask.card")
    assert "XXXee.t@example.go.th" in chat.screen.text
    await chat.taps("choice.edit_contact")
    chat.sees("ask.phone")
    await chat.says("12345")
    chat.sees("error.phone_format", "ask.phone")
    await chat.says("๐๘๑-๐๐๐-๐๐๙๙")
    chat.sees("ask.fax")
    await chat.taps("control.back")
    chat.sees("ask.phone")
    await chat.says("081-000-0098")
    await chat.taps("choice.no_number")
    chat.sees("ask.save_contact")
    assert "081-000-0098" in chat.screen.text
    await chat.taps("choice.edit_fax")
    await chat.says("02 000 0000")
    chat.sees("ask.save_contact")
    await chat.taps("choice.clear")
    chat.sees("ask.phone")
    await chat.says("0810000097")
    await chat.says("020000001")
    await chat.taps("choice.edit_phone")
    await chat.says("0810000096")
    await chat.taps("choice.save_edit")
    chat.sees("contact.saved")
    await chat.taps("menu.profile")
    assert "081-000-0096" in chat.screen.text
    await chat.taps("choice.close")
    chat.sees("home.choose")


async def another_address(house: House, chat: Chat) -> None:
    new = "malee.new@example.go.th"
    await chat.logs_in(MALEE.national_id, MALEE.email)
    house.clock.forward(minutes=6)
    mailed = len(house.post.mails)
    await chat.taps("menu.change_email")
    await chat.says(new)
    await chat.says(new)
    chat.sees("ask.save_change")
    await chat.taps("choice.save")
    chat.sees("ask.code")
    assert "XXXee.t@" in chat.screen.text  # step-up: the mailbox on record first
    await chat.says(await house.code_for(MALEE.email, after=mailed))
    chat.sees("ask.code")
    assert "XXXee.new@" in chat.screen.text
    mailed = len(house.post.mails)
    await chat.says(await house.code_for(new, after=mailed - 1))
    chat.sees("register.saved")
    for address in (new, MALEE.email):
        await house.post.mail_to(address, after=mailed)


async def shared_phone_and_out(house: House, chat: Chat) -> None:
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.taps("menu.shared_phone")
    chat.sees("ask.shared")
    await chat.taps("choice.shared_yes")
    chat.sees("shared.done_on")
    await chat.taps("menu.shared_phone")
    chat.sees("shared.on")
    await chat.taps("choice.shared_no")
    chat.sees("shared.done_off")
    await chat.taps("menu.logout")
    chat.sees("logout.done")
    chat.is_cleared()
    await chat.says("profile")
    chat.sees("error.login_first")


async def back_again(house: House, chat: Chat) -> None:
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.is_logged_out_by_the_clock()
    await chat.says("hello")
    mailed = len(house.post.mails)
    await chat.taps("menu.login")
    chat.sees("ask.welcome_back")
    await chat.taps("choice.send_code")
    await chat.says(await house.code_for(SOMCHAI.email, after=mailed))
    chat.sees("ask.group")


JOURNEYS = (log_in, register, later_hire, own_data, another_address, shared_phone_and_out, back_again)


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
@pytest.mark.parametrize("way", ["en", "restarts"])
async def test_journey(house: House, journey: Journey, way: str) -> None:
    """In English without, in Thai with a restart before everything that the person does."""
    chat = await house.somebody("th" if way == "restarts" else way)
    chat.restarts = way == "restarts"
    await journey(house, chat)
