"""Dates as Thai people write them, and as they are shown."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import thai
from bot.events import Invalid
from tests.thai.texts import code_of, unhurried


@pytest.mark.parametrize(
    "typed",
    [
        "๑ ต.ค. ๒๕๖๑",
        "1/10/61",
        "๑/๑๐/๖๑",
        "1 ตุลาคม พ.ศ. 2561",
        "01-10-2561",
        "1 Oct 2018",
        "2018-10-01",
        "2018-10-01 00:00:00",
        "2018-10-01T00:00:00.000",
        "2561-10-01",
        "2018/10/1",
        "1/10/2561 0:00",
        "1 ต.ค.61",
        "1ต.ค.61",
        "1 ต.ค 61",
        "1 ตค 2561",
        "1 ต. ค. 2561",
        "01102561",
        "01102018",
        "๐๑๑๐๒๕๖๑",
        "วันที่ 1 ตุลาคม 2561",
        "วันจันทร์ที่ ๑ ตุลาคม พ.ศ. ๒๕๖๑",
        "วันที่ 1 เดือน ตุลาคม ปี พ.ศ. 2561",
        "วันที่ 1 เดือน 10 ปี 2561",
        "1 ตุลา 61",
        "1 October 2018",
        "1st of October 2018",
        "October 1, 2018",
        "1-OCT-2018",
        "1 ต.ค. ค.ศ. 2018",
        "1 ตุลาคม 2018",
        "1 Oct 2561 B.E.",
        "1 Oct 2018 AD",
        "1/10/ค.ศ.2018",
        "1.10.2561",
        "1 – 10 – 2561",
        "１/１０/２５６１",
        "\u200b1 ตุลาคม\u00a02561",
    ],
)
def test_one_day_in_many_spellings(typed: str) -> None:
    assert thai.parse_date(typed) == date(2018, 10, 1)


@pytest.mark.parametrize(
    ("typed", "year", "month", "day"),
    [
        ("29 ก.พ. 2567", 2024, 2, 29),  # a leap day in Common Era only
        ("29/2/67", 2024, 2, 29),
        ("29022567", 2024, 2, 29),
        ("5 กุมภาพันธ์ 2528", 1985, 2, 5),
        ("5 กุมภาพันธุ์ 2528", 1985, 2, 5),
        ("5 Feb 18", 1975, 2, 5),  # two digits are always พ.ศ. 25xx
        ("31 กรกฏาคม 2500", 1957, 7, 31),
        ("1 พ.ย. 2400", 1857, 11, 1),
        ("1 พ.ย. 2399", 2399, 11, 1),
        ("1 พ.ย. พ.ศ. 2399", 1856, 11, 1),
        ("1 พ.ย. ค.ศ. 2400", 2400, 11, 1),
        ("1 Dec 2018 CE", 2018, 12, 1),
    ],
)
def test_dates_at_the_edges(typed: str, year: int, month: int, day: int) -> None:
    assert thai.parse_date(typed) == date(year, month, day)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "date_format"),
        ("เมื่อวาน", "date_format"),
        ("2561", "date_format"),
        ("ตุลาคม 2561", "date_format"),
        ("1 ตุลาคม", "date_format"),
        ("1/10/256", "date_format"),
        ("1/10/25611", "date_format"),
        ("001/10/2561", "date_format"),
        ("1/10/2561 ครับ", "date_format"),
        ("1 ตุลาคม ตุลาคม 2561", "date_format"),
        ("1 10 ต.ค.", "date_format"),
        ("ต.ค. ต.ค. 2561", "date_format"),
        ("1 ต.ค. ค.ศ. 18", "date_format"),
        ("081-000-0000", "date_format"),
        ("123456", "date_format"),
        ("²/10/2561", "date_format"),
        ("1/" * 500, "date_format"),
        ("31 ก.พ. 2561", "date_impossible"),
        ("29 ก.พ. 2566", "date_impossible"),
        ("10/13/2561", "date_impossible"),
        ("0/0/2505", "date_impossible"),
        ("20181001", "date_impossible"),  # eight digits are day, month, year: nothing is tried until it fits
        ("1/1/0000", "date_impossible"),
        ("1 ม.ค. พ.ศ. 0543", "date_impossible"),
    ],
)
def test_what_is_no_date(typed: str, code: str) -> None:
    assert code_of(lambda: thai.parse_date(typed)) == code


@unhurried
@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_dates_come_back_from_every_way_they_are_written(day: date) -> None:
    be = day.year + 543
    short = thai.MONTHS_TH_SHORT[day.month - 1]
    written = [
        thai.format_date(day, "th"),
        thai.thai_digits(thai.format_date(day, "th")),
        thai.format_date(day, "en"),
        f"{day.day} {short} {be}",
        f"{day.day}/{day.month}/{be}",
        f"{day:%d%m}{be}",
        f"{day.day}{short}พ.ศ.{be}",
        day.isoformat(),
    ]
    if 2500 <= be < 2600:
        written += [f"{day.day}/{day.month}/{be % 100:02}", f"{day.day} {short}{be % 100:02}"]
    assert {thai.parse_date(text) for text in written} == {day}


def test_birth_date_has_bounds() -> None:
    today = date(2024, 2, 29)
    assert thai.birth_date("1 มี.ค. 2551", date(2023, 3, 1)) == date(2008, 3, 1)
    assert thai.birth_date("29 ก.พ. 2551", date(2023, 3, 1)) == date(2008, 2, 29)
    assert thai.birth_date("1/3/2456", today) == date(1913, 3, 1)
    for typed in ("1 มี.ค. 2552", "28 ก.พ. 2456", "1/3/2568", "1/1/99"):
        with pytest.raises(Invalid, match="birth_date_range") as refused:
            thai.birth_date(typed, today)
        assert refused.value.params == {"youngest": 15, "oldest": 110}
    assert thai.birth_date("1 มี.ค. 2552", today, youngest=14) == date(2009, 3, 1)
    assert code_of(lambda: thai.birth_date("31/2/2528", today)) == "date_impossible"


def test_dates_and_times_are_shown_in_words() -> None:
    assert thai.format_date(date(2018, 10, 1), "th") == "1 ตุลาคม 2561"
    assert thai.format_date(date(2018, 10, 1), "en") == "1 October 2018"
    moment = datetime(2018, 10, 1, 14, 5, 59)  # noqa: DTZ001 - shown as it is
    assert thai.format_time(moment, "th") == "14:05 น."
    assert thai.format_time(moment, "en") == "14:05"
