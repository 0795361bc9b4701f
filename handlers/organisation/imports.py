"""Roster and organisations into the database: in chunks, so that chats go on meanwhile, and again without harm."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from handlers.identity.rules import email_source
from handlers.organisation.grants import end_of_transferred
from handlers.organisation.missing import Missing, find_missing, named, refuse_to_retire, retire_missing
from handlers.organisation.national_ids import refuse_repeated
from handlers.organisation.organisations import OrganisationRow, check_tree, read_organisations
from handlers.organisation.refusals import BadRow
from handlers.organisation.roster import Roster, RosterRow
from storage import audit
from storage.database import Database, Row, Tx, retried
from storage.people import national_id_index
from storage.roster import Plan, RosterEntry, Written, on_record, tally
from storage.seals import ORGANISATIONS
from storage.vault import Vault

T = TypeVar("T")
CHUNK = 200  # people in one transaction: some milliseconds of lock, see docs/performance.md
FEW = 50  # changed rows that are told one by one; beyond that, counts
RETIRE_AT_MOST = 20  # percent of those in service: a file that misses more is hardly a full one


_MOVED = frozenset({"organisation_code", "status"})  # whoever has another one may hold roles no more

# Where the record keeps something under another name than the file's column has here.
_COLUMNS = {"organisation_code": "unit", "card_hash": "laser_code"}


@dataclass(frozen=True)
class Change:
    """One row's person, added or changed. `columns`: what differs, in the file's own words; never what it holds."""

    number: int
    what: Literal["added", "changed"]
    columns: tuple[str, ...] = ()


@dataclass
class Report:
    """What an import did, or with `dry` would do. `changes` is empty where there are more than `FEW`."""

    written: Written = field(default_factory=Written)
    bad: list[BadRow] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    retired: int = 0


@dataclass(frozen=True)
class DateRule:
    """Who may register alone (letter นร ๑๐๑๓.๓/๒๑๖); here it tells where an address on the record came from."""

    before: date
    transfer_overrides: bool


@dataclass(frozen=True)
class Full:
    """The file has everybody. `retire`: who is missing has left; refused if that is more than `at_most` percent."""

    retire: bool = False
    at_most: int = RETIRE_AT_MOST


async def import_roster(
    database: Database,
    vault: Vault,
    path: Path,
    *,
    today: date,
    rule: DateRule,
    by: str,
    clock: Callable[[], int],
    dry: bool = False,
    full: Full | None = None,
    progress: Callable[[int, int], None] = lambda _done, _rows: None,
) -> Report:
    """Raises `BadFile`, before anything is written.

    `by`: as in `audit.Line`. `progress` hears how many rows of how many were handled.
    """
    roster = Roster(path)
    ids = roster.check_ids()
    refuse_repeated(ids)
    report = Report()
    missing: list[Row] = []
    if full:
        present = {national_id_index(vault, number) for _, number in roster.ids() if number}
        missing, in_service = await find_missing(database, present)
        if full.retire:
            refuse_to_retire(len(missing), in_service, ids.unreadable, full.at_most)
        report.missing = await named(database, vault, missing, by, clock)
    done = 0
    with closing(roster.people(today)) as people:
        for chunk in chunks(people, CHUNK):
            good = [row for row in chunk if isinstance(row, RosterRow)]
            report.bad += [row for row in chunk if isinstance(row, BadRow)]
            plan = await _chunk(database, vault, [_entry(row, rule) for row in good], by, clock, dry=dry)
            report.written += tally(plan.outcomes)
            _tell(report, roster.words, good, plan)
            done += len({row.number for row in chunk})
            progress(done, ids.rows)
    if full and full.retire:
        report.retired = len(missing) if dry else await retire_missing(database, vault, missing, by, clock)
    return report


async def _chunk(
    database: Database, vault: Vault, entries: Sequence[RosterEntry], by: str, clock: Callable[[], int], *, dry: bool
) -> Plan:
    async with database.read() as tx:
        entries = await _placed(tx, vault, entries)
        record = await on_record(tx, vault, entries)
    plan = Plan(vault, entries, record)
    if dry or not plan.writes:
        return plan

    @retried
    async def carried_out() -> Plan:
        async with database.write() as tx:
            now = clock()
            done = await plan.carry_out(tx, now)
            written = {one.person_id: one.what for one in done.outcomes if one.what != "left"}
            lines = [audit.Line(by, f"roster.{what}", person) for person, what in written.items()]
            moved = [one.person_id for one in done.outcomes if _MOVED.intersection(one.fields)]
            lines += await end_of_transferred(tx, vault, moved, by=by, now=now)
            await audit.append(tx, vault, now, lines)
        return done

    return await carried_out()


async def _placed(tx: Tx, vault: Vault, entries: Sequence[RosterEntry]) -> list[RosterEntry]:
    """With the codes of their organisations, which the roster names only by name."""
    rows = await tx.each(
        ORGANISATIONS.where("t.name_th IN (SELECT value ->> 'name' FROM each(:batch))"),
        [{"name": name} for name in sorted({entry.unit for entry in entries})],
    )
    codes: dict[str, list[str]] = {}
    for row in rows:
        if ORGANISATIONS.genuine(vault, row):
            codes.setdefault(row["name_th"], []).append(row["code"])
    placed = {name: one for name, (one, *others) in codes.items() if not others}  # a name of two units says nothing
    return [replace(entry, organisation_code=placed.get(entry.unit, "")) for entry in entries]


def _tell(report: Report, words: dict[str, str], rows: Sequence[RosterRow], plan: Plan) -> None:
    written = report.written
    if written.added + written.changed > FEW:
        report.changes.clear()
        return
    for row, outcome in zip(rows, plan.outcomes, strict=True):
        if outcome.what != "left":
            columns = tuple(dict.fromkeys(words[_COLUMNS.get(name, name)] for name in outcome.fields))
            report.changes.append(Change(row.number, outcome.what, columns))


def _entry(row: RosterRow, rule: DateRule) -> RosterEntry:
    profile = {
        "title": row.title,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "birth_date": _iso(row.birth_date),
        "position_no": row.position_no,
        "position": row.position,
        "level": row.level,
    }
    return RosterEntry(
        national_id=row.national_id,
        profile={name: value for name, value in profile.items() if name not in row.lacks},
        phone=None if "phone" in row.lacks else row.phone or "",
        email=row.email or "",
        email_source=email_source(
            row.appointed_on, row.transferred_in_on, rule.before, transfer_overrides=rule.transfer_overrides
        ),
        laser_code=row.laser_code or "",
        organisation_code="",
        unit=row.unit,
        kind=row.kind,
        status=row.status,
        appointed_on=_iso(row.appointed_on),
        transferred_in_on=None if "transferred_in_on" in row.lacks else _iso(row.transferred_in_on),
        retires_on=_iso(row.retires_on),
    )


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


async def import_organisations(database: Database, vault: Vault, path: Path, *, dry: bool = False) -> Report:
    """The tree is small: it is checked whole, and rows whose place in it is wrong are left out."""
    report = Report()
    rows: list[OrganisationRow] = []
    for row in read_organisations(path):
        if isinstance(row, BadRow):
            report.bad.append(row)
        else:
            rows.append(row)
    async with database.read() as tx:
        known = {row["code"]: row for row in await tx.all(_ORGANISATIONS)}
    report.bad += check_tree(rows, known.keys())
    wrong = {bad.number for bad in report.bad}
    added = changed = 0
    different: list[Mapping[str, str | None]] = []
    for row in rows:
        stored = _stored(vault, row)
        before = known.get(row.code)
        if row.number in wrong or before == stored:
            continue
        added, changed = (added, changed + 1) if before else (added + 1, changed)
        different.append(stored)
        columns = tuple(header for name, header in _HEADERS.items() if before and before[name] != stored[name])
        report.changes.append(Change(row.number, "changed" if before else "added", columns))
    report.written = Written(added, changed, sum(row.number not in wrong for row in rows) - added - changed)
    if added + changed > FEW:
        report.changes.clear()

    @retried
    async def write(chunk: Sequence[Mapping[str, str | None]]) -> None:
        async with database.write() as tx:
            await tx.many(_UPSERT_ORGANISATION, chunk)

    for chunk in chunks([] if dry else different, CHUNK):
        await write(chunk)
    return report


# What the table calls them; and the file.
_HEADERS = {"type": "ประเภท", "name_th": "ชื่อ", "name_en": "ชื่ออังกฤษ", "province": "จังหวัด", "district": "อำเภอ",
            "parent_code": "รหัสแม่"}  # fmt: skip
_ORGANISATIONS = "SELECT code, parent_code, type, name_th, name_en, province, district, mac FROM organisations"
_UPSERT_ORGANISATION = """
INSERT INTO organisations (code, parent_code, type, name_th, name_en, province, district, mac)
VALUES (:code, :parent_code, :type, :name_th, :name_en, :province, :district, :mac)
ON CONFLICT (code) DO UPDATE SET parent_code = excluded.parent_code, type = excluded.type, name_th = excluded.name_th,
    name_en = excluded.name_en, province = excluded.province, district = excluded.district, mac = excluded.mac
"""


def _stored(vault: Vault, row: OrganisationRow) -> dict[str, str | None]:
    stored = {
        "code": row.code,
        "parent_code": row.parent_code,
        "type": row.kind,
        "name_th": row.name_th,
        "name_en": row.name_en,
        "province": row.province,
        "district": row.district,
    }
    return {**stored, "mac": ORGANISATIONS.made(vault, stored)}
