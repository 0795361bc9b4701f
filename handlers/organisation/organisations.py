"""The tree of organisations, from the file that says who belongs to whom. Reading and checking; saving is elsewhere.

กระทรวง → กรม → กอง/สำนัก, or จังหวัด → อำเภอ. A local authority (อปท.) hangs below the province or district through
which its letters go, although it is only supervised by it (letter พร ๐๐๒๓.๒/ว ๘๗๓); its kind tells the difference.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot import thai
from bot.events import Invalid
from handlers.organisation.refusals import BadFile, BadRow
from handlers.organisation.tables import Cells, Column, Row, masked, plain, read

Kind = Literal[
    "ministry",
    "department",
    "division",
    "institute",
    "centre",
    "province",
    "provincial_office",
    "district",
    "provincial_authority",
    "city_municipality",
    "town_municipality",
    "subdistrict_municipality",
    "subdistrict_authority",
    "education_area",
    "school",
]

# What the files say, to what we call it; without spaces and dots (`tables.plain`).
_KINDS: dict[Kind, tuple[str, ...]] = {
    "ministry": ("กระทรวง",),
    "department": ("กรม", "สำนักงานปลัดกระทรวง", "สพฐ."),
    "division": ("กอง", "สำนัก", "กลุ่ม", "สำนักงาน", "สำนักงานเลขานุการกรม"),
    "institute": ("สถาบัน",),
    "centre": ("ศูนย์",),
    "province": ("จังหวัด",),
    "provincial_office": ("สำนักงานจังหวัด", "ส่วนราชการประจำจังหวัด", "ราชการส่วนภูมิภาค"),
    "district": ("อำเภอ",),
    "provincial_authority": ("อบจ.", "องค์การบริหารส่วนจังหวัด"),
    "city_municipality": ("เทศบาลนคร", "ทน."),
    "town_municipality": ("เทศบาลเมือง", "ทม."),
    "subdistrict_municipality": ("เทศบาลตำบล", "ทต."),
    "subdistrict_authority": ("อบต.", "องค์การบริหารส่วนตำบล"),
    "education_area": ("สพป.", "สพม.", "สำนักงานเขตพื้นที่การศึกษา"),
    "school": ("สถานศึกษา", "โรงเรียน"),
}
_KIND_BY_WORD: dict[str, Kind] = {plain(word): kind for kind, words in _KINDS.items() for word in words}

_PARENT = "รหัสแม่"
COLUMNS = (
    Column("code", ("รหัส",)),
    Column("kind", ("ประเภท",)),
    Column("name_th", ("ชื่อ",), longest=500),
    Column("name_en", ("ชื่ออังกฤษ",), longest=500),
    Column("province", ("จังหวัด",)),
    Column("district", ("อำเภอ",)),
    Column("parent_code", (_PARENT,)),
)


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """One organisation. `number` is the row in the file, `kind_name` the file's own word for `kind`; texts that the
    file leaves blank are empty; `parent_code` is the code of the organisation above, None at the top."""

    number: int
    code: str
    kind: Kind
    kind_name: str
    name_th: str
    name_en: str
    province: str
    district: str
    parent_code: str | None


def read_organisations(path: Path) -> Iterator[OrganisationRow | BadRow]:
    """The organisations in the file, one by one and in its order: a parent may come after its children.

    Codes of a `BadRow` are those of `tables.read`, `cell_blank` and `organisation_kind_unknown`. Raises `BadFile` as
    `tables.read` does, at once. `check_tree` says whether they hang together.
    """
    rows = read(path, COLUMNS)
    return (item for row in rows for item in ([row] if isinstance(row, BadRow) else _organisation(row)))


def check_tree(rows: Iterable[OrganisationRow], known: Collection[str] = ()) -> tuple[BadRow, ...]:
    """The rows that hang in the air, in the file's order; what is left without them is a tree.

    `parent_unknown`: the parent is neither in the file nor among the `known` codes. `parent_cycle`: the row is above
    itself. `parent_refused`: it is below one of those. Keeps an entry an organisation: Thailand has some ten thousands.

    Raises `BadFile("organisation_twice", rows="2 = 7")` if a code stands in the file twice.
    """
    by_code: dict[str, OrganisationRow] = {}
    places: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_code[row.code] = row
        places[row.code].append(row.number)
    if twice := [numbers for numbers in places.values() if len(numbers) > 1]:
        raise BadFile("organisation_twice", rows=", ".join(" = ".join(map(str, numbers)) for numbers in twice))
    faults = _tree_faults({row.code: row.parent_code for row in by_code.values()}, known)
    return tuple(
        BadRow(row.number, _PARENT, faults[row.code], masked(row.parent_code or ""), {})
        for row in by_code.values()
        if row.code in faults
    )


def organisation_kind(text: str) -> Kind:
    """The kind of organisation that a Thai word means. Raises `Invalid("organisation_kind_unknown")`."""
    if kind := _KIND_BY_WORD.get(plain(text)):
        return kind
    raise Invalid("organisation_kind_unknown")


def _tree_faults(parents: Mapping[str, str | None], known: Collection[str]) -> dict[str, str]:
    """What is wrong with the place of each code that has no good one. Every code is walked through once."""
    faults: dict[str, str] = {}
    good: set[str] = set()
    for start in parents:
        path: dict[str, int] = {}
        code: str | None = start
        while code is not None and code in parents and code not in good and code not in faults and code not in path:
            path[code] = len(path)
            code = parents[code]
        if code is None or code in good or (code not in parents and code in known):
            good.update(path)
            continue
        walked = list(path)
        faults.update(dict.fromkeys(walked, "parent_refused"))
        if code in path:
            faults.update(dict.fromkeys(walked[path[code] :], "parent_cycle"))
        elif code not in parents:
            faults[walked[-1]] = "parent_unknown"
    return faults


def _code(text: str) -> str:
    return thai.ascii_digits(text)


def _organisation(row: Row) -> list[OrganisationRow | BadRow]:
    cells = Cells(row)
    organisation = OrganisationRow(
        number=row.number,
        code=cells.required("code", _code, ""),
        kind=cells.required("kind", organisation_kind, "division"),
        kind_name=cells.text("kind"),
        name_th=cells.required("name_th", str, ""),
        name_en=cells.text("name_en"),
        province=cells.text("province"),
        district=cells.text("district"),
        parent_code=cells.optional("parent_code", _code),
    )
    return [*cells.faults] if cells.faults else [organisation]
