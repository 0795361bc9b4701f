"""What LINE and Telegram look like on the wire, as far as the conversation needs it.

Bytes in, bytes out: a full HTTP request for each event, and from a call to the API who is told what. The fake must cost
little, so a body is searched, not parsed.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote_plus, unquote_plus

from bench import talk

SECRET = "5ec3e7a0f1b24c6d8e9fa0b1c2d3e4f5"  # noqa: S105
TOKEN = "1000000000:benchmark-benchmark-benchmark-bench"  # noqa: S105


class Wrong(Exception):
    """A subject did something else than hold the conversation: its figure would mean nothing."""


@dataclass(frozen=True)
class Reply:
    """A message that reached the API. `step` -1: this platform's messages do not say which event they answer."""

    user: int
    step: int = -1
    pushed: bool = False


class Platform(Protocol):
    def event(self, user: int, step: int, data: str) -> bytes:
        """A whole webhook request. `data`: of the button that is pressed, if one is."""

    def reply(self, path: bytes, body: bytes) -> Reply | None:
        """Whom a call tells something; None if it is no message."""

    def answer(self, path: bytes, reply: Reply | None) -> bytes:
        """The API's answer, JSON."""

    def button(self, body: bytes) -> str:
        """The data of a reply's first button."""


def _request(path: str, headers: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{headers}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


class Line:
    """Signed webhooks; a reply token names user and step."""

    _SENT = b'{"sentMessages":[{"id":"461230966842064897","quoteToken":"IStG5h1Tz7b"}]}'
    _TOKEN = re.compile(rb'"replyToken"\s*:\s*"([0-9a-f]{8})([0-9a-f]{24})"')
    _TO = re.compile(rb'"to"\s*:\s*"U([0-9a-f]{32})"')
    _DATA = re.compile(rb'"data"\s*:\s*"([^"]+)"')

    def event(self, user: int, step: int, data: str) -> bytes:
        happened: dict[str, object]
        if step == 0:
            happened = {"type": "follow", "follow": {"isUnblocked": False}}
        elif step < 3:
            happened = {"type": "postback", "postback": {"data": data}}
        else:
            number = f"{user * talk.STEPS + step:018d}"
            message = {"type": "text", "id": number, "quoteToken": "q3Plxr4AgKd", "text": talk.typed(user, step)}
            happened = {"type": "message", "message": message}
        event = {
            **happened,
            "webhookEventId": f"01H{user:016d}{step:07d}",
            "deliveryContext": {"isRedelivery": False},
            "timestamp": int(time.time() * 1000),
            "source": {"type": "user", "userId": f"U{user:032x}"},
            "replyToken": f"{step:08x}{user:024x}",
            "mode": "active",
        }
        whole = {"destination": "U" + "0" * 32, "events": [event]}
        body = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
        signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
        return _request("/webhooks/line", f"user-agent: LineBotWebhook/2.0\r\nx-line-signature: {signature}", body)

    def reply(self, path: bytes, body: bytes) -> Reply | None:
        if path == b"/v2/bot/message/reply" and (found := self._TOKEN.search(body)):
            return Reply(int(found[2], 16), int(found[1], 16))
        if path == b"/v2/bot/message/push" and (found := self._TO.search(body)):
            return Reply(int(found[1], 16), pushed=True)
        if path == b"/v2/bot/chat/loading/start":
            return None
        raise Wrong(f"unexpected call to LINE: {path!r}")

    def answer(self, path: bytes, reply: Reply | None) -> bytes:  # noqa: ARG002
        return self._SENT if reply else b"{}"

    def button(self, body: bytes) -> str:
        found = self._DATA.search(body)
        return found[1].decode() if found else ""


class Telegram:
    """Webhooks with a secret header; a message names the chat only."""

    _SEND = f"/bot{TOKEN}/sendMessage".encode()
    _CHAT = re.compile(rb"(?:^|&)chat_id=(\d+)")
    _DATA = re.compile(rb"callback_data%22%3A(?:\+|%20)?%22(.+?)%22")
    _ME = b'{"ok":true,"result":{"id":1000000000,"is_bot":true,"first_name":"b","username":"benchmark_bot"}}'

    def event(self, user: int, step: int, data: str) -> bytes:
        number = user * talk.STEPS + step + 1
        person = {"id": user + 1, "is_bot": False, "first_name": "Somchai", "language_code": "th"}
        chat = {"id": user + 1, "first_name": "Somchai", "type": "private"}
        message: dict[str, object] = {"message_id": number, "date": int(time.time()), "chat": chat}
        update: dict[str, object]
        if step in (1, 2):
            query = {"id": str(number), "from": person, "chat_instance": str(user), "data": data}
            update = {"callback_query": {**query, "message": {**message, "text": "?"}}}
        elif step == 0:
            command = [{"type": "bot_command", "offset": 0, "length": 6}]
            update = {"message": {**message, "from": person, "text": "/start", "entities": command}}
        else:
            update = {"message": {**message, "from": person, "text": talk.typed(user, step)}}
        body = json.dumps({"update_id": number, **update}, ensure_ascii=False, separators=(",", ":")).encode()
        return _request("/webhooks/telegram", f"x-telegram-bot-api-secret-token: {SECRET}", body)

    def reply(self, path: bytes, body: bytes) -> Reply | None:
        if path == self._SEND and (found := self._CHAT.search(body)):
            return Reply(int(found[1]) - 1)
        if path.endswith(b"/getMe"):
            return None
        raise Wrong(f"unexpected call to Telegram: {path!r}")

    def answer(self, path: bytes, reply: Reply | None) -> bytes:  # noqa: ARG002
        if reply is None:
            return self._ME
        chat = b'{"id":%d,"type":"private"}' % (reply.user + 1)
        return b'{"ok":true,"result":{"message_id":7,"date":1767225600,"text":".","chat":%b}}' % chat

    def button(self, body: bytes) -> str:
        found = self._DATA.search(body)
        return unquote_plus(found[1].decode()) if found else ""


def marks(step: int) -> tuple[bytes, ...]:
    """What a right reply holds one of: as UTF-8, as escaped JSON, as a form field."""
    mark = talk.mark(step)
    return mark.encode(), json.dumps(mark)[1:-1].encode(), quote_plus(mark).encode()
