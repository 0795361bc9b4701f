"""A whole KP7 on loopback: the real web server, a real mail server, a clock to move; and people who chat."""

import asyncio
import base64
import contextlib
import itertools
import re
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from types import MappingProxyType
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP

from bot import front
from bot.app import Kp7, date_rule, running, web_app
from bot.channels.line.fake import FakeLine, Faults
from bot.papers.shapes import LIMITS
from bot.settings import Settings
from handlers.organisation.imports import DateRule, import_organisations, import_roster
from storage.database import Database
from storage.opening import opened
from storage.sqlite import file_of
from storage.vault import Vault
from tests import databases
from tests.channels.line import openapi
from tests.chats import LINE_SECRET, Chat, LineChat, Screen, WebChat, _buttons, _texts, somebody
from tests.nursed import Nursed
from tests.post_office import PATIENCE, PostOffice

# A house and its people are wanted together.
__all__ = [
    "LINE_SECRET", "PATIENCE", "Chat", "LineChat", "PostOffice", "Screen", "WebChat", "_buttons", "_texts", "somebody",
]  # fmt: skip

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
KEY = base64.b64encode(b"a key that is only used in tests").decode()
LINE_TOKEN = "a long-lived token that only tests use"


class Clock:
    """Milliseconds; runs like the real one, from wherever it was moved to."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return int(time.time() * 1000) + self.ahead

    def forward(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        self.ahead += int((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)


class Server(uvicorn.Server):
    """Stops at once. uvicorn looks ten times a second whether it is to stop, and then whether everybody has gone.

    Houses are pulled down so often here that it came to minutes.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leave = asyncio.Event()

    async def main_loop(self) -> None:
        for tick in itertools.count():
            if await self.on_tick(tick) or self.leave.is_set():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self.leave.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        async with asyncio.timeout(PATIENCE):
            while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110  no event for it either
                await asyncio.sleep(0.002)
        await self.lifespan.shutdown()


class House:
    """The running server. `restart` stops it and starts another one on the same database and port.

    `line`: the LINE that it is connected to; then people chat there, else on the web.
    """

    def __init__(self, settings: Settings, clock: Clock, post: PostOffice, line: FakeLine | None = None) -> None:
        self.settings, self.clock, self.post, self.line = settings, clock, post, line
        self.kp7: Kp7
        self._server: Server
        self._stack = contextlib.AsyncExitStack()
        self.chats: list[Chat] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    async def start(self) -> None:
        self.kp7 = await self._stack.enter_async_context(running(self.settings, self.clock))
        self.kp7.papers._workshop = Nursed(LIMITS, self.settings.papers_at_once)
        self._server = Server(front.Config(web_app(self.kp7), self.settings))
        self._task = asyncio.create_task(self._server.serve(sockets=None))
        self._sweep = asyncio.create_task(front.sweep(self._server.server_state))
        while not self._server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.settings = self.settings.model_copy(update={"port": port})

    async def stop(self) -> None:
        self._server.leave.set()
        if self.kp7.web:
            self.kp7.web.hub.close()
        await self._task
        self._sweep.cancel()
        await self._stack.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def load_samples(self) -> None:
        await _import_samples(self.kp7.database, self.kp7.vault, date_rule(self.settings), self.clock)

    async def somebody(self, language: str = "th") -> "Chat":
        """A new person with a browser or phone of their own, who has opened the chat and sees the welcome."""
        chat = LineChat(self, language) if self.line else WebChat(self, language)
        self.chats.append(chat)
        await chat.open()
        return chat

    def code_in(self, mail: EmailMessage) -> str:
        found = re.search(r"^\d{6,8}$", self.post.text(mail), re.MULTILINE)
        assert found
        return found[0]

    async def code_for(self, address: str, *, after: int = 0) -> str:
        return self.code_in(await self.post.mail_to(address, after=after))


@asynccontextmanager
async def a_house(
    folder: Path,
    *,
    channel: str = "web",
    samples: bool = True,
    faults: Faults | None = None,
    unbounded: Mapping[str, Any] = MappingProxyType({}),
    **settings: Any,
) -> AsyncIterator[House]:
    """`channel`: what people chat on, web or line; `faults` of the latter. `unbounded`: settings no office may have."""
    async with AsyncExitStack() as stack:
        clock = Clock()
        line: FakeLine | None = None
        if channel == "line":
            line = await stack.enter_async_context(FakeLine(token=LINE_TOKEN, clock=clock, faults=faults).running())
            settings = {
                "web_chat": False,
                "line_channel_secret": LINE_SECRET,
                "line_channel_access_token": LINE_TOKEN,
                "line_api_url": line.url,
                **settings,
            }
        async with _a_house(folder, clock, line, unbounded, samples=samples, **settings) as house:
            yield house
        if line:
            _assert_valid(line)


def _assert_valid(line: FakeLine) -> None:
    """LINE would have taken everything, by its pages and by its OpenAPI description (`LINE_OPENAPI_DIR`)."""
    assert line.violations == []
    fine = {("leave", "Not found"), ("content", "Not found"), ("content", "Gone")}  # left, taken back before
    if line.faults_met:
        fine.add(("reply", "Invalid reply token"))  # sent again because nobody told that it went out
    assert [refused for refused in line.refused if (refused.endpoint, refused.problem) not in fine] == []
    if openapi.available:
        for call in line.accepted:
            assert openapi.validate_request(f"/v2/bot/message/{call.endpoint}", call.body) == []
        for user, seconds in line.loading:
            body = {"chatId": user, "loadingSeconds": seconds}
            assert openapi.validate_request("/v2/bot/chat/loading/start", body) == []


@asynccontextmanager
async def _a_house(
    folder: Path,
    clock: Clock,
    line: FakeLine | None,
    unbounded: Mapping[str, Any],
    *,
    samples: bool,
    **settings: Any,
) -> AsyncIterator[House]:
    loop = asyncio.get_running_loop()
    post = PostOffice()
    server = await loop.create_server(lambda: SMTP(post, loop=loop), "127.0.0.1", 0)
    given = {
        "database_url": f"sqlite:///{folder / 'kp7.db'}",
        "erased_file": str(folder / "kp7.db.erased"),
        "files_url": (folder / "kp7.db.files").as_uri(),
        "master_key": KEY,
        "web_chat": True,
        "card_verifier": "roster",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.sockets[0].getsockname()[1],
        "smtp_tls": "none",
        "smtp_from": "kp7@example.go.th",
        "port": 0,
        **settings,
    }
    house = House(Settings(_env_file=None, **given).model_copy(update=dict(unbounded)), clock, post, line)
    ready = samples and await _moved_in(house)
    await house.start()
    try:
        if samples and not ready:
            await house.load_samples()
        yield house
    finally:
        for chat in house.chats:
            await chat.close()
        await house.stop()
        server.close()


async def _import_samples(database: Database, vault: Vault, rule: DateRule, clock: Clock) -> None:
    await import_organisations(database, vault, SAMPLES / "organisations.csv")
    await import_roster(
        database, vault, SAMPLES / "roster.csv", today=date(2026, 11, 21), rule=rule, by="cli:malee", clock=clock
    )


# With the sample roster, which takes longer to import than most tests: files, and addresses of databases on PostgreSQL.
_ready: dict[tuple[bytes, DateRule], bytes] = {}
_ready_databases: dict[tuple[bytes, DateRule], str] = {}


async def _moved_in(house: House) -> bool:
    """Into a database in which the samples are already; not where there is something."""
    settings, made = house.settings, (house.settings.master, date_rule(house.settings))
    if settings.master_old:
        return False
    if not settings.database_url.startswith("sqlite:"):
        return await _moved_into(house, settings.database_url, made)
    path = file_of(settings.database_url)
    if path.exists():
        return False
    if made not in _ready:
        with tempfile.TemporaryDirectory() as folder:
            new = Path(folder, "kp7.db")
            await _furnish(f"sqlite:///{new}", house)
            _ready[made] = await asyncio.to_thread(new.read_bytes)
    path.write_bytes(_ready[made])
    return True


async def _moved_into(house: House, url: str, made: tuple[bytes, DateRule]) -> bool:
    if not databases.is_ours(url) or not await asyncio.to_thread(databases.is_new, url):
        return False
    if made not in _ready_databases:
        _ready_databases[made] = await asyncio.to_thread(databases.put_by, url)
        await _furnish(_ready_databases[made], house)
    await asyncio.to_thread(databases.become, url, _ready_databases[made])
    return True


async def _furnish(url: str, house: House) -> None:
    database = await Database.open(url)
    vault = await opened(database, house.settings.master)
    await _import_samples(database, vault, date_rule(house.settings), house.clock)
    await database.close()
