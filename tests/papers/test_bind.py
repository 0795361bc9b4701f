"""Pages are bound in their order, each whole on an A4 page."""

from io import BytesIO

import pikepdf
from PIL import Image

from bot.papers.room import Papers
from bot.papers.shapes import LIMITS, MIB, Bound, Photo, Reason, Refused
from samples import make_papers
from tests.papers import tools


def plain(colour: str, size: tuple[int, int] = (900, 1200), mode: str = "RGB") -> bytes:
    return tools.saved(Image.new("RGB", size, colour).convert(mode), "JPEG")


async def test_an_album_is_one_paper_in_its_order(papers: Papers) -> None:
    pages = [
        await papers.page(tools.saved(Image.new("RGB", (900, 1200), name), "PNG")) for name in ("red", "lime", "blue")
    ]
    bound = await papers.bind([page.jpeg for page in pages if isinstance(page, Photo)])
    assert isinstance(bound, Bound)
    assert bound.pages == 3
    colours = [tools.seen(bound.pdf, page).getpixel((297, 300)) for page in range(3)]
    assert [max(range(3), key=lambda part: colour[part]) for colour in colours if isinstance(colour, tuple)] == [
        0,
        1,
        2,
    ]
    with pikepdf.open(BytesIO(bound.pdf)) as pdf:
        assert {tuple(round(float(number)) for number in page.mediabox) for page in pdf.pages} == {(0, 0, 595, 842)}


async def test_a_picture_is_whole_in_its_proportions_and_leaves_room_at_the_foot(papers: Papers) -> None:
    for size in ((900, 1200), (1200, 900), (2200, 600), (600, 2200)):
        bound = await papers.bind([plain("blue", size)])
        assert isinstance(bound, Bound)
        left, top, right, bottom = (
            tools.seen(bound.pdf).convert("L").point(lambda shade: 255 - shade).getbbox() or (0,) * 4
        )
        assert abs((right - left) / (bottom - top) - size[0] / size[1]) < 0.03
        assert left >= 23
        assert right <= 595 - 23
        assert top >= 23
        assert bottom <= 842 - 179


async def test_grey_pages_too(papers: Papers) -> None:
    assert isinstance(await papers.bind([plain("grey", mode="L")]), Bound)


async def test_what_a_page_tells_stays_out(papers: Papers) -> None:
    told = tools.saved(Image.new("RGB", (900, 1200)), "JPEG", exif=make_papers.told(), comment=b"kp7-comment")
    bound = await papers.bind([told])
    assert isinstance(bound, Bound)
    assert b"kp7-" in told
    assert b"kp7-" not in bound.pdf


async def test_photos_that_are_too_much_together_are_made_to_fit(papers: Papers) -> None:
    """Fifty pages may be photographed, and a camera's noise makes each a megabyte."""
    noise = Image.effect_noise((1650, 2200), 90).convert("RGB")
    page = tools.saved(noise, "JPEG", quality=85)
    many = 2 * LIMITS.bytes // len(page)
    bound = await papers.bind([page] * many + [plain("red")])
    assert isinstance(bound, Bound)
    assert bound.pages == many + 1
    assert len(bound.pdf) < LIMITS.bytes - MIB // 2, "a mark has room, too"
    assert plain("red") in bound.pdf, "what is small enough stays as it is"


async def test_what_is_no_page(papers: Papers) -> None:
    assert await papers.bind([]) == Refused(Reason.NOTHING)
    assert await papers.bind([plain("red"), b"nonsense"]) == Refused(Reason.DAMAGED)
    assert await papers.bind([plain("red", mode="CMYK")]) == Refused(Reason.DAMAGED)
    assert await papers.bind([plain("red", (32, 32))] * 51) == Refused(Reason.TOO_MANY_PAGES, 51, 50)
