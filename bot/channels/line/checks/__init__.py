"""What LINE refuses of a message with 400, known before LINE is asked (pure).

The rules are those of the Messaging API's reference: its OpenAPI file has the shapes, the pages beside it the limits.
Where the two leave a choice the stricter one stands here, so that LINE takes what passes. Texts are measured in UTF-16
units, labels in graphemes, bubbles in bytes of compact UTF-8 JSON with 1,000 bytes to the KB.

`values.py` has what a single property may be, the others what LINE makes of them.
"""

import uuid
from collections.abc import Iterator, Mapping

from bot.channels.line.checks.flex import BUBBLE_BYTES, CAROUSEL_BYTES
from bot.channels.line.checks.messages import message
from bot.channels.line.checks.values import Problem, array, boolean, graphemes, line_id, text, utf16

__all__ = [
    "BUBBLE_BYTES",
    "CAROUSEL_BYTES",
    "Problem",
    "graphemes",
    "is_retry_key",
    "of_loading",
    "of_messages",
    "of_multicast",
    "of_push",
    "of_reply",
    "utf16",
]


def of_messages(messages: object) -> list[Problem]:
    """Everything wrong with the `messages` of a reply, push or multicast; empty if LINE takes them."""
    return list(array(message, 1, 5)(messages, "messages"))


def of_reply(body: Mapping[str, object]) -> list[Problem]:
    return [*text(1, 1_000)(body.get("replyToken"), "replyToken"), *_sending(body)]


def of_push(body: Mapping[str, object]) -> list[Problem]:
    """To one user, group or room."""
    return [*line_id("UCR")(body.get("to"), "to"), *_sending(body)]


def of_multicast(body: Mapping[str, object]) -> list[Problem]:
    return [*array(line_id("U"), 1, 500)(body.get("to"), "to"), *_sending(body)]


def of_loading(body: Mapping[str, object]) -> list[Problem]:
    seconds = body.get("loadingSeconds", 20)
    found = list(line_id("U")(body.get("chatId"), "chatId"))
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 5 <= seconds <= 60 or seconds % 5:
        found.append(("loadingSeconds", "must be a multiple of 5 between 5 and 60"))
    return found


def is_retry_key(key: str) -> bool:
    """A UUID in its usual 36 characters."""
    try:
        return str(uuid.UUID(key)) == key.lower()
    except ValueError:
        return False


def _sending(body: Mapping[str, object]) -> Iterator[Problem]:
    yield from of_messages(body.get("messages"))
    if "notificationDisabled" in body:
        yield from boolean(body["notificationDisabled"], "notificationDisabled")
