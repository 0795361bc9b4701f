"""The Excel file, as whoever opens it finds it: all there, and nothing in it that acts (EXP1)."""

import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from bot.text import Texts
from handlers.learning import report, workbook
from handlers.learning.report import UnitReport
from tests.handlers.learning.reports import RUNG, a_line, a_report, nobody_s, of_people

TEXTS = Texts()
HOSTILE = (
    '=HYPERLINK("http://example.com","ดู")',
    "+1",
    "-1",
    "@x",
    "＝1+1",
    "\t=1",
    "\x00=1",
    "\ud800=1",
    "=" + "ก" * 40_000,
    "http://example.com",
    "mailto:x@example.com",
    "{=1}",
    "0123",
    "1e5",
    "TRUE",
    "_x0041_",
    "<r><t>x</t></r>",
    "<r></c><c r='B9'><f>1+1</f></c></r>",
    "]]>&amp;<&",
    "\ufffe\uffff",
    "'=1",
)


def made(folder: Path, one: UnitReport) -> Path:
    path = folder / "report.xlsx"
    workbook.write(TEXTS, one, path)
    return path


def rows(path: Path) -> list[list[Any]]:
    return load_workbook(path).get_sheet_by_index(0).to_python()


def parts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as found:
        return {name: found.read(name).decode() for name in found.namelist()}


def test_it_reads_back(tmp_path: Path) -> None:
    one = a_report(a_line(1), a_line(1, course="Excel 2019", file="0001_2.pdf"), nobody_s(2, "นางสาวฟ้า ปู่น้ำ"))
    path = made(tmp_path, one)
    *above, blank, head, first, second, third = rows(path)
    assert tuple(row[0] for row in above) == report.heading(TEXTS, one)
    assert not any(blank)
    assert head == ["ลำดับ", "ชื่อ-สกุล", "ตำแหน่ง", "สังกัด", "ช่องทาง", "หลักสูตร", "วันที่ผ่าน", "ไฟล์"]
    assert first == [1, *report.cells(one.lines[0])]
    assert second == [1, *report.cells(one.lines[1])]
    assert third == [2, "นางสาวฟ้า ปู่น้ำ", *RUNG[1:], "", "", "", ""]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # nothing that bears names is left


def test_it_prints_on_a4_with_its_header_on_every_page(tmp_path: Path) -> None:
    found = parts(made(tmp_path, of_people(3)))
    sheet, book, styles = found["xl/worksheets/sheet1.xml"], found["xl/workbook.xml"], found["xl/styles.xml"]
    setup = re.search("<pageSetup [^>]*>", sheet)
    assert setup
    assert 'paperSize="9"' in setup[0]
    assert 'orientation="landscape"' in setup[0]
    assert 'fitToHeight="0"' in setup[0]
    assert "$8:$8</definedName>" in book  # the header: six lines and a blank one above it
    assert 'ySplit="8"' in sheet
    assert 'state="frozen"' in sheet
    assert "หน้า &amp;P จาก &amp;N" in sheet
    assert 'name val="TH Sarabun New"' in styles


def check(folder: Path, text: str) -> None:
    path = made(folder, a_report(a_line(1, name=text, position=text, unit=text, channel=text, course=text, file=text)))
    shown = report.cell(text)
    cells = rows(path)[-1]
    assert cells[0] == 1
    assert [cell.rstrip(" ") for cell in cells[1:6]] == [shown] * 5
    sheet = parts(path)["xl/worksheets/sheet1.xml"]
    assert not re.search("<f[ >/]|<hyperlink", sheet)
    # of the row: one number of ours, and strings in a style that stays text when somebody edits it
    (row,) = re.findall('<row r="9".*?</row>', sheet, re.DOTALL)
    assert len(re.findall("<c ", row)) == 8
    assert all('t="inlineStr"' in cell for cell in re.findall("<c [^>]*>", row)[1:] if not cell.endswith("/>"))
    assert not [name for name in parts(path) if "external" in name.lower() or "vba" in name.lower()]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_acts(tmp_path: Path, text: str) -> None:
    check(tmp_path, text)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=80))
@example("<r>\ud800</r>")
def test_no_cell_acts_whatever_is_in_it(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), text)


def test_text_stays_text_when_it_is_edited(tmp_path: Path) -> None:
    found = parts(made(tmp_path, a_report(a_line(1))))
    styles = re.findall("<xf [^>]*>", found["xl/styles.xml"].partition("<cellXfs")[2])
    (row,) = re.findall('<row r="9".*?</row>', found["xl/worksheets/sheet1.xml"], re.DOTALL)
    used = [int(style) for style in re.findall('<c [^>]*s="([0-9]+)"', row)]
    assert ["quotePrefix" in styles[style] for style in used] == [False] + [True] * 7


def test_libreoffice_opens_it(tmp_path: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("no LibreOffice on this machine")
    path = made(tmp_path, of_people(60))
    home = f"-env:UserInstallation=file://{tmp_path / 'home'}"
    command = (office, home, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(path))
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    with pypdfium2.PdfDocument(tmp_path / "report.pdf") as pdf:
        assert len(pdf) > 1
