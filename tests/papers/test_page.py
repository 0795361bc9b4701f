"""A photo becomes a page: of every kind that phones send, upright, and with nothing but its pixels."""

import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from bot.papers.room import Papers
from bot.papers.shapes import Photo, Reason, Refused, kind_of
from samples import bad_papers, make_papers
from tests.papers import tools

WHITE, RED, BLUE = (255, 255, 255), (200, 20, 20), (20, 20, 200)


async def paged(papers: Papers, photo: bytes) -> Image.Image:
    page = await papers.page(photo)
    assert isinstance(page, Photo), page
    picture = tools.jpeg(page.jpeg)
    assert picture.size == (page.width, page.height)
    assert picture.mode == "RGB"
    return picture


def about(picture: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at these fractions of the picture, as one of the three above, or as it is."""
    colour = picture.getpixel((int(x * picture.width), int(y * picture.height)))
    assert isinstance(colour, tuple)
    near = [known for known in (WHITE, RED, BLUE) if all(abs(a - b) < 40 for a, b in zip(known, colour, strict=True))]
    return near[0] if near else colour


def sheet(size: tuple[int, int] = (900, 1200)) -> Image.Image:
    """White, red in the upper left corner, blue in the lower right one."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0] // 3, size[1] // 3), fill=RED)
    draw.rectangle((2 * size[0] // 3, 2 * size[1] // 3, *size), fill=BLUE)
    return image


def is_the_sheet(picture: Image.Image) -> None:
    assert (about(picture, 0.1, 0.1), about(picture, 0.9, 0.9), about(picture, 0.5, 0.5)) == (RED, BLUE, WHITE)


async def test_twelve_megapixels_become_a_page_that_can_be_read(apart: Papers) -> None:
    page = await apart.page(make_papers.photo("transcript"))
    assert isinstance(page, Photo)
    assert (page.width, page.height) == (1650, 2200)
    assert len(page.jpeg) < 2**20


@pytest.mark.parametrize("turned", range(1, 9))
async def test_however_the_camera_was_held(papers: Papers, turned: int) -> None:
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = sheet().transpose(back[turned]) if turned in back else sheet()
    picture = await paged(papers, tools.saved(stored, "JPEG", exif=make_papers.told(turned)))
    assert picture.size == (900, 1200)
    is_the_sheet(picture)


async def test_nothing_is_told_but_the_picture(papers: Papers) -> None:
    told = {"exif": make_papers.told(), "comment": b"kp7-comment", "icc_profile": b"kp7-profile" * 20, "dpi": (72, 72)}
    photo = tools.saved(sheet(), "JPEG", **told)
    assert b"kp7-maker" in photo
    page = await papers.page(photo)
    assert isinstance(page, Photo)
    assert b"kp7-" not in page.jpeg
    assert b"Exif" not in page.jpeg
    assert not tools.jpeg(page.jpeg).getexif()


async def test_an_iphones_picture_the_main_one_of_several(apart: Papers) -> None:
    photo = tools.heic()
    assert b"kp7-maker" in photo
    page = await apart.page(photo)
    assert isinstance(page, Photo)
    assert (page.width, page.height) == (800, 600)
    assert b"kp7-" not in page.jpeg


async def test_a_progressive_jpeg(papers: Papers) -> None:
    is_the_sheet(await paged(papers, tools.saved(sheet(), "JPEG", progressive=True)))


async def test_a_jpeg_for_printers(papers: Papers) -> None:
    is_the_sheet(await paged(papers, tools.saved(sheet().convert("CMYK"), "JPEG", quality=95)))


async def test_a_grey_jpeg(papers: Papers) -> None:
    picture = await paged(papers, tools.saved(sheet().convert("L"), "JPEG"))
    assert about(picture, 0.5, 0.5) == WHITE


async def test_sixteen_bits_of_grey_are_not_cut_off(papers: Papers) -> None:
    grey = Image.new("I;16", (900, 1200), 65_535 // 2)
    picture = await paged(papers, tools.saved(grey, "PNG"))
    shade = picture.getpixel((400, 400))
    assert isinstance(shade, tuple)
    assert 120 <= shade[0] <= 135


async def test_a_png_with_a_palette(papers: Papers) -> None:
    is_the_sheet(await paged(papers, tools.saved(sheet().quantize(16), "PNG")))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
async def test_what_is_transparent_is_white_paper(papers: Papers, mode: str) -> None:
    clear = Image.new("RGBA", (900, 1200), (0, 0, 0, 0))
    ImageDraw.Draw(clear).rectangle((0, 0, 300, 400), fill=(*RED, 255))
    picture = await paged(papers, tools.saved(clear.convert(mode), "PNG"))
    assert about(picture, 0.5, 0.5) == WHITE
    assert about(picture, 0.1, 0.1) != WHITE


async def test_of_a_moving_picture_the_first(papers: Papers) -> None:
    moving = tools.saved(sheet(), "PNG", save_all=True, append_images=[Image.new("RGB", (900, 1200), BLUE)])
    assert b"acTL" in moving
    is_the_sheet(await paged(papers, moving))


async def test_of_two_pictures_in_a_jpeg_the_first(papers: Papers) -> None:
    two = tools.saved(sheet(), "MPO", save_all=True, append_images=[Image.new("RGB", (900, 1200), BLUE)])
    is_the_sheet(await paged(papers, two))


async def test_broken_notes_about_a_picture_do_not_matter(apart: Papers) -> None:
    is_the_sheet(await paged(apart, tools.saved(sheet(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(20))))


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("picture_bomb.png", Refused(Reason.TOO_MANY_PIXELS, 900_000_000, 40_000_000)),
        ("small.jpg", Refused(Reason.TOO_SMALL, 240, 480)),
        ("drawing.jpg", Refused(Reason.NOT_A_PAPER)),
        ("blank.pdf", Refused(Reason.NOT_A_PAPER)),
    ],
)
async def test_refused(papers: Papers, name: str, refused: Refused) -> None:
    assert await papers.page(tools.bad(name)) == refused


async def test_half_a_photo(papers: Papers) -> None:
    for photo in (tools.photo(), tools.saved(sheet(), "PNG"), tools.heic()):
        assert await papers.page(photo[: len(photo) // 2]) == Refused(Reason.DAMAGED)


async def test_fifty_two_megapixels_of_the_costliest_kind_fit_into_the_child(apart: Papers) -> None:
    """Progressive, all colours in full: libjpeg keeps the whole picture's coefficients."""
    large = Image.linear_gradient("L").resize((8_320, 6_240)).convert("RGB")
    picture = await paged(apart, tools.saved(large, "JPEG", progressive=True, subsampling=0, quality=50))
    assert picture.width == 2_200


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16", "P"])
async def test_the_largest_png_of_any_kind_fits_into_the_child(apart: Papers, mode: str) -> None:
    """Their colours take up to four bytes a pixel, and those that are transparent are laid upon paper."""
    large = Image.linear_gradient("L").resize((7_300, 5_400))
    large = large.convert("I").convert("I;16") if mode == "I;16" else large.convert(mode)
    out = BytesIO()
    large.save(out, "PNG", compress_level=1, **({"transparency": 0} if mode == "P" else {}))
    assert (await paged(apart, out.getvalue())).width == 2_200


async def test_a_photo_as_a_camera_of_fifty_megapixels_takes_it(papers: Papers) -> None:
    large = Image.linear_gradient("L").resize((8_160, 6_120)).convert("RGB")
    assert (await paged(papers, tools.saved(large, "JPEG", quality=50))).size == (2_200, 1_650)


async def test_a_jpeg_of_more_megapixels_than_any_camera_takes(papers: Papers) -> None:
    large = tools.saved(Image.new("L", (8_320, 6_260)), "JPEG")
    assert await papers.page(large) == Refused(Reason.TOO_MANY_PIXELS, 52_083_200, 52_000_000)


async def test_a_picture_that_unpacks_to_more_than_it_says(apart: Papers) -> None:
    """A PNG of 1,000 lines with the bytes of a million behind them."""
    more = tools.saved(Image.new("L", (1_000, 1_000)), "PNG")
    packed = bad_papers.zeros(2**30)
    chunk = b"IDAT" + packed
    start, end = more.index(b"IDAT") - 4, more.index(b"IEND") - 4
    bomb = more[:start] + len(packed).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + more[end:]
    assert isinstance(await apart.page(bomb), Photo | Refused)


def test_kinds_are_known_by_their_bytes_not_by_their_names() -> None:
    kinds = [
        kind_of(data) for data in (tools.photo(), tools.house(), b"GIF89a", b"<html>", b"", tools.bad("drawing.jpg"))
    ]
    assert kinds == ["jpeg", "pdf", None, None, None, None]
    assert kind_of(BytesIO(b"\0\0\0\x18ftypheic\0\0\0\0").read()) == "heic"
    assert kind_of(b"\0\0\0\x18ftypavif\0\0\0\0") is None
