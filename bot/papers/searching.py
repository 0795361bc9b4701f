"""Looks for words that should stand on every page: in the text that the PDF carries; else the page is drawn for
somebody who reads pictures. In the child only."""

from io import BytesIO
from typing import Any

import pypdfium2

from bot.papers import opening, reading, viewing
from bot.papers.shapes import READ_MOST

DPI = 150  # of an A4 page


def job(words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """→ of each page true (it says so), null (nobody can tell), or false: it is the next picture."""
    with opening.opened(blobs[0]) as pdf:
        for page in pdf.pages:
            opening.measured(page.obj)
    found: list[bool | None] = []
    pictures: list[bytes] = []
    for sheet in viewing.pages(blobs[0]):
        found.append(_found(sheet, words["words"]))
        more = words["draw"] and len(pictures) < READ_MOST
        if found[-1] is None and more and viewing.is_written(sheet, viewing.ink(sheet)):
            found[-1] = False
            pictures.append(_picture(sheet))
    return {"pages": found}, pictures


def _found(sheet: pypdfium2.PdfPage, words: str) -> bool | None:
    text = sheet.get_textpage()
    most = min(text.count_chars(), reading.TEXT_MOST)
    return True if most and reading.says(text.get_text_range(0, most), words) else None


def _picture(sheet: pypdfium2.PdfPage) -> bytes:
    """PNG, as packed as costs nothing. The whole page, as people write wherever there is room."""
    out = BytesIO()
    viewing.drawn(sheet, DPI / 72 * 842 / max(sheet.get_size()), grey=True).save(out, "PNG", compress_level=1)
    return out.getvalue()
