"""The form that the head of a unit certifies, read and looked at as it will be printed."""

import re
from itertools import accumulate

import orjson
import pypdfium2
import pytest
from PIL import Image

from bot.papers.room import Papers
from bot.papers.shapes import Refused
from bot.text import Texts
from handlers.learning.form import data, form
from handlers.learning.report import UnitReport
from tests.handlers.learning.reports import a_line, a_report, nobody_s, of_people

TEXTS = Texts()
A4 = (842, 595)
UNBROKEN = ("กรรณิการ์ญาณิศาวรรณพรรษาศรีสุนทร", "ABCDEFGHIJ" * 20, "ก" * 200)


RULES = tuple(accumulate((14, 12, 39, 39, 37, 33, 44, 33)))  # as in form.typ


async def printed(one: UnitReport) -> bytes:
    pdf = await form(Papers(), TEXTS, one)
    assert not isinstance(pdf, Refused)
    return pdf


def squeezed(text: str) -> str:
    """Without spaces, which readers invent in Thai; a letter with marks that comes twice (as PDFium has some) once."""
    return re.sub("(.[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]+)\\1+", r"\1", "".join(text.replace("\u200b", "").split()))


def texts(pdf: bytes) -> list[str]:
    """Of each page, squeezed."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [squeezed(page.get_textpage().get_text_range()) for page in document]


async def test_everything_is_there() -> None:
    one = a_report(a_line(1, course="Excel 2019"), nobody_s(2, "นางสาวฟ้า ทดสอบ"))
    pdf = await printed(one)
    (said,) = texts(pdf)
    with pypdfium2.PdfDocument(pdf) as document:
        assert document[0].get_size() == pytest.approx(A4, abs=1)
    for words in (
        *orjson.loads(data(TEXTS, one))["heading"],
        "ลำดับ", "ตำแหน่ง", "หลักสูตร", "Excel 2019", "๙ มกราคม ๒๕๖๗", "ยังไม่มีใบรับรอง",
        "ขอรับรองว่าข้อมูลถูกต้อง", "(ลงชื่อ)", "วันที่....", "หน้า ๑ จาก ๑",
    ):  # fmt: skip
        assert squeezed(words) in said


async def test_on_every_page_the_header_and_how_many_there_are() -> None:
    one = of_people(40)
    pages = texts(await printed(one))
    assert 3 < len(pages) < 10
    thai = "๐๑๒๓๔๕๖๗๘๙"
    assert all(f"หน้า{thai[n]}จาก{thai[len(pages)]}" in said for n, said in enumerate(pages, 1))
    assert all("ลำดับ" in said and "วันที่ผ่าน" in said for said in pages[:-1])
    assert [n for n, said in enumerate(pages, 1) if "(ลงชื่อ)" in said] == [len(pages)]
    assert "บุคลากรทั้งหมด๔๐คน" in pages[-1]  # who signs, signs for this
    assert sum(said.count("ทดสอบ_") for said in pages) == len(one.lines)


async def test_what_has_no_space_breaks_and_nothing_runs_into_the_next_column() -> None:
    lines = (a_line(n, name=word, position=word, unit=word, course=word) for n, word in enumerate(UNBROKEN, 1))
    pdf = await printed(a_report(*lines))
    said = "".join(texts(pdf))
    assert [said.count(word) for word in UNBROKEN] == [4, 4, 4]
    with pypdfium2.PdfDocument(pdf) as document:
        page: Image.Image = document[0].render(scale=4, grayscale=True).to_pil()
    drawn = page.point([255 * (shade < 200) for shade in range(256)])

    def beside(rule: float) -> bytes:
        """Ink between a rule of the table, mm from the left of the page, and where words may begin, down the page."""
        left, top, foot = (round(side * 4 * 72 / 25.4) for side in (rule + 0.3, 62, 190))
        return drawn.crop((left, top, left + 9, foot)).tobytes()

    for rule in RULES[1:]:
        assert beside(rule) == beside(RULES[0])  # of the lines between rows


async def test_no_line_begins_with_what_clings_to_the_letter_before() -> None:
    word = "กาญจนาภา" * 12
    pdf = await printed(a_report(a_line(1, name=word, course=word)))
    with pypdfium2.PdfDocument(pdf) as document:
        lines = document[0].get_textpage().get_text_range().replace("\u200b", "").splitlines()
    assert not [line for line in lines if line.startswith(tuple("ะาำๅๆ่้๊๋์ิีึืัุู"))]


async def test_what_is_written_is_never_read_as_typst() -> None:
    odd = '#panic("x") *x* $x$ @x <x> \\ // /* [x] {x} #set text(1pt)'
    (said,) = texts(await printed(a_report(a_line(1, course=odd), unit=odd)))
    assert said.count(squeezed(odd)) == 3  # in the heading, in the table, and where it is signed


@pytest.mark.parametrize("odd", ["\ud800\x00\uffff", "😀漢字", "\u202eabc", "น" + "้" * 300, "ก" * 40_000, ""])
async def test_whatever_people_are_called_there_is_a_form(odd: str) -> None:
    assert "ขอรับรองว่าข้อมูลถูกต้อง" in texts(await printed(a_report(a_line(1, name=odd, course=odd))))[-1]
