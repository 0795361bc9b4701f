"""What only PostgreSQL does: other processes, lost connections, transactions that stand in each other's way."""

import asyncio
import os
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from storage import attempts
from storage.attempts import Limit
from storage.database import BadAddress, Conflict, Database, Tx, Unavailable
from storage.postgres import MOST, translate
from tests.storage.notes import note, subjects


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("SELECT :a, :b_2", "SELECT %(a)s, %(b_2)s"),
        ("SELECT 'no :name here', \":nor\"", "SELECT 'no :name here', \":nor\""),
        ("SELECT 'it''s :x' || :y", "SELECT 'it''s :x' || %(y)s"),
        ("SELECT x::text, :x::text", "SELECT x::text, %(x)s::text"),
        ("SELECT 7 % :n, 'LIKE %'", "SELECT 7 %% %(n)s, 'LIKE %%'"),
        ("SELECT 1 -- :not this\n, :this", "SELECT 1 -- :not this\n, %(this)s"),
        ("SELECT /* :not\nthis */ :this", "SELECT /* :not\nthis */ %(this)s"),
        ("FROM each(:batch) e", "FROM jsonb_array_elements(%(batch)s ::jsonb) e"),
    ],
)
def test_names_become_placeholders_but_not_within_strings_and_comments(written: str, sent: str) -> None:
    assert translate(written) == sent


async def test_what_stands_in_a_string_arrives_as_it_is(database: Database) -> None:
    async with database.read() as tx:
        [row] = await tx.all("SELECT '100 % :of it' AS what, 7 % 4 AS rest")
    assert row == {"what": "100 % :of it", "rest": 3}


async def test_numbers_and_nothing_need_no_casts(database: Database) -> None:
    """As SQLite takes them: each statement of the house is written once."""
    async with database.read() as tx:
        row = await tx.one(
            "SELECT COUNT(*) AS n FROM accounts "
            "WHERE id = :account OR (:account IS NULL AND seen_at > :since + :small)",
            {"account": None, "since": 1_800_000_000_000, "small": 5},
        )
    assert row == {"n": 0}


async def take_away(url: str) -> None:
    """Every connection to this schema's database but our own, as a restart of the server does."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_a_connection_that_is_lost_in_the_middle_is_unavailable(database: Database, postgres_url: str) -> None:
    async def loses() -> None:
        async with database.write() as tx:
            await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', 'lost', 1)")
            await take_away(postgres_url)
            await tx.one("SELECT 1")

    with pytest.raises(Unavailable):
        await loses()
    await note(database, "after")
    assert await subjects(database) == ["after"]


async def test_connections_that_died_while_they_lay_idle_are_not_noticed(database: Database, postgres_url: str) -> None:
    await asyncio.gather(*(note(database, f"{n:02}") for n in range(2 * MOST)))
    await take_away(postgres_url)
    for n in range(2 * MOST, 3 * MOST):
        await note(database, f"{n:02}")
    assert len(await subjects(database)) == 3 * MOST


async def test_nobody_answers() -> None:
    with pytest.raises(Unavailable):
        await Database.open("postgresql://127.0.0.1:1/kp7")


async def test_an_address_that_is_none_is_not_repeated() -> None:
    with pytest.raises(BadAddress) as told:
        await Database.open("postgresql://kp7:s3cret@127.0.0.1/kp7?no_such_setting=1")
    assert "s3cret" not in str(told.value)


async def test_another_encoding_is_refused(postgres_server: str) -> None:
    """Thai would not fit into it."""
    name = f"kp7_test_latin_{os.getpid()}"
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0".encode())
        try:
            with pytest.raises(BadAddress, match="LATIN1"):
                await Database.open(urlsplit(postgres_server)._replace(path=f"/{name}").geturl())
        finally:
            server.execute(f"DROP DATABASE {name}".encode())


async def test_of_two_that_stand_in_each_others_way_one_gives_in(database: Database) -> None:
    await note(database, "a")
    await note(database, "b")
    both = asyncio.Barrier(2)

    async def changes(first: str, second: str) -> None:
        async with database.write() as tx:
            await touch(tx, first)
            await both.wait()
            await touch(tx, second)

    async def touch(tx: Tx, subject: str) -> None:
        await tx.run("UPDATE attempts SET at = at + 1 WHERE subject = :subject", {"subject": subject})

    outcomes = await asyncio.gather(changes("a", "b"), changes("b", "a"), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {type(None), Conflict}


async def test_an_error_that_was_passed_over_is_not_taken_for_a_commit(database: Database) -> None:
    """PostgreSQL answers COMMIT with ROLLBACK then, and no error."""

    async def passes_over() -> None:
        async with database.write() as tx:
            await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', 'half', 1)")
            with suppress(psycopg.errors.UndefinedTable):
                await tx.run("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(RuntimeError, match="passed over"):
        await passes_over()
    assert await subjects(database) == []


async def test_a_commit_is_on_the_disk_whatever_the_server_is_set_to(postgres_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as server:
        row = await (await server.execute("SELECT current_database()")).fetchone()
        assert row
        await server.execute(f'ALTER DATABASE "{row[0]}" SET synchronous_commit = off'.encode())
        try:
            database = await Database.open(postgres_url)
            async with database.read() as tx:
                assert await tx.one("SELECT current_setting('synchronous_commit') AS is") == {"is": "on"}
            await database.close()
        finally:
            await server.execute(f'ALTER DATABASE "{row[0]}" RESET synchronous_commit'.encode())


async def test_more_at_once_than_there_are_connections_take_turns(database: Database) -> None:
    await asyncio.gather(*(note(database, f"{n:03}") for n in range(10 * MOST)))
    assert len(await subjects(database)) == 10 * MOST


async def test_a_limit_holds_however_many_look_at_it_at_once(database: Database) -> None:
    """All look before any of them has counted, unless they wait for each other."""
    begun = asyncio.Barrier(MOST)

    async def takes() -> bool:
        async with database.write() as tx:
            await begun.wait()
            until = await attempts.take(tx, "test", {"somebody": Limit(per_hour=3)}, 1_800_000_000_000)
            await asyncio.sleep(0.01)
            return not until

    assert sum(await asyncio.gather(*(takes() for _ in range(MOST)))) == 3


async def test_what_is_counted_for_everybody_makes_nobody_wait(database: Database, postgres_url: str) -> None:
    """Each process has a row of its own; what it counts in there is seen by all."""
    others = "INSERT INTO tallies (kind, minute, part, n) VALUES ('test', :minute, -1, 2)"
    now = 1_800_000_000_000
    async with database.write() as tx:
        await tx.run(others, {"minute": now // 60_000})
        limits = {attempts.EVERYBODY: Limit(per_hour=3)}
        async with asyncio.timeout(30), database.write() as beside:  # the other one has not committed yet
            assert not await attempts.take(beside, "test", limits, now)
    async with database.read() as tx:
        assert await attempts.blocked_until(tx, "test", limits, now)


async def test_listening_goes_on_whatever_the_driver_says(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, calls = psycopg.AsyncConnection.connect, 0

    async def odd_at_first(*given: Any, **named: Any) -> psycopg.AsyncConnection:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise psycopg.InterfaceError("something of its own")
        return await connect(*given, **named)

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", odd_at_first)
    monkeypatch.setattr("storage.postgres.LISTEN_AGAIN_SECONDS", 0)
    async with asyncio.timeout(10), aclosing(database.heard("test")) as heard:
        assert await anext(heard) is None
    assert calls == 2


async def test_what_is_notified_is_heard_once_it_is_committed_and_a_break_is_told(
    database: Database, postgres_url: str
) -> None:
    async def notify(what: str) -> None:
        async with database.write() as tx:
            await tx.among("SELECT pg_notify('test', value ->> 'what') FROM each(:batch)", [{"what": what}])

    async with asyncio.timeout(10), aclosing(database.heard("test")) as heard:
        assert await anext(heard) is None, "it listens from now on"
        await notify("first")
        assert await anext(heard) == "first"
        await take_away(postgres_url)
        assert await anext(heard) is None
        await notify("second")
        assert await anext(heard) == "second"
