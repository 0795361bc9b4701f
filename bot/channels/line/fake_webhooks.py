"""The events that LINE sends, built as LINE builds them and signed, for tests.

Every builder returns one event as JSON; `signed` packs any number of them into one delivery.
"""

import json
import os
from collections.abc import Sequence
from typing import Literal

from bot.channels.line.fake import FakeLine, Json
from bot.channels.line.fake_console import delivery_headers

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def user_id(number: int) -> str:
    return f"U{number:032x}"


def group_id(number: int) -> str:
    return f"C{number:032x}"


def room_id(number: int) -> str:
    return f"R{number:032x}"


class Webhooks:
    """Events towards the channel with this secret. What a person sends with content can be fetched from `line`.

    `user` is who does it; with `group` it happens in that group or room.
    """

    def __init__(self, line: FakeLine, secret: str) -> None:
        self.line, self._secret = line, secret

    def signed(self, *events: Json) -> tuple[bytes, dict[str, str]]:
        """(body, headers) of one delivery; without events it is the one of the console's verify button."""
        body = json.dumps({"destination": self.line.bot_id, "events": events}, ensure_ascii=False).encode()
        return body, self.headers(body)

    def headers(self, body: bytes) -> dict[str, str]:
        """For a body of one's own."""
        return delivery_headers(self._secret, body)

    # --- messages -----------------------------------------------------------------------------------------------------

    def text(self, user: str, text: str, *, group: str | None = None, quotes: str | None = None) -> Json:
        message: Json = {"type": "text", "text": text, "quoteToken": "q" + self.line.next_id()}
        if quotes is not None:
            message["quotedMessageId"] = quotes
        return self._message(user, message, group)

    def image(
        self,
        user: str,
        data: bytes = b"\xff\xd8\xff\xd9",
        *,
        kind: str = "image/jpeg",
        preparing: int = 0,
        image_set: tuple[str, int, int] | None = None,
        group: str | None = None,
    ) -> Json:
        """`image_set`: (id of the album, which one from 1, of how many). `preparing`: asks answered 202 first."""
        message: Json = {"type": "image", "contentProvider": {"type": "line"}, "quoteToken": "q" + self.line.next_id()}
        if image_set:
            message["imageSet"] = dict(zip(("id", "index", "total"), image_set, strict=True))
        return self._message(user, message, group, self.line.content(data, kind, preparing=preparing))

    def album(self, user: str, pictures: Sequence[bytes]) -> list[Json]:
        album = self.line.next_id()
        total = len(pictures)
        return [self.image(user, data, image_set=(album, index, total)) for index, data in enumerate(pictures, start=1)]

    def file(
        self,
        user: str,
        name: str,
        data: bytes,
        *,
        kind: str = "application/pdf",
        preparing: int = 0,
        group: str | None = None,
    ) -> Json:
        message: Json = {"type": "file", "fileName": name, "fileSize": len(data)}
        return self._message(user, message, group, self.line.content(data, kind, preparing=preparing))

    def video(self, user: str, data: bytes, *, preparing: int = 0) -> Json:
        message: Json = {
            "type": "video",
            "duration": 1_000,
            "contentProvider": {"type": "line"},
            "quoteToken": "q" + self.line.next_id(),
        }
        return self._message(user, message, None, self.line.content(data, "video/mp4", preparing=preparing))

    def audio(self, user: str, data: bytes, *, preparing: int = 0) -> Json:
        message: Json = {"type": "audio", "duration": 1_000, "contentProvider": {"type": "line"}}
        return self._message(user, message, None, self.line.content(data, "audio/m4a", preparing=preparing))

    def sticker(self, user: str) -> Json:
        message: Json = {
            "type": "sticker",
            "packageId": "446",
            "stickerId": "1988",
            "stickerResourceType": "STATIC",
            "keywords": ["ok"],
            "quoteToken": "q" + self.line.next_id(),
        }
        return self._message(user, message, None)

    def location(self, user: str, latitude: float = 13.7563, longitude: float = 100.5018) -> Json:
        message: Json = {"type": "location", "address": "กรุงเทพฯ", "latitude": latitude, "longitude": longitude}
        return self._message(user, message, None)

    # --- what else happens --------------------------------------------------------------------------------------------

    def postback(self, user: str, data: str, params: dict[str, str] | None = None, *, group: str | None = None) -> Json:
        """`params`: what a date picker or a rich menu switch adds, such as {"date": "2026-11-21"}."""
        content: Json = {"data": data} if params is None else {"data": data, "params": params}
        return self._event("postback", _source(user, group), replies=True, postback=content)

    def follow(self, user: str, *, unblocked: bool = False) -> Json:
        self.line.blocked.discard(user)
        return self._event("follow", _source(user), replies=True, follow={"isUnblocked": unblocked})

    def unfollow(self, user: str) -> Json:
        self.line.blocked.add(user)
        return self._event("unfollow", _source(user), replies=False)

    def unsend(self, user: str, message_id: str, *, group: str | None = None) -> Json:
        """From now on the content is 410."""
        self.line.unsend(message_id)
        return self._event("unsend", _source(user, group), replies=False, unsend={"messageId": message_id})

    def join(self, group: str) -> Json:
        self.line.groups.add(group)
        return self._event("join", _source(None, group), replies=True)

    def leave(self, group: str) -> Json:
        self.line.groups.discard(group)
        return self._event("leave", _source(None, group), replies=False)

    def member_joined(self, group: str, *users: str) -> Json:
        members = [_source(user) for user in users]
        return self._event("memberJoined", _source(None, group), replies=True, joined={"members": members})

    def member_left(self, group: str, *users: str) -> Json:
        members = [_source(user) for user in users]
        return self._event("memberLeft", _source(None, group), replies=False, left={"members": members})

    def beacon(self, user: str, kind: Literal["enter", "banner", "stay"] = "enter") -> Json:
        return self._event("beacon", _source(user), replies=True, beacon={"hwid": "d41d8cd98f", "type": kind})

    def video_play_complete(self, user: str, tracking_id: str = "track") -> Json:
        return self._event(
            "videoPlayComplete", _source(user), replies=True, videoPlayComplete={"trackingId": tracking_id}
        )

    def account_link(self, user: str, nonce: str, result: Literal["ok", "failed"] = "ok") -> Json:
        return self._event(
            "accountLink", _source(user), replies=result == "ok", link={"result": result, "nonce": nonce}
        )

    def unknown(self, user: str) -> Json:
        """Of a type that LINE will think of one day."""
        return self._event("handwave", _source(user), replies=True, handwave={"hands": 2})

    def _message(self, user: str, message: Json, group: str | None, number: str | None = None) -> Json:
        content = {"id": number or self.line.next_id(), "markAsReadToken": "r" + self.line.next_id(), **message}
        return self._event("message", _source(user, group), replies=True, message=content)

    def _event(self, kind: str, source: Json, *, replies: bool, **details: Json) -> Json:
        now = self.line.clock()
        event: Json = {
            "type": kind,
            "webhookEventId": _ulid(now),
            "timestamp": now,
            "mode": "active",
            "source": source,
            "deliveryContext": {"isRedelivery": False},
            **details,
        }
        if replies:
            chat = source.get("groupId") or source.get("roomId") or source["userId"]
            event["replyToken"] = self.line.reply_token(chat)
        return event


def redelivered(event: Json) -> Json:
    """The same event once more, as it comes after an answer that LINE did not like."""
    return {**event, "deliveryContext": {"isRedelivery": True}}


def standby(event: Json) -> Json:
    """Another module holds the conversation: nothing to reply with."""
    return {name: value for name, value in event.items() if name != "replyToken"} | {"mode": "standby"}


def _source(user: str | None, group: str | None = None) -> Json:
    who: Json = {} if user is None else {"userId": user}
    match group:
        case None:
            return {"type": "user", **who}
        case str() if group.startswith("R"):
            return {"type": "room", "roomId": group, **who}
        case _:
            return {"type": "group", "groupId": group, **who}


def _ulid(milliseconds: int) -> str:
    value = milliseconds << 80 | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))
