"""Papers leave the house: a ZIP with a folder a person and a PDF a paper (letter มท ๐๔๐๒.๕/ว ๓๕๗๘: one file a document,
one person one folder), and what lies beside them (`manifest.py`).

    {unit}/{ID}_{first-last}/{01..10}[a|b|n]_{paper}.pdf
    manifest.csv    a row for each paper, also of those without a file: waived, at fault, or the same as another one
    SHA256SUMS

What goes in, in this order, for some people at a time:

1. one transaction: the officer's role is looked up anew, the papers are, and it is written down whose will leave;
2. outside of it, paper by paper: its verdicts are genuine and of that version (`documents/approvals.py`), its bytes are
   those that were seen (`content_index`). What does not fit is a fault: left out, named in the manifest and in the log;
3. it is still there, and its owner too: whoever was erased meanwhile is left out from then on;
4. the manifest, the sums, and last what makes it a ZIP. Whatever breaks off before leaves no readable one.

A paper that serves twice lies in the folder once, under the number it was handed in for: two copies would be looked at
twice. The manifest names it under both.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from bot.events import Invalid
from bot.text import Texts
from bot.times import local_date, moment
from handlers.documents import approvals, campaigns, families
from handlers.documents.campaigns import Campaign
from handlers.documents.owner import owners_key
from handlers.documents.rules import DONE, Family, slot_of, slots
from handlers.documents.script import name_of
from handlers.organisation import authority
from handlers.review.archive import Archive, pieces
from handlers.review.file_names import part
from handlers.review.manifest import MANIFEST, SUMS, Line, Manifest
from storage import audit, people
from storage.database import Database, Row, Tx, retried
from storage.files import Files, content_index
from storage.objects import Missing
from storage.people import Person
from storage.vault import Tampered, Vault

log = structlog.get_logger()

CHUNK = 20  # people, of whom it is written down at once
_PAPERS_OF = {False: ("approved", "waived"), True: ("approved", "waived", "submitted", "waiting")}


@dataclass(frozen=True)
class House:
    """What an export is made with."""

    database: Database
    vault: Vault
    files: Files
    texts: Texts
    timezone: str
    clock: Callable[[], int]


@dataclass(frozen=True)
class Wanted:
    """`units`: codes; None: all that whoever asks may have. `officer`: who asks, a person's id; None: the operator.
    `waiting`: also papers that wait for a verdict."""

    campaign: str
    units: frozenset[str] | None = None
    officer: str | None = None
    waiting: bool = False


@dataclass(frozen=True)
class Fault:
    """What was left out. `id`: of the paper, or of a person of whom nothing opens. `why`: verdict (KP7 did not give
    it), content (not the bytes that were seen), unreadable, missing (no such file), unknown (no paper of ours)."""

    id: str
    why: str


@dataclass
class Report:
    """How far it is, and what it came to. `people`: whose papers have gone out, `of` so many. `papers`: PDFs."""

    of: int = 0
    people: int = 0
    papers: int = 0
    bytes: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What will be exported. `people`: ids, by unit. `units`: as in `Wanted`, None only for the operator.
    `levels`: how many verdicts a paper needs."""

    wanted: Wanted
    campaign: Campaign
    units: frozenset[str] | None
    people: tuple[str, ...]
    levels: int


# --- which ------------------------------------------------------------------------------------------------------------

_WHOSE = """
SELECT DISTINCT w.unit, w.id, w.organisation_code AS code FROM papers p JOIN people w ON w.id = p.person_id
WHERE p.campaign_id = :campaign AND (p.state IN ('approved', 'waived') OR (:waiting = 1 AND p.state IN
('submitted', 'waiting'))) ORDER BY w.unit, w.id
"""


async def prepare(house: House, wanted: Wanted) -> Plan:
    """Raises `campaigns.Refused` where there is no such campaign; `Invalid`: not_officer, where these units are not
    (all) this officer's to export."""
    async with house.database.read() as tx:
        campaign = await campaigns.get(tx, wanted.campaign, house.timezone)
        levels = await campaigns.levels(tx, house.vault, campaign.id)
        units = await _units(tx, house, wanted)
        rows = await tx.all(_WHOSE, {"campaign": campaign.id, "waiting": int(wanted.waiting)})
    people = [row["id"] for row in rows if (units is None or row["code"] in units) and row["id"] != wanted.officer]
    return Plan(wanted, campaign, units, tuple(people), levels)


async def _units(tx: Tx, house: House, wanted: Wanted) -> frozenset[str] | None:
    if wanted.officer is None:
        return wanted.units
    today = local_date(house.clock(), house.timezone)
    officer = await authority.officer(tx, house.vault, wanted.officer, today)
    may = officer.units("export") if officer else frozenset[str]()
    units = may if wanted.units is None else wanted.units
    if not units or not units <= may:
        raise Invalid("not_officer")
    return units


# --- out --------------------------------------------------------------------------------------------------------------


async def stream(
    house: House, plan: Plan, *, by: str, report: Report | None = None, told: Callable[[Report], None] = lambda _: None
) -> AsyncIterator[bytes]:
    """The ZIP, in pieces of at most `PIECE` bytes; one paper is in memory at a time. `by`: as in `audit.Line`.
    `report`: grows meanwhile; `told`: is called after each person.

    Raises, and then what came is no ZIP: `Invalid` (the role has ended meanwhile), `objects.Unstored`.
    """
    report = report or Report()
    report.of = len(plan.people)
    archive = Archive(moment(house.clock(), house.timezone))
    manifest = Manifest(house.texts)
    for start in range(0, len(plan.people), CHUNK):
        found, damaged = await _look(house, plan, plan.people[start : start + CHUNK], by)
        for id in damaged:
            manifest.add(Line(note=_fault(house, report, id, "unreadable")))
        for one in found:
            async for piece in _person(house, plan, one, archive, manifest, report):
                yield piece
            report.people += 1
            told(report)
    for path, data in manifest.files():
        for piece in pieces(archive.add(path, data)):
            yield piece
    for piece in pieces(archive.end()):
        yield piece


@dataclass(frozen=True)
class _One:
    """Somebody whose papers leave. `papers`: rows. `verdicts`: by paper. `names`: of officers, by id."""

    person: Person
    family: Family
    papers: Sequence[Row]
    verdicts: Mapping[str, list[Row]]
    names: Mapping[str, str]


_PAPERS = """
SELECT p.*, k.wrapped, w.key_id AS whose, w.organisation_code AS code FROM each(:batch) e
JOIN papers p ON p.person_id = e.value ->> 'id' AND p.campaign_id = :campaign
JOIN people w ON w.id = p.person_id JOIN keys k ON k.id = p.key_id
WHERE p.state IN ('approved', 'waived', 'submitted', 'waiting')
"""


@retried
async def _look(house: House, plan: Plan, ids: Sequence[str], by: str) -> tuple[list[_One], list[str]]:
    """Those who are still there, and in these units; it is written down that their papers leave. Then ids of people
    whose record does not open."""
    states = _PAPERS_OF[plan.wanted.waiting]
    async with house.database.write() as tx:
        await _units(tx, house, Wanted(plan.campaign.id, plan.units, plan.wanted.officer))
        rows = await tx.each(_PAPERS, [{"id": id} for id in ids], {"campaign": plan.campaign.id})
        mine = [row for row in rows if row["state"] in states and (plan.units is None or row["code"] in plan.units)]
        whose = {row["person_id"] for row in mine}
        found = {
            id: one
            for id, one in (await people.legible(tx, house.vault, [id for id in ids if id in whose])).items()
            if plan.units is None or one.organisation_code in plan.units
        }
        verdicts = await approvals.given(tx, plan.campaign.id, list(found))
        officers = {row["officer_id"] for rows in verdicts.values() for row in rows}
        names = {id: one.full_name for id, one in (await people.legible(tx, house.vault, sorted(officers))).items()}
        answers = await families.of(tx, house.vault, list(found))
        out = []
        for id in ids:
            if id in found:
                papers = [row for row in mine if row["person_id"] == id]
                out.append(_One(found[id], answers.get(id, Family()), papers, verdicts, names))
        lines = [
            audit.Line(by, "paper.exported", one.person.id, {"campaign": plan.campaign.id, "papers": len(one.papers)})
            for one in out
        ]
        await audit.append(tx, house.vault, house.clock(), lines)
    return out, sorted(whose - found.keys())


async def _person(
    house: House, plan: Plan, one: _One, archive: Archive, manifest: Manifest, report: Report
) -> AsyncIterator[bytes]:
    there: dict[str, Line] = {}
    for row in sorted(one.papers, key=_place):
        line, data, why = await _paper(house, plan, one, row)
        if not await _still(house, row):
            continue
        if why:
            line = replace(line, note=_fault(house, report, row["id"], why))
        manifest.add(line)
        there[row["slot"]] = line
        if data is not None:
            manifest.sum(line.file, line.sha256)
            report.papers += 1
            report.bytes += len(data)
            for piece in pieces(archive.add(line.file, data)):
                yield piece
    for slot in slots(one.family, plan.campaign.terms.options):
        if slot.reuses in there and slot.id not in there:
            first = there[slot.reuses]
            paper = house.texts.say("th", name_of(slot))
            note = house.texts("th", "export.same_as", {"number": first.number})
            manifest.add(replace(first, number=slot.number, paper=paper, note=note))


def _fault(house: House, report: Report, id: str, why: str) -> str:
    """→ in words, for the manifest"""
    log.error("export_fault", id=id, why=why)
    report.faults.append(Fault(id, why))
    return house.texts("th", _FAULTS[why])


async def _paper(house: House, plan: Plan, one: _One, row: Row) -> tuple[Line, bytes | None, str]:
    """→ its row of the manifest, its bytes if it has a file and nothing is wrong with it, and what is"""
    line = Line(one.person.unit, one.person.profile["national_id"], one.person.full_name)
    try:
        slot = slot_of(row["slot"])
    except KeyError:
        return replace(line, paper=row["slot"]), None, "unknown"
    paper = house.texts.say("th", name_of(slot))
    line = replace(line, number=slot.number, paper=paper, standing=house.texts("th", _STANDING[row["state"]]))
    if row["state"] in DONE:
        verdict = approvals.settled(house.vault, row, one.verdicts.get(row["id"], ()), plan.levels)
        if verdict is None:
            return line, None, "verdict"
        line = replace(
            line,
            decided_at=moment(verdict["at"], house.timezone),
            officer=one.names.get(verdict["officer_id"], ""),
            level=verdict["level"],
        )
    if row["state"] in ("waived", "waiting"):
        return line, None, ""
    try:
        key = owners_key(house.vault, row, "papers")
        detail = key.open(row["detail"], "papers", row["id"], "detail")
        data = await house.files.get(row["file_id"] or "", key)
    except Tampered:
        return line, None, "unreadable"
    except Missing:
        return line, None, "missing"
    sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
    if content_index(house.vault, sha256) != row["content_index"]:
        return line, None, "content"
    file = "/".join((*_folder(one.person), f"{slot.number}_{part(paper)}.pdf"))
    return replace(line, file=file, sha256=sha256, pages=len(detail.get("sheets", ())) or None), data, ""


def _folder(person: Person) -> tuple[str, str]:
    unit = part(person.unit)
    if unit.casefold() in (MANIFEST.casefold(), SUMS.casefold()):
        unit = f"_{unit}"
    name = part(f"{person.profile['first_name']}-{person.profile['last_name']}")
    return unit, f"{part(person.profile['national_id'])}_{name}"


def _place(row: Row) -> tuple[str, int, str]:
    """In the order of the letter; what is no paper of ours last."""
    try:
        slot = slot_of(row["slot"])
    except KeyError:
        return "~", 0, row["slot"]
    return slot.number[:2], slot.nth, slot.number


async def _still(house: House, row: Row) -> bool:
    """Whoever was erased since, or has it back, is not exported."""
    async with house.database.read() as tx:
        now = "SELECT 1 FROM papers WHERE id = :id AND version = :version AND state = :state"
        return await tx.one(now, {name: row[name] for name in ("id", "version", "state")}) is not None


_STANDING = {
    "approved": "export.approved",
    "waived": "export.waived",
    "submitted": "export.submitted",
    "waiting": "export.waiting",
}
_FAULTS = {
    "verdict": "export.fault.verdict",
    "content": "export.fault.content",
    "unreadable": "export.fault.unreadable",
    "missing": "export.fault.missing",
    "unknown": "export.fault.unknown",
}
