"""XLSX: each visible sheet is one way to read the file, each cell the text that a person would have typed there.

python-calamine holds one sheet in memory (measured: docs/performance.md) and is ten times as fast as what streams.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, SheetTypeEnum, SheetVisibleEnum, load_workbook

from handlers.organisation.csv_file import Reading
from handlers.organisation.refusals import BadFile

# A sheet is a rectangle in memory, however few of its cells hold something: one word in the last column of the last row
# would be 17 billion cells. 100,000 people in 100 columns are within both.
_MOST_CELLS = 20_000_000
_MOST_BYTES = 1 << 30  # of the file, unpacked
# Where a cell, a row or the whole sheet says that it stands; `<dimension>` alone may lie, or be left out.
_PLACE = re.compile(rb"""\b(?:r|ref)\s*=\s*["'](?:[A-Z]+[0-9]+:)?([A-Z]{0,3})([0-9]{1,7})["']""")
_CHUNK = 1 << 20
_LONGEST = 64  # bytes of such an attribute: it may stand across two chunks

# What a damaged archive can raise: all but the first from zipfile, which trusts the numbers that it finds.
_DAMAGED = (CalamineError, zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, ValueError, EOFError)


def readings(path: Path) -> Iterator[Reading]:
    """The sheets, in the file's order, one in memory at a time. Raises `BadFile`: `file_kind`, `workbook_too_large`."""
    try:
        _refuse_oversized(path)
        with load_workbook(path) as book:
            for index, sheet in enumerate(book.sheets_metadata):
                if (sheet.typ, sheet.visible) == (SheetTypeEnum.WorkSheet, SheetVisibleEnum.Visible):
                    yield _Sheet(book.get_sheet_by_index(index))
    except _DAMAGED:  # an archive, but no workbook; or one that was cut off
        raise BadFile("file_kind") from None


class _Sheet:
    """Can be read again and again without being loaded again."""

    def __init__(self, sheet: CalamineSheet) -> None:
        self._sheet = sheet

    def __call__(self) -> Iterator[list[str]]:
        for row in self._sheet.iter_rows():
            yield [_text(value) for value in row]


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


def _refuse_oversized(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > _MOST_BYTES:
            raise BadFile("workbook_too_large", cells=_MOST_CELLS)
        for part in archive.infolist():
            if not part.is_dir() and _cells(archive, part) > _MOST_CELLS:
                raise BadFile("workbook_too_large", cells=_MOST_CELLS)


def _cells(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """Of the rectangle from A1 that holds all of a part's cells; a sheet may be any part."""
    columns = rows = 1
    rest = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            found = set(_PLACE.findall(rest + chunk))
            rows = max(rows, *(int(row) for _, row in found), 1)
            columns = max(columns, *(_column(letters) for letters in {letters for letters, _ in found}), 1)
            rest = chunk[-_LONGEST:]
    return columns * rows


def _column(letters: bytes) -> int:
    """`A` → 1, `Z` → 26, `AA` → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
