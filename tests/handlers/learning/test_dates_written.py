"""Dates on certificates, as people and their programs write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.thai import MONTHS_TH, MONTHS_TH_SHORT, thai_digits
from handlers.learning.dates_written import Dated, dates, spelt_well

THE_15TH = date(2024, 3, 15)


def one(text: str, keeps_marks: bool = True) -> Dated:
    (found,) = dates(text, keeps_marks=keeps_marks)
    return found


@pytest.mark.parametrize(
    "written",
    [
        "ให้ไว้ ณ วันที่ ๑๕ มีนาคม พ.ศ. ๒๕๖๗",
        "ให้ไว้ ณ วันที่ 15 มีนาคม 2567",
        "ให้ไว้ ณ วันที่ ๑๕ เดือน มีนาคม พุทธศักราช ๒๕๖๗",
        "ใหไว ณ วันที ๑๕ มนาคม พ.ศ. ๒๕๖๗",  # what is left where marks are lost
        "ให ไว ณ ว นท 15 ม นาคม 2567",
        "ออกให้ ณ วันที่ 15 มี.ค. 2567",
        "ให้ไว้เมื่อ 15 มี.ค.2567",
        "ออกให้เมื่อวันที่ 15 มีนาคม ค.ศ. 2024",
        "วันที่ออกประกาศนียบัตร 15/03/2567",
        "วันที่ออก: 15-3-2567",
        "Issued on 15 March 2024",
        "ISSUED ON 15 MARCH 2024",
        "Issued on March 15, 2024",
        "Given on 15th March 2024",
        "Given this 15th of March, 2024",
        "Date of Issue: 15 Mar 2024",
        "Dated 15 Mar. 2024",
        "Issue date: 2024-03-15",
        "ให้ไว้ ณ\nวันที่ 15 มีนาคม 2567",
    ],
)
def test_the_day_on_which_it_was_issued(written: str) -> None:
    assert one(written) == Dated(THE_15TH, "issued", clear=True)


@pytest.mark.parametrize(
    "written",
    [
        "ผ่านเมื่อ 15 มีนาคม 2567",
        "สำเร็จเมื่อวันที่ ๑๕ มีนาคม ๒๕๖๗",
        "ได้ผ่านการอบรมเมื่อวันที่ 15 มี.ค. 2567",
        "วันที่เรียนจบ 15/3/2567",
        "Completed on 15 March 2024",
        "Completion date: March 15, 2024",
        "Date of completion 15 March 2024",
    ],
)
def test_the_day_on_which_it_was_passed(written: str) -> None:
    assert one(written) == Dated(THE_15TH, "passed", clear=True)


@pytest.mark.parametrize(
    "written",
    [
        "อบรมระหว่างวันที่ 1 กุมภาพันธ์ ถึง 15 มีนาคม 2567",
        "อบรมระหว่างวันที่ 1 กุมภาพันธ์ 2567 ถึงวันที่ 15 มีนาคม 2567",
        "ระหวางวนท ๑ กมภาพนธ ๒๕๖๗ ถง ๑๕ มนาคม ๒๕๖๗",
        "ระหว่างวันที่ 13 - 15 มีนาคม พ.ศ. 2567",
        "ระหว่างวันที่ ๑๓–๑๕ มีนาคม ๒๕๖๗",
        "ตั้งแต่วันที่ 1 ธ.ค. 2566 - 15 มี.ค. 2567",
        "from 1 February 2024 to 15 March 2024",
        "between 1 February and 15 March 2024",
        "Held from February 1, 2024 until March 15, 2024",
        "13 มีนาคม 2567 - 15 มีนาคม 2567",
    ],
)
def test_the_end_of_a_range(written: str) -> None:
    found = dates(written, keeps_marks=True)
    assert found[-1] == Dated(THE_15TH, "end", clear=True)
    assert all(before.kind == "other" for before in found[:-1])


@pytest.mark.parametrize(
    "written",
    [
        "พิมพ์เมื่อ 15 มีนาคม 2567",
        "วันที่พิมพ์ 15/03/2567",
        "ดาวน์โหลดเมื่อวันที่ 15 มีนาคม 2567",
        "เกิดวันที่ 15 มีนาคม 2527",
        "เกิดเมื่อวันที่ ๑๕ มีนาคม ๒๕๒๗",
        "ตามคำสั่งที่ 1/2567 ลงวันที่ 15 มีนาคม 2567",
        "ลงทะเบียนเมื่อวันที่ 15 มีนาคม 2567",
        "ใช้ได้ถึงวันที่ 15 มีนาคม 2570",
        "หมดอายุ 15 มีนาคม 2570",
        "Date of birth: 15 March 1984",
        "Printed on 15 March 2024",
        "Valid until 15 March 2027",
        "Enrolled 15 March 2024",
    ],
)
def test_days_that_are_there_for_something_else(written: str) -> None:
    assert one(written).kind == "other"


@pytest.mark.parametrize("written", ["15 มีนาคม 2567", "วันที่ 15 มีนาคม 2567", "Date: 15 March 2024", "15.03.2567"])
def test_days_of_which_nothing_says_what_for(written: str) -> None:
    assert one(written) == Dated(THE_15TH, "plain", clear=True)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("ให้ไว้ ณ วันที่ 15 มี.ค. 67", THE_15TH),
        ("Issued on 03/04/2024", date(2024, 4, 3)),
        ("Issued on 03/15/2024", THE_15TH),
        ("Issued on 15 Mar 24", THE_15TH),
    ],
)
def test_days_that_could_be_others(written: str, day: date) -> None:
    assert (one(written).day, one(written).clear) == (day, False)


def test_march_without_its_mark_is_january() -> None:
    assert one("ให้ไว้ ณ วันที่ 5 ม.ค. 2567") == Dated(date(2024, 1, 5), "issued", clear=True)
    assert not one("ใหไว ณ วนท 5 ม.ค. 2567", keeps_marks=False).clear


@pytest.mark.parametrize(
    "written",
    ["", "31 กุมภาพันธ์ 2567", "ข้อ 3/2567", "โทร 02-345-6789", "1 มกราคม", "99/99/2567", "รุ่นที่ 15 มี 2567", "10.20.30.40"],
)
def test_what_is_no_day(written: str) -> None:
    assert dates(written, keeps_marks=True) == []


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.booleans(), st.booleans())
def test_every_day_comes_back(day: date, thai: bool, short: bool) -> None:
    months = MONTHS_TH_SHORT if short else MONTHS_TH
    written = f"{day.day} {months[day.month - 1]} {day.year + 543}"
    assert one(thai_digits(written) if thai else written).day == day


def test_whether_marks_were_kept() -> None:
    assert spelt_well("ให้ไว้ ณ วันที่ 5", ("วันที่",))
    assert not spelt_well("ให้ไว้ ณ วันที่ 5 และ วันท 6", ("วันที่",))
    assert not spelt_well("", ("วันที่",))
