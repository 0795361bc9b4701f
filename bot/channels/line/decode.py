"""One event of a LINE webhook as an event of ours. Pure, and tolerant: what we do not know is nothing, never an error.

New event types, new fields and new kinds of message come without notice; each event is read by itself, so that an odd
one harms no neighbour.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from bot.events import Event, File, Invited, Left, Opened, Other, Press, Text, Unsent
from bot.topic import Incoming

# LINE says about a minute. It must stay well below: a token that is refused within this time, to somebody who may have
# used it before, is taken for proof that the reply went out (`channel.Line`).
TOKEN_SECONDS = 50
OLDEST_SECONDS = 2 * 86_400  # the inbox, which knows what was taken before, is kept for three days
AHEAD_SECONDS = 86_400  # a time beyond this would make everything that follows seem to come late

ALBUM_MOST = 100
MESSAGE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")  # goes into an address
_ID = re.compile(r"[!-~]{1,64}")  # printable ASCII
_TOKEN = re.compile(r"[!-~]{1,256}")
_MEDIA = {"image": "image/*", "video": "video/*", "audio": "audio/*", "file": ""}


def decode(raw: object, now: int) -> Incoming | None:
    """`now`: milliseconds. None: nothing that concerns us (or nothing we can make out)."""
    if not isinstance(raw, dict) or raw.get("mode", "active") != "active":
        return None  # in standby another module answers this person
    source = raw.get("source")
    sender = _sender(source)
    if not isinstance(source, dict) or sender is None:
        return None
    alone = source.get("type") == "user"
    event = _event(raw) if alone else _in_a_group(raw)
    at = raw.get("timestamp")
    at = at if type(at) is int and 0 < at <= now + AHEAD_SECONDS * 1000 else 0
    if event is None or (at and at < now - OLDEST_SECONDS * 1000):
        return None
    context = raw.get("deliveryContext")
    again = isinstance(context, dict) and context.get("isRedelivery") is True
    token = _text(raw.get("replyToken"))
    if not _TOKEN.fullmatch(token) or (isinstance(event, Invited) and raw.get("type") != "join"):
        token = ""  # one farewell is enough, whatever is said in the group until it is gone
    begun = min(at, now) if again and at else now  # clocks differ; only a repeat must go by LINE's
    return Incoming("line", sender, _event_id(raw), event, at=at, token=token, token_until=begun + TOKEN_SECONDS * 1000)


def _sender(source: object) -> str | None:
    """Whom an answer would go to: the person, or the group that they wrote in."""
    if not isinstance(source, dict):
        return None
    id = source.get({"user": "userId", "group": "groupId", "room": "roomId"}.get(str(source.get("type")), ""))
    return id if isinstance(id, str) and _ID.fullmatch(id) else None


def _event_id(raw: Mapping[str, Any]) -> str:
    id = raw.get("webhookEventId")
    if isinstance(id, str) and _ID.fullmatch(id):
        return id
    same = {key: value for key, value in raw.items() if key != "deliveryContext"}  # a repeat differs in this
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def _event(raw: Mapping[str, Any]) -> Event | None:
    match raw:
        case {"type": "message", "message": dict(message)}:
            return _message(message)
        case {"type": "postback", "postback": {"data": str(data)}} if 0 < len(data) <= 300:
            return Press(data)
        case {"type": "follow"}:
            return Opened()
        case {"type": "unfollow"}:
            return Left()
        case {"type": "unsend", "unsend": {"messageId": str(id)}} if _ID.fullmatch(id):
            return Unsent(id)
    return None


def _message(message: Mapping[str, Any]) -> Event | None:
    match message:
        case {"type": "text", "text": str(text)}:
            return Text(text) if text.strip() else Other()
        case {"type": ("image" | "video" | "audio" | "file") as kind}:
            size = message.get("fileSize")
            return File(
                _text(message.get("fileName"))[:255],
                _MEDIA[kind],
                size if type(size) is int else -1,
                _reference(message),
                _place(message.get("imageSet")),
            )
        case {"type": str()}:
            return Other()
    return None


def _reference(message: Mapping[str, Any]) -> str:
    """Empty: it lies where somebody else says (`contentProvider`), and we ask nobody but LINE."""
    provider = message.get("contentProvider", {"type": "line"})
    id = message.get("id")
    ours = isinstance(provider, dict) and provider.get("type") == "line"
    return id if ours and isinstance(id, str) and MESSAGE_ID.fullmatch(id) else ""


def _place(album: object) -> tuple[int, int]:
    match album:
        case {"index": int(index), "total": int(total)} if 1 <= index <= total <= ALBUM_MOST:
            return index, total
    return 1, 1


def _in_a_group(raw: Mapping[str, Any]) -> Event | None:
    return Invited() if raw.get("type") in ("join", "message") else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
