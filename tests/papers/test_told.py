"""What pictures and contents tell besides what they show does not get in, wherever in a PDF it hangs."""

import zlib
from collections.abc import Callable
from io import BytesIO

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from PIL import Image

from bot.papers import jpeg
from bot.papers.room import Papers
from bot.papers.shapes import Paper, Reason, Refused
from tests.papers import tools

MAKER, PLACE = b"kp7-maker", b"kp7-place"


def exif() -> bytes:
    told = Image.Exif()
    told[0x010F] = MAKER.decode()
    told.get_ifd(0x8825)[29] = PLACE.decode()
    return told.tobytes()


def picture(size: tuple[int, int] = (300, 400), kind: str = "JPEG", **how: object) -> bytes:
    return tools.saved(Image.effect_noise(size, 60).convert("RGB"), kind, **how)


def telling() -> bytes:
    data = picture((90, 90), exif=exif())
    assert MAKER in data
    assert PLACE in data
    return data


def segment(marker: int, what: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(what) + 2).to_bytes(2, "big") + what


def of(data: bytes, filters: object = Name.DCTDecode, **more: object) -> bytes:
    """A PDF with one page, with this picture all over it."""
    pdf = Pdf.new()
    image = pdf.make_stream(data)
    image["/Type"], image["/Subtype"], image["/Filter"] = Name.XObject, Name.Image, filters
    image["/Width"], image["/Height"] = 300, 400
    image["/ColorSpace"], image["/BitsPerComponent"] = Name.DeviceRGB, 8
    for key, value in more.items():
        image[f"/{key}"] = value
    return page(pdf, b"q 595 0 0 842 0 0 cm /I Do Q", XObject=Dictionary(I=image))


def page(pdf: Pdf, contents: bytes | Array, **resources: object) -> bytes:
    new = pdf.add_blank_page(page_size=(595, 842)).obj
    new.Resources = Dictionary(**resources)  # type: ignore[arg-type]
    new.Contents = pdf.make_stream(contents) if isinstance(contents, bytes) else contents
    return out(pdf)


def out(pdf: Pdf) -> bytes:
    file = BytesIO()
    pdf.save(file)
    return file.getvalue()


async def taken(papers: Papers, pdf: bytes) -> bytes:
    """→ what is kept of it, which looks as it did."""
    paper = await papers.take(pdf)
    assert isinstance(paper, Paper), paper
    assert tools.seen(paper.pdf).tobytes() == tools.seen(pdf).tobytes()
    return paper.pdf


def told(pdf: bytes) -> set[bytes]:
    """Which of the words are in the file, also within pictures."""
    found = pdf + tools.everything(pdf)
    with pikepdf.open(BytesIO(pdf)) as document:
        found += b"".join(thing.read_raw_bytes() for thing in document.objects if isinstance(thing, Stream))
    return {word for word in (MAKER, PLACE, b"Exif", b"kp7-") if word in found or word.hex().encode() in found}


def mpo() -> bytes:
    """As phones make them: the second picture has its own notes."""
    second = Image.open(BytesIO(telling()))
    first = Image.open(BytesIO(picture()))
    return tools.saved(first, "MPO", save_all=True, append_images=[second], exif=exif())


def between_scans() -> bytes:
    data = picture(progressive=True)
    scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    return data[:scan] + segment(0xFE, MAKER) + segment(0xE1, b"Exif\0\0" + PLACE) + data[scan:]


def begun_with(what: bytes) -> bytes:
    data = picture()
    return data[:2] + what + data[2:]


JPEGS: dict[str, Callable[[], bytes]] = {
    "its own notes": lambda: picture(exif=exif()),
    "a second picture": lambda: picture() + telling(),
    "one cut short, and a second": lambda: picture()[:-2] + telling(),
    "MPO": mpo,
    "between scans": between_scans,
    "JFXX": lambda: begun_with(segment(0xE0, b"JFXX\0\x13" + MAKER)),
    "thumbnail in JFIF": lambda: begun_with(segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\3" + MAKER)),
    "Adobe, and more": lambda: begun_with(segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + MAKER)),
    "before its beginning": lambda: MAKER + picture(),
    "between segments": lambda: begun_with(MAKER),
}


@pytest.mark.parametrize("way", JPEGS)
async def test_of_a_jpeg_its_picture_is_kept_and_nothing_else(papers: Papers, way: str) -> None:
    data = JPEGS[way]()
    assert told(of(data))
    assert not told(await taken(papers, of(data)))


def box(kind: bytes, inside: bytes) -> bytes:
    return (len(inside) + 8).to_bytes(4, "big") + kind + inside


def jp2(**how: object) -> bytes:
    return picture((300, 400), "JPEG2000", **how)


JPX: dict[str, Callable[[], bytes]] = {
    "EXIF behind it": lambda: jp2() + box(b"uuid", b"JpgTiffExif->JP2" + exif()),
    "EXIF before it": lambda: jp2()[:32] + box(b"uuid", b"JpgTiffExif->JP2" + exif()) + jp2()[32:],
    "XMP": lambda: jp2() + box(b"xml ", b"<x>kp7-xmp</x>"),
    "where to read more": lambda: jp2() + box(b"uinf", box(b"url ", b"http://kp7-place")),
    "boxes of somebody's own": lambda: jp2() + box(b"own ", MAKER) + b"\0\0\0\0last" + PLACE,
    "a comment": lambda: jp2(comment=MAKER),
    "a comment, with nothing around": lambda: jp2(comment=MAKER, no_jp2=True),
    "a comment in tiles": lambda: jp2(comment=MAKER, tile_size=(128, 128)),
    "behind the picture": lambda: jp2(no_jp2=True) + MAKER,
}


@pytest.mark.parametrize("way", JPX)
async def test_of_a_jpeg_2000_its_picture_is_kept_and_nothing_else(papers: Papers, way: str) -> None:
    pdf = of(JPX[way](), Name.JPXDecode)
    assert told(pdf)
    assert not told(await taken(papers, pdf))


async def test_a_jpeg_2000_that_is_none(papers: Papers) -> None:
    whole = jp2()
    for data in (b"", MAKER, whole[:40], whole[:32] + b"\xff\xff\xff\xff" + whole[36:], box(b"jp2c", MAKER)):
        assert await papers.take(of(data, Name.JPXDecode)) == Refused(Reason.DAMAGED)


async def test_a_jpeg_2000_with_more_pixels_than_the_pdf_says(papers: Papers) -> None:
    data = jp2(no_jp2=True)
    data = data[:8] + (60_000).to_bytes(4, "big") * 2 + data[16:]
    refused = await papers.take(of(data, Name.JPXDecode))
    assert refused == Refused(Reason.TOO_MANY_PIXELS, 3_600_000_000, 40_000_000)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "ASCIIHexDecode": lambda data: data.hex().encode() + b">",
    "FlateDecode": zlib.compress,
}


@pytest.mark.parametrize("way", PACKED)
async def test_a_jpeg_packed_once_more(papers: Papers, way: str) -> None:
    packed = of(PACKED[way](picture() + telling()), Array([Name("/" + way), Name.DCTDecode]))
    kept = await taken(papers, packed)
    assert not told(kept)
    with pikepdf.open(BytesIO(kept)) as pdf:
        assert pdf.pages[0].obj.Resources.XObject.I.Filter == Name.DCTDecode


def test_what_is_no_jpeg_leaves_nothing() -> None:
    for data in (b"", b"kp7-maker", b"\xff\xd8", b"\xff\xd8kp7-maker", b"\xff\xd8" + segment(0xFE, MAKER)):
        assert jpeg.stripped(data) == b""
        assert jpeg.frame(data) is None


def inline(what: bytes, about: bytes = b"/F /DCT", size: int = 90) -> bytes:
    lines = b"q 500 0 0 500 20 20 cm BI /W %d /H %d /CS /RGB /BPC 8 %s ID %s\nEI Q"
    return lines % (size, size, about, what)


CONTENTS = {
    "a comment": b"0 0 99 99 re f % kp7-comment\n9 9 9 9 re f",
    "words for readers": b"/Span <</ActualText (kp7-actual) /Alt (kp7-alt) /E (kp7-e)>> BDC 9 9 99 99 re f EMC",
    "a place that is marked": b"9 9 99 99 re f /kp7-tag MP /Tag <</Alt (kp7-alt)>> DP",
    "a mark": b"/kp7-tag BMC 9 9 99 99 re f EMC",
    "what nobody does": b"9 9 99 99 re f (kp7-string) kp7-operator /kp7-name Nothing",
    "too much": b"(kp7-string) 9 9 99 99 re (kp7-string) f",
    "what takes none of it": b"1 1 m 9 /kp7-name l 99 (kp7-string) l f 9 9 99 99 re f",
    "in a list": b"9 w [9 % kp7-comment\n 3] 0 d 9 9 m 500 500 l S",
    "a picture in the contents": inline(telling()),
    "what a picture in the contents says": inline(picture((90, 90)), b"/F /DCT /Maker (kp7-maker)"),
    "how a picture in the contents is packed": inline(b"\x80" * 12, b"/DP <</Maker (kp7-maker)>>", 2),
    "a packed picture in the contents": inline(telling().hex().encode() + b">", b"/F [/AHx /DCT]"),
    "never done": b"9 9 99 99 re f (kp7-string",
}
WHERE = ["page", "parts", "form", "tiles", "letter", "mask"]


def hung(contents: bytes, where: str) -> bytes:
    """A PDF in which this is drawn: by the page, or by what the page is drawn with."""
    pdf = Pdf.new()
    if where == "page":
        return page(pdf, contents)
    if where == "parts":
        middle = contents.index(b" ", len(contents) // 2)
        return page(pdf, Array([pdf.make_stream(contents[:middle]), pdf.make_stream(contents[middle:])]))
    made = pdf.make_stream(contents)
    made["/BBox"], made["/Resources"] = Array([0, 0, 595, 842]), Dictionary()
    if where == "form":
        made["/Subtype"] = Name.Form
        return page(pdf, b"/X Do", XObject=Dictionary(X=made))
    if where == "mask":
        made["/Subtype"], made["/Group"] = Name.Form, Dictionary(S=Name.Transparency, CS=Name.DeviceGray)
        state = Dictionary(SMask=Dictionary(S=Name.Alpha, G=made))
        return page(pdf, b"/S gs 0 0 595 842 re f", ExtGState=Dictionary(S=state))
    if where == "tiles":
        made["/PatternType"], made["/PaintType"], made["/TilingType"] = 1, 1, 1
        made["/XStep"], made["/YStep"] = 600, 850
        return page(pdf, b"/Pattern cs /P scn 0 0 595 842 re f", Pattern=Dictionary(P=made))
    made.write(b"1000 0 d0 " + contents)
    font = Dictionary(Type=Name.Font, Subtype=Name.Type3, CharProcs=Dictionary(a=made), FirstChar=97, LastChar=97)
    font.FontBBox, font.FontMatrix = Array([0, 0, 1000, 1000]), Array([0.001, 0, 0, 0.001, 0, 0])
    font.Encoding, font.Widths = Dictionary(Differences=Array([97, Name.a])), Array([1000])
    return page(pdf, b"BT /F 900 Tf 9 9 Td (a) Tj ET", Font=Dictionary(F=font))


@pytest.mark.parametrize("what", CONTENTS)
async def test_of_contents_what_they_draw_is_kept_and_nothing_else(papers: Papers, what: str) -> None:
    assert told(hung(CONTENTS[what], "page"))
    assert not told(await taken(papers, hung(CONTENTS[what], "page")))


@pytest.mark.parametrize("where", WHERE)
async def test_wherever_contents_are(papers: Papers, where: str) -> None:
    pdf = hung(CONTENTS["words for readers"] + b" " + CONTENTS["a comment"], where)
    assert told(pdf)
    assert not told(await taken(papers, pdf))


async def test_layers_that_are_not_shown_stay_so(papers: Papers) -> None:
    pdf = Pdf.new()
    layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("Hidden")))
    pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer])))
    hidden = b"9 9 99 99 re f /OC /L BDC 200 200 300 300 re f EMC"
    kept = await taken(papers, page(pdf, hidden, Properties=Dictionary(L=layer)))
    assert tools.seen(kept).getpixel((300, 500)) == (255, 255, 255)


async def test_no_postscript_and_no_data_for_programs_among_what_is_drawn(papers: Papers) -> None:
    pdf = Pdf.new()
    script = pdf.make_stream(b"(kp7-own) print")
    script["/Type"], script["/Subtype"] = Name.XObject, Name.PS
    layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("Shown")))
    data = Dictionary(Own=String("kp7-own"), Kept=pdf.make_stream(b"kp7-own"))
    own = page(
        pdf,
        b"/P Do /OC /L BDC 9 9 99 99 re f EMC",
        XObject=Dictionary(P=script),
        Properties=Dictionary(L=layer, D=data),
    )
    with Pdf.open(BytesIO(own)) as opened:
        opened.pages[0].obj["/Group"] = Dictionary(S=Name.Transparency, CS=Name.DeviceRGB, Own=String("kp7-own"))
        saved = BytesIO()
        opened.save(saved)
    kept = await taken(papers, saved.getvalue())
    with Pdf.open(BytesIO(kept)) as opened:
        left = opened.pages[0].obj
        assert list(left.Resources.XObject.keys()) == []
        assert list(left.Resources.Properties.keys()) == ["/L"]
        assert set(left.Group.keys()) == {"/S", "/CS"}
    assert b"kp7-own" not in kept


async def test_keys_of_somebodys_own(papers: Papers) -> None:
    pdf = Pdf.new()
    image, form = pdf.make_stream(picture()), pdf.make_stream(b"/I Do")
    image["/Subtype"], image["/Filter"], image["/ColorSpace"] = Name.Image, Name.DCTDecode, Name.DeviceRGB
    image["/Width"], image["/Height"], image["/BitsPerComponent"] = 300, 400, 8
    form["/Subtype"], form["/BBox"] = Name.Form, Array([0, 0, 1, 1])
    form["/Resources"] = Dictionary(XObject=Dictionary(I=image), Own=String("kp7-own"))
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    for thing in (image, form, font):
        thing["/Own"] = pdf.make_indirect(Dictionary(Where=String("kp7-where")))
    words = b"q 595 0 0 842 0 0 cm /X Do Q BT /F 20 Tf 9 9 Td (Words) Tj ET"
    telling = page(pdf, words, XObject=Dictionary(X=form), Font=Dictionary(F=font), Own=String("kp7-own"))
    assert told(telling)
    assert not told(await taken(papers, telling))
