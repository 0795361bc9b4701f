"""An office moves: everything from one database into another."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage.copy import CHUNK, Uncopyable, copy, parents_first
from storage.database import Database, Table
from storage.roster import write_roster
from tests.storage.test_roster import MALEE, SOMCHAI, VAULT


async def opened(url: str) -> Database:
    database = await Database.open(url)
    await database.migrate()
    return database


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Database]:
    """Two people, an account, and more attempts than fit into a chunk."""
    database = await opened(f"sqlite:///{tmp_path / 'kp7.db'}")
    async with database.write() as tx:
        await write_roster(tx, VAULT, [SOMCHAI, MALEE], 1)
        await tx.run(
            "INSERT INTO accounts (id, channel, external_id, key_id, language, person_id, created_at) "
            "SELECT 'a', 'line', 'U1', key_id, 'th', id, 1800000000000 FROM people WHERE id_index = "
            "(SELECT MIN(id_index) FROM people)"
        )
        await tx.many(
            "INSERT INTO attempts (kind, subject, at) VALUES ('สวัสดี', :n, 1)",
            [{"n": str(n)} for n in range(2 * CHUNK + 1)],
        )
    yield database
    await database.close()


@pytest.fixture
async def new(postgres_url: str) -> AsyncIterator[Database]:
    database = await opened(postgres_url)
    yield database
    await database.close()


async def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    async with database.read() as tx:
        return {
            table.name: sorted(await tx.all(f'SELECT * FROM "{table.name}"'), key=str)
            for table in await database.tables(tx)
            if table.name != "migrations"  # when it was done differs
        }


async def test_everything_arrives_and_comes_back(old: Database, new: Database, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    copied = await copy(old, new, lambda done, of: seen.append((done, of)))
    assert copied["people"] == 2
    assert copied["attempts"] == 2 * CHUNK + 1
    assert seen[-1][0] == seen[-1][1] == sum(copied.values())
    before = await everything(old)
    assert await everything(new) == before
    home = await opened(f"sqlite:///{tmp_path / 'home.db'}")
    await copy(new, home)
    assert await everything(home) == before
    await home.close()


async def test_what_is_written_meanwhile_is_not_copied_by_half(old: Database, new: Database) -> None:
    async def writes_on() -> None:
        for n in range(200):
            async with old.write() as tx:
                await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('meanwhile', :n, 1)", {"n": str(n)})
                await tx.run("INSERT INTO inbox VALUES ('line', :n, 'a', 1, 'done')", {"n": str(n)})

    writing = asyncio.create_task(writes_on())
    copied = await copy(old, new)
    await writing
    assert copied["attempts"] - (2 * CHUNK + 1) == copied["inbox"] < 200


async def test_a_table_that_came_later_is_not_forgotten(old: Database, new: Database) -> None:
    for database in (old, new):
        async with database.write() as tx:
            await tx.run("CREATE TABLE later (n BIGINT, person_id TEXT REFERENCES people (id))")
    async with old.write() as tx:
        await tx.run("INSERT INTO later SELECT 1, id FROM people")
    assert (await copy(old, new))["later"] == 2
    assert await everything(new) == await everything(old)


async def test_a_target_with_something_in_it_is_left_alone(old: Database, new: Database) -> None:
    async with new.write() as tx:
        await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('other', 'x', 1)")
    before = await everything(new)
    with pytest.raises(Uncopyable, match="not empty: attempts"):
        await copy(old, new)
    assert await everything(new) == before


async def test_databases_of_different_shape_are_refused(old: Database, new: Database) -> None:
    async with old.write() as tx:
        await tx.run("ALTER TABLE people ADD COLUMN shoe_size BIGINT")
    with pytest.raises(Uncopyable, match="people"):
        await copy(old, new)


async def test_databases_of_different_versions_are_refused(old: Database, new: Database) -> None:
    async with old.write() as tx:
        await tx.run("INSERT INTO migrations (name, applied_at) VALUES ('9999_of_tomorrow.sql', 1)")
    with pytest.raises(Uncopyable, match="versions"):
        await copy(old, new)


async def test_a_row_that_does_not_fit_leaves_nothing_behind(old: Database, new: Database) -> None:
    async with old.write() as tx:
        await tx.run("INSERT INTO inbox VALUES ('line', 'x', 'a', 'not a number', 'done')")
    with pytest.raises(Exception, match="not a number"):
        await copy(old, new)
    assert not any((await everything(new)).values())


def test_who_is_referred_to_comes_first() -> None:
    def table(name: str, *parents: str) -> Table:
        return Table(name, ("id",), frozenset(parents))

    tables = [table("codes", "accounts", "people"), table("accounts", "people"), table("people", "people")]
    assert [one.name for one in parents_first(tables)] == ["people", "accounts", "codes"]
    in_a_ring = [table("a", "b"), table("b", "a")]
    assert sorted(one.name for one in parents_first(in_a_ring)) == ["a", "b"], "the database has the last word"
