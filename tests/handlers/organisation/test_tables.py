"""Reading tables as offices send them: encodings, separators, titles above, rubbish below."""

import os
from pathlib import Path

import pytest

from handlers.organisation.refusals import BadFile, BadRow
from handlers.organisation.tables import Column, Header, Row, read

CODE, NAME, SECRET = Column("รหัส"), Column("ชื่อ หน่วยงาน"), Column("ลับ", optional=True, secret=True)
COLUMNS = (CODE, NAME, SECRET)
HEADER = Header({}, {})  # rows are compared without it
TABLE = "รหัส,ชื่อ หน่วยงาน\n๑,กองตัวอย่าง\n2,กองทดลอง\n"


def rows(path: Path, content: str | bytes, encoding: str = "utf-8") -> list[Row | BadRow]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return list(read(path, COLUMNS))


def refusal(path: Path, content: str | bytes) -> BadFile:
    with pytest.raises(BadFile) as refused:
        rows(path, content)
    return refused.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


EXPECTED = [
    Row(2, {"รหัส": "๑", "ชื่อ หน่วยงาน": "กองตัวอย่าง"}, HEADER),
    Row(3, {"รหัส": "2", "ชื่อ หน่วยงาน": "กองทดลอง"}, HEADER),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp874", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_way_of_saving_reads_the_same(path: Path, encoding: str, separator: str, ending: str) -> None:
    text = TABLE.replace(",", separator).replace("\n", ending)
    assert rows(path, text, encoding) == EXPECTED


def test_the_encoding_is_told_from_the_last_letter_if_need_be(path: Path) -> None:
    ascii_rows = "1,a\n" * 20_000
    columns = (Column("code"), Column("name"))
    for encoding in ("utf-8", "cp874"):
        path.write_bytes(f"code,name\n{ascii_rows}2,กอง\n".encode(encoding))
        *_, last = read(path, columns)
        assert last == Row(20_002, {"code": "2", "name": "กอง"}, HEADER)


def test_titles_above_blanks_below_and_foreign_columns(path: Path) -> None:
    text = (
        "บัญชีหน่วยงาน,,,\n,,,\nข้อมูล ณ วันที่ 1 ต.ค. 2561,,,\n"
        "หมายเหตุ, ชื่อหน่วยงาน ,,รหัส\nx,กองตัวอย่าง,y,1\n\n,,,\n,กองทดลอง,,2\n , ,,\n\n"
    )
    assert rows(path, text) == [
        Row(5, {"รหัส": "1", "ชื่อ หน่วยงาน": "กองตัวอย่าง"}, HEADER),
        Row(8, {"รหัส": "2", "ชื่อ หน่วยงาน": "กองทดลอง"}, HEADER),
    ]


def test_a_header_in_two_lines_and_in_quotes(path: Path) -> None:
    assert rows(path, '"รหัส","ชื่อ\nหน่วยงาน"\n1,"กอง\nตัวอย่าง"\n') == [
        Row(2, {"รหัส": "1", "ชื่อ หน่วยงาน": "กอง ตัวอย่าง"}, HEADER)
    ]


def test_cells_are_cleaned_and_a_dash_is_blank(path: Path) -> None:
    assert rows(path, "รหัส,ชื่อ หน่วยงาน,ลับ\n\u200b1 ,จํานวน,–\n2\n") == [
        Row(2, {"รหัส": "1", "ชื่อ หน่วยงาน": "จำนวน", "ลับ": ""}, HEADER),
        Row(3, {"รหัส": "2", "ชื่อ หน่วยงาน": "", "ลับ": ""}, HEADER),
    ]


def test_a_separator_inside_a_value_spoils_its_row_only(path: Path) -> None:
    assert rows(path, TABLE + "3,กอง,ทดสอบ\n4,กองสมมติ,\n") == [
        *EXPECTED,
        BadRow(4, "", "row_too_long", "", {}),
        Row(5, {"รหัส": "4", "ชื่อ หน่วยงาน": "กองสมมติ"}, HEADER),
    ]


def test_a_stray_quote_spoils_what_it_swallows_only(path: Path) -> None:
    read_rows = rows(path, TABLE + '3,"' + "ก" * 140_000 + "\n4,กองสมมติ\n")
    assert read_rows[:3] == [*EXPECTED, BadRow(4, "", "row_broken", "", {})]
    assert read_rows[3:] == [Row(5, {"รหัส": "4", "ชื่อ หน่วยงาน": "กองสมมติ"}, HEADER)]


@pytest.mark.parametrize(
    ("content", "code", "params"),
    [
        (b"", "file_empty", {}),
        (b"PK\x03\x04rest", "file_kind", {}),
        (b"\xd0\xcf\x11\xe0rest", "file_kind", {}),
        (b"%PDF-1.7", "file_kind", {}),
        (b"\xff\xfea", "file_encoding", {}),  # UTF-16 cut off within a letter
        ("รหัส,ชื่อ หน่วยงาน\n1,".encode() + b"\x81\xff\n", "file_encoding", {}),
        ("\n\n", "header_missing", {"columns": "รหัส, ชื่อ หน่วยงาน"}),
        ("รหัส,อื่น\n1,2\n", "header_missing", {"columns": "ชื่อ หน่วยงาน"}),
        ("x\n" * 30 + TABLE, "header_missing", {"columns": "รหัส, ชื่อ หน่วยงาน"}),
        ("รหัส,ชื่อหน่วยงาน,รหัส\n1,a,2\n", "header_twice", {"column": "รหัส"}),
        (bytes(range(256)) * 100, "file_encoding", {}),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(
    path: Path, content: str | bytes, code: str, params: dict[str, object]
) -> None:
    refused = refusal(path, content)
    assert (refused.code, refused.params) == (code, params)


@pytest.mark.timeout(10)
def test_what_may_never_end_is_not_even_opened(path: Path) -> None:
    os.mkfifo(path)
    for special in (path, Path("/dev/zero"), path.parent):
        with pytest.raises(BadFile, match="file_special"):
            read(special, COLUMNS)


def test_a_link_to_a_file_is_a_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_text(TABLE, encoding="utf-8")
    path.symlink_to(tmp_path / "elsewhere.csv")
    assert list(read(path, COLUMNS)) == EXPECTED


@pytest.mark.parametrize("character", "\x00\x07\x08\x1b\x1f\x7f\x80\x9b\x9f\u202a\u202e\u2066\u2069")
def test_what_steers_a_screen_spoils_its_row(path: Path, character: str) -> None:
    found = rows(path, f"รหัส,ชื่อ หน่วยงาน,ลับ\n1,กอง{character}ตัวอย่าง,\n2,กองทดลอง,\n3,กอง,ลับ{character}")
    assert found == [
        BadRow(2, "ชื่อ หน่วยงาน", "cell_steering", "กองXXXXXXXX", {}),
        Row(3, {"รหัส": "2", "ชื่อ หน่วยงาน": "กองทดลอง", "ลับ": ""}, HEADER),
        BadRow(4, "ลับ", "cell_steering", "XXX", {}),
    ]


@pytest.mark.parametrize("character", "\u200b\u200c\u200d\u200e\u2060\ufeff\u00ad\xa0\t\x0b\x85")
def test_what_merely_shows_nothing_is_dropped_as_ever(path: Path, character: str) -> None:
    (row,) = rows(path, f"รหัส,ชื่อ หน่วยงาน\n1,{character}กองตัวอย่าง{character}\n")
    assert row == Row(2, {"รหัส": "1", "ชื่อ หน่วยงาน": "กองตัวอย่าง"}, HEADER)


def test_a_cell_that_is_too_long_spoils_its_row(path: Path) -> None:
    bad, good = rows(path, f"รหัส,ชื่อ หน่วยงาน\n1,{'ก' * 201}\n2,{'ก' * 200}\n")
    assert isinstance(bad, BadRow)
    assert (bad.number, bad.column, bad.code, bad.params) == (2, "ชื่อ หน่วยงาน", "cell_too_long", {"most": 200})
    assert isinstance(good, Row)


def test_the_header_is_judged_before_the_first_row_is_asked_for(path: Path) -> None:
    path.write_text("x,y\n", encoding="utf-8")
    with pytest.raises(BadFile):
        read(path, COLUMNS)
