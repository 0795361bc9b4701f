"""A whole KP7 on loopback: the real web server, a real mail server, a clock to move; and people who chat."""

import asyncio
import base64
import contextlib
import email
import email.policy
import json
import re
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.app import Kp7, date_rule, running, web_app
from bot.events import Language
from bot.settings import Settings
from handlers.organisation.imports import import_organisations, import_roster

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
KEY = base64.b64encode(b"a key that is only used in tests").decode()
PATIENCE = 10.0  # seconds until a message that does not come is a failure


class Clock:
    """Milliseconds; runs like the real one, from wherever it was moved to."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return int(time.time() * 1000) + self.ahead

    def forward(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        self.ahead += int((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)


class PostOffice:
    """A mail server that keeps what it took. `answer`: what it says to the next DATA, RCPT instead of taking it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusals: list[str] = []
        self.arrived = asyncio.Event()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.arrived.set()
        return "250 taken"

    async def mail_to(self, address: str, *, after: int = 0) -> EmailMessage:
        """The newest mail to that address, waiting for one if there is none beyond the first `after`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [mail for mail in self.mails[after:] if mail["to"] == address]
                if found:
                    return found[-1]
                self.arrived.clear()
                await self.arrived.wait()

    def text(self, mail: EmailMessage, kind: str = "plain") -> str:
        part = mail.get_body((kind,))
        assert isinstance(part, EmailMessage)
        return str(part.get_content()).replace("\r\n", "\n")


class House:
    """The running server. `restart` stops it and starts another one on the same database and port."""

    def __init__(self, settings: Settings, clock: Clock, post: PostOffice) -> None:
        self.settings, self.clock, self.post = settings, clock, post
        self.kp7: Kp7
        self._server: uvicorn.Server
        self._stack = contextlib.AsyncExitStack()
        self.chats: list[Chat] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    async def start(self) -> None:
        self.kp7 = await self._stack.enter_async_context(running(self.settings, self.clock))
        config = uvicorn.Config(
            web_app(self.kp7), host="127.0.0.1", port=self.settings.port, lifespan="off", log_config=None,
            access_log=False, timeout_graceful_shutdown=2,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=None))
        while not self._server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.settings = self.settings.model_copy(update={"port": port})

    async def stop(self) -> None:
        self._server.should_exit = True
        if self.kp7.web:
            self.kp7.web.hub.close()
        await self._task
        await self._stack.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def load_samples(self) -> None:
        kp7 = self.kp7
        await import_organisations(kp7.database, SAMPLES / "organisations.csv")
        await import_roster(
            kp7.database, kp7.vault, SAMPLES / "roster.csv", today=date(2026, 11, 21),
            rule=date_rule(kp7.settings), clock=self.clock,
        )  # fmt: skip

    async def somebody(self, language: str = "th") -> "Chat":
        """A new person in a browser of their own, who has opened the chat and sees the welcome."""
        chat = Chat(self, language)
        self.chats.append(chat)
        await chat.open()
        return chat

    def code_in(self, mail: EmailMessage) -> str:
        found = re.search(r"^\d{6,8}$", self.post.text(mail), re.MULTILINE)
        assert found
        return found[0]

    async def code_for(self, address: str, *, after: int = 0) -> str:
        return self.code_in(await self.post.mail_to(address, after=after))


class Screen(dict[str, Any]):
    """One message as the page gets it."""

    @property
    def text(self) -> str:
        return "\n".join(self["lines"])

    @property
    def labels(self) -> list[str]:
        return [button["label"] for button in self["buttons"]]

    def data(self, label: str) -> str:
        for button in self["buttons"]:
            if button["label"] == label:
                return str(button["data"])
        raise AssertionError(f"no button {label!r} among {self.labels} under: {self.text}")


class Chat:
    """One person at the web chat. `says` and `presses` return the screen that answers."""

    def __init__(self, house: House, language: str = "th") -> None:
        self.house = house
        self.language: Language = "en" if language == "en" else "th"
        self.restarts = False  # the server restarts before everything this person does
        self.client = httpx.AsyncClient(headers={"accept-language": language}, timeout=20)
        self.screens: list[Screen] = []
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    @property
    def screen(self) -> Screen:
        return self.screens[-1]

    async def open(self) -> Screen:
        response = await self.client.get(f"{self.house.url}/chat")
        assert response.status_code == 200
        self._reader = asyncio.create_task(self._read())
        return await self._answer({"open": True})

    async def close(self) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self.client.aclose()

    async def says(self, text: str) -> Screen:
        return await self._answer({"text": text})

    async def presses(self, label: str) -> Screen:
        return await self.presses_data(self.screen.data(label))

    async def presses_data(self, data: str) -> Screen:
        return await self._answer({"press": data})

    # The same journey in both languages: by catalogue key.

    async def taps(self, key: str) -> Screen:
        return await self.presses(self.house.kp7.texts(self.language, key))

    def sees(self, *keys: str) -> Screen:
        """These sentences stand on the screen, whatever fills them."""
        for key in keys:
            raw = self.house.kp7.texts.prefixed(self.language, key)[key]
            pattern = ".*".join(re.escape(part) for part in re.split(r"\{\w+\}", raw))
            assert re.search(pattern, self.screen.text, re.DOTALL), f"{key} not in: {self.screen.text}"
        return self.screen

    async def hears(self, count: int) -> Screen:
        """Wait until `count` screens have come in all."""
        async with asyncio.timeout(PATIENCE):
            while len(self.screens) < count:
                self._news.clear()
                await self._news.wait()
        return self.screen

    async def post(self, body: dict[str, Any], *, slot: int = 1) -> httpx.Response:
        """One request, as the page makes it; nothing is waited for."""
        url = f"{self.house.url}/chat/people/{slot}/messages"
        return await self.client.post(url, json={"id": str(uuid.uuid4()), **body})

    async def _answer(self, body: dict[str, Any]) -> Screen:
        if self.restarts:
            await self.house.restart()
        before = len(self.screens)
        response = await self.post(body)
        assert response.status_code == 200, response.text
        return await self.hears(before + 1)

    async def _read(self) -> None:
        """Reconnects like a browser, so that a restart of the server goes unnoticed."""
        last = ""
        seen: set[str] = set()
        while True:
            try:
                headers = {"last-event-id": last} if last else {}
                url = f"{self.house.url}/chat/stream"
                async with self.client.stream("GET", url, headers=headers, timeout=None) as response:
                    async for line in response.aiter_lines():
                        if line.startswith("data: {") and len(line) > 10:
                            message = Screen(json.loads(line[6:]))
                            last = message["id"]
                            if last not in seen:
                                seen.add(last)
                                self.screens.append(message)
                                self._news.set()
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.02)

    async def is_logged_out_by_the_clock(self) -> Screen:
        """Two hours later, when the sweep comes by: the page is told and cleared."""
        shown = len(self.screens)
        self.house.clock.forward(hours=2)
        await self.house.kp7.schedule.once()
        await self.hears(shown + 1)
        assert self.screen["fresh"]
        return self.sees("session_over")

    # --- what everybody does ----------------------------------------------------------------------------------------

    async def begins(self, national_id: str) -> Screen:
        """From the welcome past the privacy notice and the ID."""
        await self.taps("menu.login")
        if self.house.kp7.texts(self.language, "choice.acknowledge") in self.screen.labels:
            await self.taps("choice.acknowledge")
        return await self.says(national_id)

    async def logs_in(self, national_id: str, address: str) -> Screen:
        """All the way to the menu."""
        mailed = len(self.house.post.mails)
        await self.begins(national_id)
        await self.says(await self.house.code_for(address, after=mailed))
        return await self.taps("choice.civil_servant")


@asynccontextmanager
async def a_house(folder: Path, *, samples: bool = True, **settings: Any) -> AsyncIterator[House]:
    loop = asyncio.get_running_loop()
    post = PostOffice()
    server = await loop.create_server(lambda: SMTP(post, loop=loop), "127.0.0.1", 0)
    given = {
        "database_url": f"sqlite:///{folder / 'kp7.db'}",
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
    house = House(Settings(_env_file=None, **given), Clock(), post)
    await house.start()
    try:
        if samples:
            await house.load_samples()
        yield house
    finally:
        for chat in house.chats:
            await chat.close()
        await house.stop()
        server.close()
