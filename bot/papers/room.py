"""The room itself: the only thing that the rest of the house sees of it, with the shapes of `shapes.py`.

Nothing here raises over a file: what cannot be done is answered `Refused`, with a reason and its numbers.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TypeVar

import structlog

from bot.papers import answers, clamd, plain_lines, reading, wire
from bot.papers.process import WAITING, Workshop
from bot.papers.shapes import (
    LIMITS,
    MAX_BOXES,
    MIB,
    Bound,
    Box,
    Limits,
    Mark,
    Paper,
    Photo,
    Picture,
    Reason,
    Refusal,
    Refused,
    Stamped,
    Text,
)

_T = TypeVar("_T")
FROM_OUTSIDE = ("take", "page", "text")
# what an operator should hear of; the rest is between people and their papers
TROUBLES = (Reason.UNREADABLE, Reason.BUSY, Reason.NOT_SCANNED, Reason.INFECTED)
# One line after the other wherever it stands, of a picture as `searching.py` draws it. What comes back is little text.
OCR = ("stdin", "stdout", "-l", "tha", "--psm", "11", "--dpi", "150")
OCR_BYTES = 64 * 1024
# Of a form: one of 3,600 lines takes eight seconds of work and 770 MB. It is ours, and no bomb; one at a time.
FORM_MEMORY, FORM_CPU_SECONDS, FORM_SECONDS = 2048 * MIB, 60, 240.0
# The same, also in English, of a picture as `extracting.py` draws it.
TEXT_OCR = ("stdin", "stdout", "-l", "tha+eng", "--psm", "11", "--dpi", "200")
log = structlog.get_logger(__name__)


class Papers:
    """Takes papers in, makes pages of photos, binds, stamps and shows them.

    `at_once`: how many children at most. `clamd`: its address, where the office has one; then it sees first what people
    send. `ocr`: path or name of tesseract, where there is one; it reads one page at a time, beside the children.
    """

    def __init__(
        self, at_once: int = 2, waiting: int = WAITING, limits: Limits = LIMITS, clamd: str = "", ocr: str = ""
    ) -> None:
        self._limits = limits
        self._clamd = clamd
        self._workshop = Workshop(limits, at_once, waiting)
        for_forms = replace(limits, memory=FORM_MEMORY, cpu_seconds=FORM_CPU_SECONDS, seconds=FORM_SECONDS)
        self._press = Workshop(for_forms, 1, waiting)
        self._reader: Workshop | None = None
        self._text_reader: Workshop | None = None
        if program := shutil.which(ocr) if ocr else None:
            reading_limits = replace(limits, answer_bytes=OCR_BYTES)
            self._reader = Workshop(reading_limits, 1, waiting, (program, *OCR))
            self._text_reader = Workshop(reading_limits, 1, waiting, (program, *TEXT_OCR))

    async def take(self, pdf: bytes, watermark: str = "") -> Paper | Refused:
        """A PDF as somebody sent it → cleaned, with a preview of page 1 that says `watermark` all over."""
        words = {"watermark": watermark}
        return await self._ask("take", words, [pdf], lambda said: answers.paper(said, pdf, self._limits))

    async def page(self, photo: bytes) -> Photo | Refused:
        """A JPEG, PNG or HEIC as somebody sent it → one upright page picture."""
        return await self._ask("page", {}, [photo], lambda said: answers.photo(said, photo, self._limits))

    async def bind(self, pages: Sequence[bytes]) -> Bound | Refused:
        """JPEGs that `page` made → one PDF of A4 pages in this order."""
        return await self._ask("bind", {}, pages, lambda said: answers.bound(said, len(pages), self._limits))

    async def stamp(self, pdf: bytes, mark: Mark, boxes: Sequence[Box] = ()) -> Stamped | Refused:
        """A PDF that `take` or `bind` made → with the mark on every page that bears anything, the boxes blacked out."""
        if len(boxes) > MAX_BOXES:
            raise ValueError("more boxes than anybody draws")
        words = {**asdict(mark), "boxes": [list(asdict(box).values()) for box in boxes]}
        return await self._ask("stamp", words, [pdf], lambda said: answers.stamped(said, self._limits))

    async def preview(
        self, pdf: bytes | Callable[[], Awaitable[bytes]], page: int = 1, width: int = 600, watermark: str = ""
    ) -> Picture | Refused:
        """One page (from 1), at most `width` pixels wide, with `watermark` all over. `pdf`: or what brings it, and may
        raise: it is called once there is a place, so that no more is read than can be drawn."""
        words = {"page": page, "width": width, "watermark": watermark}
        weigh: Callable[[bytes], Picture] = lambda said: answers.picture(said, self._limits)  # noqa: E731
        if isinstance(pdf, bytes):
            return await self._ask("preview", words, [pdf], weigh)
        try:
            async with self._workshop.place():
                return await self._ask("preview", words, [await pdf()], weigh, placed=True)
        except Refusal as refusal:
            return _not_done("preview", refusal.refused, refusal.why)

    async def draw(self, picture: str, width: int) -> bytes | Refused:
        """An SVG of our own → PNG, `width` pixels wide."""
        return await self._ask(
            "draw", {"width": width}, [picture.encode()], lambda said: answers.drawn(said, self._limits)
        )

    async def typeset(self, form: bytes, data: bytes) -> bytes | Refused:
        """A form of our own, as typst reads it, with its data as JSON → PDF."""
        return await self._ask(
            "typeset", {}, [form, data], lambda said: answers.typeset(said, self._limits), self._press
        )

    async def look(self, pdf: bytes, words: str) -> tuple[bool | None, ...] | Refused:
        """Do the pages of a PDF that `take` made say `words`? Of each: true, false, or None where nobody can tell.

        The text that the PDF carries can only say yes. False is where tesseract found nothing like it, of the
        first `READ_MOST` pages that bear anything else; handwriting can be beyond it.
        """
        asked = {"words": words, "draw": self._reader is not None}
        pages = await self._ask("search", asked, [pdf], lambda said: answers.searched(said, self._limits))
        if isinstance(pages, Refused):
            return pages
        return tuple([await self._read(page, words) if isinstance(page, bytes) else page for page in pages])

    async def text(self, pdf: bytes) -> Text | Refused:
        """What is written on the first pages of a PDF that `take` would take, as it came: what `take` makes of it has
        neither links nor what its maker says that the glyphs mean. Pages without text are read by tesseract, where
        there is one; if any was, the whole is as good as that."""
        asked = {"draw": self._text_reader is not None}
        found = await self._ask("text", asked, [pdf], lambda said: answers.extracted(said, self._limits))
        if isinstance(found, Refused):
            return found
        texts = [await self._said(self._text_reader, page) if isinstance(page, bytes) else page for page in found.pages]
        read = any(isinstance(page, bytes) for page in found.pages)
        return Text(plain_lines.lines("\n".join(filter(None, texts))), read, found.codes, found.links)

    async def _read(self, picture: bytes, words: str) -> bool | None:
        said = await self._said(self._reader, picture)
        return None if said is None else reading.says(said, words)

    async def _said(self, reader: Workshop | None, picture: bytes) -> str | None:
        """What the program reads there; None where it could not."""
        if reader is None:
            return None
        try:
            return (await reader.run("read", picture)).decode()
        except Refusal as refusal:
            why: object = refusal.why or refusal.refused.reason
        except UnicodeDecodeError:
            why = "no text"
        log.warning("papers.not_read", why=why)
        return None

    async def _ask(
        self,
        name: str,
        words: Mapping[str, object],
        blobs: Sequence[bytes],
        weigh: Callable[[bytes], _T],
        workshop: Workshop | None = None,
        *,
        placed: bool = False,
    ) -> _T | Refused:
        size = sum(map(len, blobs))
        if not size:
            return Refused(Reason.NOTHING)
        if len(blobs) == 1 and size > self._limits.bytes:
            return Refused(Reason.TOO_BIG, size, self._limits.bytes)
        if len(blobs) > self._limits.pages:
            return Refused(Reason.TOO_MANY_PAGES, len(blobs), self._limits.pages)
        try:
            if self._clamd and name in FROM_OUTSIDE:
                await clamd.scan(self._clamd, blobs[0])
            shop = workshop or self._workshop
            run = shop.run_placed if placed else shop.run
            said = await run(name, *wire.parts(words, blobs))
            return await asyncio.to_thread(weigh, said)  # it takes the hash of what came in
        except Refusal as refusal:
            return _not_done(name, refusal.refused, refusal.why)
        except wire.Nonsense as nonsense:
            return _not_done(name, Refused(Reason.UNREADABLE), f"nonsense: {nonsense}")


def _not_done(name: str, refused: Refused, why: str) -> Refused:
    if refused.reason in TROUBLES:
        log.warning("papers.not_done", job=name, reason=refused.reason, why=why)
    return refused
