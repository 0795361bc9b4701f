"""An import meets another writer who holds what it wants and wants what it holds. It gives in, and begins that chunk
again: nobody has to start the command anew."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from handlers.organisation.imports import Report, import_organisations
from storage.database import Database, Tx
from storage.roster import Written
from tests.handlers.organisation.test_imports import VAULT, imports, path, somebody, tree
from tests.handlers.organisation.test_imports import database as database
from tests.handlers.organisation.test_roster import save

__all__ = ["database", "path"]
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

WAITS_FOR_ME = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"


async def in_its_way(
    database: Database, begins: Callable[[], Awaitable[Report]], touch: Callable[[Tx, str], Awaitable[int]], *order: str
) -> Report:
    """Somebody who holds the last, and asks for the first when the import has that one and waits for the last."""
    first, last = order
    async with database.write() as tx:
        await tx.run("SET LOCAL deadlock_timeout = '1min'")  # so it is the import that the server chooses to give in
        assert await touch(tx, last)
        importing = asyncio.ensure_future(begins())
        while not await tx.one(WAITS_FOR_ME):
            assert not importing.done(), importing
            await asyncio.sleep(0.01)
        assert await touch(tx, first)
    return await importing


async def test_the_roster(database: Database, path: Path) -> None:
    await imports(database, save(path, somebody(1), somebody(2)))
    async with database.read() as tx:
        ids = [row["id"] for row in await tx.all("SELECT id FROM people ORDER BY id")]

    async def touch(tx: Tx, id: str) -> int:
        return await tx.run("UPDATE people SET updated_at = 5 WHERE id = :id", {"id": id})

    save(path, *(somebody(n, **{"สำนัก/กอง": "กองคลัง"}) for n in (1, 2)))
    report = await in_its_way(database, lambda: imports(database, path, now=9), touch, *ids)
    assert report.written == Written(changed=2)
    async with database.read() as tx:
        people = await tx.all("SELECT unit, updated_at FROM people")
        lines = await tx.all("SELECT 1 FROM audit WHERE action = 'roster.changed'")
    assert people == [{"unit": "กองคลัง", "updated_at": 9}] * 2
    assert len(lines) == 2, "what was given up is not told"


async def test_two_rosters_with_the_same_new_people(database: Database, path: Path) -> None:
    """The second one waits, and finds them as the first one has them."""
    other = path.with_name("other.csv")
    save(path, *(somebody(n) for n in range(1, 30)))
    save(other, *(somebody(n, **{"สำนัก/กอง": "กองคลัง"}) for n in range(29, 0, -1)))
    reports = await asyncio.gather(imports(database, path), imports(database, other))
    first, second = sorted((report.written for report in reports), key=lambda written: -written.added)
    assert (first, second) == (Written(added=29), Written(changed=29))
    async with database.read() as tx:
        people = await tx.all("SELECT DISTINCT p.unit FROM people p JOIN keys k ON k.id = p.key_id")
        lines = await tx.all("SELECT action, count(*) AS n FROM audit GROUP BY action ORDER BY action")
        keys = await tx.one("SELECT count(*) AS n FROM keys WHERE id NOT LIKE 'secret:%'")
    assert len(people) == 1
    assert {line["action"]: line["n"] for line in lines} == {"roster.added": 29, "roster.changed": 29}
    assert keys == {"n": 29}


async def test_organisations(database: Database, path: Path) -> None:
    rows = ("1,กระทรวง,กระทรวงตัวอย่าง,,,,", "2,กรม,กรมตัวอย่าง,,,,1")
    await import_organisations(database, VAULT, tree(path, *rows))

    async def touch(tx: Tx, code: str) -> int:
        return await tx.run("UPDATE organisations SET province = '' WHERE code = :code", {"code": code})

    tree(path, *(row.replace("ตัวอย่าง", "ใหม่") for row in rows))
    report = await in_its_way(database, lambda: import_organisations(database, VAULT, path), touch, "1", "2")
    assert report.written == Written(changed=2)
    async with database.read() as tx:
        names = [row["name_th"] for row in await tx.all("SELECT name_th FROM organisations ORDER BY code")]
    assert names == ["กระทรวงใหม่", "กรมใหม่"]
