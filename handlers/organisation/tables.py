"""Tables as HR offices send them: finding the header, and the cells under it.

A real file has a title or two above the header, blank rows below the data, columns of its own in between, and comes
from whichever program the office has: UTF-8 with or without a BOM, CP874 or UTF-16, separated by commas, semicolons or
tabs. Rows stream: memory stays flat however long the file is. One bad row never stops the others; only a file that
cannot be read as this table at all is refused as a whole (`BadFile`).

Another format (XLSX) is one more way in `_readings` to get from a path to records of cells; nothing else changes.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from bot import thai
from bot.events import Invalid

_T = TypeVar("_T")

# A record of cells, or None where the file has something at this place that is no record.
_Record = Sequence[str] | None
_Reading = Callable[[], Iterator[_Record]]

_HEADER_WITHIN = 30  # records: a header further down is a second table
_SEPARATORS = (",", ";", "\t")
_BLOCK = 1 << 16  # bytes
_LONGEST_SHOWN = 60  # characters
_BLANK = re.compile("[-–—−.]*")  # "-" in a cell says that there is nothing to say
_TELLING = re.compile(r"[^\s\-–—−./:@+(),]")


class BadFile(Exception):
    """The file as a whole cannot be taken. `code` names the sentence `error.<code>`, `params` fill it."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True, slots=True)
class Column:
    """A column by the name in its header. `optional`: the file may lack it. `secret`: reports show only the shape of
    its values."""

    name: str
    optional: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """`number` counts from 1 as a spreadsheet does, title and blank rows included; `cells` are cleaned, by column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A cell that cannot be taken, and so its row. A row with several bad cells is reported once for each.

    `code` names the sentence `error.<code>`, `params` fill it; `shown` is the cell's value, masked if it is personal;
    `column` is empty where the row as a whole is meant.
    """

    number: int
    column: str
    code: str
    shown: str
    params: Mapping[str, object]


class Cells:
    """Takes the cells of one row apart and collects what is wrong with them in `faults`."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.faults: list[BadRow] = []

    def text(self, column: Column) -> str:
        """The cleaned value; empty where the cell is blank or the file lacks the column."""
        return self.row.cells.get(column.name, "")

    def optional(self, column: Column, parse: Callable[[str], _T]) -> _T | None:
        """What `parse` makes of the cell; None where it is blank or refused with `Invalid` (then it is a fault)."""
        value = self.text(column)
        if not value:
            return None
        try:
            return parse(value)
        except Invalid as refused:
            self.fault(column, refused.code, **refused.params)
            return None

    def required(self, column: Column, parse: Callable[[str], _T], otherwise: _T) -> _T:
        """As `optional`, but blank is a fault (`cell_blank`); `otherwise` stands in so that the rest can be checked."""
        if not self.text(column):
            self.fault(column, "cell_blank")
            return otherwise
        value = self.optional(column, parse)
        return otherwise if value is None else value

    def fault(self, column: Column, code: str, **params: object) -> None:
        self.faults.append(bad_row(self.row, column, code, **params))


def bad_row(row: Row, column: Column, code: str, **params: object) -> BadRow:
    """The report on one cell of `row`; a secret keeps only its punctuation: `1-9999-0000` → `X-XXXX-XXXX`."""
    value = row.cells.get(column.name, "")[:_LONGEST_SHOWN]
    return BadRow(row.number, column.name, code, _TELLING.sub("X", value) if column.secret else value, params)


def plain(text: str) -> str:
    """A word from a fixed list, ready for look-up: no spaces, no dots, no case."""
    return re.sub(r"[\s.]", "", thai.clean(text)).casefold()


def read(path: Path, columns: Sequence[Column]) -> Iterator[Row | BadRow]:
    """The rows of the table in `path` (CSV), blank ones left out. The header is found at once, the rows stream.

    A `BadRow` has code `row_broken` (no record at all, such as one cell of 128 KiB after a stray quote) or
    `row_too_long` (more values than the header has columns: a separator inside a value shifts all that follow).

    Raises `BadFile`: `file_empty`; `file_kind` (a workbook or archive, not text); `file_encoding`; `header_missing`
    with `columns`, those that no row among the first 30 has; `header_twice` with `column`. `OSError` passes through.
    """
    missing = [column.name for column in columns if not column.optional]
    for reading in _readings(path):
        for number, record in enumerate(islice(reading(), _HEADER_WITHIN), start=1):
            positions = _positions(record or (), columns)
            absent = [column.name for column in columns if not column.optional and column.name not in positions]
            if not absent:
                return _rows(reading(), number, positions, width=len(record or ()))
            if len(absent) < len(missing):
                missing = absent
    raise BadFile("header_missing", columns=", ".join(missing))


def _positions(record: Sequence[str], columns: Sequence[Column]) -> dict[str, int]:
    """Where in `record` the columns' names stand, if it is the header."""
    names = {plain(column.name): column.name for column in columns}
    found: dict[str, int] = {}
    twice = ""
    for index, cell in enumerate(record):
        if name := names.get(plain(cell)):
            twice = name if name in found else twice
            found.setdefault(name, index)
    if twice and len(found) > len(columns) // 2:  # a title row may well say one word twice
        raise BadFile("header_twice", column=twice)
    return found


def _rows(records: Iterable[_Record], header: int, positions: Mapping[str, int], width: int) -> Iterator[Row | BadRow]:
    for number, record in enumerate(records, start=1):
        if number <= header:
            continue
        if record is None:
            yield BadRow(number, "", "row_broken", "", {})
            continue
        if not any(thai.clean(cell) for cell in record):
            continue
        if any(thai.clean(cell) for cell in record[width:]):
            yield BadRow(number, "", "row_too_long", "", {})
            continue
        yield Row(number, {name: _cell(record[at]) if at < len(record) else "" for name, at in positions.items()})


def _cell(value: str) -> str:
    value = thai.clean(value)
    return "" if _BLANK.fullmatch(value) else value


# --- CSV ------------------------------------------------------------------------------------------------------------


def _readings(path: Path) -> Iterator[_Reading]:
    """The ways in which the file may be meant; the first that shows the header is the right one."""
    encoding = _encoding(path)
    for separator in _SEPARATORS:
        yield lambda separator=separator: _csv_records(path, encoding, separator)  # type: ignore[misc]


def _encoding(path: Path) -> str:
    """How the file is encoded. Decoded to its end: the first odd letter may be in the last row."""
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise BadFile("file_empty")
    if start.startswith((b"PK", b"\xd0\xcf\x11\xe0", b"%PDF")):  # xlsx or zip; xls or doc
        raise BadFile("file_kind")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
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


def _csv_records(path: Path, encoding: str, separator: str) -> Iterator[_Record]:
    with path.open(encoding=encoding, newline="") as file:
        records = csv.reader(file, delimiter=separator)
        while True:
            try:
                yield next(records)
            except csv.Error:  # the reader goes on behind it
                yield None
            except StopIteration:
                return
