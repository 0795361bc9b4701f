"""Makes the invented organisations and people next to this file: `python samples/make_samples.py`.

The same seed gives the same files, on every Python: only `Random.random` is used, which Python promises to keep. All
names, numbers and addresses are made up and look it: IDs begin with 1-9999, telephone numbers read 08x-000-xxxx,
addresses end in example.go.th or example.com. The formats, on the other hand, are mixed as they are in real files:
Thai digits, dashes, dates in several shapes, titles glued to names.
"""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import TypeVar

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # run by hand, from anywhere

from bot import thai  # noqa: E402

_T = TypeVar("_T")

SEED = 2562
PEOPLE = 200
WITHOUT_EMAIL = 0.3  # of those below the cast

ORGANISATION_HEADER = ("รหัส", "ประเภท", "ชื่อ", "ชื่ออังกฤษ", "จังหวัด", "อำเภอ", "รหัสแม่")
CAPITAL = "กรุงเทพมหานคร"
PROVINCE = "สมมติ"
# The roster names a unit by its name alone, so names are unique here.
ORGANISATIONS = (
    ("M01", "กระทรวง", "กระทรวงสมมติ", "Ministry of Supposition", CAPITAL, "", ""),
    ("D01", "กรม", "กรมตัวอย่าง", "Department of Examples", CAPITAL, "", "M01"),
    ("D0101", "กอง", "กองการเจ้าหน้าที่", "Personnel Division", CAPITAL, "", "D01"),
    ("D0102", "กอง", "กองคลังตัวอย่าง", "Example Finance Division", CAPITAL, "", "D01"),
    ("D0103", "กอง", "กองแผนงานตัวอย่าง", "Example Planning Division", CAPITAL, "", "D01"),
    ("D0104", "สำนัก", "สำนักพัฒนาตัวอย่าง", "Bureau of Example Development", CAPITAL, "", "D01"),
    ("D0105", "สถาบัน", "สถาบันตัวอย่าง", "Example Institute", CAPITAL, "", "D01"),
    ("D010501", "ศูนย์", "ศูนย์ตัวอย่างที่ 1", "Example Centre 1", PROVINCE, "เมืองสมมติ", "D0105"),
    ("D02", "กรม", "กรมทดลอง", "Department of Trials", CAPITAL, "", "M01"),
    ("D0201", "กอง", "กองบริหารทดลอง", "Trial Administration Division", CAPITAL, "", "D02"),
    ("D0202", "กอง", "กองมาตรฐานทดลอง", "Trial Standards Division", CAPITAL, "", "D02"),
    ("D0203", "ศูนย์", "ศูนย์เทคโนโลยีทดลอง", "Trial Technology Centre", CAPITAL, "", "D02"),
    ("P01", "จังหวัด", "จังหวัดสมมติ", "Sommot Province", PROVINCE, "", ""),
    ("P0101", "สำนักงานจังหวัด", "สำนักงานจังหวัดสมมติ", "Sommot Provincial Office", PROVINCE, "เมืองสมมติ", "P01"),
    (
        "P0102",
        "สำนักงานจังหวัด",
        "สำนักงานตัวอย่างจังหวัดสมมติ",
        "Sommot Provincial Office of Examples",
        PROVINCE,
        "เมืองสมมติ",
        "P01",
    ),
    ("A01", "อำเภอ", "อำเภอเมืองสมมติ", "Mueang Sommot District", PROVINCE, "เมืองสมมติ", "P01"),
    ("A02", "อำเภอ", "อำเภอลองดู", "Longdu District", PROVINCE, "ลองดู", "P01"),
    ("A03", "อำเภอ", "อำเภอจำลอง", "Chamlong District", PROVINCE, "จำลอง", "P01"),
    ("L01", "อบจ.", "องค์การบริหารส่วนจังหวัดสมมติ", "Sommot Provincial Authority", PROVINCE, "เมืองสมมติ", "P01"),
    ("L02", "เทศบาลเมือง", "เทศบาลเมืองสมมติ", "Sommot Town Municipality", PROVINCE, "เมืองสมมติ", "P01"),
    ("L03", "เทศบาลตำบล", "เทศบาลตำบลลองดู", "Longdu Subdistrict Municipality", PROVINCE, "ลองดู", "A02"),
    ("L04", "เทศบาลตำบล", "เทศบาลตำบลจำลอง", "Chamlong Subdistrict Municipality", PROVINCE, "จำลอง", "A03"),
    ("L05", "อบต.", "องค์การบริหารส่วนตำบลทดสอบ", "Thotsop Subdistrict Authority", PROVINCE, "ลองดู", "A02"),
    ("L06", "อบต.", "องค์การบริหารส่วนตำบลเทียม", "Thiam Subdistrict Authority", PROVINCE, "จำลอง", "A03"),
    ("L07", "อบต.", "องค์การบริหารส่วนตำบลแบบฝึก", "Baepfuek Subdistrict Authority", PROVINCE, "เมืองสมมติ", "A01"),
)

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

_MEN = "กล้า เก่ง ขยัน ตั้งใจ ถาวร ธงชัย นำชัย บุญมี ประเสริฐ พากเพียร มานะ ยิ่งยง รุ่ง วิชัย สมศักดิ์ สุขใจ อดทน เอกชัย"
_WOMEN = "กานดา จันทรา ชื่นใจ ดรุณี ดวงใจ ทองดี นารี น้ำฝน บัวแก้ว ปราณี พิมพ์ใจ มานี รัตนา วันดี ศรีสุดา สาวิตรี สุนีย์ อารี"
_SURNAMES = "ทดสอบ ตัวอย่าง สมมติ จำลอง ลองดู ใจทดสอบ ใจสมมติ ทดลองดี ตัวอย่างดี ยืมชื่อ ไม่มีจริง แบบฝึก เทียมแท้ ลองใช้ ชื่อสมมติ จำลองงาม"
_CENTRAL_JOBS = (
    ("นักทรัพยากรบุคคล", "ปฏิบัติการ"),
    ("นักทรัพยากรบุคคล", "ชำนาญการ"),
    ("นักวิเคราะห์นโยบายและแผน", "ชำนาญการ"),
    ("นักวิเคราะห์นโยบายและแผน", "ชำนาญการพิเศษ"),
    ("นักจัดการงานทั่วไป", "ปฏิบัติการ"),
    ("นักวิชาการเงินและบัญชี", "ชำนาญการ"),
    ("เจ้าพนักงานธุรการ", "ชำนาญงาน"),
    ("นักวิชาการคอมพิวเตอร์", "ปฏิบัติการ"),
)
_LOCAL_JOBS = (
    ("นักพัฒนาชุมชน", "ชำนาญการ"),
    ("นักบริหารงานทั่วไป", "ต้น"),
    ("เจ้าพนักงานพัสดุ", "ชำนาญงาน"),
    ("นายช่างโยธา", "ปฏิบัติงาน"),
)
_LASER_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


@dataclass(frozen=True)
class Person:
    """One invented person; `note_th` and `note_en` say what the bot does for a member of the cast."""

    title: str
    first: str
    last: str
    born: date | None
    kind: str
    job: str
    level: str
    unit: str
    province: str
    appointed: date
    transferred_in: date | None
    email: str
    laser: str
    status: str = "ปกติ"
    note_th: str = ""
    note_en: str = ""


# The steady cast. Manuals, demonstrations and tests know them by number: add at the end, never change.
CAST = (
    Person(
        title="นาย",
        first="สมชาย",
        last="ทดสอบ",
        born=date(1984, 2, 5),
        kind="ข้าราชการ",
        job="นักวิเคราะห์นโยบายและแผน",
        level="ชำนาญการ",
        unit="กองแผนงานตัวอย่าง",
        province=CAPITAL,
        appointed=date(2007, 6, 1),
        transferred_in=None,
        email="somchai.t@example.go.th",
        laser="JT1000000101",
        note_th="มีอีเมลในทะเบียน: รหัสยืนยันส่งไปที่อีเมลนั้น แล้วเข้าสู่ระบบได้",
        note_en="E-mail on record: the code is mailed there, then logged in",
    ),
    Person(
        title="นาง",
        first="มาลี",
        last="ตัวอย่าง",
        born=date(1979, 8, 12),
        kind="ข้าราชการ",
        job="นักทรัพยากรบุคคล",
        level="ชำนาญการพิเศษ",
        unit="กองการเจ้าหน้าที่",
        province=CAPITAL,
        appointed=date(2004, 5, 3),
        transferred_in=None,
        email="malee.t@example.go.th",
        laser="JT2000000202",
        note_th="เจ้าหน้าที่บุคคล มีอีเมลในทะเบียน",
        note_en="HR officer, e-mail on record",
    ),
    Person(
        title="นาย",
        first="อนันต์",
        last="สมมติ",
        born=date(1976, 11, 30),
        kind="ข้าราชการ",
        job="นักวิชาการเงินและบัญชี",
        level="ชำนาญการ",
        unit="กองบริหารทดลอง",
        province=CAPITAL,
        appointed=date(2002, 10, 1),
        transferred_in=None,
        email="",
        laser="JT3000000303",
        note_th="บรรจุก่อน 1 ตุลาคม 2561 ไม่มีอีเมล: เพิ่มอีเมลเองได้ด้วย Laser Code",
        note_en="Appointed before 1 October 2018, no e-mail: adds one with the laser code",
    ),
    Person(
        title="นางสาว",
        first="ปรียา",
        last="ใจตัวอย่าง",
        born=date(1996, 4, 17),
        kind="ข้าราชการ",
        job="นักจัดการงานทั่วไป",
        level="ปฏิบัติการ",
        unit="สำนักพัฒนาตัวอย่าง",
        province=CAPITAL,
        appointed=date(2020, 11, 1),
        transferred_in=None,
        email="",
        laser="JT4000000404",
        note_th="บรรจุตั้งแต่ 1 ตุลาคม 2561 ไม่มีอีเมล: เมื่อยืนยันตัวตนแล้ว ให้ติดต่อเจ้าหน้าที่บุคคล",
        note_en="Appointed later, no e-mail: once identified, sent to HR",
    ),
    Person(
        title="ว่าที่ ร.ต.",
        first="รุ่ง",
        last="จำลอง",
        born=date(1985, 2, 5),
        kind="ข้าราชการ",
        job="นักวิชาการคอมพิวเตอร์",
        level="ชำนาญการ",
        unit="ศูนย์เทคโนโลยีทดลอง",
        province=CAPITAL,
        appointed=date(2010, 7, 1),
        transferred_in=date(2019, 4, 1),
        email="",
        laser="JT5000000505",
        note_th="บรรจุก่อน 1 ตุลาคม 2561 แต่รับโอนภายหลัง ไม่มีอีเมล: เมื่อยืนยันตัวตนแล้ว ให้ติดต่อเจ้าหน้าที่บุคคล",
        note_en="Appointed before, but transferred in later, no e-mail: once identified, sent to HR",
    ),
    Person(
        title="นาย",
        first="สุข",
        last="พักทดสอบ",
        born=date(1962, 3, 9),
        kind="ข้าราชการ",
        job="นักทรัพยากรบุคคล",
        level="เชี่ยวชาญ",
        unit="กองการเจ้าหน้าที่",
        province=CAPITAL,
        appointed=date(1987, 1, 5),
        transferred_in=None,
        email="suk.p@example.com",
        laser="JT6000000606",
        status="เกษียณ",
        note_th="เกษียณแล้ว",
        note_en="Retired",
    ),
)


def national_id(serial: int) -> str:
    """The ID of the person in row `serial`, 13 digits: 1-9999-00000-01-x is the first."""
    digits = f"19999{serial:07}"
    return digits + thai.check_digit(digits)


def dashed(digits: str) -> str:
    """`1-9999-00000-01-3`, as the card prints it."""
    return "-".join((digits[0], digits[1:5], digits[5:10], digits[10:12], digits[12]))


def retires_on(born: date) -> date:
    """1 October after the fiscal year in which the person turns 60."""
    return date(born.year + (60 if (born.month, born.day) <= (10, 1) else 61), 10, 1)


def short_date(day: date) -> str:
    """`1 ต.ค. 2561`."""
    return f"{day.day} {thai.MONTHS_TH_SHORT[day.month - 1]} {day.year + 543}"


def _pick(random: Random, options: Sequence[_T]) -> _T:
    return options[int(random.random() * len(options))]


def _date_between(random: Random, first: int, last: int) -> date:
    """Some day of the years `first` to `last`, CE."""
    years = range(first, last + 1)
    return date(_pick(random, years), _pick(random, range(1, 13)), _pick(random, range(1, 29)))


def invent(serial: int, random: Random) -> Person:
    """The person in row `serial`, below the cast."""
    woman = random.random() < 0.55
    title = _pick(random, ("นาง", "นางสาว", "นางสาว", "น.ส.") if woman else ("นาย", "นาย", "นาย", "ว่าที่ร้อยตรี"))
    if random.random() < 0.03:
        title = "ว่าที่ ร.ต.หญิง" if woman else "ดร."
    units = [row for row in ORGANISATIONS if row[1] not in ("กระทรวง", "กรม", "จังหวัด", "อำเภอ")]
    code, _, unit, _, province, _, _ = _pick(random, units)
    if code.startswith("L"):
        kind = _pick(random, ("พนักงานส่วนท้องถิ่น", "พนักงานส่วนท้องถิ่น", "พนักงานจ้างตามภารกิจ", "พนักงานจ้างทั่วไป"))
        job, level = _pick(random, _LOCAL_JOBS)
    else:
        kind = _pick(random, ("ข้าราชการ", "ข้าราชการ", "ข้าราชการ", "ข้าราชการพลเรือนสามัญ", "พนักงานราชการ", "ลูกจ้างประจำ"))
        job, level = _pick(random, _CENTRAL_JOBS)
    if kind in ("พนักงานราชการ", "ลูกจ้างประจำ") or kind.startswith("พนักงานจ้าง"):
        level = ""
    born = _date_between(random, 1968, 1999)
    appointed = _date_between(random, born.year + 23, min(born.year + 32, 2024))
    return Person(
        title=title,
        first=_pick(random, (_WOMEN if woman else _MEN).split()),
        last=_pick(random, _SURNAMES.split()),
        born=None if random.random() < 0.02 else born,
        kind=kind,
        job=job,
        level=level,
        unit=unit,
        province=province,
        appointed=appointed,
        transferred_in=_date_between(random, appointed.year + 1, 2025) if random.random() < 0.1 else None,
        email="" if random.random() < WITHOUT_EMAIL else f"person{serial:03}@example.{_pick(random, ('go.th', 'com'))}",
        laser=f"{_pick(random, _LASER_LETTERS)}{_pick(random, _LASER_LETTERS)}{int(random.random() * 10**10):010}",
        status="ช่วยราชการ" if random.random() < 0.02 else "ปกติ",
    )


def people() -> list[Person]:
    """The cast, and then everybody else."""
    random = Random(SEED)
    return [*CAST, *(invent(serial, random) for serial in range(len(CAST) + 1, PEOPLE + 1))]


def _as_typed(day: date | None, style: int) -> str:
    """A date in one of the shapes that real files mix."""
    if day is None:
        return ""
    be = day.year + 543
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

    born = f"0/0/{1955 + serial % 20 + 543}" if person.born is None else _as_typed(person.born, serial)
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
    return _csv([ORGANISATION_HEADER, *ORGANISATIONS])


def roster_csv() -> bytes:
    """The roster, with a title above its header as real ones have."""
    title = ["บัญชีรายชื่อบุคลากร (ข้อมูลสมมติทั้งหมด)"] + [""] * (len(ROSTER_HEADER) - 1)
    rows = [roster_row(serial, person) for serial, person in enumerate(people(), start=1)]
    return _csv([title, ROSTER_HEADER, *rows])


def dpis_csv() -> bytes:
    """Those of the roster whom DPIS would know."""
    known = [(serial, person) for serial, person in enumerate(people(), start=1) if person.kind in DPIS_TYPES]
    return _csv([DPIS_HEADER, *(dpis_row(serial, person) for serial, person in known)])


def readme() -> str:
    """What the files hold and who the cast are, in both languages."""
    lines = [
        "# ข้อมูลตัวอย่าง / Samples",
        "",
        "ทุกชื่อ เลข และที่อยู่ในโฟลเดอร์นี้เป็นข้อมูลสมมติ แฟ้มทั้งหมดสร้างด้วย `python samples/make_samples.py`",
        "รวมทั้งหน้านี้ จึงไม่ควรแก้ด้วยมือ",
        "",
        "Every name, number and address here is invented. `python samples/make_samples.py` makes all files, this page",
        "included: do not edit them by hand.",
        "",
        f"- `organisations.csv`: {len(ORGANISATIONS)} หน่วยงาน / organisations",
        f"- `roster.csv`: {PEOPLE} คน / people",
        "- `roster_dpis.csv`: ข้าราชการ พนักงานราชการ และลูกจ้างประจำในแฟ้มเดียวกัน ตามคอลัมน์ของ DPIS / those of them "
        "whom DPIS would know, in its raw columns",
        "",
        "## ตัวละครหลัก / The cast",
        "",
        "| # | ชื่อ / Name | เลขประจำตัวประชาชน / ID | วันเกิด / Born | Laser Code | อีเมล / E-mail "
        "| เกิดอะไรขึ้น / What happens |",
        "|---|---|---|---|---|---|---|",
    ]
    for serial, person in enumerate(CAST, start=1):
        name = f"{person.title}{' ' if '.' in person.title else ''}{person.first} {person.last}"
        born = f"{thai.format_date(person.born, 'th')} / {thai.format_date(person.born, 'en')}" if person.born else "–"
        cells = (
            str(serial),
            name,
            f"`{dashed(national_id(serial))}`",
            born,
            f"`{person.laser}`",
            f"`{person.email}`" if person.email else "–",
            f"{person.note_th} / {person.note_en}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def files() -> dict[str, bytes]:
    """All that this script writes: file name to content."""
    return {
        "organisations.csv": organisations_csv(),
        "roster.csv": roster_csv(),
        "roster_dpis.csv": dpis_csv(),
        "README.md": readme().encode(),
    }


def main() -> None:
    for name, content in files().items():
        (HERE / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
