"""Looks at pages: draws them, finds what is on them, hangs a watermark over them. In the child only: PDFium is not
thread-safe, and it is the first to fall for a bomb."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pypdfium2
from PIL import Image, ImageChops, ImageFilter

from bot.papers import lettering, opening
from bot.papers.shapes import LIMITS, Reason, Refusal

INK_DPI = 72
INK_CONTRAST = 48  # of 255, from the colour of the paper
INK_PIXELS = 24  # at INK_DPI, beside others of their kind: a page number is more, dust is less
INK_EDGE = 0.025  # of the page's sides: there scanners leave their shadows


def pages(data: bytes) -> Iterator[pypdfium2.PdfPage]:
    """Each page until the next one is asked for: together, what they keep unpacked is more than a child may have."""
    try:
        document = pypdfium2.PdfDocument(data)
        for number in range(len(document)):
            sheet = document[number]
            yield sheet
            sheet.close()
    except pypdfium2.PdfiumError:
        raise Refusal(Reason.DAMAGED) from None


def page(data: bytes, number: int) -> pypdfium2.PdfPage:
    """Page `number`, from 1."""
    try:
        return pypdfium2.PdfDocument(data)[number - 1]
    except pypdfium2.PdfiumError:
        raise Refusal(Reason.DAMAGED) from None


def drawn(sheet: pypdfium2.PdfPage, scale: float, grey: bool = False) -> Image.Image:
    """`scale`: pixels a point."""
    try:
        bitmap = sheet.render(scale=scale, grayscale=grey, may_draw_forms=False, draw_annots=False)
    except pypdfium2.PdfiumError:
        raise Refusal(Reason.DAMAGED) from None
    picture: Image.Image = bitmap.to_pil()
    return picture.convert("L" if grey else "RGB")


def ink(sheet: pypdfium2.PdfPage) -> Image.Image:
    """What differs from the colour of the paper: 255 where it does, at about INK_DPI for an A4 page, edges left out."""
    width, height = sheet.get_size()
    grey = drawn(sheet, INK_DPI / 72 * 842 / max(width, height), grey=True)
    shades = grey.histogram()
    paper = shades.index(max(shades))
    mask = grey.point([255 if abs(shade - paper) > INK_CONTRAST else 0 for shade in range(256)])
    edge_x, edge_y = (max(1, int(side * INK_EDGE)) for side in mask.size)
    middle = mask.crop((edge_x, edge_y, mask.width - edge_x, mask.height - edge_y))
    mask = Image.new("L", mask.size)
    mask.paste(middle, (edge_x, edge_y))
    return mask


def is_written(sheet: pypdfium2.PdfPage, ink: Image.Image) -> bool:
    """Whether there is text or ink; specks of dust are none."""
    words = sheet.get_textpage()
    if words.count_chars() and words.get_text_range().strip():
        return True
    crowded = [255 if shade >= 4 / 9 * 255 - 1 else 0 for shade in range(256)]
    together = ImageChops.multiply(ink, ink.filter(ImageFilter.BoxBlur(1)).point(crowded))
    return together.histogram()[255] >= INK_PIXELS


def preview(sheet: pypdfium2.PdfPage, width: int, words: str) -> tuple[bytes, int, int]:
    """→ a JPEG at most `width` wide and twice as high, and its size."""
    across, down = sheet.get_size()
    scale = min(width / across, 2 * width / down)
    picture = drawn(sheet, scale)
    if words:
        picture.paste(veil := lettering.watermark(words, *picture.size), (0, 0), veil)
    out = BytesIO()
    picture.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue(), *picture.size


def job(words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    with opening.opened(blobs[0]) as pdf:
        if not 1 <= words["page"] <= len(pdf.pages):
            raise Refusal(Reason.NO_SUCH_PAGE, max(words["page"], 0), len(pdf.pages))
        opening.measured(pdf.pages[words["page"] - 1].obj)
    width = min(words["width"], LIMITS.long_pixels)
    picture, across, down = preview(page(blobs[0], words["page"]), width, words["watermark"])
    return {"width": across, "height": down}, [picture]
