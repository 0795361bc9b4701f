"""The fake against LINE's own description of itself."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.channels.line.fake import FakeLine, Json
from bot.channels.line.fake_webhooks import Webhooks, group_id, redelivered, room_id, standby, user_id
from tests.channels.line.openapi import needs_openapi, validate_answer, validate_delivery, validate_request

pytestmark = needs_openapi

SOMCHAI, MALEE, STAFF, ROOM = user_id(1), user_id(2), group_id(1), room_id(1)
PUSH = "/v2/bot/message/push"


@pytest.fixture
async def line() -> AsyncIterator[FakeLine]:
    async with FakeLine(token="t").running() as line:
        yield line


def _events(says: Webhooks) -> list[Json]:
    pdf = says.file(SOMCHAI, "กพ7.pdf", b"%PDF-")
    return [
        says.text(SOMCHAI, "สวัสดี"),
        says.text(SOMCHAI, "in the group", group=STAFF, quotes="1"),
        says.text(SOMCHAI, "in the room", group=ROOM),
        says.image(SOMCHAI),
        *says.album(SOMCHAI, [b"1", b"2", b"3"]),
        pdf,
        says.video(SOMCHAI, b"mp4"),
        says.audio(SOMCHAI, b"m4a"),
        says.sticker(SOMCHAI),
        says.location(SOMCHAI),
        says.postback(SOMCHAI, "data"),
        says.postback(SOMCHAI, "data", {"date": "2026-11-21"}),
        says.follow(SOMCHAI),
        says.follow(SOMCHAI, unblocked=True),
        says.unfollow(SOMCHAI),
        says.unsend(SOMCHAI, pdf["message"]["id"]),
        says.join(STAFF),
        says.join(ROOM),
        says.leave(STAFF),
        says.member_joined(STAFF, SOMCHAI, MALEE),
        says.member_left(STAFF, SOMCHAI),
        says.beacon(SOMCHAI),
        says.video_play_complete(SOMCHAI),
        says.account_link(SOMCHAI, "nonce"),
        says.account_link(SOMCHAI, "nonce", "failed"),
        redelivered(says.text(SOMCHAI, "again")),
        standby(says.text(SOMCHAI, "to somebody else")),
    ]


def test_every_event_of_the_fake_is_one_that_line_could_send() -> None:
    says = Webhooks(FakeLine(), "secret")
    for event in _events(says):
        body, _ = says.signed(event)
        assert validate_delivery(json.loads(body)) == [], event
    assert validate_delivery(json.loads(says.signed(*_events(says))[0])) == []
    assert validate_delivery(json.loads(says.signed()[0])) == [], "the verify button"


def test_an_event_of_tomorrow_is_not_in_todays_description() -> None:
    says = Webhooks(FakeLine(), "secret")
    (problem,) = validate_delivery(json.loads(says.signed(says.unknown(SOMCHAI))[0]))
    assert problem.startswith("$.events[0].type: 'handwave' is none of")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"timestamp": "now"}, "$.events[0].timestamp: not of type integer"),
        ({"mode": "asleep"}, "$.events[0].mode: 'asleep' is none of ['active', 'standby']"),
        ({"deliveryContext": {}}, "$.events[0].deliveryContext.isRedelivery: missing"),
        ({"mood": "good"}, "$.events[0].mood: unknown property of this object"),
        ({"message": {"type": "text", "id": "1", "text": "x"}}, "$.events[0].message.quoteToken: missing"),
        ({"source": {"type": "user", "groupId": STAFF}}, "$.events[0].source.groupId: unknown property of this object"),
    ],
)
def test_the_reader_notices_what_is_wrong_with_an_event(change: Json, problem: str) -> None:
    event = Webhooks(FakeLine(), "secret").text(SOMCHAI, "สวัสดี")
    delivery = {"destination": "U" + "b" * 32, "events": [event | change]}
    assert validate_delivery(delivery) == [problem]


def test_the_reader_notices_a_destination_that_is_no_user_id() -> None:
    assert validate_delivery({"destination": "bot", "events": []}) == [
        "$.destination: length 3 is not between 33 and 33",
        "$.destination: does not match ^U[0-9a-f]{32}$",
    ]


FLEX: Json = {
    "type": "flex",
    "altText": "เอกสาร",
    "contents": {
        "type": "carousel",
        "contents": [
            {
                "type": "bubble",
                "hero": {"type": "image", "url": "https://kp7.example.go.th/1.jpg"},
                "body": {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": "หน้า 1"}]},
            }
        ],
    },
}


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"type": "text", "text": "x"}, None),
        (FLEX, None),
        ({"type": "text"}, "$.messages[0].text: missing"),
        ({"type": "file", "url": "x"}, "$.messages[0].type: 'file' is none of"),
        ({"type": "text", "text": "x", "colour": "red"}, "$.messages[0].colour: unknown property"),
        (
            {"type": "text", "text": "x", "quickReply": {"items": [{"type": "action"}] * 14}},
            "$.messages[0].quickReply.items: items 14 is not between 0 and 13",
        ),
        (
            {**FLEX, "contents": {"type": "bubble", "body": {"type": "text", "text": "x"}}},
            "$.messages[0].contents.body.type: 'text' where a FlexBox belongs",
        ),
        (
            {**FLEX, "contents": {"type": "bubble", "hero": {"type": "image", "url": "no address"}}},
            "$.messages[0].contents.hero.url: not a uri",
        ),
    ],
)
def test_the_reader_tells_a_good_message_from_a_bad_one(message: Json, problem: str | None) -> None:
    found = validate_request(PUSH, {"to": SOMCHAI, "messages": [message]})
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(problem)


def test_the_reader_knows_the_bounds_of_the_loading_animation() -> None:
    assert validate_request("/v2/bot/chat/loading/start", {"chatId": SOMCHAI, "loadingSeconds": 60}) == []
    assert validate_request("/v2/bot/chat/loading/start", {"chatId": SOMCHAI, "loadingSeconds": 61}) == [
        "$.loadingSeconds: 61 is out of bounds"
    ]
    with pytest.raises(LookupError):
        validate_request("/v2/bot/chat/loading/stop", {})


async def test_every_answer_of_the_fake_is_one_that_line_could_give(line: FakeLine) -> None:
    line.groups = {STAFF, ROOM}
    line.console.url = f"{line.url}/nobody"
    picture, gone = line.content(b"jpeg"), line.content(b"jpeg")
    line.unsend(gone)
    hello = [{"type": "text", "text": "สวัสดี"}]
    asks: list[tuple[str, str, Any, int]] = [
        ("post", "/v2/bot/message/reply", {"replyToken": line.reply_token(SOMCHAI), "messages": hello}, 200),
        ("post", "/v2/bot/message/reply", {"replyToken": "old", "messages": hello}, 400),
        ("post", PUSH, {"to": SOMCHAI, "messages": hello}, 200),
        ("post", PUSH, {"to": "Somchai", "messages": []}, 400),
        ("post", "/v2/bot/message/multicast", {"to": [SOMCHAI, MALEE], "messages": hello}, 200),
        ("post", "/v2/bot/chat/loading/start", {"chatId": SOMCHAI}, 202),
        ("post", f"/v2/bot/group/{STAFF}/leave", None, 200),
        ("post", f"/v2/bot/group/{STAFF}/leave", None, 404),
        ("post", f"/v2/bot/room/{ROOM}/leave", None, 200),
        ("get", f"/v2/bot/profile/{SOMCHAI}", None, 200),
        ("get", f"/v2/bot/profile/{STAFF}", None, 404),
        ("get", "/v2/bot/info", None, 200),
        ("get", "/v2/bot/channel/webhook/endpoint", None, 200),
        ("post", "/v2/bot/channel/webhook/test", {"endpoint": f"{line.url}/nobody"}, 200),
        ("get", "/v2/bot/message/quota", None, 200),
        ("get", "/v2/bot/message/quota/consumption", None, 200),
        ("get", f"/v2/bot/message/{picture}/content/transcoding", None, 200),
        ("get", f"/v2/bot/message/{gone}/content", None, 410),
    ]
    async with aiohttp.ClientSession(line.url, headers={"authorization": "Bearer t"}) as session:
        for method, path, body, status in asks:
            if status < 300 and body is not None:
                assert validate_request(path, body) == []
            async with session.request(method, path, json=body) as answer:
                assert answer.status == status, path
                assert validate_answer(method, path, status, await answer.json()) == [], path
        line.monthly_limit = 3
        async with session.get("/v2/bot/message/quota") as answer:
            said = await answer.json()
            assert said == {"type": "limited", "value": 3}
            assert validate_answer("get", "/v2/bot/message/quota", 200, said) == []
