"""What is written on the first pages of a PDF: its text, where its links and its QR codes lead; and pictures of pages
without text, for somebody who reads pictures. In the child only; what is found is cleaned by who asked (`answers.py`).
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf
import pypdf
import pypdfium2
import zxingcpp
from PIL import Image

from bot.papers import actual_text, cleaning, opening, viewing
from bot.papers.shapes import CODES_MOST, LETTERS_MOST, TEXT_PAGES

DPI = 200  # of an A4 page: a QR code as wide as a thumb is read; finer ones of a photo are no better for it
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
CONTENTS_MOST = 512 * 1024  # bytes of a page; beyond, pypdf takes seconds
NOTES_MOST = 200  # of a page, that may be links
LETTERS_LEAST = 20  # a page with less has no text worth the name: a stamp's, or that of whatever scanned it


def job(words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """→ of each page its text, or null where it is the next picture; and addresses, in the order of the pages."""
    with opening.opened(blobs[0]) as pdf:
        pages = [page.obj for page in pdf.pages[:TEXT_PAGES]]
        links = [uri for page in pages for uri in _links(page)]
        cleaning.draw_notes(pdf)  # what was filled into a form
        first = pikepdf.Pdf.new()
        for page in pages:
            opening.measured(page)
            if "/Annots" in page:
                del page["/Annots"]
            first.pages.append(pikepdf.Page(page))
        short = [_length(page) <= CONTENTS_MOST for page in pages]
        data = opening.saved(first)
    texts: list[str | None] = []
    pictures: list[bytes] = []
    codes: list[str] = []
    reader = pypdf.PdfReader(BytesIO(data))
    for number, sheet in enumerate(viewing.pages(data)):
        texts.append((_text(reader.pages[number]) if short[number] else "") or _plain(sheet))
        seen = viewing.drawn(sheet, DPI / 72 * 842 / max(sheet.get_size()), grey=True)
        codes += [code.text for code in zxingcpp.read_barcodes(seen, formats=_QR)]
        if words["draw"] and not _worth(texts[-1]) and viewing.is_written(sheet, viewing.ink(sheet)):
            texts[-1] = None
            pictures.append(_png(seen))
    return {"texts": texts, "codes": codes[:CODES_MOST], "links": links[:CODES_MOST]}, pictures


def _text(page: pypdf.PageObject) -> str:
    try:
        return actual_text.extracted(page)[:LETTERS_MOST]
    except Exception:  # what it raises over bad fonts is without number
        return ""


def _plain(sheet: pypdfium2.PdfPage) -> str:
    """As PDFium has it: worse for Thai, and never slow."""
    text = sheet.get_textpage()
    most = min(text.count_chars(), LETTERS_MOST)
    return str(text.get_text_range(0, most)) if most else ""


def _worth(text: str | None) -> bool:
    return sum(map(str.isalpha, text or "")) >= LETTERS_LEAST


def _length(page: pikepdf.Dictionary) -> int:
    contents: Any = page.get("/Contents")
    parts = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    return sum(len(part.read_bytes()) for part in parts if isinstance(part, pikepdf.Stream))


def _links(page: pikepdf.Dictionary) -> Iterator[str]:
    notes: Any = page.get("/Annots")
    for note in list(notes)[:NOTES_MOST] if isinstance(notes, pikepdf.Array) else []:
        action = note.get("/A") if isinstance(note, pikepdf.Dictionary) else None
        uri = action.get("/URI") if isinstance(action, pikepdf.Dictionary) else None
        if isinstance(uri, pikepdf.String):
            yield str(uri)


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
