"""How often “สำเนาถูกต้อง” is found: `python -m bench.marks [FONT …]`, with tesseract on the PATH.

A sheet with the words written below a card, a little askew, in blue, by each font (names of files; those of handwriting
tell most) at four sizes, as it comes out of an office's scanner and of a phone's camera; then what our own stamp puts
on the sample papers, and the same papers without it.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

from bench.papers import MARK
from bot.papers.room import Papers
from bot.papers.shapes import Bound, Paper, Photo, Refused, Stamped
from samples import make_papers
from samples.paper_forms import FORMS

WORDS = MARK.heading
SIZES = (14, 20, 28, 40)  # points
DPI = 200
BLUE = (34, 52, 140)
TURNS = (-4.0, 1.5, 5.0)  # degrees


def sheet(font: str, size: int, turn: float) -> Image.Image:
    page, card = Image.new("RGB", (1654, 2339), "white"), make_papers.picture(make_papers.pdf("id_card"), DPI)
    page.paste(card, ((page.width - card.width) // 2, 200))
    width, height = round(size * 9 * DPI / 72), round(size * 3 * DPI / 72)
    words = Image.new("L", (width, height))
    letters = ImageFont.truetype(font, round(size * DPI / 72))
    ImageDraw.Draw(words).text((width // 2, height // 2), WORDS, 255, letters, "mm")
    words = words.rotate(turn, Image.Resampling.BICUBIC)
    page.paste(BLUE, (round(page.width * 0.2), 260 + card.height), words)
    return page


def scanned(page: Image.Image) -> bytes:
    askew = page.rotate(0.7, Image.Resampling.BICUBIC, fillcolor="white")
    return make_papers.jpeg(ImageChops.subtract(askew, make_papers._noise(page.size, 1)), 75)


def photographed(page: Image.Image) -> bytes:
    """1,200 × 1,600 pixels, as LINE passes photos on."""
    paper = page.resize((1030, 1456), Image.Resampling.LANCZOS)
    desk = Image.new("RGB", (1200, 1600), make_papers.DESK)
    desk.paste(paper, (85, 72))
    corners = (0, 0, -12, 1600, 1200, 1576, 1224, 12)
    seen = desk.transform(
        desk.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=make_papers.DESK
    )
    return make_papers.jpeg(ImageChops.subtract(seen, make_papers._noise(seen.size, 2)), 80)


async def bound(papers: Papers, jpeg: bytes) -> bytes:
    page = await papers.page(jpeg)
    assert isinstance(page, Photo)
    pdf = await papers.bind([page.jpeg])
    assert isinstance(pdf, Bound)
    return pdf.pdf


class Tally:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def found(self, papers: Papers, pdf: bytes) -> list[bool]:
        start = time.perf_counter()
        said = await papers.look(pdf, WORDS)
        assert not isinstance(said, Refused)
        pages = [page for page in said if page is not None]
        self.seconds += [(time.perf_counter() - start) / len(pages)] * len(pages)
        return pages


async def by_hand(papers: Papers, fonts: list[str], tally: Tally) -> None:
    ways: dict[str, Callable[[Image.Image], bytes]] = {"scanned": scanned, "photographed": photographed}
    print("| written by | as | " + " | ".join(f"{size} pt" for size in SIZES) + " |\n|---|---|" + "---|" * len(SIZES))
    for font in fonts:
        for way, made in ways.items():
            counts = []
            for size in SIZES:
                hits = [any(await tally.found(papers, await bound(papers, made(sheet(font, size, t))))) for t in TURNS]
                counts.append(f"{sum(hits)} of {len(hits)}")
            print(f"| {Path(font).stem} | {way} | " + " | ".join(counts) + " |", flush=True)


async def stamped(papers: Papers, tally: Tally) -> None:
    kinds = list(FORMS)
    for name, mark in (("stamped by us", True), ("without a mark", False)):
        pages = []
        for paper in _sheets(kinds):
            taken = await papers.take(paper)
            assert isinstance(taken, Paper)
            pdf = await papers.stamp(taken.pdf, MARK) if mark else taken
            assert isinstance(pdf, (Paper, Stamped))
            pages += await tally.found(papers, pdf.pdf)
        print(f"\n{name}: found on {sum(pages)} of {len(pages)} pages", flush=True)


def _sheets(kinds: list[str]) -> Iterator[bytes]:
    for kind in kinds:
        yield make_papers.pdf(kind)
        yield make_papers.scan(kind)


async def main() -> None:
    papers, tally = Papers(ocr="tesseract"), Tally()
    await by_hand(papers, sys.argv[1:], tally)
    await stamped(papers, tally)
    print(f"\nseconds a page: {statistics.median(tally.seconds):.2f}, most {max(tally.seconds):.2f}")


if __name__ == "__main__":
    asyncio.run(main())
