"""A PDF comes in: what is kept of it, what is not, and what is refused."""

import hashlib
from io import BytesIO

import pikepdf
import pytest

from bot.papers.room import Papers
from bot.papers.shapes import Paper, Reason, Refused
from samples import bad_papers
from tests.papers import tools


async def taken(papers: Papers, pdf: bytes, watermark: str = "") -> Paper:
    paper = await papers.take(pdf, watermark)
    assert isinstance(paper, Paper), paper
    return paper


async def test_a_printed_paper_keeps_its_words_and_its_size(papers: Papers) -> None:
    paper = await taken(papers, tools.house())
    assert "1-9999-00000-01-3" in tools.text(paper.pdf)
    assert (paper.pages, paper.repaired) == (1, False)
    assert [(round(sheet.width), round(sheet.height), sheet.written) for sheet in paper.sheets] == [(595, 842, True)]
    assert paper.sha256 == hashlib.sha256(tools.house()).hexdigest()


async def test_it_looks_as_it_did(papers: Papers) -> None:
    for paper in (tools.house(), tools.degree(), tools.scan()):
        assert tools.seen((await taken(papers, paper)).pdf).tobytes() == tools.seen(paper).tobytes()


async def test_the_empty_back_of_a_scan_bears_nothing(papers: Papers) -> None:
    assert [sheet.written for sheet in (await taken(papers, tools.scan())).sheets] == [True, False]


async def test_a_page_with_nothing_but_its_number_bears_something_and_dust_is_nothing(papers: Papers) -> None:
    number = b"BT /F 12 Tf 290 30 Td (- 2 -) Tj ET"
    dust = b"".join(b"%d %d 0.7 0.7 re f " % (x, x * 7 % 800) for x in range(40, 560, 13)) + b"300 400 3 3 re f"
    drawn = b"290 30 1.5 9 re f 296 30 1.5 9 re f 300 30 6 1.5 re f 300 36 6 1.5 re f 310 30 1.5 9 re f"
    pages = pikepdf.open(BytesIO(bad_papers.of_pages(3)))
    for page, words in zip(pages.pages, (number, dust, drawn), strict=True):
        page.obj.Contents = pages.make_stream(words)
        page.obj.Resources = pikepdf.Dictionary(
            Font=pikepdf.Dictionary(
                F=pikepdf.Dictionary(
                    Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
                )
            )
        )
    out = BytesIO()
    pages.save(out)
    assert [sheet.written for sheet in (await taken(papers, out.getvalue())).sheets] == [True, False, True]


async def test_the_preview_is_small_and_says_what_it_is_for(papers: Papers) -> None:
    plain = tools.jpeg((await taken(papers, tools.house())).preview)
    marked = tools.jpeg((await taken(papers, tools.house(), "ใช้เพื่อทดสอบเท่านั้น")).preview)
    assert plain.size == marked.size == (600, 849)
    for top in range(0, 848, 212):  # all over: no quarter of it could be cut out without
        quarter = (0, top, 600, top + 212)
        assert marked.crop(quarter).tobytes() != plain.crop(quarter).tobytes()


async def test_what_acts_hides_or_tells_is_gone(papers: Papers) -> None:
    before = tools.everything(tools.active())
    paper = await taken(papers, tools.active())
    after = tools.everything(paper.pdf)
    told = (
        b"script",
        b"attachment",
        b"xfa",
        b"launch",
        b"media",
        b"private",
        b"metadata",
        b"author",
        b"title",
        b"maker",
    )
    for word in told:
        assert b"kp7-" + word in before, word
        assert b"kp7-" + word not in after, word
    for name in (
        b"/JavaScript",
        b"/JS",
        b"/AA",
        b"/OpenAction",
        b"/Launch",
        b"/EmbeddedFile",
        b"/AcroForm",
        b"/Annots",
    ):
        assert name in before, name
        assert name not in after, name
    for name in (b"/XFA", b"/RichMedia", b"/Names", b"/Metadata", b"/PieceInfo", b"/Info", b"Exif", b"http://ns.adobe"):
        assert name not in after, name


async def test_what_was_filled_into_a_form_stays_to_be_seen(papers: Papers) -> None:
    paper = await taken(papers, tools.active())
    assert tools.seen(paper.pdf).getpixel((100, 595 - 70)) == (51, 51, 230)


async def test_a_picture_named_like_an_action_stays(papers: Papers) -> None:
    paper = await taken(papers, tools.active())
    assert tools.seen(paper.pdf, 1).getpixel((5, 5)) != (255, 255, 255)


async def test_the_same_pages_give_the_same_file(papers: Papers) -> None:
    assert (await taken(papers, tools.house())).pdf == (await taken(papers, tools.house())).pdf


async def test_cleaning_what_is_clean_takes_nothing_away(papers: Papers) -> None:
    once = (await taken(papers, tools.scan())).pdf
    again = await taken(papers, once)
    assert (len(again.pdf), again.repaired) == (len(once), False)
    assert tools.seen(again.pdf).tobytes() == tools.seen(once).tobytes()


async def test_pages_below_what_is_inherited_keep_it(papers: Papers) -> None:
    pdf = pikepdf.open(BytesIO(tools.house()))
    page, pages = pdf.pages[0].obj, pdf.Root.Pages
    for key in ("/Resources", "/MediaBox"):
        if key in page:
            pages[key] = page[key]
            del page[key]
    pages["/Rotate"] = 90
    out = BytesIO()
    pdf.save(out)
    paper = await taken(papers, out.getvalue())
    assert (round(paper.sheets[0].width), round(paper.sheets[0].height)) == (842, 595)
    assert "1-9999-00000-01-3" in tools.text(paper.pdf)


async def test_a_file_cut_short_is_mended_and_says_so(papers: Papers) -> None:
    assert (await taken(papers, tools.bad("cut_short.pdf"))).repaired


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("locked.pdf", Refused(Reason.LOCKED)),
        ("restricted.pdf", Refused(Reason.RESTRICTED)),
        ("truncated.pdf", Refused(Reason.DAMAGED)),
        ("many_pages.pdf", Refused(Reason.TOO_MANY_PAGES, 51, 50)),
        ("huge_page.pdf", Refused(Reason.TOO_LARGE, 200_000, 14_400)),
        ("blank.pdf", Refused(Reason.NOTHING, 1)),
        ("drawing.jpg", Refused(Reason.NOT_A_PAPER)),
        ("picture_bomb.pdf", Refused(Reason.TOO_MANY_PIXELS, 3_600_000_000, 40_000_000)),
    ],
)
async def test_refused(papers: Papers, name: str, refused: Refused) -> None:
    assert await papers.take(tools.bad(name)) == refused


async def test_a_photo_is_no_pdf(papers: Papers) -> None:
    assert await papers.take(tools.photo()) == Refused(Reason.NOT_A_PAPER)


async def test_no_bytes_and_too_many(papers: Papers) -> None:
    assert await papers.take(b"") == Refused(Reason.NOTHING)
    big = 20 * 2**20 + 1
    assert await papers.take(bytes(big)) == Refused(Reason.TOO_BIG, big, big - 1)


async def test_rubbish_after_a_beginning(papers: Papers) -> None:
    for rest in (b"", b"%%EOF", bytes(5000), b"\xff" * 5000, b"1 0 obj<<>>endobj trailer<</Root 1 0 R>>"):
        refused = await papers.take(b"%PDF-1.7\n" + rest)
        assert isinstance(refused, Refused)
        assert refused.reason in (Reason.DAMAGED, Reason.NOTHING), refused


async def test_a_page_too_small_to_hold_anything(papers: Papers) -> None:
    assert await papers.take(bad_papers.of_pages(1, (50, 400))) == Refused(Reason.TOO_SMALL, 50, 72)


@pytest.mark.parametrize(("kind", "flags", "repaired"), [("Ink", 4, True), ("Ink", 2, False), ("Link", 4, False)])
async def test_a_signature_that_cannot_be_drawn_is_not_lost_in_silence(
    papers: Papers, kind: str, flags: int, repaired: bool
) -> None:
    """Some programs note where the pen went, and leave the drawing to whoever shows it."""
    note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name(f"/{kind}"), F=flags)
    note.Rect = pikepdf.Array([100, 100, 300, 200])
    note.InkList = pikepdf.Array([pikepdf.Array([100, 100, 200, 200, 300, 100])])
    with pikepdf.open(BytesIO(tools.degree())) as pdf:
        pdf.pages[0].obj.Annots = pikepdf.Array([note])
        pdf.save(signed := BytesIO())
    paper = await taken(papers, signed.getvalue())
    assert paper.repaired is repaired
    assert b"/InkList" not in tools.everything(paper.pdf)
