"""A program of its own: prints what stands in a workbook, for `workbook.py`, and may die of what it reads.

`workbook_reader.py FILE`: the places of the visible sheets, as one JSON array. `workbook_reader.py FILE PLACE`: the
rows of that sheet, one JSON array of texts a line; `null` for a row too long for a line. Exit code `DAMAGED`: no
workbook, or one that was cut off. Any other but 0, and any signal: it asked for more than it may have.

It imports nothing of this program's, so that it starts in no time and with nothing in its memory.
"""

import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime

import orjson
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum, load_workbook

DAMAGED = 3
LONGEST_LINE = 1 << 20  # bytes: 18 cells of as many letters as a spreadsheet takes, were they full

# 100,000 people in 18 columns take 190 MB and three seconds.
_MEMORY = 1 << 30  # bytes
_SECONDS = 60  # of work; waiting for whoever reads is none


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _visible(book: CalamineWorkbook) -> list[str]:
    return [
        str(place)
        for place, sheet in enumerate(book.sheets_metadata)
        if (sheet.typ, sheet.visible) == (SheetTypeEnum.WorkSheet, SheetVisibleEnum.Visible)
    ]


def _lines(file: str, place: str = "") -> Iterator[bytes]:
    with load_workbook(file) as book:
        if not place:
            yield orjson.dumps(_visible(book))
            return
        for row in book.get_sheet_by_index(int(place)).iter_rows():
            line = orjson.dumps([_text(value) for value in row])
            yield line if len(line) < LONGEST_LINE else b"null"


def _text(value: object) -> str:
    """Numbers without the `.0` that a spreadsheet keeps for itself; days as ISO, in whichever era they were typed."""
    match value:
        case str():
            return value
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date():
            return value.isoformat()
        case _:
            return str(value)


if __name__ == "__main__":
    _limit(resource.RLIMIT_AS, _MEMORY)
    _limit(resource.RLIMIT_CPU, _SECONDS)
    _limit(resource.RLIMIT_CORE, 0)  # it would hold the file
    try:
        for line in _lines(*sys.argv[1:]):
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.flush()
    except (CalamineError, OSError):
        sys.exit(DAMAGED)
