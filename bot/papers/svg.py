"""Words as SVG: lines that break where Thai may be broken, and the picture that they stand in. Pure, and for everybody;
`lettering.py` draws it, in the child."""

import re
import unicodedata
from collections.abc import Callable
from html import escape  # that of xml.sax imports half the web, in every child

# Never begins a line: marks above and below, and what belongs to the letter before it. Never ends one: leading vowels.
_CLINGS, _LEADS = set("ะาำๅๆฯ"), set("เแโใไ")


def wrapped(text: str, width: float, wide: Callable[[str], float]) -> list[str]:
    """Lines of at most about `width`, as `wide` measures: broken at spaces, and only where there is none between
    letters."""
    lines = [""]
    for piece in re.findall(r"\S+\s*", text):
        if wide(lines[-1] + piece.rstrip()) <= width:
            lines[-1] += piece
            continue
        if lines[-1]:
            lines.append("")
        for cluster in clusters(piece):
            if lines[-1] and wide(lines[-1] + cluster.rstrip()) > width:
                lines.append("")
            lines[-1] += cluster
    return [line.rstrip() for line in lines if line.strip()]


def clusters(text: str) -> list[str]:
    """Its letters, each with all that no line may begin or end between."""
    parts: list[str] = []
    for letter in text:
        clings = letter in _CLINGS or letter.isspace() or unicodedata.category(letter) == "Mn"
        if parts and (clings or parts[-1][-1] in _LEADS):
            parts[-1] += letter
        else:
            parts.append(letter)
    return parts


def text(line: str, x: float, y: float, size: float, more: str = "") -> str:
    where = f'x="{x:.2f}" y="{y:.2f}" font-size="{size:.2f}"'
    return f'<text {where} font-family="Sarabun" {more}>{escape(line, quote=False)}</text>'


def picture(inner: str, width: float, height: float, more: str = "") -> str:
    size = f'width="{width:.2f}" height="{height:.2f}" viewBox="0 0 {width:.2f} {height:.2f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}{more}>{inner}</svg>'
