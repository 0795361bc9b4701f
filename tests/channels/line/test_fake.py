"""The fake refuses what LINE refuses, for LINE's reason, and loses what it is told to lose."""

import asyncio
import base64
import copy
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from bot.channels.line.fake import Accepted, FakeLine, Fault, Faults, Json
from bot.channels.line.fake_webhooks import Webhooks, group_id, redelivered, room_id, standby, user_id

SOMCHAI, MALEE, ANAN, STAFF = user_id(1), user_id(2), user_id(3), group_id(1)
HELLO: Json = {"type": "text", "text": "สวัสดี"}
CARD: Json = {"type": "flex", "altText": "การ์ด", "contents": {"type": "bubble", "body": {
    "type": "box", "layout": "vertical", "contents": [{"type": "text", "text": "x"}]}}}  # fmt: skip


def _words(text: str) -> Json:
    return {"type": "text", "text": text}


# --- the server -------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000_000

    def __call__(self) -> int:
        return self.now

    def forward(self, *, seconds: int) -> None:
        self.now += seconds * 1000


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Bot:
    """Speaks to LINE as the channel would."""

    def __init__(self, line: FakeLine, session: aiohttp.ClientSession) -> None:
        self.line, self._session = line, session

    async def post(self, path: str, body: Any, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.post(f"{self.line.url}{path}", json=body, headers=named) as answer:
            return await self._answer(answer)

    async def raw(self, data: bytes, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.post(f"{self.line.url}/v2/bot/message/push", data=data, headers=named) as answer:
            return await self._answer(answer)

    async def get(self, path: str) -> Answer:
        async with self._session.get(f"{self.line.url}{path}") as answer:
            return await self._answer(answer)

    async def push(self, to: str, *messages: Json, key: str | None = None) -> Answer:
        headers = {} if key is None else {"x_line_retry_key": key}
        return await self.post("/v2/bot/message/push", {"to": to, "messages": messages or [HELLO]}, **headers)

    async def multicast(self, to: list[str], key: str | None = None) -> Answer:
        headers = {} if key is None else {"x_line_retry_key": key}
        return await self.post("/v2/bot/message/multicast", {"to": to, "messages": [HELLO]}, **headers)

    async def reply(self, token: str, *messages: Json) -> Answer:
        return await self.post("/v2/bot/message/reply", {"replyToken": token, "messages": messages or [HELLO]})

    async def _answer(self, answer: aiohttp.ClientResponse) -> Answer:
        return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def line(clock: Clock) -> AsyncIterator[FakeLine]:
    async with FakeLine(token="right", clock=clock).running() as line:
        yield line


@pytest.fixture
async def bot(line: FakeLine) -> AsyncIterator[Bot]:
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(headers={"authorization": "Bearer right"}, timeout=timeout) as session:
        yield Bot(line, session)


def _key() -> str:
    return str(uuid.uuid4())


async def test_a_push_is_accepted_and_seen(line: FakeLine, bot: Bot, clock: Clock) -> None:
    key = _key()
    answer = await bot.push(SOMCHAI, HELLO, CARD, key=key)
    assert answer.status == 200
    assert len({sent["id"] for sent in answer.json["sentMessages"]}) == 2
    assert line.shown(SOMCHAI) == [HELLO, CARD]
    assert line.shown(MALEE) == []
    body = {"to": SOMCHAI, "messages": [HELLO, CARD]}
    assert line.accepted == [
        Accepted("push", (SOMCHAI,), (HELLO, CARD), key, clock.now, answer.headers["x-line-request-id"], body)
    ]


async def test_a_refusal_names_the_property_and_is_recorded(line: FakeLine, bot: Bot) -> None:
    answer = await bot.push(SOMCHAI, _words(""))
    assert answer.status == 400
    assert answer.json == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": "may not be empty", "property": "messages[0].text"}],
    }
    assert answer.headers["x-line-request-id"]
    assert [(refused.endpoint, refused.status) for refused in line.refused] == [("push", 400)]
    assert "messages[0].text: may not be empty" in line.refused[0].problem
    assert (line.accepted, line.shown(SOMCHAI)) == ([], [])


async def test_without_the_access_token_nothing_is_taken(line: FakeLine, bot: Bot) -> None:
    for wrong in ("Bearer wrong", "right", ""):
        answer = await bot.post("/v2/bot/message/push", {"to": SOMCHAI, "messages": [HELLO]}, authorization=wrong)
        assert answer.status == 401
        assert answer.json["message"].startswith("Authentication failed")
    assert not line.accepted


async def test_only_json_is_read(bot: Bot) -> None:
    body = json.dumps({"to": SOMCHAI, "messages": [HELLO]}).encode()
    assert (await bot.raw(body, content_type="application/json; charset=UTF-8")).status == 200
    assert (await bot.raw(body, content_type="text/plain")).status == 415
    for odd in (b"{", b"[]", b"\xff", b""):
        answer = await bot.raw(odd, content_type="application/json")
        assert (answer.status, answer.json) == (400, {"message": "The request body could not be parsed as JSON"})


async def test_an_address_that_line_does_not_have(line: FakeLine, bot: Bot) -> None:
    assert (await bot.post("/v2/bot/message/pushh", {})).status == 404
    assert line.refused[0].status == 404


async def test_a_reply_token_is_good_once(line: FakeLine, bot: Bot) -> None:
    token = line.reply_token(SOMCHAI)
    assert (await bot.reply(token)).status == 200
    answer = await bot.reply(token)
    assert (answer.status, answer.json) == (400, {"message": "Invalid reply token"})
    assert line.shown(SOMCHAI) == [HELLO]


async def test_a_refused_reply_does_not_use_up_its_token(line: FakeLine, bot: Bot) -> None:
    token = line.reply_token(SOMCHAI)
    assert (await bot.reply(token, _words(""))).status == 400
    assert (await bot.reply(token)).status == 200


async def test_a_reply_token_lasts_a_minute(line: FakeLine, bot: Bot, clock: Clock) -> None:
    early, late = line.reply_token(SOMCHAI), line.reply_token(SOMCHAI)
    clock.forward(seconds=59)
    assert (await bot.reply(early)).status == 200
    clock.forward(seconds=1)
    assert (await bot.reply(late)).json == {"message": "Invalid reply token"}


async def test_a_reply_token_is_of_one_chat(line: FakeLine, bot: Bot) -> None:
    await bot.reply(line.reply_token(MALEE))
    await bot.reply(line.reply_token(STAFF), _words("all"))
    assert (line.shown(SOMCHAI), line.shown(MALEE), line.shown(STAFF)) == ([], [HELLO], [_words("all")])
    assert (await bot.reply("made up")).status == 400


async def test_a_reply_takes_no_retry_key(line: FakeLine, bot: Bot) -> None:
    body = {"replyToken": line.reply_token(SOMCHAI), "messages": [HELLO]}
    answer = await bot.post("/v2/bot/message/reply", body, x_line_retry_key=_key())
    assert answer.status == 400
    assert "retry key" in answer.json["message"]
    assert (await bot.post("/v2/bot/message/reply", body)).status == 200


async def test_a_retry_key_sends_once(line: FakeLine, bot: Bot) -> None:
    key = _key()
    first = await bot.push(SOMCHAI, key=key)
    again = await bot.push(SOMCHAI, key=key.upper())
    assert again.status == 409
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert again.json == {"message": "The retry key is already accepted", **first.json}
    assert (line.shown(SOMCHAI), line.repeated, line.violations, line.refused) == ([HELLO], [key], [], [])


async def test_a_retry_key_is_forgotten_after_a_day(line: FakeLine, bot: Bot, clock: Clock) -> None:
    key = _key()
    await bot.push(SOMCHAI, key=key)
    clock.forward(seconds=86_399)
    assert (await bot.push(SOMCHAI, key=key)).status == 409
    clock.forward(seconds=1)
    assert (await bot.push(SOMCHAI, key=key)).status == 200
    assert line.duplicates(SOMCHAI) == [HELLO]


async def test_a_retry_key_with_another_body_is_a_violation(line: FakeLine, bot: Bot) -> None:
    key = _key()
    await bot.push(SOMCHAI, key=key)
    assert (await bot.push(SOMCHAI, _words("changed"), key=key)).status == 409
    assert len(line.violations) == 1
    assert key in line.violations[0]


async def test_a_lost_attempt_binds_its_body_too(line: FakeLine, bot: Bot) -> None:
    key = _key()
    line.fail_next("500")
    assert (await bot.push(SOMCHAI, key=key)).status == 500
    assert (await bot.push(SOMCHAI, _words("changed"), key=key)).status == 200
    assert len(line.violations) == 1


@pytest.mark.parametrize("key", ["", "1", "not-a-uuid", "123e4567e89b12d3a456426614174000"])
async def test_a_retry_key_is_a_uuid(line: FakeLine, bot: Bot, key: str) -> None:
    answer = await bot.push(SOMCHAI, key=key)
    assert (answer.status, answer.json) == (400, {"message": "The retry key is invalid"})
    assert not line.accepted


async def test_who_blocked_the_bot_sees_nothing_and_the_bot_is_not_told(line: FakeLine, bot: Bot) -> None:
    says = Webhooks(line, "secret")
    says.unfollow(SOMCHAI)
    assert (await bot.push(SOMCHAI)).status == 200
    assert (len(line.accepted), line.shown(SOMCHAI), line.consumption) == (1, [], 0)
    assert (await bot.get(f"/v2/bot/profile/{SOMCHAI}")).status == 404
    says.follow(SOMCHAI, unblocked=True)
    await bot.push(SOMCHAI)
    assert line.shown(SOMCHAI) == [HELLO]


async def test_one_wrong_id_fails_a_whole_multicast(line: FakeLine, bot: Bot) -> None:
    line.strangers.add(MALEE)
    answer = await bot.multicast([SOMCHAI, MALEE, ANAN])
    assert answer.status == 400
    assert [detail["property"] for detail in answer.json["details"]] == ["to[1]"]
    assert (await bot.multicast([SOMCHAI, "Malee"])).status == 400
    assert (line.accepted, line.shown(SOMCHAI)) == ([], [])
    key = _key()
    assert (await bot.multicast([SOMCHAI, ANAN], key)).json == {}
    assert (await bot.multicast([SOMCHAI, ANAN], key)).status == 409
    assert (line.shown(SOMCHAI), line.shown(ANAN)) == ([HELLO], [HELLO])


async def test_the_months_quota_counts_recipients_of_pushes(line: FakeLine, bot: Bot, clock: Clock) -> None:
    assert (await bot.get("/v2/bot/message/quota")).json == {"type": "none"}
    line.monthly_limit = 3
    await bot.push(SOMCHAI, HELLO, HELLO)
    await bot.multicast([SOMCHAI, MALEE])
    assert (await bot.get("/v2/bot/message/quota")).json == {"type": "limited", "value": 3}
    assert (await bot.get("/v2/bot/message/quota/consumption")).json == {"totalUsage": 3}
    answer = await bot.push(ANAN)
    assert (answer.status, answer.json) == (429, {"message": "You have reached your monthly limit."})
    assert line.shown(ANAN) == []
    assert (await bot.reply(line.reply_token(ANAN))).status == 200, "replies are free"
    clock.forward(seconds=31 * 86_400)
    assert (await bot.push(ANAN)).status == 200


async def test_what_was_said_twice_is_counted(line: FakeLine, bot: Bot) -> None:
    await bot.push(SOMCHAI, HELLO, _words("once"))
    assert line.duplicates(SOMCHAI) == []
    await bot.push(SOMCHAI)
    await bot.push(MALEE)
    assert (line.duplicates(SOMCHAI), line.duplicates(MALEE)) == ([HELLO], [])


async def test_waiting_for_a_message(line: FakeLine, bot: Bot) -> None:
    waiting = asyncio.create_task(line.wait_for(SOMCHAI, 2))
    await bot.push(SOMCHAI)
    assert not waiting.done()
    await bot.push(SOMCHAI, _words("second"))
    assert await waiting == [HELLO, _words("second")]
    with pytest.raises(TimeoutError):
        await line.wait_for(SOMCHAI, 3, patience=0.01)


# --- faults -----------------------------------------------------------------------------------------------------------


async def test_too_many_requests(line: FakeLine, bot: Bot) -> None:
    line.fail_next("429")
    answer = await bot.push(SOMCHAI)
    assert answer.status == 429
    assert answer.json == {"message": "The API rate limit has been exceeded. Try again later."}
    assert (line.accepted, line.refused, line.faults_met) == ([], [], [("push", "429")])
    assert (await bot.push(SOMCHAI)).status == 200


async def test_a_500_comes_as_json_as_html_and_as_bytes_that_are_no_utf8(line: FakeLine, bot: Bot) -> None:
    line.fail_next("500", times=3)
    answers = [await bot.push(SOMCHAI) for _ in range(3)]
    assert [answer.status for answer in answers] == [500] * 3
    assert [answer.headers["content-type"] for answer in answers] == ["application/json", "text/html", "text/html"]
    with pytest.raises(UnicodeDecodeError):
        answers[2].body.decode()
    assert not line.accepted


@pytest.mark.parametrize("kind", ["429", "500", "close_before"])
async def test_what_is_lost_before_can_be_sent_again(line: FakeLine, bot: Bot, kind: Fault) -> None:
    token = line.reply_token(SOMCHAI)
    line.fail_next(kind)
    try:
        assert (await bot.reply(token)).status == int(kind)
    except aiohttp.ClientConnectionError:
        assert kind == "close_before"
    assert line.shown(SOMCHAI) == []
    assert (await bot.reply(token)).status == 200
    assert line.shown(SOMCHAI) == [HELLO]


@pytest.mark.parametrize("kind", ["500_after", "close_after", "close_midway"])
async def test_what_is_lost_afterwards_was_sent(line: FakeLine, bot: Bot, kind: Fault) -> None:
    key, token = _key(), line.reply_token(MALEE)
    line.fail_next(kind, times=2)
    sending: list[Callable[[], Awaitable[Answer]]] = [lambda: bot.push(SOMCHAI, key=key), lambda: bot.reply(token)]
    for send in sending:
        if kind == "500_after":
            assert (await send()).status == 500
        else:
            with pytest.raises(aiohttp.ClientError):
                await send()
    assert (line.shown(SOMCHAI), line.shown(MALEE)) == ([HELLO], [HELLO])
    assert (await bot.push(SOMCHAI, key=key)).status == 409
    assert (await bot.reply(token)).json == {"message": "Invalid reply token"}
    assert (line.duplicates(SOMCHAI), line.duplicates(MALEE)) == ([], [])


@pytest.mark.parametrize(("kind", "seen"), [("timeout", []), ("timeout_after", [HELLO])])
async def test_an_answer_that_never_comes(line: FakeLine, bot: Bot, kind: Fault, seen: list[Json]) -> None:
    line.fail_next(kind)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await bot.push(SOMCHAI)
    assert line.faults_met == [("push", kind)]
    assert line.shown(SOMCHAI) == seen
    assert (await bot.push(MALEE)).status == 200, "the next one is answered"


async def test_closing_lets_go_of_who_waits_for_an_answer() -> None:
    line = FakeLine(token="right")
    line.fail_next("timeout")
    async with aiohttp.ClientSession(headers={"authorization": "Bearer right"}) as session:
        async with line.running():
            waiting = asyncio.create_task(Bot(line, session).push(SOMCHAI))
            await line.until(lambda: bool(line.faults_met))
        async with asyncio.timeout(30):
            with pytest.raises(aiohttp.ClientError):
                await waiting


async def test_a_fault_waits_for_the_endpoint_it_was_meant_for(line: FakeLine, bot: Bot) -> None:
    line.fail_next("500", endpoint="multicast")
    line.fail_next("500", endpoint="loading")
    line.fail_next("500", endpoint="leave")
    line.groups.add(STAFF)
    assert (await bot.push(SOMCHAI)).status == 200
    assert (await bot.multicast([SOMCHAI])).status == 500
    assert (await bot.post("/v2/bot/chat/loading/start", {"chatId": SOMCHAI})).status == 500
    assert (await bot.post(f"/v2/bot/group/{STAFF}/leave", None)).status == 500
    assert (line.loading, line.leaves) == ([], [])
    assert (await bot.post(f"/v2/bot/group/{STAFF}/leave", None)).status == 200


async def test_faults_are_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        faults = Faults(seed, rate_429=0.1, rate_500=0.2, rate_close_after=0.1)
        return [faults.draw() for _ in range(2_000)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    share = {fault: drawn(1).count(fault) / 2_000 for fault in drawn(1)}
    assert share == pytest.approx({"429": 0.1, "500": 0.2, "close_after": 0.1, None: 0.6}, abs=0.03)
    assert Faults().draw() is None
    with pytest.raises(ValueError, match="more faults"):
        Faults(rate_429=0.6, rate_500=0.6)


async def test_through_many_faults_each_message_arrives_once() -> None:
    rates = {f"rate_{kind}": 0.1 for kind in ("429", "500", "500_after", "close_before", "close_after")}
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        FakeLine(token="right", faults=Faults(7, **rates)).running() as line,
        aiohttp.ClientSession(headers={"authorization": "Bearer right"}, timeout=timeout) as session,
    ):
        bot = Bot(line, session)
        for number in range(100):
            key = _key()
            while True:
                try:
                    if (await bot.push(SOMCHAI, _words(str(number)), key=key)).status in (200, 409):
                        break
                except aiohttp.ClientConnectionError:
                    pass
        assert [message["text"] for message in line.shown(SOMCHAI)] == [str(number) for number in range(100)]
        assert len({fault for _, fault in line.faults_met}) == 5
        assert (line.violations, line.refused) == ([], [])


# --- the rest ---------------------------------------------------------------------------------------------------------


async def test_the_loading_animation(line: FakeLine, bot: Bot) -> None:
    path = "/v2/bot/chat/loading/start"
    assert (await bot.post(path, {"chatId": SOMCHAI, "loadingSeconds": 10})).status == 202
    assert (await bot.post(path, {"chatId": SOMCHAI})).status == 202
    assert (await bot.post(path, {"chatId": SOMCHAI, "loadingSeconds": 11})).status == 400
    assert (await bot.post(path, {"chatId": STAFF, "loadingSeconds": 10})).status == 400
    assert line.loading == [(SOMCHAI, 10), (SOMCHAI, 20)]


async def test_leaving_once(line: FakeLine, bot: Bot) -> None:
    says = Webhooks(line, "secret")
    says.join(STAFF)
    says.join(room_id(1))
    assert (await bot.post(f"/v2/bot/room/{STAFF}/leave", None)).status == 404, "a group is no room"
    assert (await bot.post(f"/v2/bot/group/{STAFF}/leave", None)).status == 200
    assert (await bot.post(f"/v2/bot/group/{STAFF}/leave", None)).status == 404
    assert (await bot.post(f"/v2/bot/room/{room_id(1)}/leave", None)).status == 200
    assert line.leaves == [STAFF, room_id(1)]


async def test_who_somebody_is(line: FakeLine, bot: Bot) -> None:
    line.names[MALEE] = "มาลี"
    assert (await bot.get(f"/v2/bot/profile/{MALEE}")).json["displayName"] == "มาลี"
    assert (await bot.get("/v2/bot/profile/malee")).status == 404
    assert (await bot.get("/v2/bot/info")).json["userId"] == line.bot_id


async def test_content_is_prepared_then_there_then_gone(line: FakeLine, bot: Bot) -> None:
    says = Webhooks(line, "secret")
    number = says.file(SOMCHAI, "กพ7.pdf", b"%PDF-1.7", preparing=2)["message"]["id"]
    path = f"/v2/bot/message/{number}/content"
    assert [(await bot.get(path)).status for _ in range(3)] == [202, 202, 200]
    answer = await bot.get(path)
    assert (answer.body, answer.headers["content-type"]) == (b"%PDF-1.7", "application/pdf")
    says.unsend(SOMCHAI, number)
    assert (await bot.get(path)).status == 410
    assert (await bot.get("/v2/bot/message/1/content")).status == 404


async def test_content_tells_whether_it_is_prepared(line: FakeLine, bot: Bot) -> None:
    number = Webhooks(line, "secret").video(SOMCHAI, b"mp4", preparing=1)["message"]["id"]
    path = f"/v2/bot/message/{number}/content/transcoding"
    assert [(await bot.get(path)).json["status"] for _ in range(2)] == ["processing", "succeeded"]
    assert (await bot.get(f"/v2/bot/message/{number}/content")).body == b"mp4"


async def test_content_can_break_off_midway(line: FakeLine, bot: Bot) -> None:
    number = line.content(b"x" * 1_000_000)
    line.fail_next("close_midway", endpoint="content")
    with pytest.raises(aiohttp.ClientPayloadError):
        await bot.get(f"/v2/bot/message/{number}/content")
    assert len((await bot.get(f"/v2/bot/message/{number}/content")).body) == 1_000_000


# --- webhooks ---------------------------------------------------------------------------------------------------------


def test_a_delivery_is_signed_over_its_raw_body() -> None:
    says = Webhooks(FakeLine(), "secret")
    body, headers = says.signed(says.text(SOMCHAI, "สวัสดี"))
    assert "สวัสดี".encode() in body
    digest = hmac.new(b"secret", body, hashlib.sha256).digest()
    assert base64.b64decode(headers["x-line-signature"]) == digest
    assert json.loads(says.signed()[0])["events"] == []


async def test_an_event_brings_the_token_of_the_chat_it_happened_in(line: FakeLine, bot: Bot) -> None:
    says = Webhooks(line, "secret")
    chats: list[tuple[Callable[[], Json], str]] = [
        (lambda: says.text(SOMCHAI, "สวัสดี"), SOMCHAI),
        (lambda: says.postback(MALEE, "d"), MALEE),
        (lambda: says.follow(ANAN), ANAN),
        (lambda: says.text(SOMCHAI, "สวัสดี", group=STAFF), STAFF),
        (lambda: says.join(room_id(1)), room_id(1)),
    ]
    for event, chat in chats:
        assert (await bot.reply(event()["replyToken"])).status == 200
        assert line.shown(chat) == [HELLO]
    for silent in (says.unfollow(SOMCHAI), says.unsend(SOMCHAI, "1"), says.leave(STAFF)):
        assert "replyToken" not in silent


def test_a_redelivery_is_the_same_event_and_a_new_event_is_not() -> None:
    says = Webhooks(FakeLine(), "secret")
    event = says.text(SOMCHAI, "สวัสดี")
    before = copy.deepcopy(event)
    again = redelivered(event)
    assert event == before
    assert again == {**event, "deliveryContext": {"isRedelivery": True}}
    assert says.text(SOMCHAI, "สวัสดี")["webhookEventId"] != event["webhookEventId"]
    assert "replyToken" not in standby(event)
    assert standby(event)["mode"] == "standby"


def test_an_album_is_one_set() -> None:
    first, second = Webhooks(FakeLine(), "secret").album(SOMCHAI, [b"1", b"2"])
    assert first["message"]["imageSet"]["id"] == second["message"]["imageSet"]["id"]
    assert [event["message"]["imageSet"]["index"] for event in (first, second)] == [1, 2]
    assert second["message"]["imageSet"]["total"] == 2
