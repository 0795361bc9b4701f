"""Calls to LINE, as plain JSON over one pool of connections.

The SDK's client builds and checks a model for each call, which costs more than everything that we do for an event
together (bot (b) in docs/performance.md does little else); our payloads are checked against its models in the tests.

What an answer means:

* 2xx: taken. 409 to a push: an earlier attempt with this retry key was taken.
* 429: not taken. Wait as told; when the month's quota is used up, much longer.
* 5xx, a timeout, a broken connection: nobody knows. A push is repeated with its retry key, a reply with its token,
  which LINE takes once.
* 400 to a reply, about its token: see `TokenRefused`.
* any other 4xx: it will never be taken. But a refused access token is the operator's to mend, so that waits.
"""

import json
import re
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from typing import Any

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, PyreqwestError, RequestTimeoutError
from pyreqwest.response import ResponseBodyReader

from bot.channels.line.decode import MESSAGE_ID
from bot.fetching import Gone, TooMuch
from bot.outbox import Undelivered
from bot.times import HOUR

TIMEOUT_SECONDS = 10
CONTENT_SECONDS = 60  # to the last byte: 20 MB over a line that gets 3 Mbit/s
RATE_WAIT = 2_000  # ms, where LINE does not say
QUOTA_WAIT = HOUR
PREPARING_WAIT = 1_000
_SAID = 65_536
_DATA_HOST = ("://api.line.me", "://api-data.line.me")  # what people send lies on a host of its own


class TokenRefused(Exception):
    """The reply token was used before, or is too old."""


class LineApi:
    """One for the whole process; `close` it in the end."""

    def __init__(self, url: str, token: str) -> None:
        self._base = url.rstrip("/") + "/v2/bot/"
        self._contents = f"{url.rstrip('/').replace(*_DATA_HOST)}/v2/bot/message/"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._opened: Client | None = None

    async def close(self) -> None:
        if self._opened:
            await self._opened.close()
            self._opened = None

    async def reply(self, token: str, messages: list[Any]) -> None:
        await self._post("message/reply", {"replyToken": token, "messages": messages})

    async def push(self, to: str, messages: list[Any], retry_key: str) -> None:
        """`retry_key`: a UUID, the same for every attempt at this message."""
        await self._post("message/push", {"to": to, "messages": messages}, retry_key)

    async def show_loading(self, to: str, seconds: int) -> None:
        """LINE takes 5 to 60 seconds in steps of five; it goes when a message comes."""
        seconds = min(60, max(5, -(-seconds // 5) * 5))
        await self._post("chat/loading/start", {"chatId": to, "loadingSeconds": seconds})

    async def leave(self, group: str) -> None:
        """`group`: an id that begins with C (group) or R (room)."""
        kind = "group" if group.startswith("C") else "room"
        with suppress(Gone):  # it has left before
            await self._post(f"{kind}/{group}/leave", None)

    async def content(self, message_id: str, most: int) -> bytes:
        """What somebody sent: a picture, a file; of at most so many bytes, or `TooMuch`.

        Raises `Gone` where it was taken back, is too old, or never was an id; `Undelivered` where LINE is still
        preparing it, or is in trouble. More than `most` is never in memory.
        """
        if not MESSAGE_ID.fullmatch(message_id):
            raise Gone("it does not lie at LINE", permanent=True)  # and is no way to another address
        try:
            request = self._client().get(f"{self._contents}{message_id}/content")
            async with request.timeout(timedelta(seconds=CONTENT_SECONDS)).build_streamed() as answer:
                if answer.status == 200:
                    return await _read(answer.body_reader, most)
                if answer.status == 202:
                    raise Undelivered("LINE is still preparing the file", wait=PREPARING_WAIT)
                text = await answer.body_reader.read(_SAID) or b""
        except RequestTimeoutError:
            raise Undelivered("LINE did not answer in time") from None
        except PyreqwestError as error:
            raise Undelivered(f"LINE cannot be reached ({type(error).__name__})") from None
        if answer.status == 410:
            raise Gone("it was taken back", permanent=True)
        raise _refusal(answer.status, bytes(text), answer.get_header("Retry-After") or "")

    async def _post(self, path: str, body: Any, retry_key: str = "") -> None:
        request = self._client().post(self._base + path)
        if body is not None:
            request = request.body_bytes(orjson.dumps(body))
        if retry_key:
            request = request.header("X-Line-Retry-Key", retry_key)
        try:
            answer = await request.build().send()
            if answer.status < 300 or (answer.status == 409 and retry_key):
                return
            text = bytes(await answer.bytes())
        except RequestTimeoutError:
            raise Undelivered("LINE did not answer in time") from None
        except PyreqwestError as error:
            reason = f"LINE cannot be reached ({type(error).__name__})"
            raise Undelivered(reason, untaken=_never_connected(error)) from None
        raise _refusal(answer.status, text[:_SAID], answer.get_header("Retry-After") or "")

    def _client(self) -> Client:
        if self._opened is None:  # it makes a thread of its own: not before it is needed
            builder = ClientBuilder().default_headers(self._headers).follow_redirects(False)
            if self._base.startswith("http:"):  # this machine: the office's proxy has no business there
                builder = builder.no_proxy()
            self._opened = builder.timeout(timedelta(seconds=TIMEOUT_SECONDS)).build()
        return self._opened


async def _read(body: ResponseBodyReader, most: int) -> bytes:
    data = BytesIO()
    while chunk := await body.read_chunk():
        data.write(chunk)
        if data.tell() > most:
            raise TooMuch
    return data.getvalue()  # which copies nothing


def _never_connected(error: PyreqwestError) -> bool:
    """A connection that breaks after the request was sent is a `ConnectError` too; only its causes tell them apart."""
    if not isinstance(error, ConnectError):
        return False
    return any(cause["message"] == "client error (Connect)" for cause in error.details["causes"] or ())


def _refusal(status: int, text: bytes, wait: str) -> Exception:
    said = _message(text)
    if status == 429:
        used_up = "monthly limit" in said
        told = int(wait) * 1_000 if wait.isascii() and wait.isdigit() and len(wait) < 6 else RATE_WAIT
        reason = "LINE: the month's quota of messages is used up" if used_up else "LINE: too many messages a second"
        return Undelivered(reason, wait=QUOTA_WAIT if used_up else told)
    if status == 400 and "reply token" in said:
        return TokenRefused()
    if status in (401, 403):
        return Undelivered(f"LINE refused the access token ({status}): see LINE_CHANNEL_ACCESS_TOKEN", untaken=True)
    if status >= 500 or status < 400 or status == 408:
        return Undelivered(f"LINE answered {status}")
    kind = Gone if status == 404 else Undelivered
    return kind(f"LINE refused the message ({status}): {said or 'no reason given'}", permanent=True)


# ids of LINE, long numbers, addresses
_PERSONAL = re.compile(r"\b[UCR][0-9a-f]{32}\b|\d(?:[ -]?\d){5,}|\S+@\S+")


def _message(text: bytes) -> str:
    """LINE's own sentence and the property it is about; nothing that could be what the property held."""
    try:
        given = json.loads(text.decode("utf-8", "replace"))
        details = given.get("details") or [{}]
        said = f"{given.get('message', '')} {details[0].get('property', '')}"
    except (ValueError, AttributeError, LookupError, TypeError, RecursionError):
        return ""
    plain = "".join(char for char in said if " " <= char <= "~")  # LINE speaks English, people here write Thai
    return _PERSONAL.sub("…", plain).strip()[:200]
