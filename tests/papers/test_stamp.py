"""The mark of a certified copy, on every page that bears anything; and what was blacked out is gone."""

from io import BytesIO

import pikepdf
import pypdf
import pytest
from PIL import Image, ImageChops, ImageFilter

from bot.papers.room import Papers
from bot.papers.shapes import Box, Mark, Paper, Place, Reason, Refused, Stamped
from samples import bad_papers, make_papers
from tests.papers import tools

SIGNATURE = (((0.0, 0.0), (30.0, 20.0), (60.0, -20.0), (90.0, 0.0)), ((5.0, 5.0),))
MARK = Mark(
    "สำเนาถูกต้อง",
    ("(ว่าที่ร้อยตรีหญิง สมฤดี ปิ่นทองคำ)", "นักทรัพยากรบุคคลชำนาญการ", "วันที่ 1 ตุลาคม 2568", "ใช้เพื่อการรับรองข้อมูลเท่านั้น"),
    SIGNATURE,
)
ENGLISH = Mark("Certified true copy", ("(Mr. Somchai Thotsop)", "1 October 2568", "For HR only"), SIGNATURE)
RIGHT = Mark(MARK.heading, MARK.lines, place=Place.RIGHT)
DOT = b"280 400 20 20 re f"  # a page with something in its middle
FATHERS_ID = "1-9999-00009-01-1"
FATHER = Box(1, 0.37, 0.155, 0.55, 0.04)  # his line in the house registration


async def clean(papers: Papers, pdf: bytes) -> bytes:
    paper = await papers.take(pdf)
    assert isinstance(paper, Paper), paper
    return paper.pdf


async def stamped(papers: Papers, pdf: bytes, mark: Mark = MARK, *boxes: Box) -> Stamped:
    result = await papers.stamp(pdf, mark, boxes)
    assert isinstance(result, Stamped), result
    return result


def mark_on(before: bytes, after: bytes, page: int = 0) -> tuple[int, int, int, int]:
    """Where, in points of the page as it is shown, something was added."""
    change = ImageChops.difference(tools.seen(before, page), tools.seen(after, page)).convert("L")
    return change.point(lambda shade: 255 if shade > 60 else 0).getbbox() or (0, 0, 0, 0)


async def test_every_page_with_words_is_marked_and_the_empty_back_is_not(papers: Papers) -> None:
    before = await clean(papers, make_papers.scan("transcript"))
    after = await stamped(papers, before)
    assert after.pages == (1, 2)
    assert [mark_on(before, after.pdf, page) != (0, 0, 0, 0) for page in range(3)] == [True, True, False]


async def test_the_words_beneath_stay_words(papers: Papers) -> None:
    before = await clean(papers, tools.transcript())
    after = await stamped(papers, before)
    for page in range(2):
        assert tools.text(after.pdf, page) == tools.text(before, page)
    fonts = [
        font["/BaseFont"]
        for form in pypdf.PdfReader(BytesIO(after.pdf)).pages[0]["/Resources"]["/XObject"].values()  # type: ignore[index]
        for font in (form.get("/Resources") or {}).get("/Font", {}).values()
    ]
    assert any("Sarabun" in font for font in fonts)


@pytest.mark.parametrize("mark", [MARK, ENGLISH], ids=["thai", "english"])
async def test_the_mark_is_whole_and_within_the_page(papers: Papers, mark: Mark) -> None:
    for paper in (tools.house(), tools.degree()):
        before = await clean(papers, paper)
        left, top, right, bottom = mark_on(before, (await stamped(papers, before, mark)).pdf)
        width, height = tools.seen(before).size
        assert left >= 18
        assert right <= width - 18
        assert top >= height / 2 - 5
        assert bottom <= height - 18
        assert right - left > 100
        assert bottom - top > 100


async def test_thai_marks_stand_where_they_belong(papers: Papers) -> None:
    """Tone marks above vowels: the line reaches higher than one without, and no two marks fall into one."""
    paper = await clean(papers, bad_papers.of_pages(1))
    heights = {}
    for word in ("ปา", "ปี", "ปี่", "ปู"):
        left, top, right, bottom = mark_on(paper, (await stamped(papers, paper, Mark(word))).pdf)
        assert right > left
        heights[word] = bottom - top
    assert heights["ปี่"] > heights["ปี"] >= heights["ปา"]
    assert heights["ปู"] > heights["ปา"]


async def test_it_goes_where_the_page_is_emptiest(papers: Papers) -> None:
    for x, side in ((300, "left"), (0, "right")):
        full = await clean(papers, bad_papers.of_pages(1, words=b"%d 0 295 420 re f" % x))
        left, _, right, _ = mark_on(full, (await stamped(papers, full)).pdf)
        assert (right <= 300) if side == "left" else (left >= 295)


@pytest.mark.parametrize(("place", "middle"), [(Place.LEFT, 110), (Place.MIDDLE, 297), (Place.RIGHT, 485)])
async def test_or_where_it_is_told_to(papers: Papers, place: Place, middle: int) -> None:
    paper = await clean(papers, bad_papers.of_pages(1))
    left, _, right, _ = mark_on(paper, (await stamped(papers, paper, Mark(MARK.heading, MARK.lines, place=place))).pdf)
    assert abs((left + right) / 2 - middle) < 30


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
async def test_on_a_turned_page_it_stands_upright(papers: Papers, turned: int) -> None:
    pdf = pikepdf.open(BytesIO(bad_papers.of_pages(1, words=DOT)))
    pdf.pages[0].obj["/Rotate"] = turned
    pdf.pages[0].obj["/MediaBox"] = pikepdf.Array([-40, -30, 555, 812])
    out = BytesIO()
    pdf.save(out)
    before = await clean(papers, out.getvalue())
    after = (await stamped(papers, before, RIGHT)).pdf
    left, top, right, bottom = mark_on(before, after)
    page = tools.seen(after)
    assert 15 < page.width - right < 30
    assert 15 < page.height - bottom < 30
    mark = page.crop((left, top, right, bottom))
    plain = await clean(papers, bad_papers.of_pages(1, words=DOT))
    level = (await stamped(papers, plain, RIGHT)).pdf
    upright = tools.seen(level).crop(mark_on(plain, level)).resize(mark.size)
    others = [upright.transpose(way) for way in (Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT)]
    assert all(_unlike(mark, upright) < 0.6 * _unlike(mark, other) for other in others)


def _unlike(one: Image.Image, other: Image.Image) -> int:
    change = ImageChops.difference(one, other).convert("L").filter(ImageFilter.BoxBlur(2))
    return sum(shade * count for shade, count in enumerate(change.histogram()))


async def test_a_page_that_leaves_its_state_behind_does_not_take_the_mark_along(papers: Papers) -> None:
    before = await clean(
        papers, bad_papers.of_pages(1, words=b"20 20 99 99 re f q 0.1 0 0 0.1 500 900 cm 1 0 0 rg Q Q q 9 0 0 9 0 0 cm")
    )
    left, _, right, _ = mark_on(before, (await stamped(papers, before)).pdf)
    assert right - left > 100


async def test_a_card_goes_onto_a_page_with_room_for_the_mark(papers: Papers) -> None:
    after = (await stamped(papers, await clean(papers, tools.card()))).pdf
    page = tools.seen(after)
    assert page.size == (596, 842)
    assert "1-9999-00000-01-3" in tools.text(after)
    ink = page.convert("L").point(lambda shade: 255 if shade < 140 else 0)
    assert ink.crop((0, 330, 596, 600)).getbbox() is None  # between them, nothing
    assert ink.crop((300, 600, 596, 842)).getbbox()


async def test_a_mark_is_as_large_on_a_large_page(papers: Papers) -> None:
    widths = []
    for size in ((595, 842), (2380, 3368)):
        before = await clean(papers, bad_papers.of_pages(1, size, b"%d %d 200 200 re f" % (size[0] // 4, size[1] // 2)))
        left, _, right, _ = mark_on(before, (await stamped(papers, before)).pdf)
        widths.append((right - left) / size[0])
    assert abs(widths[0] - widths[1]) < 0.02


async def test_long_lines_are_folded_and_nothing_is_cut_off(papers: Papers) -> None:
    long = "ใช้เพื่อการรับรองข้อมูลในระบบสารสนเทศทรัพยากรบุคคลของกรมตัวอย่างกระทรวงสมมติประจำปีงบประมาณเท่านั้น " * 2
    paper = await clean(papers, bad_papers.of_pages(1))
    left, top, right, bottom = mark_on(paper, (await stamped(papers, paper, Mark(MARK.heading, (long[:200],)))).pdf)
    assert left >= 18
    assert right <= 577
    assert right - left < 320
    assert bottom - top > 60


async def test_what_people_write_is_never_markup(papers: Papers) -> None:
    paper = await clean(papers, tools.house())
    await stamped(papers, paper, Mark("<b>&amp;</text>", ("</svg><script>", "\"'>")))


async def test_letters_that_would_be_missing_are_named_before(papers: Papers) -> None:
    paper = await clean(papers, tools.house())
    assert await papers.stamp(paper, Mark("สำเนาถูกต้อง", ("(王 😀)",))) == Refused(Reason.UNWRITABLE, 2)


async def test_blacked_out_is_gone(papers: Papers) -> None:
    before = await clean(papers, tools.house())
    assert FATHERS_ID in tools.text(before)
    after = (await stamped(papers, before, MARK, FATHER)).pdf
    assert FATHERS_ID not in tools.text(after)
    assert tools.text(after) == ""
    assert tools.seen(after).getpixel((400, 150)) == (0, 0, 0)
    with pikepdf.open(BytesIO(after)) as pdf:
        assert not [thing for thing in pdf.objects if isinstance(thing, pikepdf.Dictionary) and "/BaseFont" in thing]


async def test_blacked_out_of_a_scan_its_picture_is_gone_too(papers: Papers) -> None:
    before = await clean(papers, tools.scan())
    after = (await stamped(papers, before, MARK, FATHER)).pdf
    assert _pictures(before) - _pictures(after)
    assert len(_pictures(before) & _pictures(after)) == 1  # the empty back


async def test_other_pages_keep_their_words(papers: Papers) -> None:
    before = await clean(papers, tools.transcript())
    after = (await stamped(papers, before, MARK, Box(1, 0, 0, 1, 0.5))).pdf
    assert tools.text(after, 0) == ""
    assert tools.text(after, 1) == tools.text(before, 1)


async def test_a_picture_that_another_page_shares_does_not_stay_there(papers: Papers) -> None:
    """Two pages with one dictionary of resources: the blacked-out page's picture would lie on under the other one."""
    pdf = pikepdf.open(BytesIO(tools.scan()))
    shared = pdf.make_indirect(
        pikepdf.Dictionary(
            XObject=pikepdf.Dictionary(
                One=pdf.pages[0].obj.Resources.XObject.Scan, Two=pdf.pages[1].obj.Resources.XObject.Scan
            )
        )
    )
    for page, name in zip(pdf.pages, (b"/One", b"/Two"), strict=True):
        page.obj.Resources = shared
        page.obj.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm %s Do Q" % name)
    out = BytesIO()
    pdf.save(out)
    secret = max(_pictures(out.getvalue()), key=len)
    before = await clean(papers, out.getvalue())
    assert secret in _pictures(before)
    assert secret not in _pictures((await stamped(papers, before, MARK, FATHER)).pdf)


async def test_a_picture_that_two_pages_draw_is_drawn_away_from_both(papers: Papers) -> None:
    pdf = pikepdf.open(BytesIO(tools.scan()))
    pdf.pages[1].obj.Resources.XObject.Again = pdf.pages[0].obj.Resources.XObject.Scan
    pdf.pages[1].obj.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Again Do Q")
    out = BytesIO()
    pdf.save(out)
    secret = max(_pictures(out.getvalue()), key=len)
    after = (await stamped(papers, await clean(papers, out.getvalue()), MARK, FATHER)).pdf
    assert secret not in _pictures(after)


async def test_a_page_that_is_a_letter_of_a_font_does_not_stay_in_that_font(papers: Papers) -> None:
    pdf = pikepdf.Pdf.new()
    scan = pikepdf.open(BytesIO(tools.scan()))
    whole = pdf.copy_foreign(scan.pages[0].obj.Resources.XObject.Scan)
    letters = pikepdf.Dictionary(
        a=pdf.make_stream(b"1000 0 d0 q 1000 0 0 1000 0 0 cm /I Do Q"), b=pdf.make_stream(b"1000 0 d0 0 0 500 500 re f")
    )
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type3,
        FontBBox=pikepdf.Array([0, 0, 1000, 1000]),
        FontMatrix=pikepdf.Array([0.001, 0, 0, 0.001, 0, 0]),
        CharProcs=letters,
        Encoding=pikepdf.Dictionary(Differences=pikepdf.Array([97, pikepdf.Name.a, pikepdf.Name.b])),
        FirstChar=97,
        LastChar=98,
        Widths=pikepdf.Array([1000, 1000]),
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=whole)),
    )
    shared = pikepdf.Dictionary(F=pdf.make_indirect(font))
    for words in (b"BT /F 500 Tf 50 200 Td (a) Tj ET", b"BT /F 100 Tf 50 200 Td (b) Tj ET"):
        page = pdf.add_blank_page(page_size=(595, 842)).obj
        page.Resources = pikepdf.Dictionary(Font=shared)
        page.Contents = pdf.make_stream(words)
    out = BytesIO()
    pdf.save(out)
    before = await clean(papers, out.getvalue())
    (secret,) = _pictures(before)
    after = (await stamped(papers, before, MARK, Box(1, 0, 0, 1, 1))).pdf
    assert secret not in _pictures(after)
    assert tools.seen(after, 1).getpixel((60, 840 - 210)) == (0, 0, 0), "the other page shows what it did"


async def test_a_box_on_a_page_that_is_not_there(papers: Papers) -> None:
    paper = await clean(papers, tools.house())
    assert await papers.stamp(paper, MARK, [Box(2, 0, 0, 1, 1)]) == Refused(Reason.NO_SUCH_PAGE, 2, 1)


async def test_blacked_out_on_a_turned_page_as_it_is_shown(papers: Papers) -> None:
    pdf = pikepdf.open(BytesIO(tools.house()))
    pdf.pages[0].obj["/Rotate"] = 90
    out = BytesIO()
    pdf.save(out)
    after = tools.seen((await stamped(papers, await clean(papers, out.getvalue()), MARK, Box(1, 0, 0, 0.1, 0.1))).pdf)
    assert after.size == (842, 596)
    assert (after.getpixel((40, 30)), after.getpixel((840, 30))) == ((0, 0, 0), (255, 255, 255))


def test_what_no_pen_could_draw_is_the_callers_mistake() -> None:
    for mark in (
        {"signature": (((float("nan"), 0.0),),)},
        {"signature": (((0.0, 0.0),) * 20_001,)},
        {"lines": ("x",) * 13},
        {"lines": ("x" * 201,)},
    ):
        with pytest.raises(ValueError, match=r"mark|signature"):
            Mark("สำเนาถูกต้อง", **mark)
    with pytest.raises(ValueError, match="fractions"):
        Box(1, 0.5, 0.5, 1.2, 0.1)


def _pictures(pdf: bytes) -> set[bytes]:
    """All JPEGs anywhere in the file, drawn or not."""
    with pikepdf.open(BytesIO(pdf)) as document:
        return {
            thing.read_raw_bytes()
            for thing in document.objects
            if isinstance(thing, pikepdf.Stream) and thing.get("/Filter") == pikepdf.Name.DCTDecode
        }


def test_these_tests_see_what_is_drawn() -> None:
    page = Image.new("RGB", (595, 842), "white")
    dot = page.copy()
    dot.paste((0, 0, 0), (300, 400, 320, 420))
    assert mark_on(tools.saved(page, "PDF"), tools.saved(dot, "PDF"))[2] > 0
