"""The CSV files: how real ones look, with invented people in them."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date

from bot import thai
from bot.times import BE
from samples import organisations
from samples.cast import CAST, Person
from samples.people import PEOPLE, dashed, national_id, people

ROSTER_HEADER = (
    "ลำดับ",
    "เลขประจำตัวประชาชน",
    "คำนำหน้า",
    "ชื่อ",
    "นามสกุล",
    "วันเดือนปีเกิด",
    "ประเภทบุคลากร",
    "ตำแหน่งเลขที่",
    "ตำแหน่งในสายงาน",
    "ระดับ",
    "สำนัก/กอง",
    "จังหวัด",
    "วันบรรจุ",
    "วันรับโอน",
    "วันเกษียณ",
    "อีเมล",
    "โทรศัพท์",
    "สถานะ",
    "Laser Code",
)

# The raw columns of DPIS, and the codes of what it knows: it is for the civil service, not for local authorities.
DPIS_HEADER = (
    "PER_ID",
    "PER_CARDNO",
    "POS_NO",
    "PN_NAME",
    "PER_NAME",
    "PER_SURNAME",
    "PM_NAME",
    "PL_NAME",
    "LEVEL_NAME",
    "ORG_NAME",
    "ORG_NAME1",
    "ORG_NAME2",
    "PER_BIRTHDATE",
    "PER_RETIREDATE",
    "PER_TYPE",
    "PER_STATUS",
    "PER_EMAIL",
    "PER_STARTDATE",
)
DPIS_TYPES = {"ข้าราชการ": "1", "ข้าราชการพลเรือนสามัญ": "1", "ลูกจ้างประจำ": "2", "พนักงานราชการ": "3"}
DPIS_STATUSES = {"ปกติ": "1", "ช่วยราชการ": "1", "เกษียณ": "2"}

# HR's list of those whose electronic record is not certified: most of the cast, and some others.
UNCERTIFIED_HEADER = ("ลำดับ", "เลขบัตร", "ชื่อ-สกุล", "หน่วยงาน")
UNCERTIFIED = (1, 3, 4, 5, *range(10, PEOPLE, 12))


def retires_on(born: date) -> date:
    """1 October after the fiscal year in which the person turns 60."""
    return date(born.year + (60 if (born.month, born.day) <= (10, 1) else 61), 10, 1)


def short_date(day: date) -> str:
    """`1 ต.ค. 2561`."""
    return f"{day.day} {thai.MONTHS_TH_SHORT[day.month - 1]} {day.year + BE}"


def _as_typed(day: date | None, style: int) -> str:
    """A date in one of the shapes that real files mix."""
    if day is None:
        return ""
    be = day.year + BE
    shapes = (
        short_date(day),
        f"{day.day}/{day.month}/{be}",
        thai.format_date(day, "th"),
        f"{day:%d-%m}-{be}",
        day.isoformat(),
        f"{day.day} {thai.MONTHS_TH[day.month - 1]} พ.ศ. {be}",
    )
    return shapes[style % len(shapes)]


def roster_row(serial: int, person: Person) -> tuple[str, ...]:
    """One line of the roster. How it is typed depends on its number alone: every fourth in Thai digits, every fifth ID
    bare, every ninth title glued to the name."""
    digits = national_id(serial)
    thai_style = serial % 4 == 1
    glued = serial % 9 == 8 and serial > len(CAST)

    def typed(text: str) -> str:
        return thai.thai_digits(text) if thai_style else text

    born = f"0/0/{1955 + serial % 20 + BE}" if person.born is None else _as_typed(person.born, serial)
    return (
        typed(str(serial)),
        typed(digits if serial % 5 == 0 else dashed(digits)),
        "" if glued else person.title,
        f"{person.title}{person.first}" if glued else person.first,
        person.last,
        typed(born),
        person.kind,
        typed(str(1000 + serial)),
        person.job,
        person.level,
        person.unit,
        person.province,
        typed(_as_typed(person.appointed, serial)),
        typed(_as_typed(person.transferred_in, serial)),
        typed(_as_typed(retires_on(person.born), serial)) if person.born else "",
        person.email,
        typed(f"08{serial % 10}-{serial // 10_000:03}-{serial % 10_000:04}"),
        person.status,
        f"{person.laser[:3]}-{person.laser[3:10]}-{person.laser[10:]}" if serial % 3 else person.laser,
    )


def dpis_row(serial: int, person: Person) -> tuple[str, ...]:
    """The same person as DPIS has them: bare digits, days CE in ISO, codes."""

    def iso(day: date | None) -> str:
        return day.isoformat() if day else ""

    return (
        str(serial),
        national_id(serial),
        str(1000 + serial),
        person.title,
        person.first,
        person.last,
        "",
        person.job,
        person.level,
        person.unit,
        "",
        "",
        iso(person.born),
        iso(retires_on(person.born) if person.born else None),
        DPIS_TYPES[person.kind],
        DPIS_STATUSES[person.status],
        person.email,
        iso(person.appointed),
    )


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    """As a spreadsheet program saves it, UTF-8 with a BOM; but LF, so that git has nothing to convert."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def organisations_csv() -> bytes:
    return _csv([organisations.HEADER, *organisations.ORGANISATIONS])


def roster_csv() -> bytes:
    """The roster, with a title above its header as real ones have."""
    title = ["บัญชีรายชื่อบุคลากร (ข้อมูลสมมติทั้งหมด)"] + [""] * (len(ROSTER_HEADER) - 1)
    rows = [roster_row(serial, person) for serial, person in enumerate(people(), start=1)]
    return _csv([title, ROSTER_HEADER, *rows])


def dpis_csv() -> bytes:
    """Those of the roster whom DPIS would know."""
    known = [(serial, person) for serial, person in enumerate(people(), start=1) if person.kind in DPIS_TYPES]
    return _csv([DPIS_HEADER, *(dpis_row(serial, person) for serial, person in known)])


def uncertified_csv() -> bytes:
    """Titles glued to names, as such lists have them."""
    title = ["บัญชีรายชื่อข้าราชการที่ยังไม่ได้รับรองข้อมูล (ข้อมูลสมมติทั้งหมด)"] + [""] * (len(UNCERTIFIED_HEADER) - 1)
    everybody = people()
    rows = [
        (str(number), dashed(national_id(serial)), everybody[serial - 1].full_name, everybody[serial - 1].unit)
        for number, serial in enumerate(UNCERTIFIED, start=1)
    ]
    return _csv([title, UNCERTIFIED_HEADER, *rows])
