"""Roster and organisations into the database: in chunks, so that chats go on meanwhile, and again without harm."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TypeVar

from handlers.identity.rules import email_source
from handlers.organisation.organisations import OrganisationRow, check_tree, read_organisations
from handlers.organisation.roster import RosterRow, read_roster, refuse_repeated_ids
from handlers.organisation.tables import BadRow
from storage import audit
from storage.database import Database
from storage.roster import RosterEntry, Written, write_roster
from storage.vault import Vault

T = TypeVar("T")
CHUNK = 500


@dataclass
class Report:
    """What an import did, or with `dry` would do."""

    written: Written = field(default_factory=Written)
    bad: list[BadRow] = field(default_factory=list)


@dataclass(frozen=True)
class DateRule:
    """Who may register alone (letter นร ๑๐๑๓.๓/๒๑๖); here it tells where an address on the record came from."""

    before: date
    transfer_overrides: bool


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
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Raises `BadFile`. `by`: as in `audit.Line`. `progress` hears how many rows were handled."""
    refuse_repeated_ids(path)
    report = Report()
    for chunk in chunks(read_roster(path, today), CHUNK):
        report.bad += [row for row in chunk if isinstance(row, BadRow)]
        good = [_entry(row, rule) for row in chunk if isinstance(row, RosterRow)]
        async with database.write() as tx:
            codes = {
                row["name_th"]: row["code"]
                for row in await tx.each(
                    "SELECT name_th, MIN(code) AS code FROM organisations "
                    "WHERE name_th IN (SELECT value ->> 'name' FROM each(:batch)) "
                    "GROUP BY name_th HAVING COUNT(*) = 1",  # a name that two units bear says nothing
                    [{"name": name} for name in sorted({entry.unit for entry in good})],
                )
            }
            placed = [_placed(entry, codes.get(entry.unit, "")) for entry in good]
            now = clock()
            written = await write_roster(tx, vault, placed, now, dry=dry)
            if not dry:
                lines = [audit.Line(by, f"roster.{done}", person) for person, done in written.people]
                await audit.append(tx, vault, now, lines)
            report.written += written
        progress(len(chunk))
    return report


def _entry(row: RosterRow, rule: DateRule) -> RosterEntry:
    return RosterEntry(
        national_id=row.national_id,
        profile={
            "title": row.title,
            "first_name": row.first_name,
            "last_name": row.last_name,
            "birth_date": row.birth_date.isoformat() if row.birth_date else "",
            "position_no": row.position_no,
            "position": row.position,
            "level": row.level,
        },
        phone=row.phone or "",
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
        transferred_in_on=_iso(row.transferred_in_on),
        retires_on=_iso(row.retires_on),
    )


def _placed(entry: RosterEntry, code: str) -> RosterEntry:
    return entry if entry.organisation_code == code else RosterEntry(**{**entry.__dict__, "organisation_code": code})


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


async def import_organisations(database: Database, path: Path, *, dry: bool = False) -> Report:
    """The tree is small: it is checked whole, and rows whose place in it is wrong are left out."""
    report = Report()
    rows: list[OrganisationRow] = []
    for row in read_organisations(path):
        if isinstance(row, BadRow):
            report.bad.append(row)
        else:
            rows.append(row)
    async with database.write() as tx:
        known = {row["code"] for row in await tx.all("SELECT code FROM organisations")}
        report.bad += check_tree(rows, known)
        wrong = {bad.number for bad in report.bad}
        good = [row for row in rows if row.number not in wrong]
        report.written = Written(added=sum(row.code not in known for row in good))
        stored = [
            {
                "code": row.code,
                "parent": row.parent_code,
                "type": row.kind,
                "name_th": row.name_th,
                "name_en": row.name_en,
                "province": row.province,
                "district": row.district,
            }
            for row in good
        ]
        changed = await tx.each(
            "SELECT o.code FROM organisations o JOIN each(:batch) e ON o.code = e.value ->> 'code' "
            "WHERE COALESCE(o.parent_code, '') <> COALESCE(e.value ->> 'parent', '') OR o.type <> e.value ->> 'type' "
            "OR o.name_th <> e.value ->> 'name_th' OR o.name_en <> e.value ->> 'name_en' "
            "OR o.province <> e.value ->> 'province' OR o.district <> e.value ->> 'district'",
            stored,
        )
        left = len(good) - report.written.added - len(changed)
        report.written = Written(report.written.added, len(changed), left)
        if not dry:
            await tx.many(
                "INSERT INTO organisations (code, parent_code, type, name_th, name_en, province, district) "
                "VALUES (:code, :parent, :type, :name_th, :name_en, :province, :district) "
                "ON CONFLICT (code) DO UPDATE SET parent_code = excluded.parent_code, type = excluded.type, "
                "name_th = excluded.name_th, name_en = excluded.name_en, province = excluded.province, "
                "district = excluded.district",
                stored,
            )
    return report
