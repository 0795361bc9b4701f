"""Rows from before there were seals are sealed once; nobody without the key has that done again."""

from collections.abc import AsyncIterator

import pytest

from storage import audit, keys, seals
from storage.database import Database, Tx
from storage.macs import mac
from storage.opening import opened
from storage.roster import write_roster
from storage.vault import Vault
from tests.storage.test_roster import MALEE, SOMCHAI

KEY, NEW = b"a master key that is used in tests only", b"another master key for use in tests only"
OLD_HEAD = "UPDATE audit_head SET mac = :mac"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    yield database
    await database.close()


async def from_before(database: Database) -> Vault:
    """A database with two people and a unit, as an older version left it."""
    vault = await opened(database, KEY)
    async with database.write() as tx:
        await write_roster(tx, vault, [SOMCHAI, MALEE], 1)
        await tx.run("INSERT INTO organisations VALUES ('1', NULL, 'division', 'กอง', '', '', '', '')")
        await audit.append(tx, vault, 1, [audit.Line("cli:malee", "roster.added")])
        await tx.run("UPDATE people SET mac = ''")
        await tx.run(OLD_HEAD, {"mac": await old_head(tx, vault)})
    return vault


async def old_head(tx: Tx, vault: Vault) -> str:
    row = await tx.one("SELECT seq, last FROM audit_head")
    assert row
    return mac(vault.secret("audit"), "head", row["seq"], row["last"])


async def forged(database: Database, vault: Vault) -> list[str]:
    async with database.read() as tx:
        return [table async for table, _ in seals.forged(tx, vault)]


async def whole(database: Database, vault: Vault) -> bool:
    verifier = audit.Verifier(vault)
    async with database.read() as tx:
        async for _ in verifier.run(tx):
            pass
    return not verifier.verdict.count


async def test_what_an_older_version_wrote_is_sealed_once(database: Database) -> None:
    before = await from_before(database)
    assert await forged(database, before) == ["organisations", "people", "people"]
    vault = await opened(database, KEY)
    assert await forged(database, vault) == []
    async with database.read() as tx:
        (line,) = [one async for one in audit.show(tx) if one["action"] == "rows.sealed"]
    assert line["detail"]["people"] == 2
    assert await whole(database, vault)
    for edit in ("UPDATE people SET mac = ''", "UPDATE people SET status = 'retired'"):
        async with database.write() as tx:
            await tx.run(edit)
        vault = await opened(database, KEY)
        assert await forged(database, vault) == ["people", "people"]


async def test_an_old_head_alone_has_nothing_sealed_again(database: Database) -> None:
    vault = await from_before(database)
    async with database.read() as tx:
        head = await tx.one("SELECT seq, last, mac FROM audit_head")
    await opened(database, KEY)
    async with database.write() as tx:
        assert head
        await tx.run("UPDATE audit_head SET seq = :seq, last = :last, mac = :mac", head)
        await tx.run("UPDATE people SET status = 'retired'")
    vault = await opened(database, KEY)
    assert await forged(database, vault) == ["people", "people"]
    assert not await whole(database, vault)


async def test_seals_outlive_another_master_key(database: Database) -> None:
    await from_before(database)
    await opened(database, KEY)
    vault = await opened(database, NEW, KEY)
    assert [chunk.damaged async for chunk in keys.rotate(database, vault, "cli:malee", 2)]
    assert await forged(database, await opened(database, NEW)) == []


async def test_what_no_column_should_hold_is_named_and_stops_nothing(database: Database) -> None:
    if database.kind == "postgresql":
        pytest.skip("its columns hold what they are made for")
    await from_before(database)
    async with database.write() as tx:
        await tx.run("UPDATE people SET status = x'00ff' WHERE id = (SELECT MIN(id) FROM people)")
    assert await forged(database, await opened(database, KEY)) == ["people"]
