"""The thin layer over SQLite and PostgreSQL: what is the same on both, and what only a file does."""

import asyncio
import sqlite3
import subprocess
import sys
from importlib import resources

import psycopg
import pytest

from storage.database import BadAddress, Database, Incomplete, Unavailable, statements
from tests.databases import on_a_file, sqlite
from tests.storage.notes import note, subjects


async def test_writing_through_a_reader_is_refused(database: Database) -> None:
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.ReadOnlySqlTransaction)):
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


@on_a_file
async def test_a_writer_that_is_given_up_while_another_process_writes(database: Database) -> None:
    other = sqlite3.connect(sqlite(database).path, isolation_level=None)
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


async def test_all_or_nothing(database: Database) -> None:
    async def fails() -> None:
        async with database.write() as tx:
            await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', 'first', 1)")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        await fails()
    await note(database, "second")
    assert await subjects(database) == ["second"]


async def test_a_wrong_statement_is_not_the_databases_fault(database: Database) -> None:
    with pytest.raises(Incomplete, match="nowhere"):
        async with database.write() as tx:
            await tx.run("INSERT INTO nowhere VALUES (1)")
    await note(database, "after")
    assert await subjects(database) == ["after"]


@on_a_file
async def test_a_locked_database_is_unavailable_and_then_available_again(database: Database) -> None:
    await sqlite(database)._writer.execute("PRAGMA busy_timeout=10")
    other = sqlite3.connect(sqlite(database).path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable):
        await note(database, "refused")
    other.execute("ROLLBACK")
    other.close()
    await note(database, "taken")
    assert await subjects(database) == ["taken"]


@on_a_file
async def test_a_full_disk_is_unavailable_and_nothing_is_half_written(database: Database) -> None:
    cursor = await sqlite(database)._writer.execute("PRAGMA page_count")
    row = await cursor.fetchone()
    assert row is not None
    await sqlite(database)._writer.execute(f"PRAGMA max_page_count={row[0]}")

    async def fills() -> None:
        async with database.write() as tx:
            await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', 'small', 1)")
            await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', :much, 1)", {"much": "x" * 100_000})

    with pytest.raises(Unavailable):
        await fills()
    assert await subjects(database) == []
    await sqlite(database)._writer.execute("PRAGMA max_page_count=1000000")
    await note(database, "room again")
    assert await subjects(database) == ["room again"]


async def test_a_reader_sees_a_steady_picture(database: Database) -> None:
    await note(database, "before")
    async with database.read() as tx:
        first = await tx.all("SELECT subject FROM attempts")
        await note(database, "meanwhile")
        assert await tx.all("SELECT subject FROM attempts") == first
    assert await subjects(database) == ["before", "meanwhile"]


@on_a_file
async def test_writers_take_turns(database: Database) -> None:
    async def add() -> None:
        async with database.write() as tx:
            row = await tx.one("SELECT COUNT(*) AS n FROM attempts")
            assert row is not None
            await asyncio.sleep(0)
            await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', :n, 1)", {"n": f"{row['n']:03}"})

    await asyncio.gather(*(add() for _ in range(30)))
    assert await subjects(database) == [f"{n:03}" for n in range(30)]


async def test_sets(database: Database) -> None:
    async with database.write() as tx:
        rows = [{"name": "สมชาย 'x' ; --", "n": 1}, {"name": "มาลี", "n": 2}]
        sql = "SELECT value ->> 'name' AS name, CAST(value ->> 'n' AS BIGINT) + 1 AS n FROM each(:batch)"
        assert await tx.each(sql, rows) == [{"name": "สมชาย 'x' ; --", "n": 2}, {"name": "มาลี", "n": 3}]
        assert await tx.each(sql, []) == []


# --- migrations -----------------------------------------------------------------------------------------------------


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await note(database, "kept")
    assert await database.migrate() == []
    assert await subjects(database) == ["kept"]


async def test_migrating_at_once_from_several_connections(new_database_url: str) -> None:
    databases = [await Database.open(new_database_url) for _ in range(4)]
    try:
        done = await asyncio.gather(*(database.migrate() for database in databases))
    finally:
        for database in databases:
            await database.close()
    assert sorted(name for names in done for name in names) == FILES, "each is applied by one of them"


FILES = sorted(file.name for file in resources.files("storage.migrations").iterdir() if file.name.endswith(".sql"))
MIGRATE = """
import asyncio, sys
from storage.database import Database
async def main():
    database = await Database.open(sys.argv[1])
    print(len(await database.migrate()))
    await database.close()
asyncio.run(main())
"""


def test_migrating_at_once_from_several_processes(new_database_url: str) -> None:
    command = [sys.executable, "-c", MIGRATE, new_database_url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    outcomes = [process.communicate(timeout=90) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outcomes
    assert sum(int(out) for out, _ in outcomes) == len(FILES), "each is applied by one of them"


SCRIPT = """
-- A comment; with semicolons;
CREATE TABLE a (x TEXT);  -- and one behind; it
CREATE TABLE log (x TEXT); CREATE INDEX i ON a (x);
CREATE TRIGGER noted AFTER INSERT ON a BEGIN
    INSERT INTO log VALUES (new.x);
    INSERT INTO log VALUES ('and; again');
END;
/* not; this */ INSERT INTO a VALUES ('it''s -- no comment; nor an end');
-- the end; really
"""


def test_statements_are_told_apart_as_sqlite_does() -> None:
    parts = statements(SCRIPT)
    assert len(parts) == 6, "five statements and the last comment"
    assert all(sqlite3.complete_statement(part) for part in parts[:-1])
    database = sqlite3.connect(":memory:", isolation_level=None)
    for part in parts:  # `execute` refuses two at once
        database.execute(part)
    assert database.execute("SELECT x FROM a").fetchall() == [("it's -- no comment; nor an end",)]
    assert database.execute("SELECT x FROM log").fetchall() == [
        ("it's -- no comment; nor an end",),
        ("and; again",),
    ]
    assert database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (4,)
    database.close()


def test_a_statement_that_was_not_finished_is_not_lost() -> None:
    assert statements("SELECT 1;\nSELECT 2") == ["SELECT 1;", "SELECT 2"]
    (cut_off,) = statements("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;\n")
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE a (x TEXT)")
    with pytest.raises(sqlite3.OperationalError, match="incomplete"):
        database.execute(cut_off)
    database.close()


def test_nothing_is_no_statement() -> None:
    assert statements("") == statements("\n \n") == []


@pytest.mark.parametrize("url", ["", "kp7.db", "mysql://x/y", "sqlite://host/kp7.db", "sqlite:///"])
async def test_an_address_that_is_none_is_said_so(url: str) -> None:
    with pytest.raises(BadAddress, match="Write sqlite:"):
        await Database.open(url)


@on_a_file
async def test_nobody_else_reads_along(database: Database) -> None:
    assert sqlite(database).path.stat().st_mode & 0o077 == 0
