"""Bodies that never end: over all connections together they take no more memory than is set aside for them."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot import http
from bot.channels import web
from bot.channels.line import channel
from tests.house import House, a_house
from tests.served import ask

PATHS = {"web": "/chat/people/1/messages", "line": "/webhooks/line"}
LIMITS = {PATHS["web"]: web.BODY_LIMIT, PATHS["line"]: channel.BODY_LIMIT}
SENT = 40_000  # less than one body may have
MOST = 100_000  # two of them, but not three


@pytest.fixture(params=PATHS)
async def kp7(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[House, str]]:
    monkeypatch.setattr(http, "RECEIVING_MOST", MOST)
    async with a_house(tmp_path, channel=request.param, samples=False, body_seconds=1) as house:
        yield house, PATHS[request.param]


class Half:
    """A request that stops in the middle of its body."""

    def __init__(self, house: House, path: str, *, said: int = 60_000, sent: int = SENT) -> None:
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {said}\r\n\r\n"
        self._port, self._bytes = house.settings.port, head.encode() + b"[" * sent

    async def open(self) -> "Half":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.writer.write(self._bytes)
        return self

    async def answer(self) -> bytes:
        async with asyncio.timeout(30):
            said = await self.reader.read()
        self.writer.close()
        return said


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_one_body_too_many_is_refused_until_others_are_gone(kp7: tuple[House, str]) -> None:
    house, path = kp7
    halves = [await Half(house, path).open() for _ in range(2)]
    await until(lambda: http._receiving == 2 * SENT)
    refused = await (await Half(house, path).open()).answer()
    assert refused.startswith(b"HTTP/1.1 503 ")
    await until(lambda: http._receiving == 2 * SENT)  # what was refused is not kept
    for half in halves:
        half.writer.transport.abort()
    await until(lambda: http._receiving == 0)
    halves = [await Half(house, path, said=SENT).open() for _ in range(3)]  # complete: they wait for nothing
    for half in halves:
        assert re.match(rb"HTTP/1\.1 40[01] ", await half.answer()), "taken, and then found to be nonsense"
    assert http._receiving == 0


async def test_whatever_ends_a_body_it_is_forgotten(kp7: tuple[House, str], monkeypatch: pytest.MonkeyPatch) -> None:
    house, path = kp7
    monkeypatch.setattr(http, "RECEIVING_MOST", 2 * LIMITS[path])
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    much = LIMITS[path] + 1
    endless = head.encode() + b"%x\r\n%b\r\n" % (much, b"[" * much)
    async with asyncio.timeout(30):
        assert (await ask(house.settings.port, endless)).startswith(b"HTTP/1.1 413 ")
    await until(lambda: http._receiving == 0)
    late = await Half(house, path).open()
    await until(lambda: http._receiving == SENT)
    assert (await late.answer()).startswith(b"HTTP/1.1 408 ")
    await until(lambda: http._receiving == 0)


async def test_people_who_chat_meanwhile_notice_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "RECEIVING_MOST", MOST)
    async with a_house(tmp_path, samples=False) as house:
        chat = await house.somebody()
        halves = [await Half(house, PATHS["web"]).open() for _ in range(2)]
        await until(lambda: http._receiving == 2 * SENT)
        await chat.says("hello")
        for half in halves:
            half.writer.close()
        await until(lambda: http._receiving == 0)
