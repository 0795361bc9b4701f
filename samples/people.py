"""Invents people: the same seed gives the same ones."""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import TypeVar

from bot import thai
from samples.cast import CAST, Person
from samples.organisations import ORGANISATIONS

_T = TypeVar("_T")

SEED = 2562
PEOPLE = 200
WITHOUT_EMAIL = 0.3  # of those below the cast

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


def national_id(serial: int) -> str:
    """The ID of the person in row `serial`, 13 digits: 1-9999-00000-01-x is the first."""
    digits = f"19999{serial:07}"
    return digits + thai.check_digit(digits)


def dashed(digits: str) -> str:
    """`1-9999-00000-01-3`, as the card prints it."""
    return "-".join((digits[0], digits[1:5], digits[5:10], digits[10:12], digits[12]))


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
