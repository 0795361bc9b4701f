"""The report as a form to print, which the head of the unit certifies: A4, as many pages as it takes."""

from pathlib import Path

import orjson

from bot import thai
from bot.papers import svg
from bot.papers.room import Papers
from bot.papers.shapes import Refused
from bot.text import Texts
from handlers.learning.report import COLUMNS, Line, UnitReport, cells, heading, words

_FORM = Path(__file__).parent / "templates" / "form.typ"
_SIGNED = ("report.signed", "report.signed_name", "report.signed_position", "report.signed_on")


async def form(papers: Papers, texts: Texts, report: UnitReport) -> bytes | Refused:
    """→ PDF. `Refused` only where the machine has no time or room for it: later."""
    return await papers.typeset(_FORM.read_bytes(), data(texts, report))


def data(texts: Texts, report: UnitReport) -> bytes:
    """All that the form says, as JSON: strings, which typst sets as they are. Those of the table's lines say where they
    may be broken, if need be, as a zero-width space (which `cell` takes from what people write)."""
    title, *rest = heading(texts, report)
    round, _, unit, share, _ = rest
    return orjson.dumps(
        {
            "title": title,
            "heading": rest,
            "columns": [words(texts, column) for column in COLUMNS],
            "lines": [_row(texts, line) for line in report.lines],
            "certified": [words(texts, "report.certified"), round, unit, share],
            "signed": [words(texts, key) for key in _SIGNED],
            "page": words(texts, "report.page", {"page": "{page}", "pages": "{pages}"}),
            "digits": [thai.thai_digits(str(digit)) for digit in range(10)],
        }
    )


def _row(texts: Texts, line: Line) -> list[str]:
    name, position, unit, channel, course, day, file = cells(line)
    if line.passed_on is None:
        course = words(texts, "report.nothing")
    shown = (thai.thai_digits(str(line.number)), name, position, unit, channel, course, day, file)
    return ["\u200b".join(svg.clusters(text)) for text in shown]
