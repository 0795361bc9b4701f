"""The roster: who works here, from the file that HR keeps. Reading and checking; saving is somebody else's.

The columns are the Thai headers that Thai HR offices export; a file may add `Laser Code`, the code on the back of the
ID card with which letter นร ๑๐๑๓.๓/๒๑๖ lets people without an e-mail prove who they are. It is personal data of the
strongest kind: keep a keyed hash of it at most, and write no row into a log (their `repr` leaves such fields out).
"""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from re import compile as pattern
from typing import Literal

from bot import thai
from bot.events import Invalid
from handlers.organisation.tables import BadFile, BadRow, Cells, Column, Row, plain, read

Kind = Literal[
    "civil_servant",
    "local_officer",
    "teacher",
    "permanent_employee",
    "government_employee",
    "contract_mission",
    "contract_general",
    "contract",
    "temporary_employee",
]
Status = Literal[
    "active", "seconded", "on_leave", "suspended", "retired", "resigned", "transferred", "dismissed", "deceased"
]

# What the files say, to what we call it; without spaces and dots (`tables.plain`).
_KINDS: dict[Kind, tuple[str, ...]] = {
    "civil_servant": ("ข้าราชการ", "ข้าราชการพลเรือน", "ข้าราชการพลเรือนสามัญ"),
    "local_officer": (
        "ข้าราชการ/พนักงานส่วนท้องถิ่น",
        "ข้าราชการส่วนท้องถิ่น",
        "พนักงานส่วนท้องถิ่น",
        "ข้าราชการองค์การบริหารส่วนจังหวัด",
        "พนักงานเทศบาล",
        "พนักงานส่วนตำบล",
    ),
    "teacher": ("ครู", "ข้าราชการครู", "ข้าราชการครูและบุคลากรทางการศึกษา", "พนักงานครู", "พนักงานครูเทศบาล"),
    "permanent_employee": ("ลูกจ้างประจำ",),
    "government_employee": ("พนักงานราชการ",),
    "contract_mission": ("พนักงานจ้างตามภารกิจ", "พนักงานจ้างภารกิจ", "พนักงานจ้าง(ภารกิจ)"),
    "contract_general": ("พนักงานจ้างทั่วไป", "พนักงานจ้าง(ทั่วไป)"),
    "contract": ("พนักงานจ้าง",),
    "temporary_employee": ("ลูกจ้างชั่วคราว",),
}
_STATUSES: dict[Status, tuple[str, ...]] = {
    "active": ("ปกติ", "ปฏิบัติงาน", "ปฏิบัติราชการ", "ปฏิบัติงานปกติ", "คงอยู่"),
    "seconded": ("ช่วยราชการ",),
    "on_leave": ("ลา", "ลาศึกษา", "ลาศึกษาต่อ", "ลาคลอด"),
    "suspended": ("พักราชการ",),
    "retired": ("เกษียณ", "เกษียณอายุ", "เกษียณอายุราชการ"),
    "resigned": ("ลาออก", "ลาออกจากราชการ"),
    "transferred": ("โอน", "โอนออก", "ย้ายออก"),
    "dismissed": ("ให้ออก", "ปลดออก", "ไล่ออก", "พ้นจากราชการ"),
    "deceased": ("ถึงแก่กรรม", "เสียชีวิต", "ตาย"),
}
_KIND_BY_WORD: dict[str, Kind] = {plain(word): kind for kind, words in _KINDS.items() for word in words}
_STATUS_BY_WORD: dict[str, Status] = {plain(word): status for status, words in _STATUSES.items() for word in words}

_NUMBER = Column("ลำดับ", optional=True)  # nothing depends on it
_NATIONAL_ID = Column("เลขประจำตัวประชาชน", secret=True)
_TITLE = Column("คำนำหน้า")
_FIRST_NAME = Column("ชื่อ", secret=True)
_LAST_NAME = Column("นามสกุล", secret=True)
_BIRTH_DATE = Column("วันเดือนปีเกิด", secret=True)
_KIND = Column("ประเภทบุคลากร")
_POSITION_NO = Column("ตำแหน่งเลขที่")
_POSITION = Column("ตำแหน่งในสายงาน")
_LEVEL = Column("ระดับ")
_UNIT = Column("สำนัก/กอง")
_PROVINCE = Column("จังหวัด")
_APPOINTED_ON = Column("วันบรรจุ")
_TRANSFERRED_IN_ON = Column("วันรับโอน")
_RETIRES_ON = Column("วันเกษียณ")
_EMAIL = Column("อีเมล", secret=True)
_PHONE = Column("โทรศัพท์", secret=True)
_STATUS = Column("สถานะ")
_LASER_CODE = Column("Laser Code", optional=True, secret=True)

# A blank cell is a statement ("has no e-mail"), a missing column is none: without this a file that happens to lack the
# column would wipe everybody's address. So every column but these two must be there.
COLUMNS = (
    _NUMBER,
    _NATIONAL_ID,
    _TITLE,
    _FIRST_NAME,
    _LAST_NAME,
    _BIRTH_DATE,
    _KIND,
    _POSITION_NO,
    _POSITION,
    _LEVEL,
    _UNIT,
    _PROVINCE,
    _APPOINTED_ON,
    _TRANSFERRED_IN_ON,
    _RETIRES_ON,
    _EMAIL,
    _PHONE,
    _STATUS,
    _LASER_CODE,
)

_ROUNDED = pattern(r"[0-9]+(?:\.[0-9]+)?[Ee]\+?[0-9]+")
# ๐/๐/๒๕๐๕ and 00 ม.ค. 2505; 5/0/2505; ม.ค. 2505 and 2505 alone.
_DAY_UNKNOWN = pattern(r"0{1,2}[/.\-\s].*|[0-9]{1,2}[/.\-\s]+0{1,2}[/.\-\s].*|[^0-9]*[0-9]{4}")


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person. Texts that the file leaves blank are empty, everything else that it leaves blank is None.

    `number` is the row in the file; `kind_name` the file's own word for `kind`; `national_id` 13 digits, `phone` 9 to
    10, `laser_code` as in `thai.laser_code`. `birth_date` is None where day or month are unknown (`๐/๐/๒๕๐๕`), as the
    registers of older people have it. `laser_code` None says nothing about a code that is known already.
    """

    number: int
    national_id: str = field(repr=False)
    title: str
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    kind: Kind
    kind_name: str
    position_no: str
    position: str
    level: str
    unit: str
    province: str
    appointed_on: date | None
    transferred_in_on: date | None
    retires_on: date | None
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    status: Status
    laser_code: str | None = field(repr=False)


def read_roster(path: Path, today: date) -> Iterator[RosterRow | BadRow]:
    """The people in the file, one by one; a row that cannot be taken yields a `BadRow` for each of its bad cells.

    `today` bounds dates of birth. Codes of a `BadRow` are those of `tables.read`, of the readers in `bot.thai` and
    `cell_blank`, `national_id_rounded` (a spreadsheet made 1.9999E+12 of it), `kind_unknown`, `status_unknown`.
    Raises `BadFile` as `tables.read` does, at once. Call `refuse_repeated_ids` first.
    """
    rows = read(path, COLUMNS)
    return (item for row in rows for item in ([row] if isinstance(row, BadRow) else _person(row, today)))


def repeated_ids(path: Path) -> tuple[tuple[int, ...], ...]:
    """The row numbers at which one ID stands more than once, a group for each such ID, in the file's order.

    Reads the file twice and keeps eight bytes a person: the first pass finds the hashes that repeat, the second looks
    at those rows alone, so that two IDs with one hash are not mistaken for one.
    """
    hashes = sorted(array("q", (hash(number) for _, number in _ids(path))))
    suspects = {one for one, other in pairwise(hashes) if one == other}
    places: defaultdict[str, list[int]] = defaultdict(list)
    if suspects:
        for row, number in _ids(path):
            if hash(number) in suspects:
                places[number].append(row)
    return tuple(tuple(rows) for rows in places.values() if len(rows) > 1)


def refuse_repeated_ids(path: Path) -> None:
    """Raises `BadFile("national_id_twice", rows="2 = 7, 4 = 5 = 9")` if an ID stands in the file twice.

    The whole file is refused: which of two rows is the right one cannot be known.
    """
    if groups := repeated_ids(path):
        raise BadFile("national_id_twice", rows=", ".join(" = ".join(map(str, rows)) for rows in groups))


def person_kind(text: str) -> Kind:
    """The kind of staff that a Thai word means. Raises `Invalid("kind_unknown")`."""
    if kind := _KIND_BY_WORD.get(plain(text)):
        return kind
    raise Invalid("kind_unknown")


def person_status(text: str) -> Status:
    """The status that a Thai word means. Raises `Invalid("status_unknown")`."""
    if status := _STATUS_BY_WORD.get(plain(text)):
        return status
    raise Invalid("status_unknown")


def _ids(path: Path) -> Iterator[tuple[int, str]]:
    """Row number and ID of every row whose ID can be read."""
    for row in read(path, COLUMNS):
        if isinstance(row, Row):
            try:
                yield row.number, thai.national_id(row.cells[_NATIONAL_ID.name])
            except Invalid:
                continue


def _card_number(text: str) -> str:
    if _ROUNDED.fullmatch(text):
        raise Invalid("national_id_rounded")
    return thai.national_id(text)


def _person(row: Row, today: date) -> list[RosterRow | BadRow]:
    cells = Cells(row)

    def birth_date(text: str) -> date | None:
        return None if _DAY_UNKNOWN.fullmatch(thai.ascii_digits(text)) else thai.birth_date(text, today)

    title, first_name, last_name = _name(cells)
    person = RosterRow(
        number=row.number,
        national_id=cells.required(_NATIONAL_ID, _card_number, ""),
        title=title,
        first_name=first_name,
        last_name=last_name,
        birth_date=cells.optional(_BIRTH_DATE, birth_date),
        kind=cells.required(_KIND, person_kind, "civil_servant"),
        kind_name=cells.text(_KIND),
        position_no=thai.ascii_digits(cells.text(_POSITION_NO)),
        position=cells.text(_POSITION),
        level=cells.text(_LEVEL),
        unit=cells.required(_UNIT, str, ""),
        province=cells.text(_PROVINCE),
        appointed_on=cells.optional(_APPOINTED_ON, thai.parse_date),
        transferred_in_on=cells.optional(_TRANSFERRED_IN_ON, thai.parse_date),
        retires_on=cells.optional(_RETIRES_ON, thai.parse_date),
        email=cells.optional(_EMAIL, thai.email),
        phone=cells.optional(_PHONE, thai.phone),
        status=cells.required(_STATUS, person_status, "active"),
        laser_code=cells.optional(_LASER_CODE, thai.laser_code),
    )
    return [*cells.faults] if cells.faults else [person]


def _name(cells: Cells) -> tuple[str, str, str]:
    """Title, first and last name. Where the title column is blank the title may stand before the first name; where it
    is filled the name is left alone, for it may truly begin with those letters."""
    title = cells.text(_TITLE)
    first_name = cells.required(_FIRST_NAME, str, "")
    last_name = cells.required(_LAST_NAME, str, "")
    if first_name and last_name and not title:
        found, rest = thai.split_title(f"{first_name} {last_name}")
        if first := rest.removesuffix(last_name).rstrip():
            return found, first, last_name
    return title, first_name, last_name
