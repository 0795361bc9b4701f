"""The sample papers as an office's printer would make them: PDFs with text in them. Used by `make_papers.py`.

They follow the layout of the real forms from afar, and no further: no emblem, no seal, “ตัวอย่าง SPECIMEN” across each
page, invented people with IDs that begin 1-9999. Needs the development tools (`make setup .venv/.dev`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import fontpkg_sarabun
from fpdf import FPDF

from samples.people import dashed, national_id

SOMCHAI, FATHER, MOTHER, WIFE, CHILD = (dashed(national_id(serial)) for serial in (1, 901, 902, 903, 904))
MADE = datetime(2026, 1, 5, tzinfo=UTC)  # a fixed day: the same file every time
A4 = (595.28, 841.89)
CARD = (242.65, 153.0)  # 85.6 × 53.98 mm, ISO/IEC 7810 ID-1

Row = tuple[str, str]


@dataclass(frozen=True)
class Form:
    """`rows`: label and value, one a line; `pages`: as many pages as there are groups of rows."""

    title: str
    pages: tuple[tuple[Row, ...], ...]
    size: tuple[float, float] = A4
    portrait: bool = False  # a picture of the holder, drawn as an outline


_COURSES = (
    ("ร.101 หลักการบริหารทั่วไป", "3 หน่วยกิต  A"),
    ("ร.102 ภาษาไทยเพื่อการสื่อสาร", "3 หน่วยกิต  B+"),
    ("ส.201 สถิติเบื้องต้น", "3 หน่วยกิต  B"),
    ("ร.205 ระเบียบงานสารบรรณ", "2 หน่วยกิต  A"),
    ("ค.110 Computer Literacy", "3 หน่วยกิต  A"),
)

FORMS: Mapping[str, Form] = {
    "id_card": Form(
        "บัตรประจำตัวประชาชน (ตัวอย่าง)",
        (
            (
                ("เลขประจำตัว", SOMCHAI),
                ("ชื่อตัวและชื่อสกุล", "นายสมชาย ทดสอบ"),
                ("Name", "Mr. Somchai Thotsop"),
                ("เกิดวันที่", "5 ก.พ. 2527"),
                ("ศาสนา", "พุทธ"),
                ("ที่อยู่", "1 ม.1 ต.ลองดู จ.สมมติ"),
            ),
        ),
        CARD,
        portrait=True,
    ),
    "id_card_back": Form(
        "บัตรประจำตัวประชาชน ด้านหลัง (ตัวอย่าง)",
        (
            (
                ("Laser Code", "JT1-0000001-01"),
                ("วันออกบัตร", "5 ก.พ. 2566"),
                ("วันบัตรหมดอายุ", "4 ก.พ. 2575"),
                ("หมายเหตุ", "บัตรนี้ไม่มีจริง"),
            ),
        ),
        CARD,
    ),
    "mother_card": Form(
        "บัตรประจำตัวประชาชน (ตัวอย่าง)",
        (
            (
                ("เลขประจำตัว", MOTHER),
                ("ชื่อตัวและชื่อสกุล", "นางสมพร ทดสอบ"),
                ("Name", "Mrs. Somphon Thotsop"),
                ("เกิดวันที่", "๑๙ ก.ย. ๒๕๐๒"),
                ("ศาสนา", "พุทธ"),
                ("ที่อยู่", "1 ม.1 ต.ลองดู จ.สมมติ"),
            ),
        ),
        CARD,
        portrait=True,
    ),
    "house_registration": Form(
        "ทะเบียนบ้าน (ตัวอย่าง)",
        (
            (
                ("เลขรหัสประจำบ้าน", "9999-000001-3"),
                ("รายการที่อยู่", "1 หมู่ 1 ตำบลลองดู อำเภอเมืองสมมติ จังหวัดสมมติ"),
                ("เจ้าบ้าน", f"นายสมหมาย ทดสอบ  {FATHER}"),
                ("ผู้อาศัย", f"นายสมชาย ทดสอบ  {SOMCHAI}"),
                ("มารดาชื่อ", f"สมพร  {MOTHER}"),
                ("บิดาชื่อ", f"สมหมาย  {FATHER}"),
                ("เข้ามาอยู่ในบ้านนี้เมื่อ", "๕ กุมภาพันธ์ ๒๕๒๗"),
            ),
        ),
    ),
    "degree": Form(
        "ปริญญาบัตร มหาวิทยาลัยตัวอย่าง",
        (
            (
                ("ให้ปริญญาบัตรนี้ไว้แก่", "นายสมชาย ทดสอบ"),
                ("สำเร็จการศึกษา", "รัฐศาสตรบัณฑิต เกียรตินิยมอันดับสอง"),
                ("ให้ไว้ ณ วันที่", "๓๐ เมษายน พุทธศักราช ๒๕๔๙"),
            ),
        ),
        (A4[1], A4[0]),
    ),
    "transcript": Form(
        "ใบแสดงผลการศึกษา มหาวิทยาลัยตัวอย่าง",
        (
            (("ชื่อ Name", "นายสมชาย ทดสอบ  Mr. Somchai Thotsop"), ("รหัสนักศึกษา", "0000000001"), *_COURSES),
            (*_COURSES[::-1], ("คะแนนเฉลี่ยสะสม GPAX", "3.42")),
        ),
    ),
    "death_certificate": Form(
        "มรณบัตร (ตัวอย่าง)",
        (
            (
                ("ชื่อผู้ตาย", "นายสมหมาย ทดสอบ"),
                ("เลขประจำตัวประชาชน", FATHER),
                ("ตายเมื่อวันที่", "๑๒ มีนาคม ๒๕๖๑ เวลา ๐๔.๓๐ น."),
                ("ผู้แจ้งการตาย", f"นายสมชาย ทดสอบ  {SOMCHAI}  เกี่ยวข้องเป็น บุตร"),
            ),
        ),
    ),
    "marriage_certificate": Form(
        "ใบสำคัญการสมรส (ตัวอย่าง)",
        (
            (
                ("ทะเบียนเลขที่", "99/9999"),
                ("ฝ่ายชาย", f"นายสมชาย ทดสอบ  {SOMCHAI}"),
                ("ฝ่ายหญิง", f"นางสาวสาวิตรี สมมติ  {WIFE}"),
                ("จดทะเบียนเมื่อวันที่", "14 กุมภาพันธ์ 2555"),
            ),
        ),
    ),
    "military": Form(
        "ใบสำคัญทหารกองเกิน แบบ สด.๙ (ตัวอย่าง)",
        (
            (
                ("ชื่อ", "นายสมชาย ทดสอบ"),
                ("เลขประจำตัวประชาชน", SOMCHAI),
                ("เกิด พ.ศ.", "๒๕๒๗"),
                ("ภูมิลำเนาทหาร", "อำเภอเมืองสมมติ จังหวัดสมมติ"),
            ),
        ),
    ),
    "birth_certificate": Form(
        "สูติบัตร (ตัวอย่าง)",
        (
            (
                ("ชื่อเด็ก", "ด.ช.สมปอง ทดสอบ"),
                ("เลขประจำตัวประชาชน", CHILD),
                ("เกิดเมื่อวันที่", "๙ กันยายน ๒๕๕๗ เวลา ๐๙.๐๙ น."),
                ("มารดา", f"นางสาวิตรี ทดสอบ  {WIFE}"),
                ("บิดา", f"นายสมชาย ทดสอบ  {SOMCHAI}"),
            ),
        ),
    ),
    "service_record": Form(
        "แฟ้มประวัติข้าราชการ (แบบ ก.พ.๗ ตัวอย่าง)",
        (
            (
                ("ชื่อ", f"นายสมชาย ทดสอบ  {SOMCHAI}"),
                ("วันบรรจุ", "๑ มิถุนายน ๒๕๕๐"),
                ("ตำแหน่ง", "นักวิเคราะห์นโยบายและแผนชำนาญการ"),
                ("สังกัด", "กองแผนงานตัวอย่าง กรมตัวอย่าง กระทรวงสมมติ"),
            ),
            (
                ("๑ มิ.ย. ๒๕๕๐", "บรรจุ ระดับปฏิบัติการ อัตรา ๗,๙๔๐ บาท"),
                ("๑ ต.ค. ๒๕๕๖", "เลื่อน ระดับชำนาญการ อัตรา ๒๒,๒๒๐ บาท"),
                ("๑ เม.ย. ๒๕๖๗", "เลื่อนเงินเดือน อัตรา ๔๙,๔๘๐ บาท"),
            ),
        ),
    ),
}


# By which มาลี acts for HR in the demo (`kp7 officer add --order-file`).
ORDER = Form(
    "คำสั่งกรมตัวอย่าง ที่ 1/2569 (ตัวอย่าง)",
    (
        (
            ("เรื่อง", "มอบหมายเจ้าหน้าที่ตรวจเอกสารทะเบียนประวัติ"),
            ("ผู้ได้รับมอบหมาย", "นางมาลี ตัวอย่าง"),
            ("ขอบเขต", "กรมตัวอย่าง และหน่วยงานในสังกัด"),
            ("สั่ง ณ วันที่", "5 มกราคม พ.ศ. 2569"),
            ("ลงนาม", "นายหัวหน้า ส่วนราชการ"),
            ("หมายเหตุ", "จะมอบหมายช่วงต่อไปไม่ได้"),
        ),
    ),
)


def drawn(form: Form) -> bytes:
    """→ the PDF, with text in it."""
    pdf = FPDF(unit="pt", format=form.size)
    pdf.set_creation_date(MADE)
    pdf.set_auto_page_break(False)
    for style, weight in (("", "Regular"), ("B", "Bold")):
        pdf.add_font("Sarabun", style, str(fontpkg_sarabun.ROOT / "files" / f"Sarabun-{weight}.ttf"))
    pdf.set_text_shaping(True)
    pdf.c_margin = 0
    width, height = form.size
    unit = min(width, height) / 595.28 * (2.2 if form.size == CARD else 1.0)
    card = form.size == CARD

    def write(x: float, y: float, words: str) -> None:
        pdf.set_xy(x * unit, (y - 16) * unit)
        pdf.cell(text=words)  # unlike `text`, it is shaped

    for rows in form.pages:
        pdf.add_page()
        pdf.set_text_color(205)
        pdf.set_font("Sarabun", "B", (36 if card else 60) * unit)
        with pdf.rotation(35, width / 2, height / 2):
            pdf.set_xy(0, height / 2 - 20 * unit)
            pdf.cell(w=width, text="ตัวอย่าง SPECIMEN", align="C")
        pdf.set_text_color(20)
        pdf.set_font("Sarabun", "B", (18 if card else 22) * unit)
        write(40, 52, form.title)
        for number, (label, value) in enumerate(rows):
            y = 96 + 26 * number if card else 110 + 34 * number
            pdf.set_font("Sarabun", "", (10 if card else 12) * unit)
            write(40, y, label)
            pdf.set_font("Sarabun", "B", (11 if card else 14) * unit)
            write(130 if card else 230, y, value)
        if form.portrait:
            pdf.set_draw_color(90)
            pdf.rect(width - 56, height - 66, 42, 54)
            pdf.ellipse(width - 46, height - 58, 22, 26)
    return bytes(pdf.output())
