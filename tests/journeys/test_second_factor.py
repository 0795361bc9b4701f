"""Malee sets up her second factor, and proves it in the chat."""

from tests.cast import MALEE
from tests.house import Chat, House
from tests.officers import grant, revoke
from tests.security.factor.page import Browser, link_on

THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")


async def test_from_the_menu_to_a_factor(house: House) -> None:
    chat = await house.somebody()
    await sets_up_a_second_factor(house, chat)


async def sets_up_a_second_factor(house: House, chat: Chat) -> None:
    await grant(house, MALEE.national_id)
    await chat.logs_in(MALEE.national_id, MALEE.email)
    house.clock.forward(minutes=6)
    mailed = len(house.post.mails)
    await chat.taps("menu.second_factor")
    chat.sees("ask.code")  # only who reads her mailbox comes to the page
    await chat.says(await house.code_for(MALEE.email, after=mailed))
    await chat.taps("choice.factor_done")
    chat.sees("error.factor_not_yet", "ask.set_up_factor")
    async with Browser(house, chat.language) as phone:
        old = link_on(chat)
        await chat.taps("choice.new_link")
        assert (await phone.client.get(old)).status_code == 404
        path = link_on(chat)
        totp = await phone.opens(path)
        mailed = len(house.post.mails)
        assert (await phone.confirms(path, phone.code(totp))).status_code == 200
    told = await house.post.mail_to(MALEE.email, after=mailed)
    assert told["Subject"] == house.kp7.texts(chat.language, "mail.factor_set_up.subject")
    house.clock.forward(minutes=16)  # she comes back late: what the page proved is over
    await chat.taps("choice.factor_done")
    chat.sees("ask.factor")
    await chat.says("help")
    chat.sees("help.factor")
    await chat.says("12345")
    chat.sees("error.code_format", "ask.factor")
    await chat.says(phone.code(totp, 90))
    chat.sees("error.factor_wrong", "ask.factor")
    await chat.says(phone.code(totp).translate(THAI))
    chat.sees("factor.ready")
    assert house.kp7.texts(chat.language, "menu.second_factor") not in chat.screen.labels


async def test_who_comes_back_at_once_is_not_asked_again(house: House) -> None:
    chat = await house.somebody()
    await grant(house, MALEE.national_id)
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await chat.says("second factor")
    async with Browser(house) as phone:
        path = link_on(chat)
        totp = await phone.opens(path)
        await phone.confirms(path, phone.code(totp))
    await chat.taps("choice.factor_done")
    chat.sees("factor.ready")


async def test_a_role_that_ends_meanwhile(house: House) -> None:
    chat = await house.somebody()
    await grant(house, MALEE.national_id)
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await chat.says("second factor")
    await revoke(house, MALEE.national_id)
    await chat.taps("choice.factor_done")
    chat.sees("error.not_officer")
    assert house.kp7.texts(chat.language, "choice.factor_done") not in chat.screen.labels
