"""A roster comes in: previews that touch nothing, bad rows beside good ones, people who are missing and return."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from handlers.organisation.imports import FEW, Change, DateRule, Full, Report, import_organisations, import_roster
from handlers.organisation.refusals import BadFile
from samples import tables
from samples.cast import CAST
from samples.people import national_id
from storage import audit
from storage.database import Database
from storage.people import Person, by_index, national_id_index
from storage.roster import Written
from storage.vault import Vault
from tests.handlers.organisation.test_roster import HEADER, RUNG, TODAY, card, save

VAULT = Vault(b"a master key that is used in tests only")
RULE = DateRule(date(2018, 10, 1), transfer_overrides=True)
TABLES = ("people", "emails", "keys")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    await database.migrate()
    async with database.write() as tx:
        await audit.begin(tx, VAULT)
    yield database
    await database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roster.csv"


def somebody(serial: int, **changes: str) -> dict[str, str]:
    return RUNG | {"เลขประจำตัวประชาชน": card(serial), "นามสกุล": f"ทดสอบ{serial}"} | changes


async def imports(database: Database, path: Path, *, now: int = 1, **how: Any) -> Report:
    return await import_roster(database, VAULT, path, today=TODAY, rule=RULE, by="cli:malee", clock=lambda: now, **how)


async def stored(database: Database) -> list[Any]:
    async with database.read() as tx:
        return [await tx.all(f"SELECT * FROM {table} ORDER BY id") for table in TABLES]


async def person(database: Database, serial: int) -> Person:
    async with database.read() as tx:
        found = await by_index(tx, VAULT, national_id_index(VAULT, card(serial)))
    assert found is not None
    return found


async def test_a_preview_tells_every_change_and_touches_nothing(database: Database, path: Path) -> None:
    await imports(database, save(path, somebody(1), somebody(2), somebody(3)))
    before = await stored(database)
    moved = somebody(2, **{"สำนัก/กอง": "กองคลัง", "ระดับ": "ชำนาญการพิเศษ", "โทรศัพท์": "0810000002"})
    save(path, somebody(1), moved, somebody(4), somebody(5, สถานะ="หลับ"))
    report = await imports(database, path, now=2, dry=True, full=Full(retire=True, at_most=50))
    assert report.written == Written(added=1, changed=1, left=1)
    assert report.changes == [Change(3, "changed", ("ระดับ", "สำนัก/กอง", "โทรศัพท์")), Change(4, "added")]
    assert [(bad.number, bad.code) for bad in report.bad] == [(5, "status_unknown")]
    assert [(one.name, one.unit) for one in report.missing] == [("ว่าที่ ร.ต. รุ่ง ทดสอบ3", "กองการเจ้าหน้าที่")]
    assert report.retired == 1
    assert await stored(database) == before


async def test_what_was_previewed_is_what_happens_and_only_once(database: Database, path: Path) -> None:
    save(path, *(somebody(serial) for serial in range(1, 8)))
    assert (await imports(database, path, dry=True)).written == Written(added=7)
    assert (await imports(database, path)).written == Written(added=7)
    before = await stored(database)
    again = await imports(database, path, now=2)
    assert (again.written, again.changes) == (Written(left=7), [])
    assert await stored(database) == before


async def test_many_changes_are_counted_not_told(database: Database, path: Path) -> None:
    few = [somebody(serial) for serial in range(1, FEW + 1)]
    assert len((await imports(database, save(path, *few), dry=True)).changes) == FEW
    report = await imports(database, save(path, *few, somebody(FEW + 1)))
    assert (report.written.added, report.changes) == (FEW + 1, [])


async def test_bad_rows_do_not_stop_good_ones_and_are_told(database: Database, path: Path) -> None:
    bad = somebody(3, อีเมล="x", สถานะ="?")
    heard: list[tuple[int, int]] = []
    report = await imports(
        database, save(path, somebody(1), bad, somebody(2)), progress=lambda *done: heard.append(done)
    )
    assert report.written.added == 2
    assert [(fault.number, fault.column) for fault in report.bad] == [(3, "อีเมล"), (3, "สถานะ")]
    assert heard == [(3, 3)]


async def test_an_id_that_stands_twice_stops_the_whole_file(database: Database, path: Path) -> None:
    with pytest.raises(BadFile, match="national_id_twice") as refused:
        await imports(database, save(path, somebody(1), somebody(2), somebody(1)))
    assert refused.value.params == {"rows": "2 = 4"}
    assert await stored(database) == [[], [], []]


async def audited(database: Database) -> list[tuple[int, str, str, str]]:
    """When, who, what, to whom; a chunk's lines in the order of its rows."""
    async with database.read() as tx:
        return [(row["at"], row["actor"], row["action"], row["subject"]) async for row in audit.show(tx)]


async def test_everybody_who_is_written_or_shown_stands_in_the_audit_log(database: Database, path: Path) -> None:
    everybody = [somebody(serial) for serial in range(1, 7)]
    await imports(database, save(path, *everybody), dry=True)
    assert await audited(database) == []
    await imports(database, save(path, *everybody))
    ids = [(await person(database, serial)).id for serial in range(1, 7)]
    first = [(1, "cli:malee", "roster.added", id) for id in ids]
    assert await audited(database) == first
    save(path, somebody(1, ระดับ="เชี่ยวชาญ"), *everybody[1:5])
    await imports(database, path, now=2, dry=True, full=Full())
    seen = [(2, "cli:malee", "roster.missing", ids[5])]
    assert await audited(database) == first + seen
    await imports(database, path, now=3, full=Full(retire=True))
    assert await audited(database) == first + seen + [
        (3, "cli:malee", "roster.missing", ids[5]),
        (3, "cli:malee", "roster.changed", ids[0]),
        (3, "cli:malee", "roster.retired", ids[5]),
    ]


# --- who is missing ---------------------------------------------------------------------------------------------------


async def test_who_is_missing_is_only_shown(database: Database, path: Path) -> None:
    await imports(database, save(path, somebody(1), somebody(2), somebody(3, สถานะ="เกษียณ")))
    before = await stored(database)
    report = await imports(database, save(path, somebody(1)), full=Full())
    assert [one.person_id for one in report.missing] == [(await person(database, 2)).id]  # 3 has left before
    assert report.retired == 0
    assert await stored(database) == before
    assert (await imports(database, path)).missing == []  # nobody has said that the file is a full one


async def test_a_bad_row_is_there_all_the_same(database: Database, path: Path) -> None:
    await imports(database, save(path, somebody(1), somebody(2)))
    report = await imports(database, save(path, somebody(1), somebody(2, โทรศัพท์="?")), full=Full(retire=True))
    assert (report.missing, report.retired, len(report.bad)) == ([], 0, 1)


async def test_who_is_missing_has_left_when_asked_for_and_comes_back_with_the_next_file(
    database: Database, path: Path
) -> None:
    everybody = [somebody(serial) for serial in range(1, 7)]
    await imports(database, save(path, *everybody))
    before = await person(database, 6)
    report = await imports(database, save(path, *everybody[:5]), now=2, full=Full(retire=True))
    assert (len(report.missing), report.retired) == (1, 1)
    gone = await person(database, 6)
    assert (gone.id, gone.status, gone.profile, gone.email) == (before.id, "left", before.profile, before.email)
    assert (await imports(database, path, full=Full(retire=True))).missing == []
    report = await imports(database, save(path, *everybody), now=3)
    assert report.changes == [Change(7, "changed", ("สถานะ",))]
    assert (await person(database, 6)).status == "active"


async def test_a_file_that_misses_many_is_no_full_one(database: Database, path: Path) -> None:
    everybody = [somebody(serial) for serial in range(1, 11)]
    await imports(database, save(path, *everybody))
    before = await stored(database)
    save(path, *everybody[:7], somebody(11))
    with pytest.raises(BadFile, match="missing_too_many") as refused:
        await imports(database, path, full=Full(retire=True))
    assert refused.value.params == {"missing": 3, "people": 10, "percent": 20}
    assert await stored(database) == before, "not even the new person"
    assert (await imports(database, path, full=Full(retire=True, at_most=30))).retired == 3


async def test_nobody_is_retired_while_an_id_cannot_be_read(database: Database, path: Path) -> None:
    everybody = [somebody(serial) for serial in range(1, 11)]
    await imports(database, save(path, *everybody))
    save(path, *everybody[:9], somebody(10) | {"เลขประจำตัวประชาชน": "1.9999E+12"})
    with pytest.raises(BadFile, match="missing_unsure") as refused:
        await imports(database, path, full=Full(retire=True))
    assert refused.value.params == {"rows": "11"}
    assert len((await imports(database, path, full=Full())).missing) == 1  # shown it may be


# --- what a file does not speak of ------------------------------------------------------------------------------------


async def test_dpis_keeps_what_it_has_no_column_for(database: Database, path: Path, tmp_path: Path) -> None:
    person = CAST[4]  # transferred in
    roster, dpis = tmp_path / "roster.csv", tmp_path / "dpis.csv"
    for file, header, row in (
        (roster, tables.ROSTER_HEADER, tables.roster_row(5, person)),
        (dpis, tables.DPIS_HEADER, tables.dpis_row(5, person)),
    ):
        file.write_text(f"{','.join(header)}\n{','.join(row)}\n", encoding="utf-8")
    await imports(database, roster)
    before = await stored(database)
    assert (await imports(database, dpis, now=2)).written == Written(left=1)
    assert await stored(database) == before
    dpis.write_text(dpis.read_text("utf-8").replace(person.level, "เชี่ยวชาญ"), encoding="utf-8")
    report = await imports(database, dpis, now=3)
    assert report.changes == [Change(2, "changed", ("LEVEL_NAME",))]
    async with database.read() as tx:
        after = await by_index(tx, VAULT, national_id_index(VAULT, national_id(5)))
    assert after is not None
    assert (after.transferred_in_on, after.contact["phone"]) == (person.transferred_in, "0850000005")
    assert after.card_hash == before[0][0]["card_hash"]


async def test_a_file_without_a_title_column_keeps_titles(database: Database, path: Path) -> None:
    await imports(database, save(path, somebody(1)))
    bare = [name for name in HEADER if name != "คำนำหน้า"]
    assert (await imports(database, save(path, somebody(1), header=bare))).written == Written(left=1)
    glued = somebody(1, ชื่อ="ดร.รุ่ง")
    report = await imports(database, save(path, glued, header=bare))
    assert report.changes == [Change(2, "changed", ("คำนำหน้า",))]
    assert (await person(database, 1)).full_name == "ดร. รุ่ง ทดสอบ1"


# --- organisations ----------------------------------------------------------------------------------------------------


def tree(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("รหัส,ประเภท,ชื่อ,ชื่ออังกฤษ,จังหวัด,อำเภอ,รหัสแม่", *lines)), encoding="utf-8")
    return path


async def test_organisations_are_previewed_and_changed_in_the_same_way(database: Database, path: Path) -> None:
    first = tree(path, "1,กรม,กรมตัวอย่าง,,,,", "2,กอง,กองทดสอบ,,,,1")
    assert (await import_organisations(database, VAULT, first)).written == Written(added=2)
    tree(path, "1,กรม,กรมตัวอย่าง,,,,", "2,สถาบัน,สถาบันทดสอบ,,,,1", "3,กอง,กองใหม่,,,,9", "4,กอง,กองใหม่,,,,2")
    report = await import_organisations(database, VAULT, path, dry=True)
    assert report.written == Written(added=1, changed=1, left=1)
    assert report.changes == [Change(3, "changed", ("ประเภท", "ชื่อ")), Change(5, "added")]
    assert [(bad.number, bad.code) for bad in report.bad] == [(4, "parent_unknown")]
    async with database.read() as tx:
        assert await tx.all("SELECT name_th FROM organisations WHERE code IN ('2', '4')") == [{"name_th": "กองทดสอบ"}]
    await import_organisations(database, VAULT, path)
    assert (await import_organisations(database, VAULT, path)).written == Written(left=3)
