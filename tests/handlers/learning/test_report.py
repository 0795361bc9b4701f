"""What a report says, whatever file it is in; and what sending it today would mean."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.text import Texts
from handlers.learning import report
from handlers.learning.rules import Sending
from tests.handlers.learning.reports import COURSE, RUNG, a_line, a_report, nobody_s

TEXTS = Texts()
ODD = st.text(st.characters(), max_size=60)  # lone surrogates, too


def test_the_heading_in_thai_digits() -> None:
    assert report.heading(TEXTS, a_report(a_line(1), nobody_s(2), nobody_s(3))) == (
        "แบบรายงานผลการเรียนรู้ผ่านระบบอิเล็กทรอนิกส์ (e-Learning) ของบุคลากร",
        "รอบที่ ๑/๒๕๖๗ (ตั้งแต่วันที่ ๑ ตุลาคม ๒๕๖๖ ถึงวันที่ ๓๑ มีนาคม ๒๕๖๗)",
        "ตามหนังสือที่ พร ๐๐๒๓.๑/๑๗๒",
        "หน่วยงาน สำนักงานท้องถิ่นจังหวัดแพร่",
        "บุคลากรทั้งหมด ๓ คน ผ่านแล้ว ๑ คน คิดเป็นร้อยละ ๓๓.๓๓",
        "ข้อมูล ณ วันที่ ๑๘ มีนาคม ๒๕๖๗",
    )


def test_a_line_has_the_cells_of_hr_s_own_files() -> None:
    """Names as they were written, days in Buddhist Era."""
    columns = [TEXTS("th", column) for column in report.COLUMNS]
    assert columns == ["ลำดับ", "ชื่อ-สกุล", "ตำแหน่ง", "สังกัด", "ช่องทาง", "หลักสูตร", "วันที่ผ่าน", "ไฟล์"]
    line = a_line(7, channel="Thai MOOC", course="Excel 2019", passed_on=date(2024, 2, 29), file="0007_รุ่ง_1.pdf")
    assert report.cells(line) == (*RUNG, "Thai MOOC", "Excel 2019", "๒๙ กุมภาพันธ์ ๒๕๖๗", "0007_รุ่ง_1.pdf")
    assert report.cells(nobody_s(8)) == (*RUNG, "", "", "", "")


@pytest.mark.parametrize(
    ("sending", "said"),
    [
        (Sending("before", 0, Decimal(0)), "เริ่มส่งรายงานได้วันที่ 1 มีนาคม 2567 ค่ะ"),
        (Sending("open", 0, Decimal(0)), "หากส่งวันนี้ ไม่ถูกหักคะแนนค่ะ กำหนดส่งภายในวันที่ 15 มีนาคม 2567"),
        (
            Sending("late", 2, Decimal("0.50")),
            "หากส่งวันนี้ ถูกหัก 0.50 คะแนน (ล่าช้า 2 วันทำการ) ค่ะ หลังวันที่ 21 มีนาคม 2567 จะไม่นับรายงานนี้",
        ),
        (Sending("over", 5, None), "เลยวันที่ 21 มีนาคม 2567 แล้ว รายงานนี้ไม่นับคะแนนค่ะ"),
    ],
)
def test_what_sending_it_today_would_mean(sending: Sending, said: str) -> None:
    assert TEXTS.say("th", report.worth(a_report(sending=sending))) == said


def test_a_cell_is_cut_between_letters_and_says_so() -> None:
    assert report.cell(COURSE) == COURSE
    long = report.cell("ปู่" * 20_000)
    assert len(long) <= report.LONGEST
    assert long.endswith("ปู่…")


@given(ODD)
@example("\ud800\x00\ufffe\uffff\t\r\nน")
def test_whatever_is_written_fits_into_a_cell(text: str) -> None:
    found = report.cell(text)
    found.encode()
    assert len(found) <= report.LONGEST
    assert not set(found) & set("\x00\t\r\n\ufffe\uffff")


@given(st.lists(ODD, min_size=2, max_size=4))
def test_no_two_certificates_share_a_file(names: list[str]) -> None:
    files = [report.file_name(n, name, nth) for n, name in enumerate(names, 1) for nth in (1, 2)]
    assert len({file.casefold() for file in files}) == len(files)
    assert not any("/" in file or "\\" in file or file.startswith(".") for file in files)
