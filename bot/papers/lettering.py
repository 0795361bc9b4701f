"""Thai and Latin letters as a picture with correctly placed marks: SVG, shaped and drawn by resvg. In the child only.

A PDF's own text would need a shaper for every font and viewer; Pillow without raqm puts tone marks on top of vowels.
The font is Sarabun (SIL Open Font License), from its package.
"""

import re
import unicodedata
from collections.abc import Sequence
from html import escape  # that of xml.sax imports half the web, in every child
from io import BytesIO
from itertools import pairwise

import fontpkg_sarabun
import resvg_py
from PIL import Image, ImageFont

from bot.papers.shapes import Reason, Refusal, Stroke, one_line, unwritable

_FILES = fontpkg_sarabun.ROOT / "files"
FONTS = [str(_FILES / f"Sarabun-{weight}.ttf") for weight in ("Regular", "SemiBold")]
# Never begins a line: marks above and below, and what belongs to the letter before it. Never ends one: leading vowels.
_CLINGS, _LEADS = set("ะาำๅๆฯ"), set("เแโใไ")


def draw(svg: str, width: int) -> Image.Image:
    """→ RGBA, `width` pixels wide."""
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=width, skip_system_fonts=True, font_files=FONTS, font_family="Sarabun"
    )
    return Image.open(BytesIO(bytes(png)), formats=["PNG"]).convert("RGBA")


def checked(texts: Sequence[str]) -> list[str]:
    """NFC, one line each. Raises `Refusal` for letters that the font does not have: they would silently be missing."""
    missing = sum(len(unwritable(text)) for text in texts)
    if missing:
        raise Refusal(Reason.UNWRITABLE, missing)
    return [one_line(text) for text in texts]


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Lines of at most about `width`: broken at spaces, and only where there is none between letters."""
    font = ImageFont.truetype(FONTS[0], 100)

    def wide(piece: str) -> float:
        return font.getlength(piece) * size / 100

    lines = [""]
    for piece in re.findall(r"\S+\s*", text):
        if wide(lines[-1] + piece.rstrip()) <= width:
            lines[-1] += piece
            continue
        if lines[-1]:
            lines.append("")
        for cluster in _clusters(piece):
            if lines[-1] and wide(lines[-1] + cluster.rstrip()) > width:
                lines.append("")
            lines[-1] += cluster
    return [line.rstrip() for line in lines if line.strip()]


def _clusters(text: str) -> list[str]:
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


def strokes(signature: Sequence[Stroke], left: float, top: float, width: float, height: float, colour: str) -> str:
    """A signature fitted into this box, in its own proportions; lines smoothed through the middles of their points."""
    points = [point for stroke in signature for point in stroke]
    if not points:
        return ""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    span_x, span_y = max(xs) - min(xs), max(ys) - min(ys)
    scale = min(width / span_x if span_x else height, height / span_y if span_y else height)
    dx = left + (width - span_x * scale) / 2 - min(xs) * scale
    dy = top + (height - span_y * scale) / 2 - min(ys) * scale
    paths = [_path([(x * scale + dx, y * scale + dy) for x, y in stroke]) for stroke in signature if stroke]
    pen = f'fill="none" stroke="{colour}" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{" ".join(paths)}" {pen}/>'


def _path(points: list[tuple[float, float]]) -> str:
    (x, y), *rest = points
    parts = [f"M{x:.2f} {y:.2f}"]
    if not rest:
        parts.append(f"L{x + 0.01:.2f} {y:.2f}")  # a dot: a line of no length would not be drawn
    for (x, y), (next_x, next_y) in pairwise(rest):
        parts.append(f"Q{x:.2f} {y:.2f} {(x + next_x) / 2:.2f} {(y + next_y) / 2:.2f}")
    if rest:
        parts.append(f"L{rest[-1][0]:.2f} {rest[-1][1]:.2f}")
    return "".join(parts)


def watermark(words: str, width: int, height: int) -> Image.Image:
    """These words all over a picture of this size, aslant, readable on light and on dark."""
    (line,) = checked([words])
    size = max(13.0, min(width / 16, 1.5 * width / max(len(line), 1)))
    step = size * 4.5
    long = size * 0.55 * len(line) + size * 2
    reach = width + height
    rows = [
        text(line, column * long + row % 2 * long / 2, row * step, size, 'fill="#7a1020" fill-opacity="0.30"')
        for row in range(-int(reach / step) - 1, int(reach / step) + 2)
        for column in range(-int(reach / long) - 1, int(reach / long) + 2)
    ]
    inner = f'<g transform="translate({width / 2} {height / 2}) rotate(-28)">{"".join(rows)}</g>'
    return draw(svg(inner, width, height), width)


def svg(inner: str, width: float, height: float) -> str:
    size = f'width="{width:.2f}" height="{height:.2f}" viewBox="0 0 {width:.2f} {height:.2f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{inner}</svg>'
