"""What a unit reports of a round (letter มท ๐๘๐๒.๔/ว ๕๕๕๙): who has learnt what, of how many, and what it is worth
today. Values only: `workbook.py`, `form.py` and `bundle.py` make files of them. Pure.

These files go to the department, so they are in Thai, whatever language whoever sends them speaks; their words have
English ones in the catalogue (`report.*`) that are never shown. What is ours has Thai digits, as the letters do; what
people, units and courses are called stays as it was written.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from bot import thai
from bot.events import Say
from bot.text import Texts
from bot.values import frozen
from handlers.learning.rules import Round, Sending, percent
from handlers.review.file_names import cut, part

LONGEST = 500  # characters of a cell: nobody's name, and what a spreadsheet shows in one row
# As HR's own files have them: ลำดับ, ชื่อ-สกุล, ตำแหน่ง, สังกัด, ช่องทาง, หลักสูตร, วันที่ผ่าน, ไฟล์.
COLUMNS = (
    "report.number", "report.name", "report.position", "report.unit", "report.channel", "report.course",
    "report.passed_on", "report.file",
)  # fmt: skip


@frozen
class Line:
    """A certificate of somebody, or somebody who has none: then `passed_on` is None, `channel`, `course` and `file` are
    empty. `number`: of the person in the report, from 1. `channel`: its name. `file`: as `file_name` makes it."""

    number: int
    name: str
    position: str
    unit: str
    channel: str = ""
    course: str = ""
    passed_on: date | None = None
    file: str = ""


@frozen
class UnitReport:
    """`title`: what the round is called. `counted`: people of the unit, of whom so many have `passed`. `lines`: those
    of one person beside each other. `sending`: what it is worth if its last part goes on `made_on`."""

    title: str
    round: Round
    unit: str
    counted: int
    passed: int
    lines: tuple[Line, ...]
    made_on: date
    sending: Sending

    @property
    def percent(self) -> Decimal:
        return percent(self.passed, self.counted)


def file_name(number: int, name: str, nth: int) -> str:
    """Of somebody's `nth` certificate; no two are called the same, whatever people are called."""
    return f"{number:04}_{part(name)}_{nth}.pdf"


def worth(report: UnitReport) -> Say:
    """What sending it today would mean, for the chat."""
    match report.sending.window:
        case "before":
            return Say("learning.sent_before", {"opens": report.round.opens})
        case "open":
            return Say("learning.sent_open", {"closes": report.round.closes})
        case "late":
            days, points = report.sending.working_days, report.sending.points
            return Say("learning.sent_late", {"days": days, "points": points, "until": report.round.counted_until})
        case "over":
            return Say("learning.sent_over", {"until": report.round.counted_until})


# --- how it is written ------------------------------------------------------------------------------------------------


def heading(texts: Texts, report: UnitReport) -> tuple[str, ...]:
    """What stands above the table, a line each; the first is the title."""
    terms = report.round
    title, letter = (thai.thai_digits(cell(text)) for text in (report.title, terms.letter))
    return (
        words(texts, "report.title"),
        words(texts, "report.round", {"title": title, "first": terms.first, "last": terms.last}),
        words(texts, "report.letter", {"letter": letter}),
        words(texts, "report.of_unit", {"unit": cell(report.unit)}),
        words(
            texts,
            "report.share",
            {"passed": report.passed, "counted": report.counted, "percent": report.percent},
        ),
        words(texts, "report.made_on", {"day": report.made_on}),
    )


def cells(line: Line) -> tuple[str, ...]:
    """All but the number, as text: on one line, at most `LONGEST` characters."""
    day = _digits(line.passed_on) if line.passed_on else ""
    named = map(cell, (line.name, line.position, line.unit, line.channel, line.course))
    return (*named, day, cell(line.file))


def words(texts: Texts, key: str, params: Mapping[str, object] = MappingProxyType({})) -> str:
    """In Thai; numbers and days with Thai digits."""
    return texts("th", key, {name: one if isinstance(one, str) else _digits(one) for name, one in params.items()})


def _digits(value: object) -> str:
    return thai.thai_digits(thai.format_date(value, "th") if isinstance(value, date) else str(value))


def cell(text: str) -> str:
    """On one line, without what does not show or no file may hold; what is cut off ends with a sign."""
    clean = thai.clean(text).replace("\ufffe", "").replace("\uffff", "")
    return clean if len(clean) <= LONGEST else f"{cut(clean, LONGEST - 1)}…"
