"""A whole KP7 on loopback: the real web server, a real mail server, a clock to move; and people who chat."""

import abc
import asyncio
import base64
import contextlib
import email
import email.policy
import itertools
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from bot import front
from bot.app import Kp7, date_rule, running, web_app
from bot.channels.line.fake import FakeLine, Faults
from bot.channels.line.fake_webhooks import Webhooks, user_id
from bot.events import Language
from bot.settings import Settings
from handlers.organisation.imports import import_organisations, import_roster
from tests.channels.line import openapi

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
KEY = base64.b64encode(b"a key that is only used in tests").decode()
LINE_SECRET = "5ec3e7a0f1b24c6d8e9fa0b1c2d3e4f5"
LINE_TOKEN = "a long-lived token that only tests use"
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
    """The running server. `restart` stops it and starts another one on the same database and port.

    `line`: the LINE that it is connected to; then people chat there, else on the web.
    """

    def __init__(self, settings: Settings, clock: Clock, post: PostOffice, line: FakeLine | None = None) -> None:
        self.settings, self.clock, self.post, self.line = settings, clock, post, line
        self.kp7: Kp7
        self._server: uvicorn.Server
        self._stack = contextlib.AsyncExitStack()
        self.chats: list[Chat] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    async def start(self) -> None:
        self.kp7 = await self._stack.enter_async_context(running(self.settings, self.clock))
        self._server = uvicorn.Server(front.Config(web_app(self.kp7), self.settings))
        self._task = asyncio.create_task(self._server.serve(sockets=None))
        self._sweep = asyncio.create_task(front.sweep(self._server.server_state))
        while not self._server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.settings = self.settings.model_copy(update={"port": port})

    async def stop(self) -> None:
        self._server.should_exit = True
        if self.kp7.web:
            self.kp7.web.hub.close()
        await self._task
        self._sweep.cancel()
        await self._stack.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def load_samples(self) -> None:
        kp7 = self.kp7
        await import_organisations(kp7.database, SAMPLES / "organisations.csv")
        await import_roster(
            kp7.database, kp7.vault, SAMPLES / "roster.csv", today=date(2026, 11, 21),
            rule=date_rule(kp7.settings), by="cli:malee", clock=self.clock,
        )  # fmt: skip

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


class Chat(abc.ABC):
    """One person, whatever they chat on. `says` and `presses` return the screen that answers."""

    def __init__(self, house: House, language: str = "th") -> None:
        self.house = house
        self.language: Language = "en" if language == "en" else "th"
        self.restarts = False  # the server restarts before everything this person does
        self.client = httpx.AsyncClient(headers={"accept-language": language}, timeout=20)

    @property
    @abc.abstractmethod
    def screens(self) -> list[Screen]:
        """What this person has seen, oldest first."""

    @property
    def screen(self) -> Screen:
        return self.screens[-1]

    @abc.abstractmethod
    async def open(self) -> Screen: ...

    @abc.abstractmethod
    async def hears(self, count: int) -> Screen:
        """Wait until `count` screens have come in all."""

    @abc.abstractmethod
    async def post(self, body: dict[str, Any], *, slot: int = 1) -> httpx.Response:
        """One event, as {"text": …}, {"press": …} or {"open": true}; nothing is waited for."""

    @abc.abstractmethod
    def is_cleared(self) -> None:
        """What stood here before is gone, where a chat can do that."""

    @abc.abstractmethod
    async def is_logged_out_by_the_clock(self) -> Screen: ...

    async def close(self) -> None:
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

    async def _answer(self, body: dict[str, Any]) -> Screen:
        if self.restarts:
            await self.house.restart()
        before = len(self.screens)
        response = await self.post(body)
        assert response.status_code == 200, response.text
        return await self.hears(before + 1)

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


class WebChat(Chat):
    """At the built-in web chat."""

    def __init__(self, house: House, language: str = "th") -> None:
        super().__init__(house, language)
        self._screens: list[Screen] = []
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    @property
    def screens(self) -> list[Screen]:
        return self._screens

    async def open(self) -> Screen:
        response = await self.client.get(f"{self.house.url}/chat")
        assert response.status_code == 200
        self._reader = asyncio.create_task(self._read())
        return await self._answer({"open": True})

    async def close(self) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await super().close()

    async def hears(self, count: int) -> Screen:
        async with asyncio.timeout(PATIENCE):
            while len(self.screens) < count:
                self._news.clear()
                await self._news.wait()
        return self.screen

    async def post(self, body: dict[str, Any], *, slot: int = 1) -> httpx.Response:
        url = f"{self.house.url}/chat/people/{slot}/messages"
        return await self.client.post(url, json={"id": str(uuid.uuid4()), **body})

    def is_cleared(self) -> None:
        assert self.screen["fresh"]

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
        self.is_cleared()
        return self.sees("session_over")


class LineChat(Chat):
    """On a phone with LINE. An event that is not answered 200 is delivered again, as LINE does."""

    _numbers = itertools.count(1)

    def __init__(self, house: House, language: str = "th") -> None:
        super().__init__(house, language)
        assert house.line
        self.line = house.line
        self.user = user_id(next(self._numbers))
        self.webhooks = Webhooks(self.line, LINE_SECRET)

    @property
    def screens(self) -> list[Screen]:
        """One for each call to LINE that this person has seen something of."""
        calls = [call for call in self.line.accepted if self.user in call.to]
        return [Screen(lines=_texts(call.messages), buttons=_buttons(call.messages)) for call in calls]

    async def open(self) -> Screen:
        screen = await self._answer({"open": True})
        return await self.presses_data("go:lang.en") if self.language == "en" else screen

    async def hears(self, count: int) -> Screen:
        await self.line.until(lambda: len(self.screens) >= count, 2 * PATIENCE)
        return self.screen

    async def post(self, body: dict[str, Any], *, slot: int = 1) -> httpx.Response:
        assert slot == 1
        match body:
            case {"text": str(text)}:
                event = self.webhooks.text(self.user, text)
            case {"press": str(data)}:
                event = self.webhooks.postback(self.user, data)
            case _:
                event = self.webhooks.follow(self.user)
        return await self.sends(event)

    async def sends(self, *events: dict[str, Any]) -> httpx.Response:
        body, headers = self.webhooks.signed(*events)
        return await self.client.post(f"{self.house.url}/webhooks/line", content=body, headers=headers)

    def is_cleared(self) -> None:
        """LINE keeps what was said."""

    async def is_logged_out_by_the_clock(self) -> Screen:
        """Thirteen hours later, when the person next says something."""
        self.house.clock.forward(hours=13)
        await self.says("hello")
        return self.sees("session_over")


async def somebody(house: House) -> LineChat:
    """A new person on LINE, in a house that is connected to it."""
    chat = await house.somebody()
    assert isinstance(chat, LineChat)
    return chat


def _texts(messages: Sequence[dict[str, Any]]) -> list[str]:
    return [str(message["text"]) for message in messages if message["type"] == "text"]


def _buttons(messages: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The postbacks of the cards; every quick reply must stand on a card too (LINE for PC shows none)."""

    def actions(part: Any) -> Iterator[dict[str, str]]:
        match part:
            case {"action": dict(action)} if "label" in part or part["type"] != "action":
                yield action
            case {"contents": dict(inner)}:
                yield from actions(inner)
            case {"body": dict(inner)}:
                yield from actions(inner)
            case {"contents": list(inner)}:
                for one in inner:
                    yield from actions(one)

    found = [action for message in messages for action in actions(message)]
    quick = [item["action"] for message in messages for item in message.get("quickReply", {}).get("items", [])]
    assert {action["data"] for action in quick} <= {action["data"] for action in found}
    return [{"label": action["displayText"], "data": action["data"]} for action in found]


@asynccontextmanager
async def a_house(
    folder: Path, *, channel: str = "web", samples: bool = True, faults: Faults | None = None, **settings: Any
) -> AsyncIterator[House]:
    """`channel`: what people chat on, web or line; `faults` of the latter."""
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
        async with _a_house(folder, clock, line, samples=samples, **settings) as house:
            yield house
        if line:
            _assert_valid(line)


def _assert_valid(line: FakeLine) -> None:
    """LINE would have taken everything, by its pages and by its OpenAPI description (`LINE_OPENAPI_DIR`)."""
    assert line.violations == []
    fine = {("leave", "Not found")}  # left before
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
    folder: Path, clock: Clock, line: FakeLine | None, *, samples: bool, **settings: Any
) -> AsyncIterator[House]:
    loop = asyncio.get_running_loop()
    post = PostOffice()
    server = await loop.create_server(lambda: SMTP(post, loop=loop), "127.0.0.1", 0)
    given = {
        "database_url": f"sqlite:///{folder / 'kp7.db'}",
        "erased_file": str(folder / "kp7.db.erased"),
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
    house = House(Settings(_env_file=None, **given), clock, post, line)
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
