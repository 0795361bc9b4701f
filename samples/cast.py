"""The people whom manuals, demonstrations and tests know; everybody else is invented by `people.py`."""

from dataclasses import dataclass
from datetime import date

from samples.organisations import CAPITAL


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

    @property
    def full_name(self) -> str:
        return f"{self.title}{' ' if '.' in self.title else ''}{self.first} {self.last}"


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
        note_th="เจ้าหน้าที่บุคคลของกรมตัวอย่าง (`make run` บันทึกคำสั่งไว้แล้ว) มีอีเมลในทะเบียน",
        note_en="HR officer of the Department of Examples (`make run` has recorded the order), e-mail on record",
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
