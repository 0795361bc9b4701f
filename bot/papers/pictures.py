"""Pictures within a PDF: what they show and nothing else, and no more pixels than may be."""

from bot.papers import jpeg, jpx
from bot.papers.shapes import LIMITS, Reason, Refusal


def measured(width: int, height: int) -> None:
    if width * height > LIMITS.pixels:
        raise Refusal(Reason.TOO_MANY_PIXELS, width * height, LIMITS.pixels)


def of_jpeg(data: bytes) -> bytes:
    width, height, _ = jpeg.frame(data) or (0, 0, 0)
    measured(width, height)
    return jpeg.stripped(data)


def of_jpx(data: bytes) -> bytes:
    try:
        measured(*jpx.size(data))
        return jpx.stripped(data)
    except jpx.Damaged:
        raise Refusal(Reason.DAMAGED) from None


BY_FILTER = {"/DCTDecode": of_jpeg, "/JPXDecode": of_jpx}
