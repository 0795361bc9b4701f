"""Tables as HR offices send them: finding the header, and the cells under it.

A real file has a title or two above the header, blank rows below the data, columns of its own in between, and comes
from whichever program the office has, as CSV or XLSX. One bad row never stops the others; only a file that cannot be
read as this table at all is refused as a whole (`BadFile`).

A further format is one more line in `_readings`: from a path to records of cells; nothing else changes.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from bot import thai
from bot.events import Invalid
from handlers.organisation import csv_file
from handlers.organisation.csv_file import Reading
from handlers.organisation.refusals import BadFile, BadRow

_T = TypeVar("_T")

_HEADER_WITHIN = 30  # records: a header further down is a second table
_LONGEST_SHOWN = 60  # characters
# Says that there is nothing to say: a dash, or a formula of a spreadsheet that came to nothing.
_BLANK = re.compile(r"[-–—−.]*|#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)")
_TELLING = re.compile(r"[^\s\-–—−./:@+(),]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column, as the program calls it. `headers`: what files call it, the usual word first (default: the name).

    `optional`: the file may lack it. `secret`: reports show only the shape of its values. `codes`: what its cells say
    in code, and the word that is meant.
    """

    name: str
    headers: tuple[str, ...] = ()
    optional: bool = False
    secret: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, ...]:
        return self.headers or (self.name,)


Layout = Sequence[Column]


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one file: its columns by name, and by name what the file itself calls those that it has."""

    columns: Mapping[str, Column]
    words: Mapping[str, str]

    @property
    def lacks(self) -> frozenset[str]:
        return frozenset(self.columns.keys() - self.words.keys())


@dataclass(frozen=True, slots=True)
class Row:
    """`number` counts from 1 as a spreadsheet does, title and blank rows included; `cells` are cleaned, by name, of
    those columns that the file has."""

    number: int
    cells: Mapping[str, str]
    header: Header = field(repr=False, compare=False)


class Cells:
    """Takes the cells of one row apart and collects what is wrong with them in `faults`."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.faults: list[BadRow] = []

    def text(self, name: str) -> str:
        """The cleaned value; empty where the cell is blank or the file lacks the column."""
        return self.row.cells.get(name, "")

    def optional(self, name: str, parse: Callable[[str], _T]) -> _T | None:
        """What `parse` makes of the cell; None where it is blank or refused with `Invalid` (then it is a fault)."""
        value = self.text(name)
        if not value:
            return None
        try:
            return parse(value)
        except Invalid as refused:
            self.fault(name, refused.code, **refused.params)
            return None

    def required(self, name: str, parse: Callable[[str], _T], otherwise: _T) -> _T:
        """As `optional`, but blank is a fault (`cell_blank`); `otherwise` stands in so that the rest can be checked."""
        if not self.text(name):
            self.fault(name, "cell_blank")
            return otherwise
        value = self.optional(name, parse)
        return otherwise if value is None else value

    def fault(self, name: str, code: str, **params: object) -> None:
        """A secret keeps only its punctuation: `1-9999-0000` → `X-XXXX-XXXX`."""
        column = self.row.header.columns[name]
        shown = self.text(name)[:_LONGEST_SHOWN]
        if column.secret:
            shown = _TELLING.sub("X", shown)
        self.faults.append(BadRow(self.row.number, self.row.header.words[name], code, shown, params))


def plain(text: str) -> str:
    """A word from a fixed list, ready for look-up: no spaces, no dots, no case."""
    return re.sub(r"[\s.]", "", thai.clean(text)).casefold()


class Table:
    """The table that was found in a file. `rows` may be read again and again; blank ones are left out.

    A `BadRow` has code `row_broken` (no record at all, such as one cell of 128 KiB after a stray quote) or
    `row_too_long` (more values than the header has columns: a separator inside a value shifts all that follow).
    """

    def __init__(self, reading: Reading, number: int, width: int, header: Header, places: Mapping[str, int]) -> None:
        self.header = header
        self._reading, self._number, self._width, self._places = reading, number, width, places

    def rows(self, *only: str) -> Iterator[Row | BadRow]:
        """`only`: the columns that are wanted, default all."""
        taken = [
            (name, at, self.header.columns[name].codes) for name, at in self._places.items() if name in only or not only
        ]
        for number, record in enumerate(self._reading(), start=1):
            if number <= self._number:
                continue
            if record is None:
                yield BadRow(number, "", "row_broken", "", {})
                continue
            if not any(thai.clean(cell) for cell in record):
                continue
            if any(thai.clean(cell) for cell in record[self._width :]):
                yield BadRow(number, "", "row_too_long", "", {})
                continue
            cells = {name: _cell(record[at]) if at < len(record) else "" for name, at, _ in taken}
            for name, _, codes in taken:
                if codes:
                    cells[name] = codes.get(cells[name], cells[name])
            yield Row(number, cells, self.header)


def find(path: Path, *layouts: Layout) -> Table:
    """The table in `path` (CSV or XLSX), in the first of the `layouts` whose columns a row among the first 30 names.

    Raises `BadFile`: `file_empty`; `file_kind` (neither text nor an XLSX workbook); `file_encoding`;
    `workbook_too_large`; `header_missing` with `columns`, those that the row most like a header lacks; `header_twice`
    with `column`. `OSError` passes through.
    """
    most, missing = -1, ""
    for reading in _readings(path):
        for number, record in enumerate(islice(reading(), _HEADER_WITHIN), start=1):
            for columns in layouts:
                places = _places(record or (), columns)
                absent = [column.words[0] for column in columns if not column.optional and column.name not in places]
                if not absent:
                    words = {name: thai.clean((record or ())[at]) for name, at in places.items()}
                    header = Header({column.name: column for column in columns}, words)
                    return Table(reading, number, len(record or ()), header, places)
                if len(places) > most:
                    most, missing = len(places), ", ".join(absent)
    raise BadFile("header_missing", columns=missing)


def read(path: Path, columns: Layout) -> Iterator[Row | BadRow]:
    """The rows of the table in `path`. The header is found at once, the rows stream. Raises as `find`."""
    return find(path, columns).rows()


def _places(record: Sequence[str], columns: Layout) -> dict[str, int]:
    """Where in `record` the columns stand, if it is the header."""
    found: dict[str, int] = {}
    twice = ""
    words = [plain(cell) for cell in record]
    for column in columns:
        for header in column.words:
            if times := words.count(plain(header)):
                found[column.name] = words.index(plain(header))
                twice = header if times > 1 else twice
                break
    if twice and len(found) > len(columns) // 2:  # a title row may well say one word twice
        raise BadFile("header_twice", column=twice)
    return found


def _cell(value: str) -> str:
    value = thai.clean(value)
    return "" if _BLANK.fullmatch(value) else value


def _readings(path: Path) -> Iterator[Reading]:
    """The ways in which the file may be meant; the first that shows the header is the right one."""
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise BadFile("file_empty")
    if start.startswith(b"PK"):
        from handlers.organisation import workbook  # a heavy import, for those who need it

        return workbook.readings(path)
    if start.startswith((b"\xd0\xcf\x11\xe0", b"%PDF")):  # a workbook of old, or one under a password
        raise BadFile("file_kind")
    return csv_file.readings(path)
