"""Takes a PDF in: clean, measured, looked through page by page, drawn once. In the child only."""

from typing import Any

from bot.papers import cleaning, opening, viewing
from bot.papers.shapes import LIMITS, Reason, Refusal


def job(words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    new, repaired = cleaning.cleaned(opening.opened(blobs[0]))
    sizes = [opening.measured(page.obj) for page in new.pages]
    data = opening.saved(new)
    written, picture = [], b""
    for sheet in viewing.pages(data):
        written.append(viewing.is_written(sheet, viewing.ink(sheet)))
        picture = picture or viewing.preview(sheet, LIMITS.preview_pixels, words["watermark"])[0]
    if len(written) != len(sizes):
        raise Refusal(Reason.DAMAGED)
    if not any(written):
        raise Refusal(Reason.NOTHING, len(sizes))
    pages = [[*size, bears] for size, bears in zip(sizes, written, strict=True)]
    return {"pages": pages, "repaired": repaired}, [data, picture]
