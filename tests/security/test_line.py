"""LINE's webhook against people who mean harm, and against a LINE that repeats itself (WH1-WH5).

Never a 5xx, and nothing changes: every table is compared, row by row.
"""

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.channels.line.channel import BODY_LIMIT
from bot.channels.line.fake import FakeLine, Json
from bot.channels.line.fake_webhooks import Webhooks, group_id, redelivered, room_id, standby, user_id
from tests.cast import MALEE, SOMCHAI
from tests.house import LINE_SECRET, House, a_house, somebody
from tests.security.tools import rows
from tests.served import Served, ask

ANOTHER_SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
TOKEN = "Zm9yLXRlc3RzLW9ubHktMTIzNDU2Nzg5MDEyMzQ1Ng"
MALLORY = user_id(0xBAD)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path, channel="line") as house:
        yield house


async def state(house: House) -> dict[str, Any]:
    """Every row of every table."""
    await settled(house)
    tables = [row["name"] for row in await rows(house, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert {"accounts", "inbox", "outbox", "conversations", "codes"} <= set(tables)
    return {table: await rows(house, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}


async def settled(house: House) -> None:
    """All that was to be sent is out."""
    async with asyncio.timeout(10):
        while await rows(house, "SELECT 1 FROM outbox"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def signature(body: bytes, secret: str = LINE_SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def delivery(*events: Any) -> bytes:
    return json.dumps({"destination": "U" + "b" * 32, "events": events}).encode()


def login(user: str = MALLORY) -> bytes:
    """What would make an account and ask a question, if it were believed."""
    event = Webhooks(FakeLine(), "").text(user, "login")
    del event["replyToken"]  # of another LINE
    return delivery(event)


async def knocks(house: House, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.post(f"{house.url}/webhooks/line", content=body, headers=headers)


def raw(body: bytes, *lines: str, method: str = "POST") -> bytes:
    """A request whose every header line is ours."""
    head = "\r\n".join((f"{method} /webhooks/line HTTP/1.1", "host: kp7", *lines, "connection: close"))
    return head.encode("latin-1") + b"\r\n\r\n" + body


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else 0


# --- who says so (WH1) ------------------------------------------------------------------------------------------------


async def test_what_line_has_not_signed(house: House) -> None:
    body = login()
    good, empty = signature(body), hmac.digest(b"", body, hashlib.sha256)
    await somebody(house)
    before = await state(house)
    signatures: dict[str, list[str]] = {
        "none": [],
        "empty": [""],
        "a word": ["x"],
        "of another channel": [signature(body, ANOTHER_SECRET)],
        "of no secret": [base64.b64encode(empty).decode()],
        "of another body": [signature(body + b" ")],
        "of no body": [signature(b"")],
        "cut": [good[:-1]],
        "longer": [good + "="],
        "in hex": [hmac.new(LINE_SECRET.encode(), body, hashlib.sha256).hexdigest()],
        "in lower case": [good.lower()],
        "not ASCII": ["\xe0\xb8\x81" * 15],
        "nearly all ASCII": [good[:-1] + "\xbd"],
        "endless": ["A" * 30_000],
        "twice, wrong and right": ["x", good],
        "twice, right and wrong": [good, "x"],
        "twice, right and right": [good, good],
        "as a list": [f"{good}, {good}"],
    }
    for what, given in signatures.items():
        lines = [f"x-line-signature: {value}" for value in given]
        answer = await ask(house.settings.port, raw(body, f"content-length: {len(body)}", *lines))
        assert status(answer) in (400, 401), what
    for other in ("authorization", "x-line-signature-2", "line-signature", "x_line_signature"):
        answer = await ask(house.settings.port, raw(body, f"content-length: {len(body)}", f"{other}: {good}"))
        assert status(answer) == 401, other
    assert await state(house) == before


async def test_a_signed_body_that_was_changed(house: House) -> None:
    body = login(user_id(1))
    await somebody(house)
    before = await state(house)
    for changed in (login(user_id(2)), body + b"\n", body[:-1], body.replace(b"login", b"LOGIN"), b""):
        response = await knocks(house, changed, {"x-line-signature": signature(body)})
        assert response.status_code == 401
    assert await state(house) == before


@pytest.mark.parametrize("name", ["x-line-signature", "X-Line-Signature", "X-LINE-SIGNATURE", "x-LINE-signature"])
async def test_the_header_in_any_case(house: House, name: str) -> None:
    body = login()
    answer = await ask(house.settings.port, raw(body, f"content-length: {len(body)}", f"{name}: {signature(body)}"))
    assert status(answer) == 200
    assert house.line
    await house.line.wait_for(MALLORY, 1)


async def test_the_consoles_verify_button(house: House) -> None:
    before = await state(house)
    assert house.line
    body, headers = Webhooks(house.line, LINE_SECRET).signed()
    response = await knocks(house, body, headers)
    assert (response.status_code, response.text) == (200, "")
    assert await state(house) == before


# --- what it may be (WH2) ---------------------------------------------------------------------------------------------

INSIDE = json.dumps({"type": "message", "source": {"type": "user", "userId": MALLORY}})[1:-1]
INSIDE += ',"message":{"type":"text","text":"login"}'
BODIES = {
    "nothing": b"",
    "not JSON": b"events=[]",
    "brackets": b"[" * 200_000,
    "objects": b'{"events":' * 20_000,
    "deep inside": b'{"events":[{%s,"x":%s%s}]}' % (INSIDE.encode(), b"[" * 40, b"]" * 40),
    "deep after a quote": b'{"events":[{%s,"y":"\\"","x":%s%s}]}' % (INSIDE.encode(), b"[" * 40, b"]" * 40),
    "a long integer": f'{{"events":[{{{INSIDE},"timestamp":{"9" * 5_000}}}]}}'.encode(),
    "NaN": f'{{"events":[{{{INSIDE},"timestamp":NaN}}]}}'.encode(),
    "infinity": f'{{"events":[{{{INSIDE}}}],"x":-Infinity}}'.encode(),
    "bad UTF-8": f'{{"events":[{{{INSIDE}}}],"x":"'.encode() + b'\xff"}',
    "overlong UTF-8": f'{{"events":[{{{INSIDE}}}],"x":"'.encode() + b'\xc0\xaf"}',
    "UTF-16": f'{{"events":[{{{INSIDE}}}]}}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + f'{{"events":[{{{INSIDE}}}]}}'.encode(),
    "a lone surrogate": f'{{"events":[{{{INSIDE}}}],"x":"\\ud83d"}}'.encode(),
    "surrogates in the wrong order": f'{{"events":[{{{INSIDE}}}],"x":"\\ude00\\ud83d"}}'.encode(),
    "a lone surrogate as key": f'{{"events":[{{{INSIDE},"\\udfff":1}}]}}'.encode(),
    "NUL": f'{{"events":[{{{INSIDE}}}],"x":"a\\u0000b"}}'.encode(),
    "a bare NUL": f'{{"events":[{{{INSIDE}}}],"x":"a\0b"}}'.encode(),
    "a key twice": f'{{"events":[],"events":[{{{INSIDE}}}]}}'.encode(),
    "a key twice inside": f'{{"events":[{{{INSIDE},"type":"message"}}]}}'.encode(),
    "zipped": gzip.compress(login()),
    "a list": b"[" + login() + b"]",
    "null": b"null",
    "a string": b'"events"',
    "no events": b'{"destination":"x"}',
    "events that are null": b'{"events":null}',
    "events that are an object": b'{"events":{"0":%s}}' % login(),
    "events that are a string": b'{"events":"message"}',
    "two documents": login() + login(),
    "a megabyte of brackets": b"[" * BODY_LIMIT,
    "a megabyte and one": login() + b" " * (BODY_LIMIT + 1 - len(login())),
    "two megabytes": login() + b" " * 2 * BODY_LIMIT,
}


async def test_signed_bodies_that_mean_nothing(house: House) -> None:
    """The secret leaked, or LINE lost its mind: still nothing breaks."""
    await somebody(house)
    before = await state(house)
    for what, body in BODIES.items():
        for encoding in ("", "gzip"):
            headers = {"x-line-signature": signature(body), **({"content-encoding": encoding} if encoding else {})}
            response = await knocks(house, body, headers)
            assert 400 <= response.status_code < 500, what
            assert len(response.content) < 100
    assert await state(house) == before


async def test_a_body_of_exactly_a_megabyte_is_taken(house: House) -> None:
    body = login() + b" " * (BODY_LIMIT - len(login()))
    assert (await knocks(house, body, {"x-line-signature": signature(body)})).status_code == 200


async def test_requests_that_can_be_read_in_two_ways(house: House) -> None:
    body = login()
    sign, length = f"x-line-signature: {signature(body)}", f"content-length: {len(body)}"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    endless = b"%x\r\n%s\r\n" % (BODY_LIMIT, b"[" * BODY_LIMIT) + b"8\r\n[[[[[[[[\r\n0\r\n\r\n"
    await somebody(house)
    before = await state(house)
    requests = {
        "two lengths": raw(body, sign, length, "content-length: 5"),
        "the same length twice": raw(body, sign, length, length),
        "a length and chunks": raw(chunks, sign, length, "transfer-encoding: chunked"),
        "a length too short": raw(body, sign, "content-length: 20"),
        "a negative length": raw(body, sign, "content-length: -1"),
        "a length of 5,000 digits": raw(body, sign, f"content-length: {'9' * 5_000}"),
        "no length": raw(body, sign),
        "chunks without an end": raw(b"fffffffffffffffff\r\n", sign, "transfer-encoding: chunked"),
        "more chunks than a megabyte": raw(endless, sign, "transfer-encoding: chunked"),
    }
    for what, request in requests.items():
        assert 400 <= status(await ask(house.settings.port, request)) < 500, what
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        answer = await ask(house.settings.port, raw(body, sign, length, method=method))
        assert status(answer) in (404, 405), method
    for path in ("/webhooks/line/", "/webhooks", "/webhooks/line/x", "/webhooks/LINE", "//webhooks/line"):
        async with httpx.AsyncClient() as client:
            response = await client.post(
                httpx.URL(house.url).copy_with(raw_path=path.encode()),
                content=body,
                headers={"x-line-signature": signature(body)},
            )
        assert response.status_code == 404, path
    assert await state(house) == before


async def test_a_delivery_in_chunks_is_a_delivery(house: House) -> None:
    body = login()

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 50):
            yield body[start : start + 50]

    async with httpx.AsyncClient() as client:
        headers = {"x-line-signature": signature(body)}
        response = await client.post(f"{house.url}/webhooks/line", content=parts(), headers=headers)
    assert response.status_code == 200


async def test_whoever_hangs_up_in_the_middle(house: House) -> None:
    body = login()
    before = await state(house)
    for sent in (0, 10, len(body) - 1):
        _, writer = await asyncio.open_connection("127.0.0.1", house.settings.port)
        writer.write(raw(body, f"content-length: {len(body)}", f"x-line-signature: {signature(body)}")[: -len(body)])
        writer.write(body[:sent])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert (await knocks(house, login(), {})).status_code == 401
    assert await state(house) == before


def memory(pid: int, what: str) -> int:
    """Megabytes; VmRSS: now, VmHWM: the most there ever was."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


async def test_none_of_it_costs_memory(tmp_path: Path) -> None:
    """The server that operators run, in a process of its own."""
    secrets = {"line_channel_secret": LINE_SECRET, "line_channel_access_token": TOKEN}
    with Served(tmp_path, **secrets, line_api_url="http://127.0.0.1:9") as served:

        async def attack(body: bytes, sign: str) -> None:
            request = raw(body, f"content-length: {len(body)}", f"x-line-signature: {sign}")
            try:
                answer = await ask(served.port, request)
            except ConnectionError:  # refused before all of it was sent
                return
            assert 400 <= status(answer) < 500

        await attack(b"{}", signature(b"{}"))
        before = memory(served.process.pid, "VmRSS")
        for body in BODIES.values():
            await asyncio.gather(*(attack(body, sign) for sign in (signature(body), "x") for _ in range(4)))
        assert memory(served.process.pid, "VmHWM") - before < 50
        assert "Traceback" not in served.log.read_text()


# --- what comes again -------------------------------------------------------------------------------------------------


async def test_a_signed_body_played_back_later(house: House) -> None:
    """By somebody who has seen it, or by LINE: whatever time has passed, nothing happens twice."""
    chat = await somebody(house)
    await chat.taps("menu.login")
    body, headers = chat.webhooks.signed(chat.webhooks.postback(chat.user, chat.screen.data("รับทราบ")))
    assert (await knocks(house, body, headers)).status_code == 200
    await chat.hears(3)
    chat.sees("ask.national_id")
    for hours in (0, 1, 23, 24, 25, 72):
        house.clock.forward(hours=hours)
        await house.kp7.schedule.once()  # which also forgets what was taken three days ago
        before = await state(house)
        assert (await knocks(house, body, headers)).status_code == 200
        assert await state(house) == before, f"{hours} more hours later"
    assert not await rows(house, "SELECT 1 FROM inbox"), "not remembered any more, and still not taken"
    assert len(chat.screens) == 3


async def test_the_same_event_fifty_times_at_once(house: House) -> None:
    chat = await somebody(house)
    await chat.taps("menu.login")
    event = chat.webhooks.postback(chat.user, chat.screen.data("รับทราบ"))
    alone, repeated = chat.webhooks.signed(event), chat.webhooks.signed(redelivered(event))
    together = chat.webhooks.signed(*[event] * 10)
    answers = await asyncio.gather(*(knocks(house, *one) for one in [alone, repeated] * 25 + [together] * 2))
    assert {answer.status_code for answer in answers} == {200}
    await chat.hears(3)
    await settled(house)
    assert len(chat.screens) == 3
    chat.sees("ask.national_id")
    assert len(await rows(house, "SELECT 1 FROM inbox WHERE event_id = :id", id=event["webhookEventId"])) == 1


async def test_an_answer_that_comes_after_newer_ones_is_no_answer(house: House) -> None:
    """LINE could not deliver it when it was said; the question it answered is not the one that is open now."""
    chat = await somebody(house)
    await chat.begins(SOMCHAI.national_id)
    await chat.says("ยกเลิก")
    late = chat.webhooks.text(chat.user, "123456")
    house.clock.forward(seconds=5)
    await chat.taps("menu.login")
    chat.sees("ask.national_id")
    screens = len(chat.screens)
    assert (await chat.sends(redelivered(late))).status_code == 200
    await chat.hears(screens + 1)
    chat.sees("error.came_late", "ask.national_id")
    assert not await rows(house, "SELECT 1 FROM attempts WHERE kind = 'wrong_code'")
    await chat.says(MALEE.national_id)
    chat.sees("ask.code")


async def test_a_late_button_is_an_old_button(house: House) -> None:
    chat = await somebody(house)
    await chat.taps("menu.login")
    late = chat.webhooks.postback(chat.user, chat.screen.data("รับทราบ"))
    house.clock.forward(seconds=5)
    await chat.taps("choice.acknowledge")
    await chat.says("ยกเลิก")
    screens = len(chat.screens)
    await chat.sends(redelivered(late))
    await chat.hears(screens + 1)
    chat.sees("error.old_button")


async def test_while_another_module_answers_we_do_not(house: House) -> None:
    chat = await somebody(house)
    await chat.taps("menu.login")
    before, screens = await state(house), len(chat.screens)
    says = chat.webhooks
    for event in (says.text(chat.user, "cancel"), says.postback(chat.user, "go:login"), says.follow(chat.user)):
        assert (await chat.sends(standby(event))).status_code == 200
        assert (await chat.sends({**event, "mode": "standby"})).status_code == 200
    assert await state(house) == before
    assert len(chat.screens) == screens


# --- addresses in what people send ------------------------------------------------------------------------------------


async def test_an_address_in_an_event_is_never_fetched(house: House) -> None:
    """`contentProvider: external` names any address that a LIFF app liked: ours would be inside the office."""
    visits: list[str] = []

    async def trap(request: web.Request) -> web.Response:
        visits.append(request.path)
        return web.Response(body=b"\xff\xd8")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", trap)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/secret"
    chat = await somebody(house)
    await chat.begins(SOMCHAI.national_id)
    external = {"type": "external", "originalContentUrl": address, "previewImageUrl": address}
    for kind in ("image", "video", "audio", "file"):
        picture = chat.webhooks.image(chat.user)
        message = {**picture["message"], "type": kind, "contentProvider": external, "fileName": address}
        screens = len(chat.screens)
        assert (await chat.sends({**picture, "message": message})).status_code == 200
        await chat.hears(screens + 1)
        chat.sees("error.text_wanted", "ask.code")
    await chat.says(address)
    await settled(house)
    await runner.cleanup()
    assert visits == []


# --- groups (WH5) -----------------------------------------------------------------------------------------------------


def everything_typed(house: House) -> list[str]:
    """Every word that means something, every button's label, in both languages."""
    texts = house.kp7.texts
    said: list[str] = []
    for language in ("th", "en"):
        for words in texts.prefixed(language, "words.", "menu.", "choice.", "control.").values():
            said += words.split("|")
    return sorted(set(said))


@pytest.mark.parametrize("group", [group_id(7), room_id(7)])
async def test_in_a_group_nobody_is_anybody(house: House, group: str) -> None:
    """Somebody who is logged in says and presses all there is, where others read along."""
    assert house.line
    malee = await somebody(house)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    profile = await malee.taps("menu.profile")
    own = [button["data"] for button in profile["buttons"]]
    before, screens, says = await state(house), len(malee.screens), malee.webhooks
    house.line.groups.add(group)
    events: list[Json] = [says.text(malee.user, word, group=group) for word in everything_typed(house)]
    events += [says.postback(malee.user, data, group=group) for data in own]
    events += [says.postback(malee.user, f"go:{name}", group=group) for name in ("profile", "change_email", "help")]
    events += [says.image(malee.user, group=group), says.text(malee.user, MALEE.national_id, group=group)]
    events += [says.unsend(malee.user, "1", group=group), says.member_joined(group, malee.user)]
    assert len(events) > 50
    for start in range(0, len(events), 7):
        assert (await malee.sends(*events[start : start + 7])).status_code == 200
    await settled(house)
    farewell = {house.kp7.texts(language, "group.farewell") for language in ("th", "en")}
    said = house.line.shown(group)
    assert len(said) <= 1
    assert {message["text"] for message in said} <= farewell
    assert house.line.leaves == [group]
    assert len(malee.screens) == screens, "nor does the private chat hear of it"
    after = await state(house)
    ours = next(row for row in before["accounts"] if row["external_id"] == malee.user)
    assert ours in after["accounts"], "nothing was done in her name"
    assert [row for row in after["conversations"] if row["account_id"] == ours["id"]] == [
        row for row in before["conversations"] if row["account_id"] == ours["id"]
    ]
    assert not [call for call in house.line.accepted if group in call.to and call.endpoint != "reply"]


@pytest.mark.parametrize("group", [group_id(8), room_id(8)])
async def test_invited_it_says_why_it_leaves(house: House, group: str) -> None:
    assert house.line
    chat = await somebody(house)
    says = chat.webhooks
    await chat.sends(says.join(group), says.member_joined(group, chat.user), says.text(chat.user, "?", group=group))
    await house.line.until(lambda: house.line is not None and house.line.leaves == [group])
    await settled(house)
    assert [message["text"] for message in house.line.shown(group)] == [house.kp7.texts("th", "group.farewell")]


async def test_invited_again_it_says_so_again_and_leaving_what_was_left_is_no_failure(house: House) -> None:
    assert house.line
    group, chat = group_id(9), await somebody(house)
    says = chat.webhooks
    for times in (1, 2):
        await chat.sends(says.join(group))
        await settled(house)
        assert len(house.line.leaves) == times
        assert len(house.line.shown(group)) == times
    gone = says.join(group)
    house.line.groups.discard(group)  # thrown out before it could leave
    await chat.sends(gone, says.leave(group), says.member_left(group, chat.user))
    await settled(house)
    assert not await rows(house, "SELECT 1 FROM outbox WHERE dead_at IS NOT NULL")
