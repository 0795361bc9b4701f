"""A look at one page, small and with its purpose all over."""

from PIL import ImageChops

from bot.papers.room import Papers
from bot.papers.shapes import Picture, Reason, Refused
from tests.papers import tools


async def test_a_page_as_wide_as_asked_for(papers: Papers) -> None:
    for width in (300, 600):
        look = await papers.preview(tools.transcript(), 2, width)
        assert isinstance(look, Picture)
        assert tools.jpeg(look.jpeg).size == (look.width, look.height)
        assert abs(look.width - width) <= 1


async def test_the_watermark_is_all_over_and_what_is_beneath_can_be_read(papers: Papers) -> None:
    looks = [await papers.preview(tools.house(), watermark=words) for words in ("", "ใช้เพื่อตรวจเอกสารเท่านั้น")]
    plain, marked = (tools.jpeg(look.jpeg).convert("L") for look in looks if isinstance(look, Picture))
    change = ImageChops.difference(plain, marked).point(lambda shade: 255 if shade > 20 else 0)
    for left in range(0, 600, 200):
        for top in range(0, 800, 200):
            assert change.crop((left, top, left + 200, top + 200)).getbbox(), (left, top)
    assert change.histogram()[255] < 0.2 * change.width * change.height
    assert max(ImageChops.difference(plain, marked).histogram()[140:]) == 0  # nothing is painted over


async def test_a_very_long_page_is_not_drawn_a_mile_high(papers: Papers) -> None:
    from samples import bad_papers

    look = await papers.preview(bad_papers.of_pages(1, (100, 14_000)))
    assert isinstance(look, Picture)
    assert look.height <= 1_201


async def test_a_page_that_is_not_there(papers: Papers) -> None:
    for page in (0, 3, -1):
        assert await papers.preview(tools.transcript(), page) == Refused(Reason.NO_SUCH_PAGE, max(page, 0), 2)


async def test_what_is_no_paper(papers: Papers) -> None:
    assert await papers.preview(tools.photo()) == Refused(Reason.NOT_A_PAPER)
