"""Thai and Latin letters as a picture with correctly placed marks: SVG, shaped and drawn by resvg. In the child only.

A PDF's own text would need a shaper for every font and viewer; Pillow without raqm puts tone marks on top of vowels.
The font is Sarabun (SIL Open Font License), from its package.
"""

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise

import fontpkg_sarabun
import resvg_py
from PIL import Image, ImageFont

from bot.papers import svg
from bot.papers.shapes import Reason, Refusal, Stroke, one_line, unwritable

_FILES = fontpkg_sarabun.ROOT / "files"
FONTS = [str(_FILES / f"Sarabun-{weight}.ttf") for weight in ("Regular", "SemiBold")]


def png(picture: str, width: int) -> bytes:
    """`picture`: SVG. → `width` pixels wide"""
    drawn = resvg_py.svg_to_bytes(
        svg_string=picture, width=width, skip_system_fonts=True, font_files=FONTS, font_family="Sarabun"
    )
    return bytes(drawn)


def draw(picture: str, width: int) -> Image.Image:
    """→ RGBA, `width` pixels wide."""
    return Image.open(BytesIO(png(picture, width)), formats=["PNG"]).convert("RGBA")


def checked(texts: Sequence[str]) -> list[str]:
    """NFC, one line each. Raises `Refusal` for letters that the font does not have: they would silently be missing."""
    missing = sum(len(unwritable(text)) for text in texts)
    if missing:
        raise Refusal(Reason.UNWRITABLE, missing)
    return [one_line(text) for text in texts]


def wrapped(text: str, size: float, width: float) -> list[str]:
    font = ImageFont.truetype(FONTS[0], 100)
    return svg.wrapped(text, width, lambda piece: font.getlength(piece) * size / 100)


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
        svg.text(line, column * long + row % 2 * long / 2, row * step, size, 'fill="#7a1020" fill-opacity="0.30"')
        for row in range(-int(reach / step) - 1, int(reach / step) + 2)
        for column in range(-int(reach / long) - 1, int(reach / long) + 2)
    ]
    inner = f'<g transform="translate({width / 2} {height / 2}) rotate(-28)">{"".join(rows)}</g>'
    return draw(svg.picture(inner, width, height), width)
