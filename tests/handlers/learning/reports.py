"""A unit's report, as those who test its files want it."""

from datetime import date
from decimal import Decimal
from typing import Any

from handlers.learning.report import Line, UnitReport, file_name
from handlers.learning.rounds import ROUND_1_2567
from handlers.learning.rules import Sending

RUNG = ("ว่าที่ ร.ต.รุ่ง ทดสอบ", "นักทรัพยากรบุคคลชำนาญการ", "สำนักงานท้องถิ่นจังหวัดแพร่")
CHANNELS = ("OCSC Learning Portal ของสำนักงาน ก.พ.", "Thai MOOC", "Local MOOC ของกรมส่งเสริมการปกครองท้องถิ่น")
COURSE = "น้ำใจของผู้นำ ป้ ฝี่ ฟ้ ปู่ย่า: การใช้ดิจิทัลเพื่อการปฏิบัติงานภาครัฐ"


def a_line(number: int = 1, **given: Any) -> Line:
    name, position, unit = RUNG
    line = {"name": name, "position": position, "unit": unit, "channel": CHANNELS[0], "course": COURSE}
    return Line(number, **{**line, "passed_on": date(2024, 1, 9), "file": file_name(number, name, 1), **given})


def nobody_s(number: int = 1, name: str = RUNG[0]) -> Line:
    """Somebody without a certificate."""
    return Line(number, name, *RUNG[1:])


def a_report(*lines: Line, **given: Any) -> UnitReport:
    people = {line.number for line in lines}
    passed = {line.number for line in lines if line.passed_on}
    terms: dict[str, Any] = {
        "title": "รอบที่ 1/2567",
        "round": ROUND_1_2567,
        "unit": "สำนักงานท้องถิ่นจังหวัดแพร่",
        "counted": len(people),
        "passed": len(passed),
        "made_on": date(2024, 3, 18),
        "sending": Sending("late", 1, Decimal("0.25")),
    }
    return UnitReport(lines=lines, **{**terms, **given})


def of_people(people: int) -> UnitReport:
    """Of five people one has two certificates, and none lacks one: 1.2 each."""
    lines = []
    for n in range(1, people + 1):
        name = f"นางสาวคนที่{n} ทดสอบ"
        for nth in range(1, 3 if n % 5 == 0 else 2):
            file = file_name(n, name, nth)
            lines.append(a_line(n, name=name, channel=CHANNELS[n % 3], course=f"{COURSE} {n % 40}", file=file))
    return a_report(*lines)
