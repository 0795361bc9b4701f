"""The roster: real-life rows, each bad one named, none stopping the others."""

import csv
import io
import re
import tracemalloc
from datetime import date
from pathlib import Path

import pytest

from bot import thai
from handlers.organisation.national_ids import Ids, refuse_repeated
from handlers.organisation.refusals import BadFile, BadRow
from handlers.organisation.roster import Roster, RosterRow, read_roster
from handlers.organisation.roster_layouts import THAI

TODAY = date(2026, 11, 1)
HEADER = [column.words[0] for column in THAI]
# The row that shows how such files are typed, with invented data throughout.
RUNG = {
    "ลำดับ": "๑",
    "เลขประจำตัวประชาชน": "๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓",
    "คำนำหน้า": "ว่าที่ ร.ต.",
    "ชื่อ": "รุ่ง",
    "นามสกุล": "ทดสอบ",
    "วันเดือนปีเกิด": "๕ ก.พ. ๒๕๒๘",
    "ประเภทบุคลากร": "ข้าราชการ",
    "ตำแหน่งเลขที่": "๑๒๓",
    "ตำแหน่งในสายงาน": "นักทรัพยากรบุคคล",
    "ระดับ": "ชำนาญการ",
    "สำนัก/กอง": "กองการเจ้าหน้าที่",
    "จังหวัด": "สมมติ",
    "วันบรรจุ": "๑ ต.ค. ๒๕๖๑",
    "วันรับโอน": "",
    "วันเกษียณ": "๑ ต.ค. ๒๕๘๘",
    "อีเมล": "rung.t@example.go.th",
    "โทรศัพท์": "๐๘๑-๐๐๐-๐๐๐๐",
    "สถานะ": "ปกติ",
    "Laser Code": "JT1-2345678-90",
}


def card(serial: int) -> str:
    digits = f"19999{serial:07}"
    return digits + thai.check_digit(digits)


def save(path: Path, *rows: dict[str, str], header: list[str] = HEADER) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roster.csv"


def one(path: Path, changes: dict[str, str] | None = None) -> RosterRow:
    (row,) = read_roster(save(path, RUNG | (changes or {})), TODAY)
    assert isinstance(row, RosterRow)
    return row


def faults(path: Path, changes: dict[str, str]) -> list[tuple[str, str, str]]:
    found = list(read_roster(save(path, RUNG | changes), TODAY))
    assert all(isinstance(row, BadRow) and row.number == 2 for row in found)
    return [(row.column, row.code, row.shown) for row in found if isinstance(row, BadRow)]


def test_a_row_as_hr_types_it(path: Path) -> None:
    assert one(path) == RosterRow(
        number=2,
        national_id="1999900000013",
        title="ว่าที่ ร.ต.",
        first_name="รุ่ง",
        last_name="ทดสอบ",
        birth_date=date(1985, 2, 5),
        kind="civil_servant",
        kind_name="ข้าราชการ",
        position_no="123",
        position="นักทรัพยากรบุคคล",
        level="ชำนาญการ",
        unit="กองการเจ้าหน้าที่",
        province="สมมติ",
        appointed_on=date(2018, 10, 1),
        transferred_in_on=None,
        retires_on=date(2045, 10, 1),
        email="rung.t@example.go.th",
        phone="0810000000",
        status="active",
        laser_code="JT1234567890",
    )


def test_what_may_be_blank(path: Path) -> None:
    blank = ("ลำดับ", "คำนำหน้า", "วันเดือนปีเกิด", "วันบรรจุ", "วันเกษียณ", "อีเมล", "โทรศัพท์", "Laser Code", "ระดับ", "ตำแหน่งเลขที่")
    row = one(path, dict.fromkeys(blank, "-"))
    assert (row.title, row.level, row.position_no) == ("", "", "")
    assert (row.birth_date, row.appointed_on, row.email, row.phone, row.laser_code) == (None,) * 5


def test_the_laser_code_and_the_running_number_may_be_missing_altogether(path: Path) -> None:
    save(path, RUNG, header=[name for name in HEADER if name not in ("Laser Code", "ลำดับ")])
    (row,) = read_roster(path, TODAY)
    assert isinstance(row, RosterRow)
    assert row.laser_code is None


@pytest.mark.parametrize("missing", [name for name in HEADER if name not in ("Laser Code", "ลำดับ", "คำนำหน้า")])
def test_any_other_column_missing_refuses_the_file(path: Path, missing: str) -> None:
    save(path, RUNG, header=[name for name in HEADER if name != missing])
    with pytest.raises(BadFile, match="header_missing") as refused:
        read_roster(path, TODAY)
    assert refused.value.params == {"columns": missing}


@pytest.mark.parametrize(
    "typed",
    ["๐/๐/๒๕๐๕", "0/0/2505", "00-00-2505", "0/5/2505", "5/0/2505", "00 ม.ค. 2505", "2505", "ม.ค. 2505", "00/00/0000"],
)
def test_a_birth_date_without_its_day_is_unknown(path: Path, typed: str) -> None:
    assert one(path, {"วันเดือนปีเกิด": typed}).birth_date is None


@pytest.mark.parametrize(
    "typed",
    [
        "1999900000013.0",
        "1999900000013.00",
        "\u200b1-9999-00000-01-3\xa0",
        "1\u20119999\u201100000\u201101\u20113",
        "１９９９９００００００１３",
    ],
)
def test_an_id_however_it_came_through(path: Path, typed: str) -> None:
    assert one(path, {"เลขประจำตัวประชาชน": typed}).national_id == "1999900000013"
    assert Roster(path).check_ids() == Ids(1, (), ())


def test_long_names_of_units_are_honest(path: Path) -> None:
    assert one(path, {"สำนัก/กอง": "ก" * 500}).unit == "ก" * 500


def test_a_row_with_a_bad_name_is_in_the_file_all_the_same(path: Path) -> None:
    """Who is missing from it has left; this one is not missing."""
    save(path, RUNG | {"ชื่อ": "รุ่ง\x1b"})
    assert list(Roster(path).ids()) == [(2, "1999900000013")]


def test_hard_spaces_and_what_shows_nothing(path: Path) -> None:
    row = one(path, {"ชื่อ": "\ufeffรุ่ง\xa0\xa0", "นามสกุล": "\u200bทด\u200bสอบ", "อีเมล": "rung.t@example.go.th\xa0"})
    assert (row.first_name, row.last_name, row.email) == ("รุ่ง", "ทดสอบ", "rung.t@example.go.th")


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("810000000", "0810000000"),
        ("810000000.0", "0810000000"),
        ("20000000", "020000000"),
        ("+66 81 000 0000", "0810000000"),
    ],
)
def test_a_telephone_number_that_lost_its_zero(path: Path, typed: str, number: str) -> None:
    assert one(path, {"โทรศัพท์": typed}).phone == number


@pytest.mark.parametrize(
    "typed", ["43374", "43374.0", "43374.3541666667", "2018-10-01T00:00:00", "1/10/2018", "1/10/61",
     "20181001", "25611001", "๒๕๖๑๑๐๐๑", "20181001.0", "01102561", "01102018"],
)  # fmt: skip
def test_a_day_in_either_era_or_as_a_spreadsheets_number(path: Path, typed: str) -> None:
    assert one(path, {"วันบรรจุ": typed}).appointed_on == date(2018, 10, 1)


def test_headers_go_by_several_names(path: Path) -> None:
    renamed = {
        "เลขประจำตัวประชาชน": "เลขบัตรประชาชน",
        "วันเดือนปีเกิด": "วัน/เดือน/ปี เกิด",
        "อีเมล": "E-mail",
        "โทรศัพท์": "เบอร์โทรศัพท์",
        "สำนัก/กอง": "สังกัด",
        "คำนำหน้า": "คำนำหน้าชื่อ",
    }
    save(
        path,
        {renamed.get(name, name): value for name, value in RUNG.items()},
        header=[renamed.get(n, n) for n in HEADER],
    )
    (row,) = read_roster(path, TODAY)
    assert row == one(path)


def test_a_bad_cell_is_named_as_the_file_names_its_column(path: Path) -> None:
    save(path, {**RUNG, "E-mail": "x"}, header=["E-mail" if name == "อีเมล" else name for name in HEADER])
    (bad,) = read_roster(path, TODAY)
    assert bad == BadRow(2, "E-mail", "email_format", "X", {})


@pytest.mark.parametrize(
    ("title", "first", "expected"),
    [
        ("", "นายรุ่ง", ("นาย", "รุ่ง")),
        ("", "นาย รุ่ง", ("นาย", "รุ่ง")),
        ("", "น.ส.รุ่ง", ("น.ส.", "รุ่ง")),
        ("", "ว่าที่ร.ต.หญิงรุ่ง", ("ว่าที่ ร.ต.หญิง", "รุ่ง")),
        ("", "ดรุณี", ("", "ดรุณี")),
        ("", "นาย", ("", "นาย")),  # left for HR to see; nothing is made up
        ("นาง", "นางพญา", ("นาง", "นางพญา")),  # beside a title the name stays whole
    ],
)
def test_titles_glued_to_the_name(path: Path, title: str, first: str, expected: tuple[str, str]) -> None:
    row = one(path, {"คำนำหน้า": title, "ชื่อ": first})
    assert (row.title, row.first_name, row.last_name) == (*expected, "ทดสอบ")


@pytest.mark.parametrize(
    ("column", "typed", "code", "shown"),
    [
        ("เลขประจำตัวประชาชน", "", "cell_blank", ""),
        ("เลขประจำตัวประชาชน", "1-9999-00000-01", "national_id_format", "X-XXXX-XXXXX-XX"),
        ("เลขประจำตัวประชาชน", "1-9999-00000-01-4", "national_id_checksum", "X-XXXX-XXXXX-XX-X"),
        ("เลขประจำตัวประชาชน", "1.9999E+12", "national_id_rounded", "X.XXXXX+XX"),
        ("เลขประจำตัวประชาชน", "1999900000000", "national_id_rounded", "XXXXXXXXXXXXX"),
        ("ชื่อ", "", "cell_blank", ""),
        ("นามสกุล", "-", "cell_blank", ""),
        ("นามสกุล", "#N/A", "cell_blank", ""),
        ("วันเดือนปีเกิด", "31 ก.พ. 2528", "date_impossible", "XX X.X. XXXX"),
        ("วันเดือนปีเกิด", "5 ก.พ. 2568", "birth_date_range", "X X.X. XXXX"),
        ("ประเภทบุคลากร", "ผู้วิเศษ", "kind_unknown", "ผู้XXXXX"),
        ("สำนัก/กอง", "", "cell_blank", ""),
        ("วันบรรจุ", "ต้นปี", "date_format", "ต้XXX"),
        ("วันรับโอน", "31/2/2561", "date_impossible", "31/2/XXXX"),
        ("วันรับโอน", "211061", "date_format", "211XXX"),  # a day, or a spreadsheet's number of one? not guessed
        ("วันเกษียณ", "ไม่ทราบ", "date_format", "ไม่XXXX"),
        ("อีเมล", "rung.t@example", "email_format", "XXXX.X@XXXXXXX"),
        ("อีเมล", "ไม่มี", "email_ascii", "XXXXX"),
        ("โทรศัพท์", "110000000", "phone_format", "XXXXXXXXX"),
        ("สถานะ", "หลับ", "status_unknown", "หลXX"),
        ("Laser Code", "JT1-2345678", "laser_format", "XXX-XXXXXXX"),
        ("ชื่อ", "รุ่ง\x1b[31m", "cell_steering", "XXXXXXXX"),
        ("นามสกุล", "\u202eทดสอบ", "cell_steering", "XXXXX"),
        ("นามสกุล", "ก" * 100_000, "cell_too_long", "X" * 60),
        ("สำนัก/กอง", "ก" * 501, "cell_too_long", "กกก" + "X" * 57),
    ],
)
def test_a_bad_cell_is_named_and_masked(path: Path, column: str, typed: str, code: str, shown: str) -> None:
    assert faults(path, {column: typed}) == [(column, code, shown)]


SLIPPED = ("1999900000013", "1-9999-00000-01-3", "somchai.t@example.go.th", "สมชาย ใจตัวอย่าง", "สมร")


@pytest.mark.parametrize("value", SLIPPED)
def test_nobody_is_named_whichever_column_their_data_have_slipped_into(path: Path, value: str) -> None:
    refused = 0
    for column in RUNG:
        for row in read_roster(save(path, RUNG | {column: value}), TODAY):
            if isinstance(row, BadRow):
                known = row.shown.partition("X")[0]
                assert len(known.replace("-", "")) <= min(3, len(value) / 2), (column, row.shown)
                assert re.fullmatch(r"[X\-.@ ]*", row.shown.removeprefix(known)), (column, row.shown)
                refused += 1
    assert refused >= 5


def test_every_bad_cell_of_a_row_is_named(path: Path) -> None:
    assert [code for _, code, _ in faults(path, {"อีเมล": "x", "สถานะ": "", "วันบรรจุ": "?"})] == [
        "date_format",
        "email_format",
        "cell_blank",
    ]


def test_one_bad_row_does_not_stop_the_others(path: Path) -> None:
    people = [RUNG | {"เลขประจำตัวประชาชน": card(serial)} for serial in range(1, 6)]
    people[2]["เลขประจำตัวประชาชน"] = "หาย"
    found = list(read_roster(save(path, *people), TODAY))
    assert [(row.number, type(row)) for row in found] == [
        (2, RosterRow),
        (3, RosterRow),
        (4, BadRow),
        (5, RosterRow),
        (6, RosterRow),
    ]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("ข้าราชการพลเรือนสามัญ", "civil_servant"),
        ("ข้าราชการ/พนักงานส่วนท้องถิ่น", "local_officer"),
        ("ครู", "teacher"),
        ("ลูกจ้างประจำ", "permanent_employee"),
        ("พนักงานราชการ", "government_employee"),
        ("พนักงานจ้าง (ภารกิจ)", "contract_mission"),
        ("พนักงานจ้าง(ทั่วไป)", "contract_general"),
        ("พนักงานจ้าง", "contract"),
        ("ลูกจ้างชั่วคราว", "temporary_employee"),
    ],
)
def test_kinds_of_staff(path: Path, word: str, kind: str) -> None:
    row = one(path, {"ประเภทบุคลากร": word})
    assert (row.kind, row.kind_name) == (kind, word)


def test_nothing_personal_shows_in_the_repr(path: Path) -> None:
    shown = repr(one(path))
    for secret in ("1999900000013", "รุ่ง", "ทดสอบ", "1985", "rung", "0810000000", "JT1234567890"):
        assert secret not in shown


def test_an_id_that_stands_twice_refuses_the_file(path: Path) -> None:
    people = [RUNG | {"เลขประจำตัวประชาชน": card(serial)} for serial in (1, 2, 3, 1, 4, 2, 1)]
    people[6]["เลขประจำตัวประชาชน"] = thai.thai_digits(card(1))  # however it is typed
    people.append(RUNG | {"เลขประจำตัวประชาชน": "หาย"})
    people.append(RUNG | {"เลขประจำตัวประชาชน": "หาย"})
    save(path, *people)
    ids = Roster(path).check_ids()
    assert ids == Ids(9, (9, 10), ((2, 5, 8), (3, 7)))
    with pytest.raises(BadFile, match="national_id_twice") as refused:
        refuse_repeated(ids)
    assert refused.value.params == {"rows": "2 = 5 = 8, 3 = 7"}


def test_two_ids_with_one_hash_are_not_one_id(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(path, *(RUNG | {"เลขประจำตัวประชาชน": card(serial)} for serial in (1, 2, 3)))
    monkeypatch.setattr("handlers.organisation.roster.hash", lambda number: 7, raising=False)
    assert Roster(path).check_ids() == Ids(3, (), ())


def test_memory_stays_flat(path: Path, tmp_path: Path) -> None:
    people = [RUNG | {"เลขประจำตัวประชาชน": card(serial)} for serial in range(1, 2001)]
    peaks = []
    for length in (200, 200, 2000):  # the first warms caches
        save(path, *people[:length])
        tracemalloc.start()
        try:
            assert sum(isinstance(row, RosterRow) for row in read_roster(path, TODAY)) == length
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    _, short, long = peaks
    assert long < short + 100_000, "bytes, for 600 kB more of file"
