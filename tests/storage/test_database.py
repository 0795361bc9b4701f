"""The thin layer over SQLite."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(f"sqlite:///{tmp_path / 'kp7.db'}")
    await database.migrate()
    yield database
    await database.close()


async def note(database: Database, subject: str) -> None:
    async with database.write() as tx:
        await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', :subject, 1)", {"subject": subject})


async def subjects(database: Database) -> list[str]:
    async with database.read() as tx:
        return [row["subject"] for row in await tx.all("SELECT subject FROM attempts ORDER BY subject")]


async def test_writing_through_a_reader_is_refused(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        async with database.read() as tx:
            await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', 'x', 1)")
    await note(database, "after")
    assert await subjects(database) == ["after"]


@pytest.mark.parametrize("steps", range(12))
async def test_a_writer_that_is_given_up_at_any_moment_leaves_the_connection_usable(
    database: Database, steps: int
) -> None:
    writing = asyncio.create_task(note(database, "given up"))
    for _ in range(steps):
        await asyncio.sleep(0.0003)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await note(database, "next")
    assert "next" in await subjects(database)


async def test_a_writer_that_is_given_up_while_another_process_writes(database: Database) -> None:
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(note(database, "given up"))
    await asyncio.sleep(0.05)
    writing.cancel()
    await asyncio.sleep(0.05)
    other.execute("ROLLBACK")
    other.close()
    await asyncio.gather(writing, return_exceptions=True)
    await note(database, "next")
    assert await subjects(database) == ["next"]


@pytest.mark.parametrize("steps", range(6))
async def test_a_reader_that_is_given_up_at_any_moment_leaves_the_connection_usable(
    database: Database, steps: int
) -> None:
    await note(database, "there")
    reading = asyncio.create_task(subjects(database))
    for _ in range(steps):
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert await subjects(database) == ["there"]
