"""Sessions end when they should, and nothing of the person stays behind (SES1, SES2)."""

import asyncio
from pathlib import Path

import pytest

from tests.cast import MALEE, SOMCHAI
from tests.house import House, a_house
from tests.security.tools import all_said, history, rows


async def test_logging_out_ends_what_was_begun(house: House) -> None:
    """Somchai changes his mind in the middle of changing his address, logs out and hands the phone on."""
    somchai = await house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await somchai.says("เปลี่ยนอีเมล")
    await somchai.says("my.secret@example.com")
    await somchai.says("my.secret@example.com")
    out = await somchai.says("ออกจากระบบ")
    assert "my.secret" not in out.text
    assert "เข้าสู่ระบบ / เพิ่มอีเมล" in out.labels
    assert "my.secret" not in await history(somchai)
    assert "ปรับปรุงขั้นตอนใหม่" not in (await somchai.says("สวัสดี")).text


async def test_logging_out_ends_a_second_login(house: House) -> None:
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    house.clock.forward(minutes=2)
    await malee.says("เข้าสู่ระบบ")
    out = await malee.says("ออกจากระบบ")
    assert "XXXee.t@" not in out.text
    assert "เข้าสู่ระบบ / เพิ่มอีเมล" in out.labels


async def test_what_is_still_being_shown_is_gone_too(house: House) -> None:
    """Malee taps "my data" and "log out" without waiting for the first."""
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await asyncio.gather(malee.post({"press": "go:profile"}), malee.post({"press": "go:logout"}))
    await malee.says("สวัสดี")
    assert "ตัวอย่าง" not in await history(malee)


async def test_shared_phone_forgets_when_touched_before_the_sweep(house: House) -> None:
    """Sixteen minutes later the next person says hello; the sweep has not run yet."""
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.says("เครื่องที่ใช้ร่วมกัน")
    await malee.presses("ใช้ร่วมกับผู้อื่น")
    await malee.presses("ข้อมูลส่วนตัว")
    assert "082-000-0002" in malee.screen.text
    house.clock.forward(minutes=16)
    assert "ออกจากระบบแล้ว" in (await malee.says("สวัสดี")).text
    await house.kp7.schedule.once()
    seen = await history(malee)
    assert "082-000-0002" not in seen
    assert "มาลี" not in seen


async def test_an_ended_web_session_shows_nothing_of_it(house: House) -> None:
    """Two hours later somebody else sits down at the office computer and reloads the page."""
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.presses("ข้อมูลส่วนตัว")
    house.clock.forward(hours=2)
    await malee.says("สวัสดี")
    await house.kp7.schedule.once()
    assert "082-000-0002" not in await history(malee)


async def test_what_was_shown_before_the_end_is_taken_off_the_screen(house: House) -> None:
    """The page of an ended session is told to clear itself, whoever notices the end first."""
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    house.clock.forward(minutes=61)
    await malee.says("สวัสดี")
    malee.sees("session_over")
    assert malee.screen["fresh"]


# --- SES1: idle and total limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "still_in"), [(58, True), (61, False)])
async def test_an_hour_without_a_word_ends_it(house: House, minutes: int, still_in: bool) -> None:
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    house.clock.forward(minutes=minutes)
    await malee.presses_data("go:profile")
    assert ("082-000-0002" in malee.screen.text) is still_in
    if not still_in:
        malee.sees("session_over")


async def test_a_day_ends_it_however_busy(house: House) -> None:
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    for _ in range(28):
        house.clock.forward(minutes=50)
        await malee.says("ข้อมูลส่วนตัว")
        assert "082-000-0002" in malee.screen.text
    house.clock.forward(minutes=50)
    await malee.says("ข้อมูลส่วนตัว")
    malee.sees("session_over")


async def test_a_clock_set_back_lengthens_nothing(house: House) -> None:
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    house.clock.forward(hours=-3)
    await malee.presses_data("go:profile")
    malee.sees("session_over")


async def test_nor_where_nobody_says_anything(house: House) -> None:
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    house.clock.forward(hours=-3)
    await house.kp7.schedule.once()
    assert await rows(house, "SELECT 1 FROM accounts WHERE session IS NOT NULL") == []


@pytest.mark.parametrize(("minutes", "still_in"), [(14, True), (16, False)])
async def test_a_shared_phone_logs_out_by_itself(house: House, minutes: int, still_in: bool) -> None:
    """Nobody touches it: the sweep ends the session, clears the page, the history and the half-done matter."""
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.taps("menu.shared_phone")
    await malee.taps("choice.shared_yes")
    await malee.taps("menu.change_email")
    await malee.says("malee.private@example.com")
    shown = len(malee.screens)
    house.clock.forward(minutes=minutes)
    await house.kp7.schedule.once()
    if still_in:
        assert "ตัวอย่าง" in await history(malee)
        return
    await malee.hears(shown + 1)
    malee.sees("session_over")
    assert malee.screen["fresh"]
    seen = await history(malee)
    assert "มาลี" not in seen
    assert "malee" not in seen
    assert await rows(house, "SELECT 1 FROM conversations") == []
    assert await rows(house, "SELECT person_id, session FROM accounts") == [{"person_id": None, "session": None}]
    await malee.says("เข้าสู่ระบบ")
    malee.sees("ask.notice")  # the next person is not asked whether they are Malee


# --- SES2: what matters needs a fresh code, and both mailboxes hear of it ---------------------------------------------


@pytest.mark.parametrize(("minutes", "asked"), [(4, False), (6, True)])
async def test_another_address_needs_a_code_of_the_last_five_minutes(house: House, minutes: int, asked: bool) -> None:
    somchai = await house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    house.clock.forward(minutes=minutes)
    await somchai.taps("menu.change_email")
    await somchai.says("new@example.com")
    await somchai.says("new@example.com")
    mailed = len(house.post.mails)
    await somchai.taps("choice.save")
    if asked:
        assert "XXXchai.t@example.go.th" in somchai.screen.text
        await somchai.says(await house.code_for(SOMCHAI.email, after=mailed))
    await somchai.says(await house.code_for("new@example.com", after=mailed))
    somchai.sees("register.saved")
    told = {
        str((await house.post.mail_to(address, after=mailed + 1 + asked))["subject"])
        for address in (SOMCHAI.email, "new@example.com")
    }
    assert told == {"อีเมลในทะเบียนประวัติของท่านถูกเปลี่ยน", "บันทึกอีเมลของท่านแล้ว"}


async def test_a_step_up_does_not_wait_for_ever(house: House) -> None:
    """The phone lies about; seven minutes after the login somebody types the code for the new address."""
    somchai = await house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    house.clock.forward(minutes=3)
    await somchai.taps("menu.change_email")
    await somchai.says("new@example.com")
    await somchai.says("new@example.com")
    await somchai.taps("choice.save")
    code = await house.code_for("new@example.com")
    house.clock.forward(minutes=4)
    await somchai.says(code)
    somchai.sees("change.too_late")
    kept = await rows(house, "SELECT COUNT(*) AS n FROM emails WHERE source = 'self'")
    assert kept == [{"n": 0}]


# --- after the end ----------------------------------------------------------------------------------------------------


async def test_nothing_works_after_logging_out(house: House) -> None:
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.taps("menu.profile")
    old = [button["data"] for button in malee.screen["buttons"]]
    await malee.says("ออกจากระบบ")
    for data in (*old, "go:profile", "go:change_email", "go:shared_phone", "go:logout"):
        await malee.presses_data(data)
        assert "มาลี" not in malee.screen.text
        assert "082-000-0002" not in malee.screen.text
        assert "เข้าสู่ระบบ / เพิ่มอีเมล" in malee.screen.labels
    for text in ("ข้อมูลส่วนตัว", "เปลี่ยนอีเมล", "แก้ไข"):
        assert "มาลี" not in (await malee.says(text)).text
    assert await rows(house, "SELECT person_id, session FROM accounts") == [{"person_id": None, "session": None}]


async def test_the_old_phone_is_dead_at_once_old_buttons_too(house: House) -> None:
    """In the very moment that the new phone enters, the old one is about to save a telephone number."""
    old, new = await house.somebody(), await house.somebody()
    await old.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await old.taps("menu.profile")
    await old.taps("choice.edit_contact")
    await old.says("0899999999")
    await old.taps("choice.no_number")
    save = old.screen.data("แก้ไข (บันทึก)")
    house.clock.forward(minutes=2)
    mailed = len(house.post.mails)
    await new.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email, after=mailed)
    await asyncio.gather(new.post({"text": code}), *(old.post({"press": save}) for _ in range(3)))
    await all_said(house)
    await old.presses_data("go:profile")
    old.sees("home.choose")
    assert "สมชาย" not in await history(old)
    await house.post.mail_to(SOMCHAI.email, after=mailed + 1)
    alive = await rows(house, "SELECT COUNT(*) AS n FROM accounts WHERE session IS NOT NULL")
    assert alive == [{"n": 1}]


async def test_both_phones_enter_in_the_same_moment(house: House) -> None:
    """One of them stays in; the other knows."""
    chats = [await house.somebody() for _ in range(2)]
    codes = []
    for chat in chats:
        mailed = len(house.post.mails)
        await chat.begins(SOMCHAI.national_id)
        codes.append(await house.code_for(SOMCHAI.email, after=mailed))
    await asyncio.gather(*(chat.says(code) for chat, code in zip(chats, codes, strict=True)))
    for chat in chats:
        await chat.presses_data("go:profile")
    alive = ["081-000-0001" in chat.screen.text for chat in chats]
    assert sorted(alive) in ([False, True], [False, False])
    assert len(await rows(house, "SELECT 1 FROM accounts WHERE session IS NOT NULL")) == 1


async def test_two_people_in_one_browser_do_not_mix(house: House) -> None:
    both = await house.somebody()
    await both.logs_in(MALEE.national_id, MALEE.email)
    answer = await both.client.post(f"{house.url}/chat/people")
    assert answer.json() == {"slot": 2}
    shown = len(both.screens)
    assert (await both.post({"press": "go:profile"}, slot=2)).status_code == 200
    await both.hears(shown + 1)
    both.sees("error.login_first")
    assert both.screen["slot"] == 2


async def test_session_of_a_shorter_setting(tmp_path: Path) -> None:
    async with a_house(tmp_path, web_idle_minutes=5) as house:
        malee = await house.somebody()
        await malee.logs_in(MALEE.national_id, MALEE.email)
        house.clock.forward(minutes=6)
        await malee.says("ข้อมูลส่วนตัว")
        malee.sees("session_over")
