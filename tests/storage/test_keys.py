"""The master key changes; what was sealed, found and signed with it before does not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from storage import audit, keys, processes
from storage.database import Database
from storage.keys import WrongKey
from storage.opening import opened
from storage.vault import ROOT, Tampered, Vault
from tests.databases import on_a_file, sqlite

OLD = b"an old master key that is used in tests"
NEW = b"a new master key that is used in tests"
OTHER = b"another master key, of another house"
HERE = ("people", "1", "profile")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    yield database
    await database.close()


async def seal(database: Database, vault: Vault, n: int) -> dict[str, str]:
    """`n` people; → what is sealed, by key."""
    made = [vault.new_key() for _ in range(n)]
    async with database.write() as tx:
        rows = [{"id": key.id, "wrapped": wrapped} for key, wrapped in made]
        await tx.many("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", rows)
    return {key.id: key.seal("สมชาย", *HERE) for key, _ in made}


async def reads(database: Database, vault: Vault, sealed: dict[str, str]) -> bool:
    async with database.read() as tx:
        for id, value in sealed.items():
            key = await keys.by_id(tx, vault, id)
            assert key
            assert key.open(value, *HERE) == "สมชาย"
    return True


async def rotate(database: Database, vault: Vault) -> int:
    return sum([chunk.done async for chunk in keys.rotate(database, vault, "cli:malee", 1)])


# --- the secrets of a database ----------------------------------------------------------------------------------------


async def test_a_new_databases_secrets_owe_nothing_to_its_master_key(database: Database) -> None:
    vault = await opened(database, OLD)
    assert vault.index("national_id", "1") != Vault(OLD).index("national_id", "1")
    assert vault.secret("audit") != Vault(OLD).secret("audit")
    again = await opened(database, OLD)
    assert again.index("national_id", "1") == vault.index("national_id", "1")
    assert again.secret("audit") == vault.secret("audit")


async def test_one_damaged_row_does_not_make_the_key_a_wrong_one(database: Database) -> None:
    vault = await opened(database, OLD)
    spoilt, *_ = await seal(database, vault, 3)
    async with database.write() as tx:
        await tx.run("UPDATE keys SET wrapped = 'spoilt' WHERE id = :id", {"id": spoilt})
    with pytest.raises(WrongKey):
        await opened(database, NEW)
    assert (await opened(database, OLD)).index("x", "1") == vault.index("x", "1")


async def test_the_wrong_key_is_told_before_anything_is_written(database: Database) -> None:
    await opened(database, OLD)
    for master, old in ((OTHER, b""), (OTHER, NEW)):
        with pytest.raises(WrongKey, match="not the one"):
            await opened(database, master, old)
    await opened(database, OLD)


@pytest.mark.parametrize("left", ["the marks of a rotation", "data keys", "a rule", "a line of the audit log"])
async def test_a_root_that_was_deleted_is_missed(database: Database, left: str) -> None:
    """With a new one the audit log would begin anew, as if nothing had ever been written down."""
    vault = await opened(database, OLD)
    key, wrapped = vault.new_key()
    async with database.write() as tx:
        await tx.run("DELETE FROM keys")
        await tx.run("DELETE FROM audit")
        match left:
            case "the marks of a rotation":
                mark = {"id": "secret:rotating", "wrapped": vault.wrap("secret:rotating", bytes(32))}
                await tx.run("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", mark)
            case "data keys":
                await tx.run("INSERT INTO keys VALUES (:id, :wrapped)", {"id": key.id, "wrapped": wrapped})
            case "a rule":
                await tx.run(
                    "INSERT INTO policy (id, name, value, valid_from, set_at, set_by, mac) "
                    "VALUES ('1', 'code_digits', '6', '2026-01-01', 1, 'cli:malee', '')"
                )
            case _:
                await audit.append(tx, vault, 1, [audit.Line("cli:malee", "person.shown", None)])
    for _ in range(2):
        with pytest.raises(WrongKey, match="root key was deleted"):
            await opened(database, OLD)


async def test_the_wrong_key_is_told_apart_from_a_root_that_is_gone(database: Database) -> None:
    await seal(database, await opened(database, OLD), 3)
    async with database.write() as tx:
        await tx.run("DELETE FROM keys WHERE id LIKE 'secret:%'")
    with pytest.raises(WrongKey, match="not the one"):
        await opened(database, OTHER)
    with pytest.raises(WrongKey, match="root key was deleted"):
        await opened(database, OLD)


# --- rotation ---------------------------------------------------------------------------------------------------------


async def test_every_key_is_wrapped_anew_and_the_old_one_opens_nothing(database: Database) -> None:
    before = await opened(database, OLD)
    sealed = await seal(database, before, 1_203)
    vault = await opened(database, NEW, OLD)
    assert await reads(database, vault, sealed), "both read while it runs"
    assert await rotate(database, vault) == 1_203
    after = await opened(database, NEW)
    assert await reads(database, after, sealed)
    assert after.index("national_id", "1") == before.index("national_id", "1")
    assert after.secret("codes") == before.secret("codes")
    with pytest.raises(WrongKey):
        await opened(database, OLD)
    async with database.read() as tx:
        for row in await tx.all("SELECT id, wrapped FROM keys"):
            with pytest.raises(Tampered):
                Vault(OLD).bare(row["id"], row["wrapped"])
        lines = [line async for line in audit.show(tx)]
    assert [(line["actor"], line["action"], line["detail"]["keys"]) for line in lines] == [
        ("cli:malee", "keys.rotated", 1_203)
    ]  # fmt: skip


@on_a_file
async def test_what_the_old_key_had_wrapped_stands_nowhere_in_the_file(database: Database) -> None:
    """Whoever has the old key and this file, from the day after: not in a page that is free now, not in the WAL."""
    await seal(database, await opened(database, OLD), 1_000)
    async with database.read() as tx:
        wrapped = {row["wrapped"].encode() for row in await tx.all("SELECT wrapped FROM keys")}
    await rotate(database, await opened(database, NEW, OLD))
    await database.close()
    file = sqlite(database).path.read_bytes()
    assert sum(one in file for one in wrapped) == 0


async def test_half_a_rotation_reads_with_both_keys_only_and_goes_on(database: Database) -> None:
    sealed = await seal(database, await opened(database, OLD), 1_203)
    vault = await opened(database, NEW, OLD)
    async for chunk in keys.rotate(database, vault, "cli:malee", 1):
        assert chunk.done == keys.CHUNK
        break  # killed
    with pytest.raises(WrongKey, match="MASTER_KEY_OLD"):
        await opened(database, NEW)
    with pytest.raises(WrongKey):
        await opened(database, OLD)
    with pytest.raises(WrongKey):
        await opened(database, OTHER, NEW)
    vault = await opened(database, NEW, OLD)
    assert await reads(database, vault, sealed)
    assert await rotate(database, vault) == 1_203 - keys.CHUNK
    assert await rotate(database, vault) == 0
    assert await reads(database, await opened(database, NEW), sealed)


async def test_it_can_be_turned_round_half_way(database: Database) -> None:
    sealed = await seal(database, await opened(database, OLD), 700)
    async for _ in keys.rotate(database, await opened(database, NEW, OLD), "cli:malee", 1):
        break
    back = await opened(database, OLD, NEW)
    with pytest.raises(WrongKey):
        await opened(database, OLD)
    assert await rotate(database, back) == keys.CHUNK
    assert await reads(database, await opened(database, OLD), sealed)


async def test_a_key_that_was_destroyed_meanwhile_stays_destroyed(database: Database) -> None:
    sealed = await seal(database, await opened(database, OLD), 600)
    vault = await opened(database, NEW, OLD)
    erased = list(sealed)[::7]
    async for _ in keys.rotate(database, vault, "cli:malee", 1):
        async with database.write() as tx:
            await tx.many("DELETE FROM keys WHERE id = :id", [{"id": id} for id in erased])
    async with database.read() as tx:
        assert [id for id in erased if await keys.by_id(tx, vault, id)] == []


async def test_what_is_sealed_meanwhile_is_under_the_new_key(database: Database) -> None:
    await seal(database, await opened(database, OLD), 700)
    vault = await opened(database, NEW, OLD)
    sealed: dict[str, str] = {}
    async for _ in keys.rotate(database, vault, "cli:malee", 1):
        sealed |= await seal(database, vault, 2)
    assert await reads(database, await opened(database, NEW), sealed)


async def test_what_was_sealed_with_the_old_key_behind_our_back_is_found_in_the_end(database: Database) -> None:
    """By a process that should not have: when it wrote, its place had been looked at."""
    before = await opened(database, OLD)
    await seal(database, before, 3)
    sealed: dict[str, str] = {}
    async for _ in keys.rotate(database, await opened(database, NEW, OLD), "cli:malee", 1):
        sealed = sealed or await seal(database, before, 2)
    assert await reads(database, await opened(database, NEW), sealed)


async def test_a_damaged_row_is_counted_and_stops_nobody(database: Database) -> None:
    sealed = await seal(database, await opened(database, OLD), 5)
    spoilt = sealed.popitem()[0]
    async with database.write() as tx:
        await tx.run("UPDATE keys SET wrapped = 'spoilt' WHERE id = :id", {"id": spoilt})
    chunks = [chunk async for chunk in keys.rotate(database, await opened(database, NEW, OLD), "cli:malee", 1)]
    assert (sum(c.seen for c in chunks), sum(c.done for c in chunks), sum(c.damaged for c in chunks)) == (6, 4, 1)
    assert await reads(database, await opened(database, NEW), sealed)


# --- nobody is left behind --------------------------------------------------------------------------------------------


async def test_nothing_starts_beside_a_process_that_cannot_read_the_new_key(database: Database) -> None:
    old = await opened(database, OLD)
    async with database.write() as tx:
        await processes.beat(tx, "server", old)
    with pytest.raises(WrongKey, match="start it anew"):
        await opened(database, NEW, OLD)
    async with database.write() as tx:
        await processes.leave(tx, "server")
    await opened(database, NEW, OLD)


async def test_rotation_waits_for_a_process_that_still_seals_with_the_old_key(database: Database) -> None:
    """Several processes, started anew one after the other: first all learn to read the new key, then all use it."""
    await opened(database, OLD)
    async with database.write() as tx:
        await processes.beat(tx, "server", Vault(OLD, NEW))
    vault = await opened(database, NEW, OLD)
    with pytest.raises(WrongKey, match="still seals"):
        await rotate(database, vault)
    async with database.write() as tx:
        await tx.run("UPDATE processes SET seen_at = seen_at - 61000")  # it was killed a minute ago
    await rotate(database, vault)


async def test_two_processes_that_open_a_new_database_at_once_share_its_root(database_url: str) -> None:
    databases = [await Database.open(database_url) for _ in range(4)]
    try:
        vaults = await asyncio.gather(*(opened(database, OLD) for database in databases))
    finally:
        for database in databases:
            await database.close()
    assert len({vault.index("national_id", "1") for vault in vaults}) == 1
    assert len({vault.secret("audit") for vault in vaults}) == 1


async def test_a_root_is_never_made_twice(database: Database) -> None:
    await opened(database, OLD)
    async with database.read() as tx:
        before = await tx.all("SELECT * FROM keys ORDER BY id")
    await opened(database, OLD)
    async with database.read() as tx:
        assert await tx.all("SELECT * FROM keys ORDER BY id") == before
    assert [row["id"] for row in before] == [f"secret:{ROOT}"]
