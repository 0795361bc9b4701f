"""Rosters as Excel keeps them: merged titles, typed numbers, days in either era, sheets beside the one that counts."""

# ruff: noqa: DTZ001  the cells of a spreadsheet know no time zone

import json
import random
import re
import resource
import signal
import subprocess
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from handlers.organisation import imports, workbook, workbook_reader
from handlers.organisation.organisations import OrganisationRow, read_organisations
from handlers.organisation.refusals import BadFile, BadRow
from handlers.organisation.roster import Roster, RosterRow, read_roster
from tests.handlers.organisation.test_roster import HEADER, RUNG, TODAY, card


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "บัญชีรายชื่อ.xlsx"


@contextmanager
def a_sheet(path: Path) -> Iterator[tuple[xlsxwriter.Workbook, Worksheet]]:
    with xlsxwriter.Workbook(path, {"strings_to_urls": False}) as book:
        yield book, book.add_worksheet("ข้อมูล")


def save(path: Path, *people: Mapping[str, object], formats: dict[str, str] | None = None) -> Path:
    """One row each below the header; `formats`: number formats of columns."""
    with a_sheet(path) as (book, sheet):
        styles: dict[str, Format] = {name: book.add_format({"num_format": f}) for name, f in (formats or {}).items()}
        sheet.write_row(0, 0, HEADER)
        for number, person in enumerate(people, start=1):
            for place, name in enumerate(HEADER):
                sheet.write(number, place, person.get(name, ""), *([styles[name]] if name in styles else []))
    return path


def one(path: Path) -> RosterRow:
    (row,) = read_roster(path, TODAY)
    assert isinstance(row, RosterRow), row
    return row


def test_a_sheet_as_hr_keeps_it(path: Path) -> None:
    """A cover, a hidden sheet with old data, two merged titles, a table that begins in C6, borders far below it."""
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("ปก").write(0, 0, "รายงานบุคลากร")
        old = book.add_worksheet("เก่า")
        old.write_row(0, 0, HEADER)
        old.write_row(1, 0, [(RUNG | {"ชื่อ": "เก่า"})[name] for name in HEADER])
        old.hide()
        sheet, border = book.add_worksheet("ข้อมูล"), book.add_format({"border": 1})
        sheet.merge_range("C2:U2", "บัญชีรายชื่อข้าราชการ")
        sheet.merge_range("C3:U3", "ข้อมูล ณ วันที่ ๑ ตุลาคม ๒๕๖๙")
        sheet.write_row(5, 2, HEADER)
        sheet.write_row(7, 2, [RUNG[name] for name in HEADER])
        sheet.write(7, 2 + len(HEADER), "ตรวจแล้ว")  # a remark in a column without a header
        for below in range(8, 400):
            for column in range(2, 40):
                sheet.write_blank(below, column, None, border)
    (row,) = read_roster(path, TODAY)
    assert isinstance(row, RosterRow)
    assert (row.number, row.national_id, row.first_name) == (8, "1999900000013", "รุ่ง")
    assert Roster(path).check_ids().rows == 1


def test_numbers_that_were_typed_as_numbers(path: Path) -> None:
    typed = RUNG | {"เลขประจำตัวประชาชน": 1999900000013, "ตำแหน่งเลขที่": 123, "โทรศัพท์": 810000000, "ลำดับ": 1}
    row = one(save(path, typed))
    assert (row.national_id, row.position_no, row.phone) == ("1999900000013", "123", "0810000000")
    assert one(save(path, RUNG | {"โทรศัพท์": 20000000})).phone == "020000000"


@pytest.mark.parametrize("number", [1.9999e12, 1.99999e12, "1.9999E+12"])
def test_a_number_that_excel_has_rounded_is_refused(path: Path, number: object) -> None:
    save(path, RUNG | {"เลขประจำตัวประชาชน": number}, RUNG)
    bad, good = read_roster(path, TODAY)
    assert isinstance(bad, BadRow)
    assert (bad.number, bad.code) == (2, "national_id_rounded")
    assert isinstance(good, RosterRow)
    assert Roster(path).check_ids().unreadable == (2,)


@pytest.mark.parametrize(
    ("cell", "style"),
    [
        (datetime(2018, 10, 1), "dd/mm/yyyy"),
        (datetime(2018, 10, 1), "[$-107041E]d mmm yyyy;@"),  # shown as 1 ต.ค. 2561
        (datetime(2018, 10, 1), "d mmm bbbb"),
        (datetime(2018, 10, 1, 8, 30), "d/m/yyyy h:mm"),
        (datetime(2561, 10, 1), "dd/mm/yyyy"),  # a Buddhist year typed into a spreadsheet that knows none
        (43374, "General"),
        (43374, "0"),
        ("43374", "General"),
        ("1 ต.ค. 2561", "General"),
        ("๑/๑๐/๒๕๖๑", "@"),
        ("2018-10-01 00:00:00", "General"),
    ],
)
def test_a_day_however_it_is_kept(path: Path, cell: object, style: str) -> None:
    save(path, RUNG | {"วันบรรจุ": cell, "วันรับโอน": cell}, formats={"วันบรรจุ": style, "วันรับโอน": style})
    row = one(path)
    assert (row.appointed_on, row.transferred_in_on) == (date(2018, 10, 1), date(2018, 10, 1))


def test_a_birth_date_as_a_cell_of_days(path: Path) -> None:
    for cell in (datetime(1985, 2, 5), datetime(2528, 2, 5), 31083):
        save(path, RUNG | {"วันเดือนปีเกิด": cell}, formats={"วันเดือนปีเกิด": "d/m/yyyy" if cell != 31083 else "0"})
        assert one(path).birth_date == date(1985, 2, 5)


def test_a_leap_day_of_the_wrong_era_is_refused(path: Path) -> None:
    """Excel knows 29 February 2564, which is none: 2021 has no such day."""
    save(path, RUNG | {"วันบรรจุ": datetime(2564, 2, 28)}, formats={"วันบรรจุ": "d/m/yyyy"})
    assert one(path).appointed_on == date(2021, 2, 28)
    save(path, RUNG | {"วันบรรจุ": datetime(2564, 2, 29)}, formats={"วันบรรจุ": "d/m/yyyy"})
    (bad,) = read_roster(path, TODAY)
    assert isinstance(bad, BadRow)
    assert bad.code == "date_impossible"


def test_a_formula_that_came_to_nothing_is_blank(path: Path) -> None:
    with a_sheet(path) as (_, sheet):
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, [RUNG[name] for name in HEADER])
        sheet.write_formula(1, HEADER.index("อีเมล"), "=VLOOKUP(1,A:B,2)", None, "#N/A")
        sheet.write_row(2, 0, [(RUNG | {"เลขประจำตัวประชาชน": card(2)})[name] for name in HEADER])
        sheet.write_formula(2, HEADER.index("ชื่อ"), "=A0", None, "#REF!")
    good, bad = read_roster(path, TODAY)
    assert isinstance(good, RosterRow)
    assert good.email is None
    assert isinstance(bad, BadRow)
    assert (bad.number, bad.column, bad.code) == (3, "ชื่อ", "cell_blank")


def test_organisations_too(path: Path) -> None:
    with a_sheet(path) as (_, sheet):
        sheet.write_row(0, 0, ["รหัส", "ประเภท", "ชื่อ", "ชื่ออังกฤษ", "จังหวัด", "อำเภอ", "รหัสแม่"])
        sheet.write_row(1, 0, [10, "กรม", "กรมตัวอย่าง"])
        sheet.write_row(2, 0, [1001, "กอง", "กองตัวอย่าง", "", "", "", 10])
    assert [(row.code, row.parent_code) for row in read_organisations(path) if isinstance(row, OrganisationRow)] == [
        ("10", None),
        ("1001", "10"),
    ]


def test_what_is_no_workbook_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    with pytest.raises(BadFile, match="file_kind"):
        Roster(path)
    whole = save(path, RUNG).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFile, match="file_kind"):
        Roster(path)


def test_a_damaged_workbook_is_refused_or_read_but_nothing_else(path: Path) -> None:
    whole = save(path, RUNG).read_bytes()
    dice = random.Random(7)
    refused = 0
    for _ in range(30):
        damaged = bytearray(whole)
        for _ in range(dice.randrange(1, 10)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path.write_bytes(damaged)
        try:
            list(read_roster(path, TODAY))
        except BadFile:
            refused += 1
    assert refused > 18


def rewritten(path: Path, part: str, content: Iterable[bytes]) -> Path:
    """With another part in place of this one."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != part}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, one in parts.items():
            archive.writestr(name, one)
        with archive.open(part, "w") as file:
            for piece in content:
                file.write(piece)
    return path


def test_one_word_in_the_farthest_corner_is_refused(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with a_sheet(path) as (_, sheet):
        sheet.write_row(0, 0, HEADER)
        sheet.write(1_048_575, 16_383, "x")
    with pytest.raises(BadFile, match="workbook_too_large"):
        Roster(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("side", [7_000, 100_000])
def test_cells_that_do_not_say_where_they_stand_are_refused_as_well(
    path: Path, side: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Some kilobytes, for a sheet of 1.6 GB; and for one that no machine has room for."""
    bomb = rewritten(
        save(path, RUNG),
        "xl/worksheets/sheet1.xml",
        (
            b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>',
            b"<c><v>1</v></c>" * side,
            b"</row>",
            b"<row><c><v>1</v></c></row>" * side,
            b"</sheetData></worksheet>",
        ),
    )
    with pytest.raises(BadFile, match="workbook_too_large"):
        Roster(bomb)
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """All that were started."""
    started: list[subprocess.Popen[bytes]] = []
    start = workbook._started

    def starting(*what: str | Path) -> subprocess.Popen[bytes]:
        started.append(start(*what))
        return started[-1]

    monkeypatch.setattr(workbook, "_started", starting)
    return started


def many(path: Path) -> Path:
    """More than a pipe holds: the reader waits."""
    return save(path, *[RUNG | {"เลขประจำตัวประชาชน": card(serial)} for serial in range(1, 1_000)])


def test_the_reader_has_limits_and_none_of_our_secrets(
    path: Path, readers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASTER_KEY", "x" * 44)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    rows = Roster(many(path)).people(TODAY)
    next(rows)
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    at_work = Path(f"/proc/{readers[-1].pid}")
    assert (at_work / "environ").read_bytes() == b""
    limits = dict(re.findall(r"(?m)^Max (.+?)  +(\w+)", (at_work / "limits").read_text("ascii")))
    assert (limits["address space"], limits["cpu time"], limits["core file size"]) == (str(1 << 30), "60", "0")
    rows.close()


def test_who_stops_early_leaves_no_process_behind(path: Path, readers: list[subprocess.Popen[bytes]]) -> None:
    roster = Roster(many(path))  # has looked at the header only
    rows = roster.people(TODAY)
    next(rows)
    at_work = readers[-1]
    assert at_work.returncode is None
    rows.close()
    assert len(readers) == 3
    assert all(reader.returncode is not None for reader in readers)


async def test_nor_does_an_import_that_fails_half_way(
    path: Path, readers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_room(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(imports, "_chunk", no_room)
    nobody: Any = None
    with pytest.raises(OSError, match="no space") as failed:  # its traceback keeps what was at work
        await imports.import_roster(
            nobody, nobody, many(path), today=TODAY, rule=imports.DateRule(TODAY, False), by="x", clock=lambda: 0
        )
    assert failed.tb is not None
    assert [reader.returncode is not None for reader in readers] == [True] * len(readers)


def test_a_reader_that_dies_on_the_way_means_a_workbook_too_large(
    path: Path, readers: list[subprocess.Popen[bytes]]
) -> None:
    rows = Roster(many(path)).people(TODAY)
    next(rows)
    readers[-1].kill()
    with pytest.raises(BadFile, match="workbook_too_large"):
        list(rows)


@pytest.mark.parametrize(
    "program",
    [
        "while True: print('x' * 99_999, end='')",
        "print('[\"0\"]', end='')",
        "print('[]'); raise MemoryError",
        "import os; print('[]', flush=True); os.abort()",
    ],
)
def test_whatever_a_reader_does_that_is_mad(
    path: Path, program: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mad = tmp_path / "mad.py"
    mad.write_text(program, encoding="ascii")
    monkeypatch.setattr(workbook_reader, "__file__", str(mad))
    with pytest.raises(BadFile, match="workbook_too_large"):
        Roster(save(path, RUNG))
    assert capfd.readouterr() == ("", "")


@pytest.mark.timeout(10)
def test_a_reader_that_is_at_work_is_not_waited_for(
    path: Path, readers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    busy = tmp_path / "busy.py"
    busy.write_text(
        "import sys, time\n"
        f"print({json.dumps(['0'])!r} if len(sys.argv) == 2 else {json.dumps(HEADER)!r}, flush=True)\n"
        "time.sleep(99 if len(sys.argv) > 2 else 0)\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(workbook_reader, "__file__", str(busy))
    Roster(save(path, RUNG))
    assert [reader.returncode for reader in readers] == [0, -signal.SIGKILL]


def test_a_row_longer_than_any_honest_one_spoils_itself_only(path: Path) -> None:
    with a_sheet(path) as (_, sheet):
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["ก" * 32_767] * len(HEADER))
        sheet.write_row(2, 0, [RUNG[name] for name in HEADER])
    bad, good = read_roster(path, TODAY)
    assert (bad.number, good.number) == (2, 3)
    assert isinstance(bad, BadRow)
    assert bad.code == "row_broken"
