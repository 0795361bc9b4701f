"""Tables as HR offices send them: finding the header, and the cells under it.

A real file has a title or two above the header, blank rows below the data, columns of its own in between, and comes
from whichever program the office has, as CSV or XLSX. One bad row never stops the others; only a file that cannot be
read as this table at all is refused as a whole (`BadFile`).

A further format is one more line in `_readings`: from a path to records of cells; nothing else changes.
"""

import re
import stat
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
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
_BEGINNING, _SHORT = 3, 2  # letters or figures
# Says that there is nothing to say: a dash, or a formula of a spreadsheet that came to nothing.
_BLANK = re.compile(r"[-–—−.]*|#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)")
_POINTED = re.compile(r"\.0+$")
_TELLING = re.compile(r"[^\s\-–—−./:@+(),]")
# No keyboard types them: controls that mean no space, and what turns the direction of all that follows. What merely
# shows nothing stands in honest files, and is dropped.
_STEERING = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column, as the program calls it. `headers`: what files call it, the usual word first (default: the name).

    `optional`: the file may lack it. `secret`: reports show nothing but the shape of its values. `codes`: what its
    cells say in code, and the word that is meant. `longest`: how many characters a cell may have.
    """

    name: str
    headers: tuple[str, ...] = ()
    optional: bool = False
    secret: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)
    longest: int = 200

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
        column = self.row.header.columns[name]
        shown = masked(self.text(name), secret=column.secret)
        self.faults.append(BadRow(self.row.number, self.row.header.words[name], code, shown, params))


def masked(value: str, *, secret: bool = False) -> str:
    """A cell as a report may show it: enough to know it again beside the file, on whoever's screen and in their logs.

    Only its punctuation, if it is `secret`: `1-9999-0000` → `X-XXXX-XXXX`. Else its beginning as well, three letters or
    figures and at most half of them (of one or two: all): `31/2/2561` → `31/2/XXXX`. In a file whose columns have
    shifted, an ID or a name may stand anywhere.
    """
    value = value[:_LONGEST_SHOWN]
    places = [found.start() for found in _TELLING.finditer(value)]
    many = len(places)
    shown = 0 if secret else many if many <= _SHORT else min(_BEGINNING, many // 2)
    rest = places[shown] if shown < many else len(value)
    return value[:rest] + _TELLING.sub("X", value[rest:])


def plain(text: str) -> str:
    """A word from a fixed list, ready for look-up: no spaces, no dots, no case."""
    return re.sub(r"[\s.]", "", thai.clean(text)).casefold()


def whole(text: str) -> str:
    """A number without the `.0` that a spreadsheet has given it."""
    return _POINTED.sub("", text)


class Table:
    """The table that was found in a file. `rows` may be read again and again; blank ones are left out.

    A `BadRow` has code `row_broken` (no record at all, such as one cell of 128 KiB after a stray quote) or
    `row_too_long` (more values than the header has columns: a separator inside a value shifts all that follow); for
    each bad cell `cell_steering` (characters that nobody types) or `cell_too_long` with `most`.
    """

    def __init__(self, reading: Reading, number: int, width: int, header: Header, places: Mapping[str, int]) -> None:
        self.header = header
        self._reading, self._number, self._width, self._places = reading, number, width, places

    def rows(self, *only: str) -> Generator[Row | BadRow, None, None]:
        """`only`: the columns that are wanted, default all. Close it where not all rows are."""
        taken = [(name, at, self.header.columns[name]) for name, at in self._places.items() if name in only or not only]
        with closing(self._reading()) as records:
            for number, record in enumerate(records, start=1):
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
                cells: dict[str, str] = {}
                faults: list[BadRow] = []
                for name, at, column in taken:
                    raw = record[at] if at < len(record) else ""
                    cell = _cell(raw)
                    cells[name] = column.codes.get(cell, cell)
                    if unfit := _unfit(raw, cell, column):
                        shown = masked(cell, secret=column.secret)
                        faults.append(BadRow(number, self.header.words[name], unfit.code, shown, unfit.params))
                yield from faults
                if not faults:
                    yield Row(number, cells, self.header)


def find(path: Path, *layouts: Layout) -> Table:
    """The table in `path` (CSV or XLSX), in the first of the `layouts` whose columns a row among the first 30 names.

    Raises `BadFile`: `file_special` (a pipe, a device); `file_empty`; `file_kind` (neither text nor an XLSX workbook);
    `file_encoding`; `workbook_too_large`; `header_missing` with `columns`, those that the row most like a header lacks;
    `header_twice` with `column`. `OSError` passes through.
    """
    most, missing = -1, ""
    for reading in _readings(path):
        with closing(reading()) as records:
            for number, record in enumerate(islice(records, _HEADER_WITHIN), start=1):
                for columns in layouts:
                    places = _places(record or (), columns)
                    absent = [one.words[0] for one in columns if not one.optional and one.name not in places]
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


def _unfit(raw: str, cell: str, column: Column) -> Invalid | None:
    """What is wrong with a cell, whatever it says."""
    if not raw.isprintable() and _STEERING.search(raw):
        return Invalid("cell_steering")
    if len(cell) > column.longest:
        return Invalid("cell_too_long", most=column.longest)
    return None


def _readings(path: Path) -> Iterator[Reading]:
    """The ways in which the file may be meant; the first that shows the header is the right one."""
    if not stat.S_ISREG(path.stat().st_mode):  # it may never end, or never begin
        raise BadFile("file_special")
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
