"""A card verifier on loopback that answers as a test tells it to (`CARD_VERIFIER=http`)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class FakeVerifier:
    """`cards`: ID → the laser code that fits it. `says`: answers that go out before it answers truthfully again.

    With `hold()` questions wait, in order, until `answer_one` lets the oldest go.
    """

    def __init__(self) -> None:
        self.cards: dict[str, str] = {}
        self.says: list[web.Response] = []
        self.asked: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.always: web.Response | None = None
        self.url = ""
        self._gate: asyncio.Semaphore | None = None
        self._news = asyncio.Event()

    def hold(self) -> None:
        self._gate = asyncio.Semaphore(0)

    def answer_one(self) -> None:
        assert self._gate is not None
        self._gate.release()

    async def is_asked(self, times: int) -> None:
        """Wait until that many questions have come in all."""
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                self._news.clear()
                await self._news.wait()

    async def handle(self, request: web.Request) -> web.Response:
        question = await request.json()
        self.asked.append(question)
        self.tokens.append(request.headers.get("authorization", ""))
        self._news.set()
        if self._gate is not None:
            await self._gate.acquire()
        if self.says:
            return self.says.pop(0)
        if self.always is not None:
            return web.Response(status=self.always.status, body=self.always.body, content_type=self.always.content_type)
        return web.json_response({"match": self.cards.get(question["national_id"]) == question["laser_code"]})


@asynccontextmanager
async def a_verifier() -> AsyncIterator[FakeVerifier]:
    fake = FakeVerifier()
    app = web.Application()
    app.router.add_post("/cards", fake.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    fake.url = f"http://127.0.0.1:{port}/cards"
    try:
        yield fake
    finally:
        await runner.cleanup()
