"""Binds page pictures into one PDF of A4 pages, in their order. In the child only."""

from io import BytesIO
from typing import Any

from pikepdf import Array, Dictionary, Name, Page, Pdf, Stream
from PIL import Image

from bot.papers import jpeg, opening
from bot.papers.shapes import LIMITS, MIB, Reason, Refusal

# A4, points. Always upright: beside the room for a mark, a picture that lies would be no larger on a page that lies.
SHORT, LONG = 595.28, 841.89
MARGIN = 24.0
FOOT = 180.0  # left free beneath a picture: there a mark covers nothing
# The components of a JPEG's pixels: grey, or colour. Pages made here have no others.
_COLOURS = {1: Name.DeviceGray, 3: Name.DeviceRGB}
MOST = LIMITS.bytes - MIB  # of all pictures together: a mark needs room, too
# (at least so much of its bytes is left, quality): from 85, as photos come, one try is enough for most
_QUALITIES = ((0.7, 65), (0.5, 45), (0.0, 30))


def job(_words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    if not blobs:
        raise Refusal(Reason.NOTHING)
    if len(blobs) > LIMITS.pages:
        raise Refusal(Reason.TOO_MANY_PAGES, len(blobs), LIMITS.pages)
    many = sum(map(len, blobs)) > MOST
    pdf = Pdf.new()
    for blob in blobs:
        pdf.pages.append(_page(pdf, _smaller(blob, MOST // len(blobs)) if many else blob))
    return {"pages": len(blobs)}, [opening.saved(pdf)]


def _smaller(picture: bytes, most: int) -> bytes:
    """Who photographs fifty pages has done nothing wrong: their pictures are made to fit."""
    _frame(picture)
    if len(picture) <= most:
        return picture
    try:
        page = Image.open(BytesIO(picture), formats=["JPEG"])
        quality = next(quality for left, quality in _QUALITIES if most >= left * len(picture))
        page.save(smaller := BytesIO(), "JPEG", quality=quality)
        if smaller.tell() > most:
            page.reduce(2).save(smaller := BytesIO(), "JPEG", quality=quality)
    except (OSError, SyntaxError, ValueError):
        raise Refusal(Reason.DAMAGED) from None
    return smaller.getvalue()


def _frame(picture: bytes) -> tuple[int, int, int]:
    across, down, components = jpeg.frame(picture) or (0, 0, 0)
    if not across * down or components not in _COLOURS:
        raise Refusal(Reason.DAMAGED)
    if across * down > LIMITS.pixels:
        raise Refusal(Reason.TOO_MANY_PIXELS, across * down, LIMITS.pixels)
    return across, down, components


def _page(pdf: Pdf, picture: bytes) -> Page:
    across, down, components = _frame(picture)
    scale = min((SHORT - 2 * MARGIN) / across, (LONG - MARGIN - FOOT) / down)
    width, height = across * scale, down * scale
    left, bottom = (SHORT - width) / 2, LONG - MARGIN - height
    contents = f"q {width:.3f} 0 0 {height:.3f} {left:.3f} {bottom:.3f} cm /Page Do Q"
    return Page(
        Dictionary(
            Type=Name.Page,
            MediaBox=Array([0, 0, SHORT, LONG]),
            Resources=Dictionary(XObject=Dictionary(Page=image(pdf, jpeg.stripped(picture), across, down, components))),
            Contents=pdf.make_stream(contents.encode()),
        )
    )


def image(pdf: Pdf, picture: bytes, across: int, down: int, components: int) -> Stream:
    stream = pdf.make_stream(picture)
    stream["/Type"], stream["/Subtype"] = Name.XObject, Name.Image
    stream["/Width"], stream["/Height"] = across, down
    stream["/ColorSpace"], stream["/BitsPerComponent"] = _COLOURS[components], 8
    stream["/Filter"] = Name.DCTDecode
    return stream
