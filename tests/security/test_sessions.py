"""Sessions end when they should, and nothing of the person stays behind (SES1, SES2)."""

import asyncio

import httpx

from tests.cast import MALEE, SOMCHAI
from tests.house import Chat, House


async def history(chat: Chat) -> str:
    """All that a reload of the page would show."""
    lines: list[str] = []
    async with (
        httpx.AsyncClient(cookies=chat.client.cookies, timeout=10) as again,
        again.stream("GET", f"{chat.house.url}/chat/stream") as response,
    ):
        async for line in response.aiter_lines():
            if line == "event: ready":
                break
            lines.append(line)
    return "\n".join(lines)


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
