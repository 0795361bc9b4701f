"""What is read off certificates: right, or for somebody to confirm, and never wrong for certain."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import thai
from bot.papers.shapes import Text
from handlers.learning.reading import Found, Holder, Read, read
from handlers.learning.rounds import LOCAL_MOOC, OCSC, ROUND_1_2567, THAI_MOOC

TODAY = date(2024, 3, 31)
SOMCHAI = "นายสมชาย ทดสอบ"
COURSE = "การอยู่ร่วมกับตัวอย่างอย่างมีความสุข"


def found(
    *lines: str, owner: tuple[str, ...] = (SOMCHAI,), courses: tuple[str, ...] = (), today: date = TODAY, **more: Any
) -> Found:
    return read(Text(lines, **more), owner, ROUND_1_2567, today, courses)


# --- whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        ("ให้ไว้เพื่อแสดงว่า", "นายสมชาย ทดสอบ", "ได้ผ่านการเรียน"),
        ("ขอมอบประกาศนียบัตรฉบับนี้ให้แก่", "สมชาย ทดสอบ"),
        ("ขอรับรองว่า นาย สมชาย  ทดสอบ ได้ผ่านการฝึกอบรมหลักสูตร",),
        ("มอบให้ไว้เพื่อแสดงว่า", "นายสมชาย", "ทดสอบ", "ตำแหน่ง นักทรัพยากรบุคคล"),
        ("ประกาศนียบัตร", "สมชาย ทดสอบ", "ผ่านการอบรม"),
        ("ชื่อ-สกุล: นายสมชาย ทดสอบ",),
    ],
)
def test_the_owners_name(lines: tuple[str, ...]) -> None:
    name = found(*lines).name
    assert (name.verdict, name.sure) == ("same", "certain")


@pytest.mark.parametrize(
    "lines",
    [
        ("แสดงวา", "นายสมชาย ทดสอบ ณ", "ได้ผ่านการเรียน"),
        ("ให้ไว้เพื่อแสดงว่า", "นายสมชาย ทดสบ", "ได้ผ่านการเรียน"),
        ("ในนามของ นายสมชาย ทดสอบ และคณะ",),
    ],
)
def test_what_is_perhaps_the_owners_name(lines: tuple[str, ...]) -> None:
    assert found(*lines).name.sure != "certain"


def test_marks_that_were_lost_are_no_other_name() -> None:
    name = found("แสดงวา", "นางสาวฐตรตน ปมปยใจสมมต", owner=("นางสาวฐิติรัตน์ ปุ้มปุ้ยใจสมมติ",)).name
    assert (name.verdict, name.sure) == ("same", "proposed")


@pytest.mark.parametrize("other", ["นางมาลี ตัวอย่าง", "นายสมชัย ทดสอบ", "นายสมชาย ทดลอง"])
def test_somebody_elses(other: str) -> None:
    assert found("ฉบับนี้ให้ไว้เพื่อแสดงว่า", other, "ได้ผ่านการเรียน").name == Holder("different", "proposed", other)


def test_nobody_is_called_somebody_else_where_marks_were_lost() -> None:
    assert found("ฉบบนใหไวเพอแสดงวา", "นางมาล ตวอยาง", "ไดผานการเรยน").name == Holder()


def test_who_signed_it_does_not_hold_it() -> None:
    assert found("ประกาศนียบัตร", "(นายสมชาย ทดสอบ)", "อธิบดี").name == Holder()
    name = found("ฉบับนี้ให้ไว้เพื่อแสดงว่า", "นางมาลี ตัวอย่าง", "(นายสมชาย ทดสอบ)").name
    assert name.verdict == "different"


def test_a_former_name() -> None:
    name = found("แสดงว่า", "สมชาย เดิมชื่อ", owner=(SOMCHAI, "นายสมชาย เดิมชื่อ")).name
    assert (name.verdict, name.sure) == ("same", "certain")


def test_a_name_in_letters_that_the_roster_does_not_have() -> None:
    assert found("This is to certify that", "Mr. Somchai Thotsop", "has completed").name == Holder()
    both = (SOMCHAI, "Somchai Thotsop")
    assert found("This is to certify that", "MR. SOMCHAI THOTSOP", owner=both).name.sure == "certain"


def test_nobody_is_found_where_there_is_nobody() -> None:
    assert found().name == Holder()
    assert found("แสดงว่า", "นาย ก ข", owner=("",)).name.verdict is None


# --- of which course --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "course"),
    [
        ((f"ได้ผ่านการเรียนหลักสูตร {COURSE}", "จำนวน 3 ชั่วโมง"), COURSE),
        (("ได้ผ่านการเรียนรู้หลักสูตร", COURSE, "ให้ไว้ ณ วันที่ 15 มีนาคม 2567"), COURSE),
        ((f"ได้ผ่านเกณฑ์การประเมินผลในรายวิชา “{COURSE}” ของสถาบัน",), COURSE),
        (("ได้ผ่านการอบรมออนไลน์", "หลักสูตร การอยู่ร่วมกับตัวอย่าง", "อย่างมีความสุข", "ระหว่างวันที่ 1 - 5 มกราคม 2567"), COURSE),
        ((f"ผ่านการฝึกอบรม {COURSE} เมื่อวันที่ 15 มีนาคม 2567",), COURSE),
        ((f"หลักสูตร: {COURSE}",), COURSE),
        ((f"ไดผานการเรยนหลกสตร {COURSE}", "จานวน 3 ชวโมง"), COURSE),
        (("has successfully completed the course", "Invented Data 101", "on 15 March 2024"), "Invented Data 101"),
        (
            (
                "has completed an online course entitled “Invented",
                "Data 101” offered by",
            ),
            "Invented Data 101",
        ),
        (("for completing", "Invented Data", "Issued on March 15, 2024"), "Invented Data"),
        (("Course name: Invented Data", "Issue date: 2024-03-15"), "Invented Data"),
    ],
)
def test_the_course(lines: tuple[str, ...], course: str) -> None:
    assert found(*lines).course == Read(course, "proposed")
    assert found(*lines, courses=(course, "อื่น ๆ")).course == Read(course, "certain")


def test_marks_come_back_from_the_names_that_are_known() -> None:
    course = found("ได้ผ่านการเรียนหลักสูตร การอยรวมกบตวอยางอยางมความสข", courses=(COURSE,)).course
    assert course == Read(COURSE, "proposed")


def test_two_courses_with_the_same_large_letters_are_not_told_apart() -> None:
    course = found("หลักสูตร การอบรมพี่เลยง", courses=("การอบรมพี่เลี้ยง", "การอบรมพาเลยง")).course
    assert course == Read("การอบรมพี่เลยง", "proposed")


def test_where_a_name_may_go_on_it_is_not_certain() -> None:
    lines = ("ได้ผ่านการเรียนหลักสูตร การบริหารตัวอย่าง", "จัดโดยคนเดียว")
    assert found(*lines, courses=("การบริหารตัวอย่าง",)).course == Read("การบริหารตัวอย่าง", "proposed")


def test_a_known_name_that_stands_anywhere() -> None:
    assert found("ประกาศนียบัตร", COURSE, courses=(COURSE,)).course == Read(COURSE, "proposed")
    assert found("ประกาศนียบัตร", COURSE).course == Read()


# --- when -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "day", "sure"),
    [
        (("ให้ไว้ ณ วันที่ ๑๕ มีนาคม พ.ศ. ๒๕๖๗",), date(2024, 3, 15), "certain"),
        (("ให้ไว้ ณ วันที่ 15 ม.ค. 2567",), date(2024, 1, 15), "certain"),
        (("ใหไว ณ วนท 15 ม.ค. 2567",), date(2024, 1, 15), "proposed"),  # or March
        (("เกิดวันที่ 1 ม.ค. 2530", "ให้ไว้ ณ วันที่ 15 มีนาคม 2567", "พิมพ์เมื่อ 20 มีนาคม 2567"), date(2024, 3, 15), "certain"),
        (("อบรมระหว่างวันที่ 1 ถึง 7 มกราคม 2567", "ให้ไว้ ณ วันที่ 15 มีนาคม 2567"), date(2024, 1, 7), "proposed"),
        (("เรียนระหว่าง 1 ม.ค. 2567 - 31 มี.ค. 2567", "ให้ไว้ ณ วันที่ 15 มีนาคม 2567"), date(2024, 3, 15), "proposed"),
        (("ให้ไว้ ณ วันที่ 15 มีนาคม 2567", "ให้ไว้ ณ วันที่ 16 มีนาคม 2567"), date(2024, 3, 16), "proposed"),
        (("15 มีนาคม 2567",), date(2024, 3, 15), "proposed"),
        (("15 มีนาคม 2567", "16 มีนาคม 2567"), None, "none"),
        (("ให้ไว้ ณ วันที่ 15 มีนาคม 2568",), None, "none"),  # is still to come
        (("ให้ไว้ ณ วันที่ 15 มีนาคม 2467",), None, "none"),
        (("เกิดวันที่ 15 มีนาคม 2560",), None, "none"),
    ],
)
def test_the_day(lines: tuple[str, ...], day: date | None, sure: str) -> None:
    assert found(*lines).passed_on == Read(day, sure)  # type: ignore[arg-type]


# --- by which channel -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "more", "channel", "sure"),
    [
        (("Thai MOOC",), {}, THAI_MOOC, "certain"),
        (("OCSC Learning Portal", "สำนักงาน ก.พ."), {}, OCSC, "certain"),
        (("LOCAL MOOC",), {}, LOCAL_MOOC, "certain"),
        (("ตรวจสอบที่ lms.thaimooc.org/c/1",), {}, THAI_MOOC, "certain"),
        ((), {"codes": ("https://learningportal.ocsc.go.th/c?id=1",)}, OCSC, "certain"),
        ((), {"links": ("https://www.localmooc.com/verify/1",)}, LOCAL_MOOC, "certain"),
        ((), {"codes": ("HTTPS://LMS.THAIMOOC.ORG/C/1",), "read": True}, THAI_MOOC, "certain"),
        (("Thai MOOC",), {"read": True}, THAI_MOOC, "proposed"),
        (("สำนักงาน ก.พ.",), {}, OCSC, "proposed"),
        (("กรมส่งเสรมการปกครองทองถน",), {}, LOCAL_MOOC, "proposed"),
        (("Thai MOOC", "กรมส่งเสริมการปกครองท้องถิ่น"), {}, THAI_MOOC, "proposed"),
        (("Thai MOOC", "Local MOOC"), {}, None, "none"),
        (("Thai MOOC",), {"codes": ("https://www.localmooc.com/1",)}, LOCAL_MOOC, "proposed"),
        (
            (),
            {"codes": ("https://thaimooc.org.example.com/1", "https://notthaimooc.org", "http://[", "x:y")},
            None,
            "none",
        ),
        ((), {"codes": ("javascript://thaimooc.org/%0aalert(1)", "https://thaimooc.org@example.com/")}, None, "none"),
        (("someone@thaimooc.org",), {}, None, "none"),
        (("thaimooc.org.example.com",), {}, None, "none"),
    ],
)
def test_the_channel(lines: tuple[str, ...], more: dict[str, Any], channel: str | None, sure: str) -> None:
    assert found(*lines, **more).channel == Read(channel, sure)  # type: ignore[arg-type]


# --- whatever stands there --------------------------------------------------------------------------------------------


def test_of_a_picture_only_what_cannot_be_otherwise_is_certain() -> None:
    seen = found(
        "ฉบับนี้ให้ไว้เพื่อแสดงว่า",
        SOMCHAI,
        f"ได้ผ่านการเรียนหลักสูตร {COURSE}",
        "ให้ไว้ ณ วันที่ 15 มีนาคม 2567",
        courses=(COURSE,),
        read=True,
    )
    assert (seen.name.sure, seen.course.sure, seen.passed_on.sure) == ("certain", "proposed", "proposed")
    assert found("ฉบับนี้ให้ไว้เพื่อแสดงว่า", "นายสมซาย กดสอบ", read=True).name.verdict != "different"
    guessed = found("แสดงว่า", "ฐิติรัตน์ ปุ่มปุ๋ยใจสมมติ", owner=("ฐิติรัตน์ ปุ้มปุ้ยใจสมมติ",), read=True).name
    assert (guessed.verdict, guessed.sure) == ("same", "proposed")


_PIECES = st.sampled_from(
    (
        *("ให้ไว้ ณ วันที่", "15 มีนาคม 2567", "๑ ม.ค. ๒๕๖๗", "31/02/2567", "ระหว่างวันที่", "ถึง", "-", "พ.ศ.", "พิมพ์เมื่อ"),
        *("แสดงว่า", SOMCHAI, "นางมาลี ตัวอย่าง", "(", ")", "“", "”", "ได้ผ่านการเรียน", "หลักสูตร", COURSE, "จำนวน 3", "\n"),
        *("from", "to", "March 5, 2024", "has completed", "the course", "Thai MOOC", "localmooc.com"),
    )
)
_ANYTHING = st.lists(st.one_of(_PIECES, st.text(max_size=12)), max_size=25).map(" ".join)


@given(_ANYTHING, st.lists(st.text(max_size=30), max_size=3), st.booleans())
def test_nothing_raises_and_what_is_certain_stands_there(text: str, codes: list[str], seen: bool) -> None:
    lines = tuple(text.split("\n"))
    read_off = found(*lines, courses=(COURSE,), codes=tuple(codes), read=seen)
    whole = thai.words_key(text)
    if read_off.name.sure == "certain":
        assert thai.name_key(SOMCHAI) in thai.words_key(text.replace("\n", ""))
    if read_off.course.sure == "certain":
        assert thai.words_key(read_off.course.value or "") in whole
    if read_off.passed_on.sure == "certain":
        day = read_off.passed_on.value
        assert day is not None
        assert day <= TODAY
        assert str(day.day) in thai.ascii_digits(text)
        assert str(day.year) in thai.ascii_digits(text) or str(day.year + 543) in thai.ascii_digits(text)
    if read_off.channel.sure == "certain":
        assert any(word in whole for word in ("thaimooc", "localmooc", "ocsc")) or codes


@pytest.mark.parametrize(
    "much", ["แสดงว่า ", "ได้ผ่านการเรียนหลักสูตร ", "15 มีนาคม 2567 - ", "(", "“", "ก", " ", "a.", "1/", "ถ"]
)
def test_much_of_the_same_takes_no_time_to_speak_of(much: str) -> None:
    found(*[(much * 300)[:300]] * 200, courses=(COURSE,))
