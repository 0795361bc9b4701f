"""What is written on a paper: read as its maker meant it, and nothing gets out but clean, bounded lines."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.papers import answers, plain_lines, wire
from bot.papers.room import Papers
from bot.papers.shapes import (
    CODE_MOST,
    CODES_MOST,
    LETTERS_MOST,
    LIMITS,
    LINE_MOST,
    LINES_MOST,
    TEXT_PAGES,
    WRITABLE,
    Photo,
    Reason,
    Refused,
    Text,
)
from samples import make_papers
from samples.certificate_forms import Certificate, grid, lines
from samples.make_certificates import MAKERS, makers, photo
from tests.papers import tools
from tests.papers.fake_reader import a_program, needs_tesseract
from tests.papers.test_look import a_room

CERTIFICATES = grid("th")[:2]  # the second with a name, a course over two lines, a QR code


@pytest.fixture(scope="module")
def made() -> dict[str, list[bytes]]:
    return {maker: MAKERS[maker](CERTIFICATES) for maker in makers()}


def squeezed(words: str) -> str:
    return "".join(words.split())


async def told(pdf: bytes, ocr: str = "") -> Text:
    text = await a_room(ocr).text(pdf)
    assert isinstance(text, Text)
    return text


def fit(text: Text) -> bool:
    return (
        len(text.lines) <= LINES_MOST
        and all(0 < len(line) <= LINE_MOST and all(map(WRITABLE.fullmatch, line)) for line in text.lines)
        and len(text.codes) <= CODES_MOST >= len(text.links)
        and all(0 < len(one) <= CODE_MOST and one.isascii() and one.isprintable() for one in text.codes + text.links)
    )


# --- what is there ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("maker", MAKERS)
async def test_thai_is_read_letter_by_letter_whoever_made_the_file(maker: str, made: dict[str, list[bytes]]) -> None:
    if maker not in made:
        pytest.skip("no chromium or google-chrome on the PATH")
    for certificate, pdf in zip(CERTIFICATES, made[maker], strict=True):
        text = await told(pdf)
        expected = [squeezed(line.words) for line in lines(certificate)]
        assert [squeezed(line) for line in text.lines] == expected
        if maker in ("Chromium", "Typst"):  # what they write beside their glyphs leaves no gaps
            assert text.lines[:3] == tuple(line.words for line in lines(certificate)[:3])
        assert text.codes == ((certificate.address,) if certificate.address else ())
        assert not text.read


async def test_links_are_told(made: dict[str, list[bytes]]) -> None:
    assert (await told(made["ReportLab"][1])).links == (CERTIFICATES[1].address,)


async def test_what_take_makes_of_it_says_less_but_can_be_read(made: dict[str, list[bytes]]) -> None:
    taken = await a_room().take(made["ReportLab"][1])
    assert not isinstance(taken, Refused)
    text = await told(taken.pdf)
    assert text.links == ()
    assert text.codes == (CERTIFICATES[1].address,)


async def test_only_the_first_pages_are_told() -> None:
    with pikepdf.open(BytesIO(tools.house())) as pdf:
        with pikepdf.open(BytesIO(tools.degree())) as other:
            pdf.pages.extend([pdf.pages[0], *other.pages])
        out = BytesIO()
        pdf.save(out)
    assert TEXT_PAGES == 2
    said = "".join((await told(out.getvalue())).lines)
    assert said.count("ทะเบียนบ้าน") == 2
    assert "ปริญญา" not in said


async def test_what_was_filled_into_a_form_is_told() -> None:
    assert "kp7-typed" in " ".join((await told(a_form())).lines)


def a_form() -> bytes:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica,
        Encoding=pikepdf.Name.WinAnsiEncoding,
    )  # fmt: skip
    field = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, T="name", V="kp7-typed",
            Rect=[50, 50, 300, 80], DA="/F 12 Tf 0 g", F=4,
        )
    )  # fmt: skip
    page.obj.Annots = pikepdf.Array([field])
    resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=pdf.make_indirect(font)))
    pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[field], DR=resources, NeedAppearances=True, DA="/F 12 Tf 0 g")
    out = BytesIO()
    pdf.save(out)
    return out.getvalue()


# --- pictures ---------------------------------------------------------------------------------------------------------


async def test_without_a_program_a_picture_says_only_what_its_codes_do(made: dict[str, list[bytes]]) -> None:
    assert await told(await of_a_photo(made["fpdf2"][1])) == Text((), codes=(CERTIFICATES[1].address,))


async def test_a_page_without_text_is_read_by_a_program_and_only_such_a_one(tmp_path: Path) -> None:
    program = a_program(tmp_path, "echo ให้ไว้  ณ; printf 'a\\033[31mb\\342\\200\\256c'")
    assert await told(tools.scan(), program) == Text(("ให้ไว้ ณ", "a[31mbc"), read=True)
    assert not (await told(tools.transcript(), program)).read


async def test_a_program_that_fails_leaves_nothing(tmp_path: Path) -> None:
    assert await told(tools.scan(), a_program(tmp_path, "exit 3")) == Text((), read=True)
    assert await told(tools.scan(), a_program(tmp_path, "exec head -c 1000 /bin/ls")) == Text((), read=True)


@needs_tesseract
async def test_a_photo_is_read(made: dict[str, list[bytes]]) -> None:
    text = await told(await of_a_photo(made["fpdf2"][0]), "tesseract")
    assert text.read
    assert "สมชาย ทดสอบ" in " ".join(text.lines)


async def of_a_photo(certificate: bytes) -> bytes:
    page = await a_room().page(photo(certificate))
    assert isinstance(page, Photo)
    bound = await a_room().bind([page.jpeg])
    assert not isinstance(bound, Refused)
    return bound.pdf


# --- files made to harm -----------------------------------------------------------------------------------------------


def a_page(contents: bytes) -> bytes:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
    page.obj.Contents = pdf.make_stream(contents)
    out = BytesIO()
    pdf.save(out, compress_streams=True)
    return out.getvalue()


def a_picture_page(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.convert("RGB").save(out, "PDF", resolution=150)
    return out.getvalue()


def a_code(payload: str | bytes) -> bytes:
    out = BytesIO()
    segno.make(payload, error="l", boost_error=False).save(out, kind="png", scale=6)
    page = Image.new("RGB", (1240, 1754), "white")
    page.paste(Image.open(out).convert("RGB").resize((1100, 1100)), (70, 300))
    return a_picture_page(page)


def meaning(words: str, times: int = 1) -> bytes:
    means = b"\xfe\xff" + words.encode("utf-16-be", "surrogatepass")
    span = b"/Span <</ActualText <%s>>> BDC (x) Tj EMC\n" % means.hex().encode()
    return a_page(b"BT /F 12 Tf 50 700 Td\n" + span * times + b"ET")


def _links() -> bytes:
    pdf = pikepdf.open(BytesIO(a_page(b"BT /F 12 Tf 50 700 Td (x) Tj ET")))
    uris = [
        "javascript:alert(1)\x00\u202e",
        "x" * 10_000,
        "https://ตัวอย่าง.example/",
        *(f"https://a/{n}" for n in range(500)),
    ]
    pdf.pages[0].obj.Annots = pikepdf.Array(
        pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9],
                A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI=uri),
            )
        )
        for uri in uris
    )  # fmt: skip
    out = BytesIO()
    pdf.save(out)
    return out.getvalue()


def _looping() -> bytes:
    pdf = pikepdf.open(BytesIO(a_page(b"/X Do")))
    form = pdf.make_stream(b"/X Do /X Do", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 9, 9])
    form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=form))
    pdf.pages[0].obj.Resources.XObject = pikepdf.Dictionary(X=form)
    out = BytesIO()
    pdf.save(out)
    return out.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "ten megabytes of text": lambda: a_page(b"BT /F 1 Tf 9 9 Td (" + b"kp7 " * 2_621_440 + b") Tj ET"),
    "a million operators": lambda: a_page(b"BT /F 1 Tf " + b"1 0 Td (a) Tj\n" * 1_000_000 + b"ET"),
    "just not too many operators": lambda: a_page(b"BT /F 1 Tf " + b"1 0 Td (a) Tj\n" * 36_000 + b"ET"),
    "a million empty lines": lambda: a_page(b"BT /F 1 Tf 1 TL " + b"T*(a)Tj\n" * 60_000 + b"ET"),
    "a code of two kilobytes": lambda: a_code(b"https://www.thaimooc.org/" + b"x" * 2_500),
    "a code with controls": lambda: a_code("https://a/\x00\x1b[31m\u202egpj.exe"),
    "a code in Thai": lambda: a_code("ประกาศนียบัตร"),
    "controls and bidi": lambda: meaning("a\x00\x1b[31m\u202eb\u2066c\u200b\ufeff\ud800d\x07"),
    "a heap of marks": lambda: meaning("ก" + "้" * 190 + "ิ" * 9, 30),
    "meanings without end": lambda: meaning("ก" * 10_000, 20),
    "open spans": lambda: a_page(b"BT /F 9 Tf " + b"/Span <</ActualText (a)>> BDC (x) Tj " * 9_000 + b"ET"),
    "no spans but ends": lambda: a_page(b"EMC " * 9_000 + b"BT /F 9 Tf (words for KP7 to read) Tj EMC ET"),
    "links": _links,
    "a form in itself": _looping,
    "unpacking bomb": lambda: make_papers.BAD["unpacking_bomb.pdf"](),
    "drawing bomb": lambda: make_papers.BAD["drawing_bomb.pdf"](),
    "all that is active": tools.active,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_nothing_but_clean_bounded_lines_comes_out(name: str) -> None:
    """In a child, with its limits: it is refused, or what comes out is fit to be shown."""
    text = await Papers().text(HOSTILE[name]())
    assert isinstance(text, Refused) or fit(text)
    if isinstance(text, Refused):
        assert text.reason in (Reason.TOO_MUCH_WORK, Reason.DAMAGED, Reason.UNREADABLE, Reason.TOO_MANY_PIXELS)
        assert name.endswith("bomb") or name in ("a million operators", "a form in itself", "open spans")


async def test_a_code_with_more_than_an_address_is_left_out() -> None:
    assert (await told(HOSTILE["a code of two kilobytes"]())).codes == ()
    assert (await told(HOSTILE["a code in Thai"]())).codes == ()
    assert (await told(a_code("https://www.thaimooc.org/1"))).codes == ("https://www.thaimooc.org/1",)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("locked.pdf", Reason.LOCKED), ("restricted.pdf", Reason.RESTRICTED), ("truncated.pdf", Reason.DAMAGED),
     ("many_pages.pdf", Reason.TOO_MANY_PAGES), ("huge_page.pdf", Reason.TOO_LARGE)],
)  # fmt: skip
async def test_what_take_refuses_is_refused(name: str, reason: Reason) -> None:
    refused = await a_room().text(tools.bad(name))
    assert isinstance(refused, Refused)
    assert refused.reason is reason


# --- what a child says ------------------------------------------------------------------------------------------------


def weighed(files: list[bytes] | None = None, **words: Any) -> answers.Extracted:
    said = {"texts": ["a"], "codes": [], "links": [], **words}
    return answers.extracted(wire.pack(said, files or []), LIMITS)


def test_what_could_be_is_believed() -> None:
    found = weighed([b"\x89PNG1"], texts=["a", None], codes=["https://a", "https://a", " ", "é", "x" * 501, "a\nb"])
    assert found == answers.Extracted(["a", b"\x89PNG1"], ("https://a",), ())


@pytest.mark.parametrize(
    "words",
    [{"texts": []}, {"texts": None}, {"texts": [1]}, {"texts": ["a"] * 3}, {"texts": ["a" * (LETTERS_MOST + 1)]},
     {"texts": [None]}, {"codes": None}, {"codes": [1]}, {"codes": ["a"] * (CODES_MOST + 1)}, {"links": "https://a"}],
)  # fmt: skip
def test_what_could_not_be_is_nonsense(words: dict[str, Any]) -> None:
    with pytest.raises(wire.Nonsense):
        weighed(**words)


@pytest.mark.parametrize("files", [[b"\x89PNG1"], [b"<svg>"]])
def test_pictures_that_nobody_said_anything_of(files: list[bytes]) -> None:
    with pytest.raises(wire.Nonsense):
        weighed(files)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("สํานักงาน", "สำนักงาน"),
        ("ท\uf70aี\uf713 ป\uf706า", "ท่ี่ ป้า"),
        ("จำ6นวน", "จำนวน"),
        ("ปี 2567", "ปี 2567"),
        ("ขั้ขั้นต้น", "ขั้นต้น"),
        ("สถานที่ที่ดี", "สถานที่ที่ดี"),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("漢字 a", "a"),
        ("ก" + "้" * 50, "ก้้้"),
    ],
)
def test_lines_are_made_fit_to_be_shown(said: str, line: str) -> None:
    assert plain_lines.lines(said) == (line,)


@given(st.text(max_size=2_000))
def test_whatever_was_read_lines_are_fit(said: str) -> None:
    assert fit(Text(plain_lines.lines(said)))


def test_all_of_the_grid_is_different() -> None:
    certificates: Iterator[Certificate] = iter((*grid("th", 2), *grid("en", 2)))
    assert len(set(certificates)) == 78
