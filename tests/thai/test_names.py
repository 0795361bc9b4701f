"""Titles and names: the same name is seen, different ones are kept apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import thai
from bot.thai import names
from tests.thai.texts import anything, unhurried


@pytest.mark.parametrize(
    ("name", "title", "rest"),
    [
        ("นาย รุ่ง ทดสอบ", "นาย", "รุ่ง ทดสอบ"),
        ("นายรุ่ง ทดสอบ", "นาย", "รุ่ง ทดสอบ"),
        ("นาย รุ่ง", "นาย", "รุ่ง"),
        ("นางสาวปรียา ใจตัวอย่าง", "นางสาว", "ปรียา ใจตัวอย่าง"),
        ("นางสาว ปรียา", "นางสาว", "ปรียา"),
        ("น.ส.ปรียา ใจตัวอย่าง", "น.ส.", "ปรียา ใจตัวอย่าง"),
        ("น.ส. ปรียา", "น.ส.", "ปรียา"),
        ("น. ส. ปรียา", "น.ส.", "ปรียา"),
        ("น.ส ปรียา", "น.ส.", "ปรียา"),
        ("นางสาวิตรี ทดสอบ", "นาง", "สาวิตรี ทดสอบ"),
        ("ว่าที่ ร.ต.หญิง รุ่ง จำลอง", "ว่าที่ ร.ต.หญิง", "รุ่ง จำลอง"),
        ("ว่าที่ร.ต. หญิง รุ่ง จำลอง", "ว่าที่ ร.ต.หญิง", "รุ่ง จำลอง"),
        ("ว่าที่ ร.ต.หญิงรุ่ง จำลอง", "ว่าที่ ร.ต.หญิง", "รุ่ง จำลอง"),
        ("ว่าที่ ร.ต.รุ่ง จำลอง", "ว่าที่ ร.ต.", "รุ่ง จำลอง"),
        ("ว่าที่ ร.ต. หญิง จำลอง", "ว่าที่ ร.ต.", "หญิง จำลอง"),  # somebody called หญิง
        ("ว่าที่ร้อยตรี รุ่ง จำลอง", "ว่าที่ร้อยตรี", "รุ่ง จำลอง"),
        ("ว่าที่ ร้อยตรีหญิงรุ่ง จำลอง", "ว่าที่ร้อยตรีหญิง", "รุ่ง จำลอง"),
        ("ว่าที่ พ.ต.อ. รุ่ง จำลอง", "ว่าที่ พ.ต.อ.", "รุ่ง จำลอง"),
        ("ดร.รุ่ง ทดสอบ", "ดร.", "รุ่ง ทดสอบ"),
        ("ดร รุ่ง ทดสอบ", "ดร.", "รุ่ง ทดสอบ"),
        ("ผศ. ดร. รุ่ง ทดสอบ", "ผศ.ดร.", "รุ่ง ทดสอบ"),
        ("นาย ดร.รุ่ง ทดสอบ", "นาย ดร.", "รุ่ง ทดสอบ"),
        ("ร.ต.อ.หญิง ดร.รุ่ง ทดสอบ", "ร.ต.อ.หญิง ดร.", "รุ่ง ทดสอบ"),
        ("พันตำรวจเอกรุ่ง ทดสอบ", "พันตำรวจเอก", "รุ่ง ทดสอบ"),
        ("พ.อ. (พิเศษ) รุ่ง ทดสอบ", "พ.อ.(พิเศษ)", "รุ่ง ทดสอบ"),
        ("จ.ส.อ.รุ่ง ทดสอบ", "จ.ส.อ.", "รุ่ง ทดสอบ"),
        ("ม.ร.ว.รุ่ง ทดสอบ", "ม.ร.ว.", "รุ่ง ทดสอบ"),
        ("นาย พลเอก ใจดี", "นาย", "พลเอก ใจดี"),
        ("นายแพทย์รุ่ง ทดสอบ", "นายแพทย์", "รุ่ง ทดสอบ"),
        ("คุณ รุ่ง ทดสอบ", "คุณ", "รุ่ง ทดสอบ"),
        ("Mr.Rung Thotsop", "Mr.", "Rung Thotsop"),
        ("mrs Rung Thotsop", "Mrs.", "Rung Thotsop"),
        ("MISS RUNG THOTSOP", "Miss", "RUNG THOTSOP"),
        ("Asst.Prof. Dr. Rung Thotsop", "Asst. Prof. Dr.", "Rung Thotsop"),
        ("Acting Sub Lt. Rung Thotsop", "Acting Sub Lt.", "Rung Thotsop"),
        # names that only begin like a title
        ("นางาม ทดสอบ", "", "นางาม ทดสอบ"),
        ("นายก ทดสอบ", "", "นายก ทดสอบ"),
        ("ดรุณี ทดสอบ", "", "ดรุณี ทดสอบ"),
        ("คุณากร ทดสอบ", "", "คุณากร ทดสอบ"),
        ("คุณธรรม ทดสอบ", "", "คุณธรรม ทดสอบ"),
        ("วันดี ทดสอบ", "", "วันดี ทดสอบ"),
        ("Missy Drew", "", "Missy Drew"),
        ("Drew Missy", "", "Drew Missy"),
        ("นายรุ่ง", "", "นายรุ่ง"),  # glued, and no last name: may well be a name
        ("นางพญา", "", "นางพญา"),
        ("นาย", "", "นาย"),
        ("นาย ", "", "นาย"),
        ("ว่าที่", "", "ว่าที่"),
        ("", "", ""),
        # the documented price
        ("นางพญา ใจดี", "นาง", "พญา ใจดี"),
        ("นางสาวดี ใจดี", "นางสาว", "ดี ใจดี"),
    ],
)
def test_split_title(name: str, title: str, rest: str) -> None:
    assert thai.split_title(name) == (title, rest)


@pytest.mark.parametrize(
    ("typed", "register"),
    [
        ("นาย รุ่ง  ทดสอบ", "รุ่ง ทดสอบ"),
        ("นายรุ่ง ทดสอบ", "นาย รุ่ง ทดสอบ"),
        ("รุ่งทดสอบ", "รุ่ง ทดสอบ"),
        ("น้ํา ทดสอบ", "น้ำ ทดสอบ"),
        ("ว่าที่ ร.ต. รุ่ง จำลอง", "ว่าที่ร้อยตรี รุ่ง จำลอง"),
        ("ดร.รุ่ง ทดสอบ", "ผศ. รุ่ง ทดสอบ"),
        ("รุ่ง ทดสอบ-ตัวอย่าง", "รุ่ง ทดสอบ ตัวอย่าง"),
        ("RUNG O'TEST", "rung o'test"),
        ("Ｒｕｎｇ Ｔｅｓｔ", "Mr. Rung Test"),
        ("นางพญา ใจดี", "นาง นางพญา ใจดี"),
        ("พลเอก ใจดี", "นาย พลเอก ใจดี"),
    ],
)
def test_name_key_sees_the_same_name(typed: str, register: str) -> None:
    assert thai.name_key(typed) == thai.name_key(register)


@pytest.mark.parametrize(
    ("one", "other"),
    [("รุ่ง ทดสอบ", "รุง ทดสอบ"), ("พลเอก ใจดี", "ใจดี"), ("นางาม ทดสอบ", "าม ทดสอบ"), ("ดรุณี ดี", "ุณี ดี"), ("", "ก")],
)
def test_name_key_keeps_different_names_apart(one: str, other: str) -> None:
    assert thai.name_key(one) != thai.name_key(other)


ALL_TITLES = sorted({title.text for group in names._TITLE_TABLE.values() for title in group})


@unhurried
@given(
    st.sampled_from(ALL_TITLES),
    st.booleans(),
    st.sampled_from(["รุ่ง", "มาลี", "สาวิตรี", "อนันต์", "นางพญา", "พลเอก", "ดรุณี", "เอก", "น้ำ", "คุณากร"]),
    st.sampled_from(["ทดสอบ", "ใจตัวอย่าง", "จำลอง ยาว"]),
)
def test_a_title_before_a_name_never_changes_its_key(title: str, acting: bool, first: str, last: str) -> None:
    before = f"ว่าที่ {title}" if acting and title.endswith(("ต.", "ตรี")) else title
    assert thai.name_key(f"{before} {first} {last}") == thai.name_key(f"{first} {last}")


@unhurried
@given(anything)
def test_names_never_fail(text: str) -> None:
    title, rest = thai.split_title(text)
    assert rest or not title
    thai.name_key(text).encode()
