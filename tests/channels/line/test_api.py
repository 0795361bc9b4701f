"""What is said to LINE, and what each of its answers means for a message: taken, later, never, or another way."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.channels.line import api
from bot.channels.line.api import QUOTA_WAIT, RATE_WAIT, LineApi, TokenRefused
from bot.channels.line.fake import FakeLine
from bot.channels.line.fake_webhooks import group_id, room_id, user_id
from bot.outbox import Undelivered

SOMCHAI, STAFF, ROOM = user_id(1), group_id(1), room_id(1)
KEY = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
NONE: Mapping[str, str] = {}
HELLO = [{"type": "text", "text": "สวัสดี"}]
ASKED_TOO_MUCH = b'{"message":"The API rate limit has been exceeded. Try again later."}'
USED_UP = b'{"message":"You have reached your monthly limit."}'
OLD_TOKEN = b'{"message":"Invalid reply token"}'


@dataclass
class Line:
    """Answers everything in the same way and keeps what it was asked."""

    answer: Callable[[], web.StreamResponse]
    url: str = ""
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.headers), await request.read()))
        return self.answer()


@asynccontextmanager
async def speaking(answer: Callable[[], web.StreamResponse]) -> AsyncIterator[tuple[Line, LineApi]]:
    line = Line(answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", line.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    line.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    speaker = LineApi(line.url, "token")
    try:
        yield line, speaker
    finally:
        await speaker.close()
        await runner.cleanup()


def answering(status: int, body: bytes = b"{}", headers: Mapping[str, str] = NONE) -> Callable[[], web.StreamResponse]:
    return lambda: web.Response(status=status, body=body, headers=headers)


async def refusal(
    status: int, body: bytes = b"{}", headers: Mapping[str, str] = NONE, *, reply: bool = False
) -> Undelivered:
    async with speaking(answering(status, body, headers)) as (_, speaker):
        with pytest.raises(Undelivered) as raised:
            await (speaker.reply("t", HELLO) if reply else speaker.push(SOMCHAI, HELLO, KEY))
    return raised.value


# --- what goes out ----------------------------------------------------------------------------------------------------


async def test_what_is_asked() -> None:
    async with speaking(answering(200)) as (line, speaker):
        await speaker.reply("the token", HELLO)
        await speaker.push(SOMCHAI, HELLO, KEY)
        await speaker.show_loading(SOMCHAI, 20)
        await speaker.leave(STAFF)
        await speaker.leave(ROOM)
    said: list[tuple[str, Any]] = [(path, json.loads(body) if body else None) for path, _, body in line.asked]
    assert said == [
        ("/v2/bot/message/reply", {"replyToken": "the token", "messages": HELLO}),
        ("/v2/bot/message/push", {"to": SOMCHAI, "messages": HELLO}),
        ("/v2/bot/chat/loading/start", {"chatId": SOMCHAI, "loadingSeconds": 20}),
        (f"/v2/bot/group/{STAFF}/leave", None),
        (f"/v2/bot/room/{ROOM}/leave", None),
    ]
    assert "สวัสดี".encode() in line.asked[0][2]
    for _, headers, _ in line.asked:
        assert headers["Authorization"] == "Bearer token"
        assert headers["Content-Type"] == "application/json"
    keys = [headers.get("X-Line-Retry-Key") for _, headers, _ in line.asked]
    assert keys == [None, KEY, None, None, None], "LINE refuses a retry key on anything else"


@pytest.mark.parametrize(("seconds", "shown"), [(1, 5), (5, 5), (6, 10), (20, 20), (59, 60), (61, 60), (3_600, 60)])
async def test_the_animation_lasts_as_long_as_line_can(seconds: int, shown: int) -> None:
    async with FakeLine(token="token").running() as line:
        speaker = LineApi(line.url, "token")
        await speaker.show_loading(SOMCHAI, seconds)
        await speaker.close()
    assert line.loading == [(SOMCHAI, shown)]


async def test_a_path_in_the_address_stays() -> None:
    async with speaking(answering(200)) as (line, speaker):
        behind = LineApi(line.url + "/proxy/", "token")
        await behind.reply("t", HELLO)
        await behind.leave(STAFF)
        await behind.close()
        await speaker.close()
    assert [path for path, _, _ in line.asked] == ["/proxy/v2/bot/message/reply", f"/proxy/v2/bot/group/{STAFF}/leave"]


async def test_a_redirect_is_not_followed() -> None:
    """The access token goes to the address that was set, and nowhere else."""
    async with speaking(answering(200)) as (elsewhere, _):
        failed = await refusal(307, b"", {"Location": elsewhere.url})
        assert elsewhere.asked == []
    assert not failed.permanent


# --- what an answer means ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202])
async def test_taken(status: int) -> None:
    async with speaking(answering(status, b"<html>whatever\xff")) as (_, speaker):
        await speaker.reply("t", HELLO)
        await speaker.push(SOMCHAI, HELLO, KEY)


async def test_taken_already() -> None:
    async with speaking(answering(409, b'{"message":"The retry key is already accepted"}')) as (_, speaker):
        await speaker.push(SOMCHAI, HELLO, KEY)
        with pytest.raises(Undelivered):
            await speaker.reply("t", HELLO)


@pytest.mark.parametrize("body", [OLD_TOKEN, b'{"message":"The reply token is invalid","details":[]}'])
async def test_a_token_that_is_used_or_too_old(body: bytes) -> None:
    async with speaking(answering(400, body)) as (_, speaker):
        with pytest.raises(TokenRefused):
            await speaker.reply("t", HELLO)


async def test_what_line_packs_is_read_all_the_same() -> None:
    """Unread, "Invalid reply token" would be taken for a message that LINE will never take."""
    packs: list[str] = []
    async with speaking(lambda: packed(line, packs)) as (line, speaker):
        with pytest.raises(TokenRefused):
            await speaker.reply("t", HELLO)
    assert len(packs) == 1


def packed(line: Line, packs: list[str]) -> web.Response:
    wanted = line.asked[-1][1].get("Accept-Encoding", "")
    packs.append(wanted)
    if "gzip" in wanted:
        return web.Response(status=400, body=gzip.compress(OLD_TOKEN), headers={"Content-Encoding": "gzip"})
    return web.Response(status=400, body=OLD_TOKEN)


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        (ASKED_TOO_MUCH, {}, RATE_WAIT),
        (ASKED_TOO_MUCH, {"Retry-After": "7"}, 7_000),
        (ASKED_TOO_MUCH, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, RATE_WAIT),
        (ASKED_TOO_MUCH, {"Retry-After": "-7"}, RATE_WAIT),
        (ASKED_TOO_MUCH, {"Retry-After": "9" * 5_000}, RATE_WAIT),
        (b"<html>slow down", {"Retry-After": "3"}, 3_000),
        (USED_UP, {}, QUOTA_WAIT),
        (USED_UP, {"Retry-After": "1"}, QUOTA_WAIT),
    ],
)
async def test_not_now(body: bytes, headers: dict[str, str], wait: int) -> None:
    """Surely not taken: it counts as no attempt."""
    failed = await refusal(429, body, headers)
    assert (failed.permanent, failed.wait) == (False, wait)
    assert ("quota" in failed.reason) == (body == USED_UP)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 302])
@pytest.mark.parametrize("body", [b"", b"<h1>down</h1>", "<body>ขัดข้อง".encode("cp874"), b"[" * 60_000, b'{"message":'])
async def test_nobody_knows_whether_it_was_taken(status: int, body: bytes) -> None:
    failed = await refusal(status, body, reply=True)
    assert (failed.permanent, failed.wait, failed.reason) == (False, 0, f"LINE answered {status}")


@pytest.mark.parametrize("status", [401, 403])
async def test_an_access_token_that_was_refused_is_the_operators_to_mend(status: int) -> None:
    failed = await refusal(status, b'{"message":"Authentication failed."}')
    assert not failed.permanent
    assert "LINE_CHANNEL_ACCESS_TOKEN" in failed.reason


WORDS = (
    b'{"message":"The request body has 2 error(s)",'
    b'"details":[{"message":"May not be empty","property":"messages[0].text"}]}'
)
ODD = {
    "nothing": b"",
    "a page": b"<html>",
    "not UTF-8": b"\xff\xfe",
    "brackets": b"[" * 60_000,
    "a list": b'["message"]',
    "a number": b"7",
    "no details": b'{"message":"x","details":[]}',
    "details that are words": b'{"message":"x","details":["y"]}',
    "details that are an object": b'{"message":"x","details":{"y":1}}',
    "details that are a number": b'{"message":"x","details":7}',
    "a message that is an object": b'{"message":{"x":[1]},"details":null}',
}


@pytest.mark.parametrize("status", [400, 404, 410, 413, 415, 422])
async def test_never(status: int) -> None:
    failed = await refusal(status, WORDS)
    assert failed.permanent
    assert failed.reason == f"LINE refused the message ({status}): The request body has 2 error(s) messages[0].text"


@pytest.mark.parametrize("body", ODD.values(), ids=list(ODD))
async def test_a_refusal_in_whatever_form(body: bytes) -> None:
    failed = await refusal(400, body)
    assert failed.permanent
    assert failed.reason.startswith("LINE refused the message (400): ")


async def test_many_details_are_still_read() -> None:
    details = [{"message": "May not be empty", "property": f"messages[{n}].text"} for n in range(200)]
    failed = await refusal(
        400, json.dumps({"message": "The request body has 200 error(s)", "details": details}).encode()
    )
    assert "200 error(s) messages[0].text" in failed.reason


async def test_a_reason_holds_nothing_personal() -> None:
    """LINE names properties. Should it ever repeat what one held, an operator's list must not show that."""
    said = (
        f"to={SOMCHAI} 'คุณสมชาย ทดสอบ' 1-9999-00000-01-3 0810000001 somchai.t@example.go.th code 123456 a\r\nb\x1b[31m"
    )
    failed = await refusal(
        400, json.dumps({"message": said, "details": [{"property": said}]}, ensure_ascii=False).encode()
    )
    for personal in (SOMCHAI, "สมชาย", "9999", "00001", "somchai", "123456", "\n", "\x1b"):
        assert personal not in failed.reason
    assert len(failed.reason) < 300


# --- no answer at all -------------------------------------------------------------------------------------------------


async def test_an_answer_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "TIMEOUT_SECONDS", 0.2)
    async with FakeLine(token="token").running() as line:
        speaker = LineApi(line.url, "token")
        line.fail_next("timeout")
        with pytest.raises(Undelivered, match="did not answer in time"):
            await speaker.push(SOMCHAI, HELLO, KEY)
        await speaker.push(SOMCHAI, HELLO, KEY)
        await speaker.close()
    assert len(line.accepted) == 1


@pytest.mark.parametrize("kind", ["close_before", "close_after", "close_midway"])
async def test_a_connection_that_breaks(kind: Any) -> None:
    """The next attempt, with the same retry key, is the same message."""
    async with FakeLine(token="token").running() as line:
        speaker = LineApi(line.url, "token")
        line.fail_next(kind)
        with pytest.raises(Undelivered, match="cannot be reached") as raised:
            await speaker.push(SOMCHAI, HELLO, KEY)
        assert not raised.value.permanent
        assert not raised.value.untaken, "nobody can tell a broken connection before from one after"
        await speaker.push(SOMCHAI, HELLO, KEY)
        await speaker.close()
    assert len(line.shown(SOMCHAI)) == 1


async def test_nobody_listens() -> None:
    speaker = LineApi("http://127.0.0.1:9", "token")
    with pytest.raises(Undelivered, match="cannot be reached") as raised:
        await speaker.reply("t", HELLO)
    assert raised.value.untaken
    await speaker.close()


# --- leaving ----------------------------------------------------------------------------------------------------------


async def test_leaving_twice_is_leaving() -> None:
    async with FakeLine(token="token").running() as line:
        line.groups = {STAFF, ROOM}
        speaker = LineApi(line.url, "token")
        for group in (STAFF, ROOM, STAFF, ROOM):
            await speaker.leave(group)
        await speaker.close()
    assert line.leaves == [STAFF, ROOM]
    assert [refused.status for refused in line.refused] == [404, 404]


async def test_leaving_fails_like_anything_else() -> None:
    async with speaking(answering(500)) as (_, speaker):
        with pytest.raises(Undelivered):
            await speaker.leave(STAFF)


# --- many at once -----------------------------------------------------------------------------------------------------


async def test_many_at_once_share_the_connections_and_none_waits_for_a_slow_one() -> None:
    async with FakeLine(token="token").running() as line:
        speaker = LineApi(line.url, "token")
        line.fail_next("timeout", times=5)
        slow = [asyncio.create_task(speaker.push(user_id(n), HELLO, f"{KEY[:-1]}{n}")) for n in range(5)]
        await line.until(lambda: len(line.faults_met) == 5)
        await asyncio.gather(*(speaker.reply(line.reply_token(SOMCHAI), HELLO) for _ in range(100)))
        assert len(line.shown(SOMCHAI)) == 100
        assert not any(task.done() for task in slow)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        await speaker.close()
