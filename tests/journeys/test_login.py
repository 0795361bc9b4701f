"""Logging in with a code from the mailbox on record (letters นร ๑๐๑๓.๓/๒๑๖, มท ๐๔๐๒.๕/ว ๓๕๗๘)."""

from tests.cast import SOMCHAI
from tests.house import House


async def test_somchai_logs_in(house: House) -> None:
    somchai = await house.somebody()
    assert "ยินดีให้บริการ" in somchai.screen.text
    await somchai.presses("เข้าสู่ระบบ / เพิ่มอีเมล")
    assert "รับทราบ" in somchai.screen.labels
    await somchai.presses("รับทราบ")
    assert "13 หลัก" in somchai.screen.text
    await somchai.says("๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓")
    assert "ส่งรหัสผ่านไปยัง email XXXchai.t@example.go.th เรียบร้อยแล้ว" in somchai.screen.text
    code = await house.code_for(SOMCHAI.email)
    wrong = "000000" if code != "000000" else "111111"
    assert "เหลือ 4 ครั้ง" in (await somchai.says(wrong)).text
    await somchai.says(code)
    assert somchai.screen.labels[:2] == ["ข้าราชการ", "กลุ่มข้าราชการใหม่"]
    await somchai.presses("ข้าราชการ")
    assert "นายสมชาย ทดสอบ" in somchai.screen.text
    assert "ข้อมูลส่วนตัว" in somchai.screen.labels
