"""Several processes on one PostgreSQL, as people notice them: not at all."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from bot.health import FRESH_SECONDS
from bot.outbox import NEWS, Entry
from handlers.identity import checks
from storage import audit, chats
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.databases import WAITS
from tests.house import House, WebChat, a_house
from tests.journeys.test_officer import asks_hr
from tests.security.tools import all_said, history

LOCK = "SELECT 1 FROM each(:batch) e JOIN accounts a ON a.id = e.value ->> 'id' FOR UPDATE OF a"


@pytest.fixture
async def houses(tmp_path: Path, postgres_url: str) -> AsyncIterator[tuple[House, House]]:
    """Two web processes beside each other."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(a_house(tmp_path, database_url=postgres_url))
        second = await stack.enter_async_context(a_house(tmp_path, samples=False, database_url=postgres_url))
        yield first, second


async def says_at(house: House, chat: WebChat, text: str) -> None:
    """What this browser sends comes out at another process than the one that its stream leads to."""
    seen = len(chat.screens)
    url = f"{house.url}/chat/people/1/messages"
    assert (await chat.client.post(url, json={"id": str(uuid.uuid4()), "text": text})).status_code == 200
    await chat.hears(seen + 1)


async def test_an_answer_shows_in_the_browser_whichever_process_gave_it(houses: tuple[House, House]) -> None:
    first, second = houses
    chat = await first.somebody()
    assert isinstance(chat, WebChat)
    await chat.begins(SOMCHAI.national_id)
    code = await first.code_for(SOMCHAI.email)
    await says_at(second, chat, code)
    chat.sees("ask.group")
    await chat.taps("choice.civil_servant")
    chat.sees("login.done")


async def test_a_stream_that_may_have_missed_something_is_shown_it(
    houses: tuple[House, House], postgres_url: str
) -> None:
    """Its process lost its connections for a moment."""
    first, second = houses
    chat = await first.somebody()
    assert isinstance(chat, WebChat)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as server:
        await server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
    await says_at(second, chat, "help")


async def test_a_process_that_does_not_hear_the_others_is_not_ready(tmp_path: Path, postgres_url: str) -> None:
    async with a_house(tmp_path, database_url=postgres_url) as house, httpx.AsyncClient() as anybody:
        before = await anybody.get(f"{house.url}/readyz")
        (hears,) = (task for task in asyncio.all_tasks() if task.get_name() == "hub")
        hears.cancel()
        await asyncio.gather(hears, return_exceptions=True)
        await asyncio.sleep(FRESH_SECONDS * 1.1)
        after = await anybody.get(f"{house.url}/readyz")
    assert (before.status_code, before.json()["down"]) == (200, [])
    assert (after.status_code, after.json()["down"]) == (503, ["hub"])


async def test_a_verdict_that_waits_for_somebody_keeps_nobody_else_from_the_log(
    tmp_path: Path, postgres_url: str
) -> None:
    async with a_house(tmp_path, card_verifier="officer", database_url=postgres_url) as house:
        reference = await asks_hr(await house.somebody(), ANAN)
        kp7, now = house.kp7, house.clock()
        async with kp7.database.write() as tx:  # an import, say
            await tx.run("UPDATE people SET updated_at = updated_at")
            deciding = asyncio.ensure_future(
                checks.decide(
                    kp7.database, kp7.vault, kp7.outbox, reference, confirmed=True, by="malee", clock=house.clock
                )
            )
            while not await tx.one(WAITS):
                assert not deciding.done()
                await asyncio.sleep(0.01)
            async with asyncio.timeout(30), kp7.database.write() as other:
                await audit.append(other, kp7.vault, now, [audit.Line("somsri", "person.shown")])
        await deciding
        async with kp7.database.read() as tx:
            lines = await tx.all("SELECT actor, action FROM audit ORDER BY seq DESC LIMIT 2")
    assert [(line["actor"], line["action"]) for line in lines] == [
        ("malee", "identity.confirmed"), ("somsri", "person.shown"),
    ]  # fmt: skip


async def test_what_is_shown_while_somebody_logs_out_does_not_stay(houses: tuple[House, House]) -> None:
    """The next person at this browser reloads the page."""
    house, _ = houses
    kp7, malee = house.kp7, await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await all_said(house)
    async with kp7.database.read() as tx:
        (account,) = await tx.all(
            "SELECT a.id, a.external_id, k.id AS key_id, k.wrapped FROM accounts a "
            "JOIN people p ON p.id = a.person_id JOIN keys k ON k.id = p.key_id"
        )
    key = kp7.vault.unwrap(account["key_id"], account["wrapped"])
    content = {"to": account["external_id"], "message": {"lines": ["082-000-0002"], "buttons": [], "language": "th"}}
    later = house.clock() + 3_600_000  # so that nobody else shows it
    entry = Entry.make("web", NEWS, content, key, now=house.clock(), account_id=account["id"], due_at=later)
    async with kp7.database.write() as tx:
        await kp7.outbox.insert(tx, [entry])
    assert kp7.web
    async with kp7.database.write() as tx:
        await tx.among(LOCK, [{"id": account["id"]}])  # as her turn begins
        showing = asyncio.ensure_future(kp7.web.deliver(entry))
        while not await tx.one(WAITS):
            assert not showing.done()
            await asyncio.sleep(0.01)
        await chats.end_sessions(tx, [account["id"]], unlink=True)
    await showing
    assert "082-000-0002" not in await history(malee)


async def test_of_one_code_typed_at_two_processes_at_once_one_counts(houses: tuple[House, House]) -> None:
    first, second = houses
    chat = await first.somebody()
    assert isinstance(chat, WebChat)
    await chat.begins(MALEE.national_id)
    code = await first.code_for(MALEE.email)
    bodies = [{"id": str(uuid.uuid4()), "text": code} for _ in range(8)]
    answers = await asyncio.gather(
        *(
            chat.client.post(f"{house.url}/chat/people/1/messages", json=body)
            for body, house in zip(bodies, [first, second] * 4, strict=True)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    async with first.kp7.database.read() as tx:
        rows = await tx.all("SELECT guesses, outcome FROM codes")
    assert [row["outcome"] for row in rows] == ["spent"]
    assert rows[0]["guesses"] == 1


async def test_a_person_has_no_more_guesses_at_two_processes_than_at_one(houses: tuple[House, House]) -> None:
    """From many chats at once, each with a code of its own."""
    first, second = houses
    limit = first.settings.wrong_codes_per_hour
    chats = [await house.somebody() for house in (first, second) * 3]
    for chat in chats:
        await chat.begins(SOMCHAI.national_id)
    for _ in range(4):
        await asyncio.gather(*(chat.post({"text": "000000"}) for chat in chats))
    async with first.kp7.database.read() as tx:
        counted = await tx.one("SELECT COUNT(*) AS n FROM attempts WHERE kind = 'wrong_code' AND subject <> '*'")
    assert counted == {"n": limit}
