"""CSV as offices save it: UTF-8 with or without a BOM, CP874 or UTF-16; commas, semicolons or tabs. Rows stream."""

import codecs
import csv
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from handlers.organisation.refusals import BadFile

# A record of cells, or None where the file has something at this place that is no record.
Record = Sequence[str] | None
Reading = Callable[[], Generator[Record, None, None]]  # to be closed: there may be a process behind it

_SEPARATORS = (",", ";", "\t")
_BLOCK = 1 << 16  # bytes


def readings(path: Path) -> Iterator[Reading]:
    """The ways in which the file may be meant; the first that shows the header is the right one.

    Raises `BadFile("file_encoding")`.
    """
    encoding = _encoding(path)
    for separator in _SEPARATORS:
        yield lambda separator=separator: _records(path, encoding, separator)  # type: ignore[misc]


def _encoding(path: Path) -> str:
    """How the file is encoded. Decoded to its end: the first odd letter may be in the last row."""
    with path.open("rb") as file:
        start = file.read(2)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        candidates: tuple[str, ...] = ("utf-16",)
    else:
        # This order: Thai in CP874 is never valid UTF-8, but a good part of UTF-8 is valid CP874.
        candidates = ("utf-8-sig", "cp874")
    for encoding in candidates:
        if _decodes(path, encoding):
            return encoding
    raise BadFile("file_encoding")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True


def _records(path: Path, encoding: str, separator: str) -> Generator[Record, None, None]:
    with path.open(encoding=encoding, newline="") as file:
        records = csv.reader(file, delimiter=separator)
        while True:
            try:
                yield next(records)
            except csv.Error:  # the reader goes on behind it
                yield None
            except StopIteration:
                return
