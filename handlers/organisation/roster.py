"""The roster: who works here, from the file that HR keeps. Reading and checking; saving is somebody else's.

A file may add `Laser Code`, the code on the back of the ID card with which letter นร ๑๐๑๓.๓/๒๑๖ lets people without an
e-mail prove who they are. It is personal data of the strongest kind: keep a keyed hash of it at most, and write no row
into a log (their `repr` leaves such fields out).
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from re import compile as pattern

from bot import thai
from bot.events import Invalid
from handlers.organisation.national_ids import Ids, card_number, check_ids, ids
from handlers.organisation.refusals import BadRow
from handlers.organisation.roster_layouts import DPIS, KIND_BY_WORD, STATUS_BY_WORD, THAI, Kind, Status
from handlers.organisation.tables import Cells, Row, find, plain, whole

# The days since the end of 1899 as which spreadsheets keep dates, from 1927 to 2173.
_SERIAL = pattern(r"([1-9][0-9]{4})(?:\.[0-9]+)?")
# YYYYMMDD in either era. As day, month and year it would lie before the year 1300.
_WRITTEN_OUT = pattern(r"((?:1[89]|2[0-6])[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
_BEFORE_DAY_ONE = date(1899, 12, 30)
# A telephone number that a spreadsheet took for a number has lost its 0; Thai ones begin with nothing else.
_WITHOUT_ZERO = pattern(r"[689][0-9]{8}|[2-7][0-9]{7}")
# ๐/๐/๒๕๐๕ and 00 ม.ค. 2505; 5/0/2505; ม.ค. 2505 and 2505 alone.
_DAY_UNKNOWN = pattern(r"0{1,2}[/.\-\s].*|[0-9]{1,2}[/.\-\s]+0{1,2}[/.\-\s].*|[^0-9]*[0-9]{4}")


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person. Texts that the file leaves blank are empty, everything else that it leaves blank is None.

    `number` is the row in the file; `kind_name` the file's own word for `kind`; `national_id` 13 digits, `phone` 9 to
    10, `laser_code` as in `thai.laser_code`. `birth_date` is None where day or month are unknown (`๐/๐/๒๕๐๕`), as the
    registers of older people have it. `laser_code` None says nothing about a code that is known already; nor does a
    field that is named in `lacks`, for which the file has no column.
    """

    number: int
    national_id: str = field(repr=False)
    title: str
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    kind: Kind
    kind_name: str
    position_no: str
    position: str
    level: str
    unit: str
    province: str
    appointed_on: date | None
    transferred_in_on: date | None
    retires_on: date | None
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    status: Status
    laser_code: str | None = field(repr=False)
    lacks: frozenset[str] = frozenset()


class Roster:
    """A file that was found to be a roster. What it says can be read again and again.

    Raises `BadFile` as `tables.find` does, at once.
    """

    def __init__(self, path: Path) -> None:
        self._table = find(path, THAI, DPIS)

    @property
    def words(self) -> dict[str, str]:
        """What the file calls its columns, by field of `RosterRow`; what files usually call those that it lacks."""
        header = self._table.header
        return {name: header.words.get(name, column.words[0]) for name, column in header.columns.items()}

    def people(self, today: date) -> Generator[RosterRow | BadRow, None, None]:
        """One by one; a row that cannot be taken yields a `BadRow` for each of its bad cells. Close it where not all
        are taken: behind a workbook there is a process.

        `today` bounds dates of birth. Codes of a `BadRow` are those of `Table`, of the readers in `bot.thai` and
        `cell_blank`, `national_id_rounded`, `kind_unknown`, `status_unknown`.
        """
        lacks = self._table.header.lacks
        with closing(self._table.rows()) as rows:
            for row in rows:
                if isinstance(row, BadRow):
                    yield row
                else:
                    yield from _person(row, today, lacks)

    def ids(self) -> Iterator[tuple[int, str | None]]:
        """As `national_ids.ids`."""
        return ids(self._table)

    def check_ids(self) -> Ids:
        """As `national_ids.check_ids`."""
        return check_ids(self._table)


def read_roster(path: Path, today: date) -> Iterator[RosterRow | BadRow]:
    """The people in the file, as `Roster.people` has them."""
    return Roster(path).people(today)


def person_kind(text: str) -> Kind:
    """The kind of staff that a Thai word means. Raises `Invalid("kind_unknown")`."""
    if kind := KIND_BY_WORD.get(plain(text)):
        return kind
    raise Invalid("kind_unknown")


def person_status(text: str) -> Status:
    """The status that a Thai word means. Raises `Invalid("status_unknown")`."""
    if status := STATUS_BY_WORD.get(plain(text)):
        return status
    raise Invalid("status_unknown")


def _dated(text: str) -> str:
    """A spreadsheet's serial number, or eight digits with the year before, as the day that is meant; anything else as
    it is."""
    if written := _WRITTEN_OUT.fullmatch(whole(thai.ascii_digits(text))):
        return "-".join(written.groups())
    if serial := _SERIAL.fullmatch(text):
        return (_BEFORE_DAY_ONE + timedelta(days=int(serial[1]))).isoformat()
    return text


def _day(text: str) -> date:
    return thai.parse_date(_dated(text))


def _phone(text: str) -> str:
    text = whole(text)
    return thai.phone(f"0{text}" if _WITHOUT_ZERO.fullmatch(text) else text)


def _person(row: Row, today: date, lacks: frozenset[str]) -> list[RosterRow | BadRow]:
    cells = Cells(row)

    def birth_date(text: str) -> date | None:
        return None if _DAY_UNKNOWN.fullmatch(thai.ascii_digits(text)) else thai.birth_date(_dated(text), today)

    title, first_name, last_name = _name(cells)
    person = RosterRow(
        number=row.number,
        national_id=cells.required("national_id", card_number, ""),
        title=title,
        first_name=first_name,
        last_name=last_name,
        birth_date=cells.optional("birth_date", birth_date),
        kind=cells.required("kind", person_kind, "civil_servant"),
        kind_name=cells.text("kind"),
        position_no=whole(thai.ascii_digits(cells.text("position_no"))),
        position=cells.text("position"),
        level=cells.text("level"),
        unit=cells.required("unit", str, ""),
        province=cells.text("province"),
        appointed_on=cells.optional("appointed_on", _day),
        transferred_in_on=cells.optional("transferred_in_on", _day),
        retires_on=cells.optional("retires_on", _day),
        email=cells.optional("email", thai.email),
        phone=cells.optional("phone", _phone),
        status=cells.required("status", person_status, "active"),
        laser_code=cells.optional("laser_code", thai.laser_code),
        lacks=lacks - {"title"} if title else lacks,
    )
    return [*cells.faults] if cells.faults else [person]


def _name(cells: Cells) -> tuple[str, str, str]:
    """Title, first and last name. Where the title column is blank the title may stand before the first name; where it
    is filled the name is left alone, for it may truly begin with those letters."""
    title = cells.text("title")
    first_name = cells.required("first_name", str, "")
    last_name = cells.required("last_name", str, "")
    if first_name and last_name and not title:
        found, rest = thai.split_title(f"{first_name} {last_name}")
        if first := rest.removesuffix(last_name).rstrip():
            return found, first, last_name
    return title, first_name, last_name
