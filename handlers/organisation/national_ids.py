"""The column of IDs, looked at whole before anything of a file is taken."""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from re import compile as pattern

from bot import thai
from bot.events import Invalid
from handlers.organisation.refusals import BadFile
from handlers.organisation.tables import Row, Table, whole

# 1.9999E+12, and what becomes of that when the file is saved once more: 1999900000000, six digits that were and seven
# that were not. One true ID in ten million looks like this.
_ROUNDED = pattern(r"[0-9]+(?:\.[0-9]+)?[Ee]\+?[0-9]+|[0-9]{6}0{7}")


@dataclass(frozen=True, slots=True)
class Ids:
    """What the IDs of a whole file say. `rows`: how many rows it has; `unreadable`: numbers of those without an ID;
    `repeated`: the numbers of the rows at which one ID stands, a group for each that stands more than once."""

    rows: int
    unreadable: tuple[int, ...]
    repeated: tuple[tuple[int, ...], ...]


def card_number(text: str) -> str:
    """A cell's 13 digits. Raises `Invalid`: `national_id_rounded` (a spreadsheet made 1.9999E+12 of it), and those of
    `thai.national_id`."""
    text = whole(text)
    if _ROUNDED.fullmatch(text):
        raise Invalid("national_id_rounded")
    return thai.national_id(text)


def ids(table: Table) -> Iterator[tuple[int, str | None]]:
    """Row number and ID of every row, None where it cannot be read. The column is called `national_id`."""
    for row in table.rows("national_id"):
        number = None
        if isinstance(row, Row):
            with suppress(Invalid):
                number = card_number(row.cells["national_id"])
        yield row.number, number


def check_ids(table: Table) -> Ids:
    """Reads the file once, and keeps eight bytes a person.

    Only where hashes repeat it reads again, and looks at those rows alone, so that two IDs with one hash are not
    mistaken for one.
    """
    rows = 0
    unreadable = []
    hashes = array("q")
    for place, number in ids(table):
        rows += 1
        if number is None:
            unreadable.append(place)
        else:
            hashes.append(hash(number))
    suspects = {one for one, other in pairwise(sorted(hashes)) if one == other}
    places: defaultdict[str, list[int]] = defaultdict(list)
    if suspects:
        for place, number in ids(table):
            if number is not None and hash(number) in suspects:
                places[number].append(place)
    return Ids(rows, tuple(unreadable), tuple(tuple(found) for found in places.values() if len(found) > 1))


def refuse_repeated(ids: Ids) -> None:
    """Raises `BadFile("national_id_twice", rows="2 = 7, 4 = 5 = 9")` if an ID stands in the file twice.

    The whole file is refused: which of two rows is the right one cannot be known.
    """
    if ids.repeated:
        raise BadFile("national_id_twice", rows=", ".join(" = ".join(map(str, rows)) for rows in ids.repeated))
