"""How far units are, as a picture: a bar each, of people who have passed, whose certificates wait for HR, and who owe
theirs. Pure: SVG, for the desk as it is, and for a chat once it was drawn (`picture`).

Who sees no colours sees dark, striped and empty, and each number in words below the bar; who sees nothing is told the
same (`describe`), which stands in the SVG as its title.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from html import escape

from bot.events import Language, Say
from bot.papers import svg
from bot.papers.room import Papers
from bot.papers.shapes import Refused, unwritable
from bot.text import Texts
from bot.values import frozen
from handlers.learning.report import cell
from handlers.learning.rules import percent
from handlers.review.file_names import cut

WIDTH = 1040  # pixels: what LINE shows largest
EDGE = 48.0
WIDE = WIDTH - 2 * EDGE
TITLE, NAME, SMALL = 46.0, 40.0, 34.0  # on a phone a third of it
LEADING = 1.35  # room for two marks above a letter
LINES = 2  # of a name; what does not fit is cut, with a sign
BAR = 44.0
MANY = 8  # beyond, units get a line and a narrow bar each, below one for all of them: LINE shows nothing higher whole
PARTS = ("passed", "waiting", "owing")
_WORDS = {
    "passed": "learning.chart_passed",
    "waiting": "learning.chart_waiting",
    "owing": "learning.chart_owing",
}
_INK, _PALE = "#16307f", "#ffffff"
_FILL = {"passed": _INK, "waiting": "url(#stripes)", "owing": _PALE}
_STRIPES = (
    '<pattern id="stripes" width="14" height="14" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="14" height="14" fill="#ffe3b3"/><rect width="6" height="14" fill="#a35200"/></pattern>'
)
# of letters, in ems, rather too wide than too narrow (a test holds them to the font, which is only in the child)
_WIDTHS = (
    dict.fromkeys(" !',.:;I[]ijl|เๅ", 0.33)
    | dict.fromkeys('"()*-/\\_`frstzงโใไ', 0.5)
    | dict.fromkeys("$0123456789EFJLSabcdeghknopquvxyกขคจฉฎฏฐดตถธมยรฤลวศสอฮะาำแฯ", 0.63)
    | dict.fromkeys("%@©MWmÆæĲŴŒœฌญฑฒณพฟฬ๗๚…—¼½¾๛", 1.05)
)
_ELSE = 0.75


@frozen
class UnitStanding:
    """People of a unit, each in one of three."""

    name: str
    passed: int
    waiting: int
    owing: int

    @property
    def counted(self) -> int:
        return self.passed + self.waiting + self.owing


async def picture(papers: Papers, drawn: str) -> bytes | Refused:
    """→ PNG, `WIDTH` pixels wide."""
    return await papers.draw(drawn, WIDTH)


def describe(texts: Texts, language: Language, title: str, units: Sequence[UnitStanding]) -> str:
    """The same in words, a line a unit."""
    lines = tuple(Say("learning.chart_unit", {"name": cell(unit.name), **_numbers(unit)}) for unit in units)
    return texts(language, "learning.chart", {"title": cell(title), "units": lines})


def draw(texts: Texts, language: Language, title: str, units: Sequence[UnitStanding]) -> str:
    """→ SVG, as high as it needs to be."""
    parts: list[str] = []
    y = EDGE
    for line in _folded(title, TITLE, WIDE, LINES):
        y += TITLE * LEADING
        parts.append(svg.text(line, EDGE, y, TITLE, f'font-weight="600" fill="{_INK}"'))
    many = len(units) > MANY
    for unit in [_whole(texts, language, units)] if many else units:
        drawn, y = _roomy(texts, language, unit, y + NAME * 0.8)
        parts.append(drawn)
    for unit in units if many else ():
        drawn, y = _narrow(unit, y + SMALL * 0.3)
        parts.append(drawn)
    told = f"<title>{escape(describe(texts, language, title, units), quote=False)}</title>"
    height = y + EDGE
    sheet = f'<rect width="{WIDTH}" height="{height:.2f}" fill="{_PALE}"/>'
    return svg.picture(f"{told}<defs>{_STRIPES}</defs>{sheet}{''.join(parts)}", WIDTH, height, ' role="img"')


def _whole(texts: Texts, language: Language, units: Sequence[UnitStanding]) -> UnitStanding:
    sums = (sum(getattr(unit, part) for unit in units) for part in PARTS)
    return UnitStanding(texts(language, "learning.chart_all", {"count": len(units)}), *sums)


def _roomy(texts: Texts, language: Language, unit: UnitStanding, y: float) -> tuple[str, float]:
    """Its name and share, its bar, its numbers in words; → and where it ends"""
    parts = [_right(_share(unit), y + NAME * LEADING, NAME)]
    for line in _folded(unit.name, NAME, WIDE - 5 * NAME, LINES):
        y += NAME * LEADING
        parts.append(svg.text(line, EDGE, y, NAME))
    y += NAME * 0.5
    parts.append(_bar(unit, y, BAR))
    y += BAR + SMALL * LEADING
    for n, (part, number) in enumerate(_parts(unit)):
        left = EDGE + n * WIDE / len(PARTS)
        parts.append(_box(left, y - 26, 28, 28, _FILL[part], f' stroke="{_INK}" stroke-width="3"'))
        parts.append(svg.text(texts(language, _WORDS[part], {"number": number}), left + 42, y, SMALL))
    return "".join(parts), y + SMALL * 0.3


def _narrow(unit: UnitStanding, y: float) -> tuple[str, float]:
    """Its name, its numbers in the order of the words above, its share; its bar; → and where it ends"""
    y += SMALL * LEADING
    numbers = " · ".join(str(number) for _, number in _parts(unit))
    parts = [_right(f"{numbers}   {_share(unit)}", y, SMALL)]
    parts += [svg.text(line, EDGE, y, SMALL) for line in _folded(unit.name, SMALL, WIDE - 12 * SMALL, 1)]
    y += SMALL * 0.5
    return "".join([*parts, _bar(unit, y, BAR / 2)]), y + BAR / 2


def _right(line: str, y: float, size: float) -> str:
    return svg.text(line, WIDTH - EDGE, y, size, 'text-anchor="end" font-weight="600" xml:space="preserve"')


def _bar(unit: UnitStanding, y: float, height: float) -> str:
    x, boxes = EDGE, []
    for part, number in _parts(unit):
        if number:
            across = WIDE * number / unit.counted
            boxes.append(_box(x, y, across, height, _FILL[part]))
            x += across
    return "".join([*boxes, _box(EDGE, y, WIDE, height, "none", f' stroke="{_INK}" stroke-width="3"')])


def _box(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{fill}"{more}/>'


def _parts(unit: UnitStanding) -> tuple[tuple[str, int], ...]:
    return ("passed", unit.passed), ("waiting", unit.waiting), ("owing", unit.owing)


def _share(unit: UnitStanding) -> str:
    return f"{percent(unit.passed, unit.counted)}%"


def _numbers(unit: UnitStanding) -> dict[str, object]:
    return {
        "counted": unit.counted,
        **dict(_parts(unit)),
        "percent": percent(unit.passed, unit.counted),
    }


def _folded(text: str, size: float, width: float, most: int) -> list[str]:
    """At most so many lines, in letters that the font has."""
    shown = cell(text)
    missing = set(unwritable(shown))
    shown = "".join("?" if letter in missing else letter for letter in shown)

    def lines(end: int) -> list[str]:
        upto = shown if end == len(shown) else f"{cut(shown, end)}…"
        return svg.wrapped(upto, width, lambda piece: _wide(piece) * size)

    beyond = bisect_left(range(1, len(shown) + 1), most + 1, key=lambda end: len(lines(end)))
    return lines(beyond) if beyond else []


def _wide(text: str) -> float:
    """In ems."""
    return sum(0 if unicodedata.category(letter) == "Mn" else _WIDTHS.get(letter, _ELSE) for letter in text)
