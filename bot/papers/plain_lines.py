"""What somebody has read off a page, made fit to be shown: in the parent, as a child may say anything. Pure."""

import re

from bot import thai
from bot.papers.shapes import LETTERS_MOST, LINE_MOST, LINES_MOST, TEXT_PAGES, WRITABLE

# Fonts for Windows had marks that moved aside at codes of their own, U+F700 to U+F71A, and so have PDFs made with them.
_ASIDE = dict(zip(range(0xF700, 0xF71B), "ฐิีึื่้๊๋์่้๊๋์ญัํ็่้๊๋์ฺุู", strict=True))
_STRANGE = re.compile(f"[^{WRITABLE.pattern[1:-1]}]+")
_MARKS = "ัิ-ฺ็-๎"
_HEAP = re.compile(f"([{_MARKS}]{{3}})[{_MARKS}]+")  # no letter bears more
# What programs leave that draw Thai with glyphs of their own: of ำ, drawn as two, the second under another's code
# (fpdf2); a letter with its marks once more, as if that were its mark (Typst). สถานที่ที่ดี is as it should be.
_HALF_AM = re.compile("(?<=ำ)[!-@[-`{-~](?=[ก-ฮเ-ไ])")
_TWICE = re.compile(f"(?!ที่|นี้)([ก-ฮ][{_MARKS}]{{2,3}})\\1")


def lines(text: str) -> tuple[str, ...]:
    """As `shapes.Text` promises them."""
    bounded = text[: TEXT_PAGES * (LETTERS_MOST + 1)].translate(_ASIDE)
    clean = (_line(line)[:LINE_MOST].strip() for line in bounded.splitlines())
    return tuple(filter(None, clean))[:LINES_MOST]


def _line(text: str) -> str:
    text = thai.clean(_STRANGE.sub(" ", _HEAP.sub(r"\1", thai.clean(text))))
    return _TWICE.sub(r"\1", _HALF_AM.sub("", text))
