"""Puts the mark of a certified copy on every page that bears anything, and takes out what is blacked out. Child only.

A page with a black box is drawn, the box painted over in the drawing, and the drawing is the page: nothing of what it
was made from is left, neither words nor pictures. So it is with any other page that draws from the same pictures or
contents, as they would still lie in the file. All other pages keep their text and fonts.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image, ImageDraw

from bot.papers import binding, jpeg, mark, opening, viewing
from bot.papers.shapes import Place, Reason, Refusal

BLACKED_DPI = 200
BLACKED_QUALITY = 88
CARD = 297.0  # short side, points: below A6 a mark would be too small to be read
CARD_WIDTH, CARD_HEIGHT = 420.0, 400.0  # what a card is enlarged to, on A4


def job(words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    data = blobs[0]
    pdf = opening.opened(data)
    for page in pdf.pages:
        opening.measured(page.obj)
    boxes: dict[int, list[tuple[float, ...]]] = {}
    for number, *box in words["boxes"]:
        boxes.setdefault(number, []).append(tuple(box))
    if boxes and not 1 <= min(boxes) <= max(boxes) <= len(pdf.pages):
        raise Refusal(Reason.NO_SUCH_PAGE, max(boxes), len(pdf.pages))
    inks = [_ink(sheet) for sheet in viewing.pages(data)]
    if not any(inks):
        raise Refusal(Reason.NOTHING, len(inks))
    if boxes:
        for number in _to_draw(pdf, set(boxes)):
            _draw(pdf, number, viewing.page(data, number), boxes.get(number, []))
    drawing = mark.drawing(words["heading"], words["lines"], words["signature"])
    stencil = mark.stencil(pdf, drawing)
    for page, ink in zip(pdf.pages, inks, strict=True):
        if ink is not None:
            if min(opening.measured(page.obj)) < CARD:
                ink = _mounted(pdf, page, ink)
            width, height = opening.measured(page.obj)
            spot = mark.spot(ink, width, height, drawing, Place(words["place"]))
            _put(pdf, page, stencil, spot)
    return {"pages": [number for number, ink in enumerate(inks, 1) if ink]}, [opening.saved(pdf)]


def _ink(sheet: Any) -> Image.Image | None:
    """None for a page that bears nothing."""
    ink = viewing.ink(sheet)
    return ink if viewing.is_written(sheet, ink) else None


def _put(pdf: Pdf, page: pikepdf.Page, stencil: Stream, spot: mark.Spot) -> None:
    obj = page.obj
    where = mark.laid(spot, opening.visible(obj), opening.turned(obj))
    before = _as_one(pdf, page)
    obj["/Contents"] = pdf.make_stream(f"/Copy Do q {where} /Mark Do Q".encode())
    obj["/Resources"] = Dictionary(XObject=Dictionary(Copy=before, Mark=stencil))


def _as_one(pdf: Pdf, page: pikepdf.Page) -> Stream:
    """What is on the page as one thing to draw: whatever state it leaves behind, what follows is not touched."""
    page.contents_coalesce()
    contents = page.obj.get("/Contents")
    form = pdf.make_stream(contents.read_bytes() if isinstance(contents, Stream) else b"")
    form["/Type"], form["/Subtype"], form["/BBox"] = Name.XObject, Name.Form, Array(list(opening.visible(page.obj)))
    form["/Resources"] = opening.inherited(page.obj, "/Resources") or Dictionary()
    if (group := page.obj.get("/Group")) is not None:
        form["/Group"] = group
        del page.obj["/Group"]
    return form


def _mounted(pdf: Pdf, page: pikepdf.Page, ink: Image.Image) -> Image.Image:
    """A page the size of a card goes onto the upper half of an A4 page, as copying machines do; → what is on it now."""
    obj = page.obj
    (left, bottom, right, top), turned = opening.visible(obj), opening.turned(obj)
    width, height = opening.measured(obj)
    scale = min(CARD_WIDTH / width, CARD_HEIGHT / height)
    x, y = (binding.SHORT - width * scale) / 2, binding.LONG - 2 * binding.MARGIN - height * scale
    turn = {
        0: (1, 0, 0, 1, -left, -bottom),
        90: (0, -1, 1, 0, -bottom, right),
        180: (-1, 0, 0, -1, right, top),
        270: (0, 1, -1, 0, top, -left),
    }[turned]
    before = _as_one(pdf, page)
    matrices = (scale, 0, 0, scale, x, y), turn
    where = " ".join(" ".join(f"{number:.4f}" for number in matrix) + " cm" for matrix in matrices)
    obj["/Contents"] = pdf.make_stream(f"q {where} /Copy Do Q".encode())
    obj["/Resources"] = Dictionary(XObject=Dictionary(Copy=before))
    obj["/MediaBox"] = Array([0, 0, binding.SHORT, binding.LONG])
    for key in ("/CropBox", "/Rotate"):
        if key in obj:
            del obj[key]
    sheet = Image.new("L", (round(binding.SHORT), round(binding.LONG)))
    sheet.paste(ink.resize((round(width * scale), round(height * scale))), (round(x), 2 * round(binding.MARGIN)))
    return sheet


def _draw(pdf: Pdf, number: int, sheet: Any, boxes: Iterable[tuple[float, ...]]) -> None:
    """Page `number` becomes its own picture, upright, with black boxes in it."""
    width, height = sheet.get_size()
    picture = viewing.drawn(sheet, min(BLACKED_DPI / 72, BLACKED_DPI / 72 * 842 / max(width, height)))
    pen = ImageDraw.Draw(picture)
    for left, top, across, down in boxes:
        corners = (
            (left * picture.width, top * picture.height),
            (
                (left + across) * picture.width,
                (top + down) * picture.height,
            ),
        )
        pen.rectangle(corners, fill="black")
    out = BytesIO()
    picture.save(out, "JPEG", quality=BLACKED_QUALITY)
    image = binding.image(pdf, jpeg.stripped(out.getvalue()), *picture.size, 3)
    page = pdf.pages[number - 1].obj
    for key in list(page.keys()):
        if key not in ("/Type", "/Parent"):
            del page[key]
    page["/MediaBox"] = Array([0, 0, width, height])
    page["/Resources"] = Dictionary(XObject=Dictionary(Page=image))
    page["/Contents"] = pdf.make_stream(f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Page Do Q".encode())


def _to_draw(pdf: Pdf, blacked: set[int]) -> list[int]:
    """The pages (from 1) that must become pictures: those with boxes, and those that share with them what is drawn."""
    pdf.remove_unreferenced_resources()
    used = {number: _drawn_from(page.obj) for number, page in enumerate(pdf.pages, 1)}
    gone: set[tuple[int, int]] = set()
    todo = set(blacked)
    while todo:
        gone |= set().union(*(used.pop(number) for number in todo))
        blacked |= todo
        todo = {number for number, things in used.items() if things & gone}
    return sorted(blacked)


def _drawn_from(page: Dictionary) -> set[tuple[int, int]]:
    """The pictures, forms, patterns and contents that a page is drawn from, and the letters that are drawn like a page.

    Fonts with outlines are not among them: pages with nothing in common but a font would all become pictures.
    """
    seen: set[tuple[int, int]] = set()
    found: set[tuple[int, int]] = set()
    todo: list[Any] = [page.get("/Contents"), opening.inherited(page, "/Resources")]
    while todo:
        thing = todo.pop()
        if not isinstance(thing, (Array, Dictionary, Stream)):
            continue
        if thing.is_indirect:
            if thing.objgen in seen:
                continue
            seen.add(thing.objgen)
            if isinstance(thing, Stream):
                found.add(thing.objgen)
        if isinstance(thing, Array):
            todo += list(thing)
            continue
        for key in thing.keys():  # noqa: SIM118
            if key == "/Font":
                todo += _drawn_letters(thing[key])
            elif key != "/Parent":
                todo.append(thing.get(key))
    return found


def _drawn_letters(fonts: Any) -> list[Any]:
    """Those fonts whose letters are drawn like pages are: with pictures, if need be with all of a page."""
    if isinstance(fonts, Dictionary):
        listed = [fonts.get(key) for key in fonts.keys()]  # noqa: SIM118
    else:
        listed = list(fonts) if isinstance(fonts, Array) else []
    return [font for font in listed if isinstance(font, Dictionary) and font.get("/Subtype") == Name.Type3]
