"""The whole report as one ZIP, as it goes: Excel, form, all certificates. One of these is in memory at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from bot.text import Texts
from handlers.learning.report import Line, UnitReport, words
from handlers.review.archive import Archive, pieces


async def stream(
    texts: Texts,
    report: UnitReport,
    workbook: bytes,
    form: bytes,
    certificate: Callable[[Line], Awaitable[bytes]],
    at: datetime,
) -> AsyncIterator[bytes]:
    """In pieces of at most `PIECE` bytes. `certificate`: the PDF of a line that names a file; where it raises, what
    came is no ZIP."""
    archive = Archive(at)
    name, folder = words(texts, "report.archive"), words(texts, "report.certificates")
    for ending, data in (("xlsx", workbook), ("pdf", form)):
        for piece in pieces(archive.add(f"{name}.{ending}", data)):
            yield piece
    for line in report.lines:
        if line.file:
            for piece in pieces(archive.add(f"{folder}/{line.file}", await certificate(line))):
                yield piece
    for piece in pieces(archive.end()):
        yield piece
