"""People who chat, on the web and on LINE."""

import abc
import asyncio
import itertools
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import httpx

from bot.channels.line.fake_webhooks import Webhooks, user_id
from bot.events import Language
from tests.post_office import PATIENCE

if TYPE_CHECKING:
    from tests.house import House

LINE_SECRET = "5ec3e7a0f1b24c6d8e9fa0b1c2d3e4f5"


class Screen(dict[str, Any]):
    """One message as the page gets it."""

    @property
    def text(self) -> str:
        return "\n".join(self["lines"])

    @property
    def labels(self) -> list[str]:
        return [button["label"] for button in self["buttons"]]

    @property
    def picture(self) -> str:
        """Where its only picture is, "" without one."""
        (address,) = self["pictures"] or [""]
        return str(address)

    def data(self, label: str) -> str:
        for button in self["buttons"]:
            if button["label"] == label:
                return str(button["data"])
        raise AssertionError(f"no button {label!r} among {self.labels} under: {self.text}")


class Chat(abc.ABC):
    """One person, whatever they chat on. `says` and `presses` return the screen that answers."""

    def __init__(self, house: "House", language: str = "th") -> None:
        self.house = house
        self.language: Language = "en" if language == "en" else "th"
        self.restarts = False  # the server restarts before everything this person does
        # No certificates on loopback: to read all that the system trusts takes longer than most tests.
        self.client = httpx.AsyncClient(headers={"accept-language": language}, timeout=60, verify=False)

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
            pattern = ".*".join(re.escape(part.strip()) for part in re.split(r"\{\w+\}", raw))
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

    def __init__(self, house: "House", language: str = "th") -> None:
        super().__init__(house, language)
        self._screens: list[Screen] = []
        self.busy: list[dict[str, int]] = []  # what the page is told while nothing is said
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

    async def sends(self, data: bytes, name: str = "1.jpg", *, slot: int = 1, **query: Any) -> httpx.Response:
        """A file; `query`: more of it, such as nth and of."""
        url = f"{self.house.url}/chat/people/{slot}/files"
        given = {"id": str(uuid.uuid4()), "name": name, **query}
        return await self.client.post(url, params=given, content=data, headers={"content-type": "image/jpeg"})

    async def is_told_to_wait(self, count: int = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.busy) < count:
                self._news.clear()
                await self._news.wait()

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
                    kind = ""
                    async for line in response.aiter_lines():
                        kind = line.removeprefix("event: ") if line.startswith("event: ") else kind
                        if kind == "busy" and line.startswith("data: "):
                            self.busy.append(json.loads(line[6:]))
                            self._news.set()
                        elif line.startswith("data: {") and len(line) > 10:
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

    def __init__(self, house: "House", language: str = "th") -> None:
        super().__init__(house, language)
        assert house.line
        self.line = house.line
        self.user = user_id(next(self._numbers))
        self.webhooks = Webhooks(self.line, LINE_SECRET)

    @property
    def screens(self) -> list[Screen]:
        """One for each call to LINE that this person has seen something of."""
        calls = [call.messages for call in self.line.accepted if self.user in call.to]
        return [Screen(lines=_texts(sent), buttons=_buttons(sent), pictures=_pictures(sent)) for sent in calls]

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


async def somebody(house: "House") -> LineChat:
    """A new person on LINE, in a house that is connected to it."""
    chat = await house.somebody()
    assert isinstance(chat, LineChat)
    return chat


def _texts(messages: Sequence[dict[str, Any]]) -> list[str]:
    return [str(message["text"]) for message in messages if message["type"] == "text"]


def _pictures(messages: Sequence[dict[str, Any]]) -> list[str]:
    return [str(message["originalContentUrl"]) for message in messages if message["type"] == "image"]


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
    assert {_leads(action) for action in quick} <= {_leads(action) for action in found}
    return [_button(action) for action in found]


def _leads(action: dict[str, str]) -> str:
    return action["uri"] if action["type"] == "uri" else action["data"]


def _button(action: dict[str, str]) -> dict[str, str]:
    if action["type"] == "uri":
        return {"label": action["label"], "data": "", "link": action["uri"]}
    return {"label": action["displayText"], "data": action["data"], "link": ""}
