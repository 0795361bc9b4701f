"""The LINE channel: takes webhooks, brings what the outbox has for it.

A webhook is answered 200 only after everything in it is committed. If some of it cannot be, LINE is told to send all of
it again; what was committed is then recognised by its event id.

Replies first: they cost nothing. A reply token serves once, so repeating a reply whose fate is unknown is safe while
the token lives; a token that is refused to somebody who has tried before says that the reply went out then. After that
it is a push, which has its own retry key. Only a reply that was taken without an answer, and could not be asked after
until its token was too old, is there twice: so it is asked after often, and none is begun so late that it cannot be.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot import metrics
from bot.channels.line.api import LineApi, TokenRefused
from bot.channels.line.decode import decode
from bot.channels.line.render import render
from bot.http import Busy, TooLarge, body
from bot.outbox import Carrier, Entry, Undelivered
from bot.settings import Settings
from bot.strict_json import Malformed, parse
from bot.times import SECOND
from bot.topic import Incoming, Take
from storage.database import Unavailable
from storage.ids import time_of, uuid_of
from storage.vault import Key

BODY_LIMIT = 1024 * 1024
AT_ONCE = 512
LOADING_SECONDS = 2
SETTLE = 15 * SECOND  # no reply is begun so late: it may fail after 10 s, and is then asked after once more
ASK_AGAIN = 4 * SECOND  # and when the token's time is nearly over, in half of what is left
TAKEN = PlainTextResponse("")  # made once: it answers every webhook


class Line:
    def __init__(self, settings: Settings, take: Take, clock: Callable[[], int]) -> None:
        self._secret = settings.line_channel_secret.encode()
        self._api = LineApi(settings.line_api_url, settings.line_channel_access_token)
        self._address = settings.address
        self._take, self._clock = take, clock

    def carrier(self) -> Carrier:
        return Carrier(self.deliver, at_once=AT_ONCE)

    async def close(self) -> None:
        await self._api.close()

    # --- in ---------------------------------------------------------------------------------------------------------

    async def webhook(self, request: Request) -> Response:
        try:
            raw = await body(request, BODY_LIMIT)
        except TooLarge:
            return _refused(413, "too large")
        except Busy:
            return _refused(503, "busy")
        if not self._signed(raw, request.headers.getlist("x-line-signature")):
            return _refused(401, "not signed")
        try:
            given = parse(raw)
        except Malformed:
            return _refused(400, "malformed")
        events = given.get("events") if isinstance(given, dict) else None
        if not isinstance(events, list):
            return _refused(400, "malformed")
        now = self._clock()
        incoming = [found for event in events if (found := decode(event, now))]
        try:
            await self._take_all(incoming)
        except Unavailable:
            return PlainTextResponse("busy", 503)
        return TAKEN

    async def _take_all(self, incoming: Sequence[Incoming]) -> None:
        if len(incoming) == 1:  # nearly always
            await self._take(incoming[0])
            return
        for outcome in await asyncio.gather(*map(self._take, incoming), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    def _signed(self, raw: bytes, signatures: list[str]) -> bool:
        """Once, over the bytes as they came, in constant time."""
        expected = base64.b64encode(hmac.digest(self._secret, raw, hashlib.sha256))
        given = signatures[0] if len(signatures) == 1 else ""
        return hmac.compare_digest(given.encode("utf-8", "replace"), expected)

    async def fetch(self, reference: str, _key: Key, most: int) -> bytes:
        """What somebody sent; see `bot.fetching`."""
        return await self._api.content(reference, most)

    # --- out --------------------------------------------------------------------------------------------------------

    async def deliver(self, entry: Entry) -> None:
        content = entry.content
        if entry.purpose == "leave":
            await self._api.leave(content["to"])
            return
        if entry.purpose == "loading":
            if self._clock() < time_of(entry.id) + content["seconds"] * SECOND:
                await self._show_loading(content["to"], content["seconds"])
            return
        message = content["message"]
        messages = render(message, self._address)
        if not await self._reply(entry, messages):
            if not content["to"].startswith("U"):
                return  # a push to a group costs one message for each of its members
            await self._api.push(content["to"], messages, uuid_of(entry.id))
        if message.get("busy"):
            await self._show_loading(content["to"], message["busy"])

    async def _reply(self, entry: Entry, messages: list[Any]) -> bool:
        """Did it go out as a reply?"""
        token = entry.content.get("token")
        until = entry.content.get("token_until", 0)
        if not token or self._clock() >= until - (0 if entry.unsure else SETTLE):
            return False
        try:
            await self._api.reply(token, messages)
        except TokenRefused:
            return entry.unsure
        except Undelivered as failed:
            if entry.unsure or not failed.untaken:
                failed.within = min(ASK_AGAIN, max(1, (until - self._clock()) // 2))
            raise
        return True

    async def _show_loading(self, to: str, seconds: int) -> None:
        # a nicety, and the next message waits behind it
        with suppress(Undelivered, TimeoutError):
            async with asyncio.timeout(LOADING_SECONDS):
                await self._api.show_loading(to, seconds)


def _refused(status: int, reason: str) -> Response:
    metrics.refused("line", reason)
    return PlainTextResponse(reason, status)
