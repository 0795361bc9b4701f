"""A new phone: the old one is dead at once, and the mailbox on record hears of it."""

from tests.cast import ANAN, MALEE, SOMCHAI
from tests.house import House
from tests.journeys.test_identity import NEW, register


async def test_the_old_phone_is_logged_out_and_the_mailbox_told(house: House) -> None:
    old, new = await house.somebody(), await house.somebody("en")
    await old.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await old.taps("menu.profile")
    shown = len(old.screens)
    house.clock.forward(minutes=2)
    mailed = len(house.post.mails)
    await new.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    told = await house.post.mail_to(SOMCHAI.email, after=mailed + 1)
    assert told["subject"] == "Log-in from a new phone"
    await old.hears(shown + 1)
    old.sees("cut_off")
    old.is_cleared()
    edit = old.screens[shown - 1].data("แก้ไข")
    await old.presses_data(edit)
    assert "081" not in old.screen.text
    assert "เข้าสู่ระบบ / เพิ่มอีเมล" in old.screen.labels


async def test_somebody_who_lost_the_mailbox_proves_who_they_are_and_uses_another(house: House) -> None:
    anan = await house.somebody()
    await register(house, anan)
    house.clock.forward(days=2)
    lost = await house.somebody("en")
    await lost.begins(ANAN.national_id)
    await lost.taps("choice.other_mailbox")
    lost.sees("register.prove", "ask.name")
    for answer in (ANAN.name, ANAN.born, ANAN.laser, "anan.other@example.com", "anan.other@example.com"):
        await lost.says(answer)
    mailed = len(house.post.mails)
    await lost.taps("choice.save")
    await lost.says(await house.code_for("anan.other@example.com", after=mailed))
    lost.sees("register.saved", "ask.group")
    replaced = await house.post.mail_to(NEW, after=mailed + 1)
    assert replaced["subject"] == "The e-mail address in your record was changed"


async def test_the_next_morning_the_new_address_is_usable(house: House) -> None:
    anan = await house.somebody()
    await register(house, anan)
    shown = len(anan.screens)
    house.clock.forward(days=2)
    await anan.hears(shown + 1)
    anan.sees("notice.sso_ready")


async def test_hours_later_a_greeting_is_not_an_answer(house: House) -> None:
    anan = await house.somebody()
    await anan.begins(ANAN.national_id)
    anan.sees("ask.name")
    house.clock.forward(hours=13)
    await anan.says("สวัสดีค่ะ คุณเจ้าหน้าที่")
    anan.sees("greet_again", "ask.name")
    await anan.says(ANAN.name)
    anan.sees("ask.birth_date")


async def test_help_and_language_in_mid_flow_keep_the_question(house: House) -> None:
    anan = await house.somebody()
    await anan.begins(ANAN.national_id)
    await anan.taps("control.help")
    anan.sees("help.name", "ask.name")
    await anan.says("english")
    anan.language = "en"
    anan.sees("language_changed", "ask.name")
    await anan.says(ANAN.name)
    anan.sees("ask.birth_date")
    await anan.taps("control.back")
    anan.sees("ask.name")
    await anan.says("cancel")
    anan.sees("cancelled")


async def test_coming_back_after_the_session_takes_a_code_only_and_another_person_can_use_the_chat(
    house: House,
) -> None:
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.says("login")
    chat.sees("error.not_offered")
    await chat.is_logged_out_by_the_clock()
    await chat.says("hello")
    mailed = len(house.post.mails)
    await chat.taps("menu.login")
    chat.sees("ask.welcome_back")
    await chat.taps("choice.send_code")
    await chat.says(await house.code_for(SOMCHAI.email, after=mailed))
    chat.sees("ask.group")
    await chat.taps("choice.civil_servant")
    await chat.is_logged_out_by_the_clock()
    await chat.says("hello")
    await chat.taps("menu.login")
    await chat.taps("choice.somebody_else")
    mailed = len(house.post.mails)
    await chat.says(MALEE.national_id)
    await chat.says(await house.code_for(MALEE.email, after=mailed))
    await chat.taps("choice.civil_servant")
    assert "มาลี" in chat.screen.text
