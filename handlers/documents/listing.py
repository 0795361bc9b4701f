"""HR's list of people whose record is not certified comes in: they owe papers from now on.

In chunks, as the roster does, and again without harm: who is listed already is left as they are. The campaign is made
together with the first of them; a list of nobody makes none.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from bot import thai
from bot.times import local_date
from handlers.documents import campaigns
from handlers.documents.campaigns import Campaign, Terms
from handlers.identity.rules import IN_SERVICE
from handlers.organisation.imports import CHUNK, chunks
from handlers.organisation.national_ids import card_number, check_ids, refuse_repeated
from handlers.organisation.refusals import BadFile, BadRow
from handlers.organisation.roster_layouts import DPIS, THAI
from handlers.organisation.tables import Cells, Column, Row, Table, find
from storage import audit
from storage.database import Database, Tx, retried
from storage.people import Person, by_indexes, lock, national_id_index
from storage.vault import Vault

_ROSTER = {column.name: column for column in THAI}
_ID = _ROSTER["national_id"]
_ID = replace(_ID, headers=(*_ID.words, "เลขที่บัตร", "เลขที่บัตรประชาชน", "เลขที่บัตรประจำตัวประชาชน"))
_NAMES = ("ชื่อ-สกุล", "ชื่อ-นามสกุล", "ชื่อ-ชื่อสกุล", "ชื่อสกุล", "ชื่อนามสกุล", "ชื่อและนามสกุล", "ชื่อ", "รายชื่อ")
# In one column, or in columns as on the roster, whose files will do as they are.
_WHOLE = (_ID, _ROSTER["title"], Column("name", _NAMES, secret=True))
_PARTS = (_ID, _ROSTER["title"], _ROSTER["first_name"], _ROSTER["last_name"])
_IN_PARTS = tuple(column.words[0] for column in _PARTS[2:])
_OF_DPIS = tuple(column for column in DPIS if column.name in {"national_id", "title", "first_name", "last_name"})


@dataclass(frozen=True)
class ListRow:
    """`name`: in full, as the file has it."""

    cells: Cells
    national_id: str = field(repr=False)
    name: str = field(repr=False)


@dataclass
class Report:
    """What came of a list, or with `dry` would. `campaign`: None where there is none yet. `due`: the day of those who
    were added; `left`: listed already. `elsewhere`: (id, name) of each other open campaign, with how many of the people
    who are listed now are listed there too."""

    campaign: Campaign | None
    due: date
    added: int = 0
    left: int = 0
    elsewhere: Counter[tuple[str, str]] = field(default_factory=Counter)
    bad: list[BadRow] = field(default_factory=list)


async def list_people(
    database: Database,
    vault: Vault,
    path: Path,
    to: Terms | Campaign,
    *,
    timezone: str,
    by: str,
    clock: Callable[[], int],
    dry: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _rows: None,
) -> Report:
    """`to`: the terms of a campaign to make, or an open one.

    Raises `campaigns.Refused` and `BadFile`, before anything is written. `by`, `progress`: as for the roster.
    """
    today = local_date(clock(), timezone)
    if isinstance(to, Terms):
        campaigns.check(to, today)
        async with database.read() as tx:
            campaign, terms = await campaigns.same(tx, to, timezone), to
    else:
        campaign, terms = to, to.terms
    table = _table(path)
    ids = check_ids(table)
    refuse_repeated(ids)

    @retried
    async def write(people: Sequence[str]) -> tuple[Campaign, int]:
        async with database.write() as tx:
            now = clock()
            if campaign:
                found = await campaigns.get_open(tx, campaign.id, timezone)  # it may have moved, or been closed
            else:
                found = await campaigns.begin(tx, vault, terms, timezone, by=by, now=now)
            added = await _add(tx, found, people, today)
            lines = [audit.Line(by, "campaign.listed", person, {"campaign": found.id}) for person in added]
            await audit.append(tx, vault, now, lines)
        return found, len(added)

    report = Report(campaign, campaign.day_of(today) if campaign else terms.due)
    done = 0
    with closing(table.rows()) as rows:
        for chunk in chunks(_read(rows), CHUNK):
            good = [row for row in chunk if isinstance(row, ListRow)]
            report.bad += [row for row in chunk if isinstance(row, BadRow)]
            async with database.read() as tx:
                people = await by_indexes(tx, vault, [national_id_index(vault, row.national_id) for row in good])
                listed = await _listed(tx, campaign, people.values())
            found = [(row, people.get(national_id_index(vault, row.national_id))) for row in good]
            report.bad += (bad := [fault for row, person in found for fault in _faults(row, person)])
            wrong = {fault.number for fault in bad}
            owing = [person.id for row, person in found if person and row.cells.row.number not in wrong]
            async with database.read() as tx:
                report.elsewhere += await _elsewhere(tx, campaign, owing)
            new = [person for person in owing if person not in listed]
            if new and not dry:
                campaign, added = await write(new)
                report.campaign, report.due = campaign, campaign.day_of(today)
            else:
                added = len(new)
            report.added += added
            report.left += len(owing) - added
            done += len({row.number if isinstance(row, BadRow) else row.cells.row.number for row in chunk})
            progress(done, ids.rows)
    report.bad.sort(key=lambda fault: fault.number)
    return report


def _table(path: Path) -> Table:
    """Raises `BadFile`: `list_header`, with every word that is taken, where none of the layouts is found."""
    try:
        return find(path, _PARTS, _OF_DPIS, _WHOLE)
    except BadFile as refused:
        if refused.code != "header_missing":
            raise
        words = {"ids": ", ".join(_ID.words), "names": ", ".join(_NAMES), "parts": ", ".join(_IN_PARTS)}
        raise BadFile("list_header", **words) from None


def _read(rows: Iterable[Row | BadRow]) -> Iterator[ListRow | BadRow]:
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        cells = Cells(row)
        names = ("name",) if "name" in row.cells else ("first_name", "last_name")
        name = " ".join(cells.required(part, str, "") for part in names)
        found = ListRow(cells, cells.required("national_id", card_number, ""), f"{cells.text('title')}{name}")
        if cells.faults:
            yield from cells.faults
        else:
            yield found


def _faults(row: ListRow, person: Person | None) -> list[BadRow]:
    """What is wrong with a row that can be read."""
    if person is None:
        row.cells.fault("national_id", "person_unknown")
    elif person.status not in IN_SERVICE:
        row.cells.fault("national_id", "not_in_service")
    elif thai.name_key(row.name) != thai.name_key(person.full_name):
        row.cells.fault("name" if "name" in row.cells.row.cells else "first_name", "name_differs")
    return row.cells.faults


async def _listed(tx: Tx, campaign: Campaign | None, people: Iterable[Person]) -> set[str]:
    if campaign is None:
        return set()
    rows = await tx.each(
        "SELECT person_id FROM listed "
        "WHERE campaign_id = :campaign AND person_id IN (SELECT value ->> 'id' FROM each(:batch))",
        [{"id": person.id} for person in people],
        {"campaign": campaign.id},
    )
    return {row["person_id"] for row in rows}


async def _elsewhere(tx: Tx, campaign: Campaign | None, people: Sequence[str]) -> Counter[tuple[str, str]]:
    rows = await tx.each(
        "SELECT c.id, c.name, COUNT(*) AS n FROM listed l JOIN campaigns c ON c.id = l.campaign_id "
        "WHERE l.person_id IN (SELECT value ->> 'id' FROM each(:batch)) AND c.id <> :campaign AND c.kind = :kind "
        "AND c.closed_at IS NULL GROUP BY c.id, c.name ORDER BY c.id",
        [{"id": person} for person in people],
        {"campaign": campaign.id if campaign else "", "kind": campaigns.KIND},
    )
    return Counter({(row["id"], row["name"]): row["n"] for row in rows})


async def _add(tx: Tx, campaign: Campaign, people: Sequence[str], today: date) -> list[str]:
    """→ those who were not listed yet, and are still on the roster"""
    await lock(tx, people)  # nobody is erased while they are listed
    rows = await tx.each(
        "INSERT INTO listed (campaign_id, person_id, listed_on, due) "
        "SELECT :campaign, p.id, :today, :due FROM each(:batch) b JOIN people p ON p.id = b.value ->> 'id' "
        "WHERE true ON CONFLICT DO NOTHING RETURNING person_id",
        [{"id": person} for person in people],
        {"campaign": campaign.id, "today": today.isoformat(), "due": campaign.day_of(today).isoformat()},
    )
    added = {row["person_id"] for row in rows}
    return [person for person in people if person in added]
