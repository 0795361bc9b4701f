"""What invented certificates of e-learning say. Used by `make_certificates.py` and by who measures how they are read.

They follow from afar what the three channels of letter พร ๐๐๒๓.๑/๑๗๒ print, without their emblems; each says “ตัวอย่าง
SPECIMEN”, and nobody and no course in them is real.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle

from bot import thai
from bot.events import Language

CHANNELS = ("ocsc", "thaimooc", "localmooc")
BREAK = "\n"  # in a name or a course: there a line ends


@dataclass(frozen=True)
class Certificate:
    """`owner`: as the roster has it; `name`: as it is printed. `form`: of the date, a key of `FORMS`."""

    channel: str
    language: Language
    owner: str
    name: str
    course: str
    passed_on: date
    form: str
    quoted: bool = False

    @property
    def plain_course(self) -> str:
        return self.course.replace(BREAK, " " if self.language == "en" else "")

    @property
    def address(self) -> str:
        """Of the page that confirms it; empty where its channel prints none."""
        serial = f"{abs(hash_of(self)):08x}"
        return {
            "ocsc": "",
            "thaimooc": f"https://lms.thaimooc.org/certificates/{serial}",
            "localmooc": f"https://www.localmooc.com/verify/{serial}",
        }[self.channel]


def hash_of(certificate: Certificate) -> int:
    """The same in each run, unlike Python's own."""
    return sum(ord(letter) * place for place, letter in enumerate(certificate.name + certificate.course, 1))


@dataclass(frozen=True)
class Line:
    """Words in the middle of a landscape A4 page, `y` points from its top."""

    y: int
    size: int
    words: str
    bold: bool = False


def _year(day: date) -> int:
    return day.year + 543


def _english(day: date) -> str:
    return thai.format_date(day, "en")


# A date, with the words before it.
FORMS: Mapping[Language, Mapping[str, Callable[[date], str]]] = {
    "th": {
        "thai digits": lambda d: thai.thai_digits(f"ให้ไว้ ณ วันที่ {d.day} {thai.MONTHS_TH[d.month - 1]} พ.ศ. {_year(d)}"),
        "long": lambda d: f"ให้ไว้ ณ วันที่ {d.day} {thai.MONTHS_TH[d.month - 1]} {_year(d)}",
        "short": lambda d: f"ออกให้ ณ วันที่ {d.day} {thai.MONTHS_TH_SHORT[d.month - 1]} {_year(d)}",
        "short, thai digits": lambda d: thai.thai_digits(
            f"ให้ไว้เมื่อวันที่ {d.day} {thai.MONTHS_TH_SHORT[d.month - 1]} {_year(d)}"
        ),
        "in words": lambda d: f"ให้ไว้ ณ วันที่ {d.day} เดือน {thai.MONTHS_TH[d.month - 1]} พุทธศักราช {_year(d)}",
        "figures": lambda d: f"วันที่ออกประกาศนียบัตร {d.day:02}/{d.month:02}/{_year(d)}",
        "range": lambda d: (
            f"อบรมระหว่างวันที่ {thai.format_date(d - timedelta(40), 'th')} ถึงวันที่ {thai.format_date(d, 'th')}"
        ),
    },
    "en": {
        "long": lambda d: f"Issued on {_english(d)}",
        "month first": lambda d: f"Date of completion: {d:%B} {d.day}, {d.year}",
        "ordinal": lambda d: f"Given on {d.day}th {d:%B} {d.year}",
        "short": lambda d: f"Issued on {d.day} {d:%b} {d.year}",
        "figures": lambda d: f"Issue date: {d.isoformat()}",
        "range": lambda d: f"from {_english(d - timedelta(40))} to {_english(d)}",
    },
}

_NAMES = (  # on the roster, and as printed
    ("นายสมชาย ทดสอบ", "นายสมชาย ทดสอบ"),
    ("นางสาวปรียา ใจตัวอย่าง", "น.ส. ปรียา ใจตัวอย่าง"),
    ("ว่าที่ ร.ต. รุ่ง จำลอง", "ว่าที่ร้อยตรี รุ่ง จำลอง"),
    ("นายอนันต์ สมมติ", "อนันต์ สมมติ"),
    ("นางญาดาพัชญ์ศรุตา ณ ตัวอย่างจำลองวงศ์กุล", f"นางญาดาพัชญ์ศรุตา{BREAK}ณ ตัวอย่างจำลองวงศ์กุล"),
    ("นางสาวฐิติรัตน์ ปุ้มปุ้ยใจสมมติ", "นางสาวฐิติรัตน์ ปุ้มปุ้ยใจสมมติ"),
)
_ENGLISH_NAMES = (
    ("Mr. Somchai Thotsop", "Mr. Somchai Thotsop"),
    ("Miss Preeya Chai-Tuayang", "Preeya Chai-Tuayang"),
    ("Mr. Anan Sommut", "MR. ANAN SOMMUT"),
)
COURSES: Mapping[Language, tuple[str, ...]] = {
    "th": (
        "การอยู่ร่วมกับตัวอย่างอย่างมีความสุข",
        f"การป้องกันและต่อต้านเรื่องสมมติ{BREAK}สำหรับผู้ปฏิบัติงานที่ดีและมีน้ำใจ",
        "ความรู้พื้นฐานเกี่ยวกับข้อมูลจำลอง รุ่นที่ ๒",
        "Excel ขั้นทดสอบ เพื่อการทำงานภาครัฐ",
        f"ปูพื้นฐานผู้นำยุคใหม่: ที่นี่มีแต่เรื่องแต่ง ๑๐๑{BREAK}และการฝึกฝนทักษะด้วยตนเอง",
        "กฎหมายที่ไม่มีอยู่จริงซึ่งข้าราชการควรรู้",
    ),
    "en": (
        "Introduction to Imaginary Data",
        f"Writing Plain Letters for Invented Offices{BREAK}and Other Public Services",
        "Ethics 101: A Course That Does Not Exist",
    ),
}
DAYS = (
    date(2024, 1, 15),
    date(2024, 3, 14),
    date(2023, 11, 16),
    date(2024, 2, 29),
    date(2023, 12, 4),
    date(2024, 6, 24),
)


def lines(certificate: Certificate) -> tuple[Line, ...]:
    """What its page says, from top to bottom."""
    words = (_thai if certificate.language == "th" else _english_words)(certificate)
    return (*_spaced(words), Line(570, 10, "ตัวอย่าง SPECIMEN"))


_Words = list[tuple[int, str, bool]]  # size, words, bold


def _spaced(words: _Words) -> list[Line]:
    made, y = [], 40
    for size, said, bold in words:
        for part in said.split(BREAK):
            made.append(Line(y, size, part, bold))
            y += round(size * 1.5)
        y += 6
    return made


def _named(certificate: Certificate) -> str:
    return f"“{certificate.course}”" if certificate.quoted else certificate.course


def _thai(certificate: Certificate) -> _Words:
    name, course = certificate.name, _named(certificate)
    passed = FORMS["th"][certificate.form](certificate.passed_on)
    if certificate.channel == "ocsc":
        return [
            (22, "สำนักงาน ก.พ.", True),
            (16, "OCSC Learning Portal", False),
            (16, "ประกาศนียบัตรฉบับนี้ให้ไว้เพื่อแสดงว่า", False),
            (26, name, True),
            (16, f"ได้ผ่านการเรียนหลักสูตร {course}", False),
            (14, "จำนวน 3 ชั่วโมง", False),
            (16, passed, False),
            (14, "(นางสาวผู้ลงนาม สมมติ)", False),
            (14, "เลขาธิการสมมติ", False),
        ]
    if certificate.channel == "thaimooc":
        return [
            (24, "Thai MOOC", True),
            (14, "Thailand Massive Open Online Course", False),
            (16, "ขอมอบประกาศนียบัตรฉบับนี้เพื่อแสดงว่า", False),
            (26, name, True),
            (16, "ได้ผ่านเกณฑ์การประเมินผลการเรียนในรายวิชา", False),
            (22, course, True),
            (14, "จัดโดย มหาวิทยาลัยตัวอย่าง", False),
            (16, passed, False),
            (10, f"ตรวจสอบได้ที่ {certificate.address}", False),
        ]
    return [
        (18, "กรมส่งเสริมการปกครองท้องถิ่น", True),
        (16, "มอบประกาศนียบัตรฉบับนี้ให้ไว้เพื่อแสดงว่า", False),
        (26, name, True),
        (14, "ตำแหน่ง นักวิชาการตัวอย่าง", False),
        (16, "ได้ผ่านการฝึกอบรมหลักสูตร", False),
        (22, course, True),
        (14, "ผ่านระบบ Local MOOC", False),
        (16, passed, False),
        (14, "(นายลงชื่อ จำลองดี)", False),
        (10, "พิมพ์เมื่อ 1 กรกฎาคม 2567", False),
    ]


_TITLES = {"ocsc": "OCSC Learning Portal", "thaimooc": "Thai MOOC", "localmooc": "Local MOOC"}
_COMPLETED = {
    "ocsc": "has successfully completed the online course",
    "thaimooc": "has successfully completed",
    "localmooc": "for successful completion of the course",
}


def _english_words(certificate: Certificate) -> _Words:
    words = [
        (24, _TITLES[certificate.channel], True),
        (28, "Certificate of Completion", True),
        (
            16,
            "This is to certify that" if certificate.channel != "localmooc" else "This certificate is presented to",
            False,
        ),
        (26, certificate.name, True),
        (16, _COMPLETED[certificate.channel], False),
        (22, _named(certificate), True),
        (16, FORMS["en"][certificate.form](certificate.passed_on), False),
        (14, "(Dr. Signed Pretend)", False),
    ]
    if certificate.address:
        words.append((10, f"Verify at {certificate.address}", False))
    return words


def grid(language: Language, rounds: int = 1) -> list[Certificate]:
    """Every channel with every form of a date; names, courses and days in turn, others in each round."""
    names = cycle(_NAMES if language == "th" else _ENGLISH_NAMES)
    courses, days = cycle(COURSES[language]), cycle(DAYS)
    made = []
    for _ in range(rounds):
        for form in FORMS[language]:
            for channel in CHANNELS:
                owner, name = next(names)
                course, day = next(courses), next(days)
                quoted = channel == "thaimooc"
                made.append(Certificate(channel, language, owner, name, course, day, form, quoted))
            next(courses)  # so that they meet other names and days
        next(names)
        next(days)
    return made
