"""The papers of these tests, made once, and what they are looked at with."""

from collections.abc import Callable
from functools import cache
from io import BytesIO

import pikepdf
import pypdf
import pypdfium2
from PIL import Image

from bot.papers.shapes import Bound, Paper, Photo, Picture, Refused, Stamped
from samples import make_papers

SMALL = (1600, 1200)  # a photo as LINE passes it on; the twelve megapixels of a camera take a second to make

house = cache(lambda: make_papers.pdf("house_registration"))
transcript = cache(lambda: make_papers.pdf("transcript"))
degree = cache(lambda: make_papers.pdf("degree"))
card = cache(lambda: make_papers.pdf("id_card"))
scan = cache(lambda: make_papers.scan("house_registration"))
photo = cache(lambda: make_papers.photo("id_card", SMALL))
heic = cache(lambda: make_papers.heic("id_card", (800, 600)))
active = cache(make_papers.active)
bad: Callable[[str], bytes] = cache(lambda name: make_papers.BAD[name]())

Got = Paper | Photo | Bound | Stamped | Picture | Refused


def text(pdf: bytes, page: int = 0) -> str:
    """All that pypdf and PDFium find, without the spaces that extractors invent in Thai."""
    with pypdfium2.PdfDocument(pdf) as document:
        seen = document[page].get_textpage().get_text_range()
    read = pypdf.PdfReader(BytesIO(pdf)).pages[page].extract_text()
    return "".join((seen + read).split())


def everything(pdf: bytes) -> bytes:
    """The file with all its streams unpacked: what somebody with a hex editor could find."""
    out = BytesIO()
    with pikepdf.open(BytesIO(pdf)) as document:
        document.save(
            out,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
            compress_streams=False,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return out.getvalue()


def seen(pdf: bytes, page: int = 0, dpi: int = 72) -> Image.Image:
    with pypdfium2.PdfDocument(pdf) as document:
        picture: Image.Image = document[page].render(scale=dpi / 72).to_pil().convert("RGB")
        return picture


def jpeg(data: bytes) -> Image.Image:
    picture = Image.open(BytesIO(data))
    picture.load()
    assert picture.format == "JPEG"
    return picture


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()
