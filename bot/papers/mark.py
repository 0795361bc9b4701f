"""The mark of a certified copy: its picture, and where on a page there is room for it. In the child only."""

import zlib
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from pikepdf import Array, Name, Pdf, Stream
from PIL import Image, ImageChops, ImageFilter

from bot.papers import lettering, svg
from bot.papers.shapes import Place, Reason, Refusal

INK = "#16307f"  # a blue pen: HR sees at once that it is not printed
INK_RGB = bytes.fromhex(INK[1:])
STRENGTH, SHINE = 0.85, 0.4  # what lies beneath shows through; on a dark desk the shine makes the letters readable
DPI = 300
HEADING, SIZE, LEADING = 15.0, 11.5, 17.0  # points, on an A4 page
SIGNATURE = (150.0, 40.0)
WIDEST = 300.0
EDGE = 20.0  # from the page's sides
FOOT = 0.5  # of the page's height: no mark above it
CELL = 6.0  # points of an A4 page: how finely room is looked for


@dataclass(frozen=True)
class Drawing:
    """A mark in the size for A4, points, and its letters as opacity."""

    letters: Image.Image
    width: float
    height: float


def drawing(heading: str, lines: list[str], signature: list[list[tuple[float, float]]]) -> Drawing:
    """Raises `Refusal` for letters that cannot be written, and where there is nothing to draw."""
    head, *rest = lettering.checked([heading, *lines])
    folded = [part for line in rest for part in lettering.wrapped(line, SIZE, WIDEST)]
    wide = 2 * WIDEST  # more than any of it: cut to what was drawn below, so nothing is cut off
    y, parts = 2.5 * HEADING, []
    middle = f'fill="{INK}" text-anchor="middle"'
    for part in lettering.wrapped(head, HEADING, WIDEST):
        parts.append(svg.text(part, wide / 2, y, HEADING, f'{middle} font-weight="600"'))
        y += LEADING
    if any(signature):
        across, down = SIGNATURE
        drawn = lettering.strokes(signature, (wide - across) / 2, y - LEADING + 8, across, down, INK)  # type: ignore[arg-type]
        parts.append(drawn)
        y += down + 6
    for part in folded:
        parts.append(svg.text(part, wide / 2, y, SIZE, middle))
        y += LEADING
    high = y + LEADING
    scale = DPI / 72
    letters = lettering.draw(svg.picture("".join(parts), wide, high), round(wide * scale)).getchannel("A")
    around = letters.getbbox()
    if around is None:
        raise Refusal(Reason.NOTHING)
    rim = 6  # for the shine
    letters = letters.crop((around[0] - rim, around[1] - rim, around[2] + rim, around[3] + rim))
    return Drawing(letters, letters.width / scale, letters.height / scale)


def stencil(pdf: Pdf, drawing: Drawing) -> Stream:
    """The drawing as an image with opacity, used by every page of the file: letters, and a pale shine around them."""
    width, height = drawing.letters.size
    shine = drawing.letters.filter(ImageFilter.MaxFilter(9))
    opacity = ImageChops.lighter(
        drawing.letters.point(lambda shade: shade * STRENGTH), shine.point(lambda shade: shade * SHINE)
    )
    mask = _image(pdf, width, height, opacity.tobytes())
    mask["/ColorSpace"], mask["/BitsPerComponent"] = Name.DeviceGray, 8
    inked = drawing.letters.point([255 if shade > 255 * SHINE else 0 for shade in range(256)])
    colour = _image(pdf, width, height, inked.convert("1").tobytes())
    colour["/ColorSpace"] = Array([Name.Indexed, Name.DeviceRGB, 1, b"\xff\xff\xff" + INK_RGB])
    colour["/BitsPerComponent"] = 1
    colour["/SMask"] = mask
    return colour


def _image(pdf: Pdf, width: int, height: int, data: bytes) -> Stream:
    stream = pdf.make_stream(zlib.compress(data, 9))
    stream["/Type"], stream["/Subtype"] = Name.XObject, Name.Image
    stream["/Width"], stream["/Height"] = width, height
    stream["/Filter"] = Name.FlateDecode
    return stream


@dataclass(frozen=True)
class Spot:
    """Where a mark goes on a page as it is shown, points from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


def spot(ink: Image.Image, width: float, height: float, drawing: Drawing, place: Place) -> Spot:
    """`ink`: what is on the page (255), any size. The mark keeps its share of the page, however large that is."""
    unit = min(width, height) / 595.28
    across, down = drawing.width * unit, drawing.height * unit
    edge = EDGE * unit
    fit = min(1.0, (width - 2 * edge) / across, (height - 2 * edge) / down)
    across, down = across * fit, down * fit
    lefts = {
        Place.LEFT: edge,
        Place.MIDDLE: (width - across) / 2,
        Place.RIGHT: width - edge - across,
    }
    lowest = height - edge - down
    if place in lefts:
        return Spot(lefts[place], lowest, across, down)
    cell = CELL * unit
    sums = _sums(ink.resize((max(1, round(width / cell)), max(1, round(height / cell))), Image.Resampling.BOX))
    columns, rows = len(sums[0]) - 1, len(sums) - 1
    wide, high = min(columns, -int(-across // cell)), min(rows, -int(-down // cell))
    best = (float("inf"), lefts[Place.RIGHT], lowest)
    top = lowest
    while top >= max(edge, min(height * FOOT, lowest)):
        row = min(int(top / cell), rows - high)
        left = lefts[Place.RIGHT]
        while left >= edge - 0.01:
            column = min(int(left / cell), columns - wide)
            covered = sums[row + high][column + wide] - sums[row][column + wide]
            covered += sums[row][column] - sums[row + high][column]
            # of two places as empty the lower one, and the one further to the right, where people sign
            away = (lowest - top) / height + 0.3 * (lefts[Place.RIGHT] - left) / width
            best = min(best, (covered / (255 * wide * high) + 0.02 * away, left, top))
            left -= cell
        top -= cell
    return Spot(best[1], best[2], across, down)


def _sums(picture: Image.Image) -> list[list[int]]:
    """Sums of everything above and to the left, so that any rectangle's is four look-ups."""
    data = picture.tobytes()
    table = [[0] * (picture.width + 1)]
    for row in range(picture.height):
        line = accumulate(data[row * picture.width : (row + 1) * picture.width], initial=0)
        table.append([above + here for above, here in zip(table[-1], line, strict=True)])
    return table


def laid(spot: Spot, shown: tuple[float, float, float, float], turned: int) -> str:
    """The PDF operator that puts a unit square upright onto this spot of the page as it is shown."""
    left, bottom, right, top = shown
    x, y, w, h = spot.left, spot.top, spot.width, spot.height
    matrices: dict[int, tuple[Any, ...]] = {
        0: (w, 0, 0, h, left + x, top - y - h),
        90: (0, w, -h, 0, left + y + h, bottom + x),
        180: (-w, 0, 0, -h, right - x, bottom + y + h),
        270: (0, -w, h, 0, right - y - h, top - x),
    }
    return " ".join(f"{number:.4f}" for number in matrices[turned]) + " cm"
