"""Opens a PDF, or says why not; and how large its pages are. In the child only."""

from io import BytesIO
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Pdf

from bot.papers.shapes import LIMITS, Reason, Refusal

Rectangle = tuple[float, float, float, float]
INHERITED_DEPTH = 64  # of a tree of pages; deeper ones go round in a circle
A4 = (0.0, 0.0, 595.28, 841.89)


def opened(data: bytes) -> Pdf:
    """→ a PDF of 1 to LIMITS.pages pages that is not encrypted. Raises `Refusal`."""
    if data.find(b"%PDF-", 0, 1024) < 0:
        raise Refusal(Reason.NOT_A_PAPER)
    try:
        pdf = pikepdf.open(BytesIO(data), suppress_warnings=True)
    except pikepdf.PasswordError:
        raise Refusal(Reason.LOCKED) from None
    except pikepdf.PdfError:
        raise Refusal(Reason.DAMAGED) from None
    if pdf.is_encrypted:
        raise Refusal(Reason.RESTRICTED)
    try:
        count = len(pdf.pages)
    except (pikepdf.PdfError, RuntimeError):
        raise Refusal(Reason.DAMAGED) from None
    if count == 0:
        raise Refusal(Reason.NOTHING)
    if count > LIMITS.pages:
        raise Refusal(Reason.TOO_MANY_PAGES, count, LIMITS.pages)
    return pdf


def inherited(page: Dictionary, name: str) -> Any:
    """What a page has under this name, or the nearest of the nodes above it."""
    node: Any = page
    for _ in range(INHERITED_DEPTH):
        if not isinstance(node, Dictionary):
            return None
        if (value := node.get(name)) is not None:
            return value
        node = node.get("/Parent")
    return None


def visible(page: Dictionary) -> Rectangle:
    """The part of the page that is shown: (left, bottom, right, top), points, before it is turned."""
    media = _rectangle(inherited(page, "/MediaBox")) or A4
    crop = _rectangle(inherited(page, "/CropBox")) or media
    both = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    return both if both[0] < both[2] and both[1] < both[3] else media


def turned(page: Dictionary) -> int:
    """By how many degrees it is turned clockwise to be shown: 0, 90, 180 or 270."""
    value = inherited(page, "/Rotate")
    try:
        return int(value or 0) // 90 % 4 * 90
    except (TypeError, ValueError):
        return 0


def measured(page: Dictionary) -> tuple[float, float]:
    """(width, height) as it is shown, points. Raises `Refusal` for what is no page size."""
    left, bottom, right, top = visible(page)
    width, height = right - left, top - bottom
    if max(width, height) > LIMITS.side_points:
        raise Refusal(Reason.TOO_LARGE, max(width, height), LIMITS.side_points)
    if min(width, height) < LIMITS.short_points:
        raise Refusal(Reason.TOO_SMALL, min(width, height), LIMITS.short_points)
    return (width, height) if turned(page) % 180 == 0 else (height, width)


def _rectangle(value: Any) -> Rectangle | None:
    if not isinstance(value, Array) or len(value) != 4:
        return None
    try:
        x, y, z, w = (float(number) for number in value)
    except (TypeError, ValueError):
        return None
    return min(x, z), min(y, w), max(x, z), max(y, w)


def saved(pdf: Pdf) -> bytes:
    """→ the file: the same for the same pages, so that its hash says whether anything was changed."""
    out = BytesIO()
    pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    if out.tell() > LIMITS.bytes:
        raise Refusal(Reason.TOO_BIG, out.tell(), LIMITS.bytes)
    return out.getvalue()
