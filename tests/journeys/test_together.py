"""Several processes on one PostgreSQL, as people notice them: not at all."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest

from tests.cast import MALEE, SOMCHAI
from tests.house import House, WebChat, a_house


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
