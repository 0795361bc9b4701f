"""LINE on loopback: takes, refuses and loses requests as the real one does, and knows what each person sees.

1. The access token, the content type and the JSON are checked, then what `checks/` says: 401, 415, 400.
2. A reply token is of one chat, good for one accepted reply within a minute. A reply takes no retry key: 400.
3. A retry key is a UUID, good for one accepted push or multicast in 24 hours; a repeat is answered 409 with the request
   id of what was accepted. It must come with the same body: another one is a violation.
4. Who has blocked the bot is sent to with 200, and sees nothing.
5. A fault either loses a request before it is accepted, or its answer afterwards; whoever sent it cannot tell which.

`Faults` draws from a seed, once for each sending request in the order in which they come; `fail_next` names one.
"""

import asyncio
import itertools
import json
import random
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web

from bot.channels.line import checks
from bot.channels.line.fake_console import Console

Json = dict[str, Any]
# `_after`: accepted, and nobody is told; `midway`: accepted, and half of the answer comes.
Fault = Literal["429", "500", "500_after", "timeout", "timeout_after", "close_before", "close_after", "close_midway"]

REPLY_TOKEN_MS = 60_000
RETRY_KEY_MS = 24 * 60 * 60 * 1000
_REQUEST_ID = web.RequestKey("request_id", str)
_LOST = web.RequestKey("lost", bool)  # a fault keeps it from being accepted
_SENDING = ("reply", "push", "multicast")
_TROUBLES = (  # LINE's front servers answer for themselves, in no encoding in particular
    (b'{"message":"Internal server error"}', "application/json"),
    (b"<html><body><h1>500 Internal Server Error</h1></body></html>", "text/html"),
    ("<html><body>ขัดข้อง</body></html>".encode("cp874"), "text/html"),
)


class Faults:
    """Rates between 0 and 1, together at most 1: the part of all sending requests that meets each fault."""

    def __init__(
        self,
        seed: int = 0,
        *,
        rate_429: float = 0,
        rate_500: float = 0,
        rate_500_after: float = 0,
        rate_timeout: float = 0,
        rate_timeout_after: float = 0,
        rate_close_before: float = 0,
        rate_close_after: float = 0,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311  repeatable is what it must be
        self._rates: dict[Fault, float] = {
            "429": rate_429,
            "500": rate_500,
            "500_after": rate_500_after,
            "timeout": rate_timeout,
            "timeout_after": rate_timeout_after,
            "close_before": rate_close_before,
            "close_after": rate_close_after,
        }
        if sum(self._rates.values()) > 1:
            raise ValueError("more faults than requests")

    def draw(self) -> Fault | None:
        drawn = self._random.random()
        for fault, rate in self._rates.items():
            drawn -= rate
            if drawn < 0:
                return fault
        return None


@dataclass(frozen=True)
class Accepted:
    """What LINE has taken and will deliver."""

    endpoint: str  # reply, push, multicast
    to: tuple[str, ...]
    messages: tuple[Json, ...]
    retry_key: str | None
    at: int  # milliseconds
    request_id: str
    body: Json


@dataclass(frozen=True)
class Refused:
    """What LINE has answered 4xx on its own account; faults on demand are in `FakeLine.faults_met`."""

    endpoint: str
    status: int
    problem: str
    body: bytes


@dataclass
class _Content:
    data: bytes
    kind: str
    preparing: int  # asks that are still answered 202
    unsent: bool = False


class _Refusal(Exception):
    def __init__(self, status: int, message: str, problems: Sequence[checks.Problem] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.problems = status, message, problems


def _now() -> int:
    return int(time.time() * 1000)


class FakeLine:
    """`async with FakeLine(token="…").running() as line:` and `line.url` is the address of both API and content.

    `clock` gives milliseconds. `monthly_limit`: recipients of pushes that a month has; replies are free.
    """

    def __init__(
        self,
        *,
        token: str = "token",  # noqa: S107  the fake's own
        faults: Faults | None = None,
        clock: Callable[[], int] = _now,
        monthly_limit: int | None = None,
    ) -> None:
        self.token, self.faults, self.clock, self.monthly_limit = token, faults or Faults(), clock, monthly_limit
        self.url = ""
        self.bot_id = "U" + "b" * 32
        self.console = Console(self.bot_id)
        self.accepted: list[Accepted] = []
        self.repeated: list[str] = []  # retry keys answered 409
        self.refused: list[Refused] = []
        self.faults_met: list[tuple[str, Fault]] = []  # (endpoint, fault)
        self.violations: list[str] = []
        self.leaves: list[str] = []
        self.loading: list[tuple[str, int]] = []  # (user, seconds)
        self.names: dict[str, str] = {}
        self.blocked: set[str] = set()
        self.strangers: set[str] = set()  # well-formed ids that LINE does not know: they fail a whole multicast
        self.groups: set[str] = set()  # groups and rooms that the bot is in
        self._shown: defaultdict[str, list[Json]] = defaultdict(list)
        self._news = asyncio.Event()
        self._ordered: deque[tuple[Fault, str | None]] = deque()
        self._tokens: dict[str, tuple[str, int]] = {}  # reply token → (chat, issued at)
        self._keys: dict[str, Accepted] = {}
        self._bodies: dict[str, tuple[str, Json]] = {}  # retry key → what first came with it
        self._answers: dict[str, Json] = {}  # request id → what was answered
        self._contents: dict[str, _Content] = {}
        self._spent: Counter[tuple[int, int]] = Counter()  # (year, month) → recipients
        self._numbers = itertools.count(500_000_000_000_000_001)
        self._troubles = itertools.cycle(_TROUBLES)

    # --- what a test arranges -----------------------------------------------------------------------------------------

    def reply_token(self, chat: str) -> str:
        """A new one, as it comes with an event of this user, group or room."""
        token = uuid.uuid4().hex
        self._tokens[token] = (chat, self.clock())
        return token

    def next_id(self) -> str:
        """A message id."""
        return str(next(self._numbers))

    def content(self, data: bytes, kind: str = "image/jpeg", *, preparing: int = 0) -> str:
        """The id of a message with this content, which the first `preparing` asks find unfinished."""
        number = self.next_id()
        self._contents[number] = _Content(data, kind, preparing)
        return number

    def unsend(self, message_id: str) -> None:
        if message_id in self._contents:
            self._contents[message_id].unsent = True

    def fail_next(self, kind: Fault, times: int = 1, *, endpoint: str | None = None) -> None:
        """The next requests to `endpoint` (reply, push, loading, content, …; unnamed: to any that sends) meet this."""
        self._ordered.extend([(kind, endpoint)] * times)

    # --- what a test looks at -----------------------------------------------------------------------------------------

    def shown(self, chat: str) -> list[Json]:
        """The messages that this user, group or room sees, in order."""
        return list(self._shown[chat])

    def duplicates(self, chat: str) -> list[Json]:
        """Each message that says what another one before it has said."""
        seen: set[str] = set()
        found = []
        for message in self._shown[chat]:
            said = _canonical(message)
            if said in seen:
                found.append(message)
            seen.add(said)
        return found

    async def wait_for(self, chat: str, count: int, patience: float = 10) -> list[Json]:
        """Until the chat has seen `count` messages in all; TimeoutError after `patience` seconds."""
        await self.until(lambda: len(self._shown[chat]) >= count, patience)
        return self.shown(chat)

    async def until(self, condition: Callable[[], bool], patience: float = 10) -> None:
        """Asked again after each request; TimeoutError after `patience` seconds."""
        async with asyncio.timeout(patience):
            while not condition():
                self._news.clear()
                await self._news.wait()

    @property
    def consumption(self) -> int:
        """Recipients of this month's pushes."""
        return self._spent[self._month()]

    # --- the server ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["FakeLine"]:
        app = web.Application(middlewares=[self._around], client_max_size=4 * 2**20)
        app.add_routes(
            [
                web.post("/v2/bot/message/reply", self._reply),
                web.post("/v2/bot/message/push", self._push),
                web.post("/v2/bot/message/multicast", self._multicast),
                web.post("/v2/bot/chat/loading/start", self._loading),
                web.post("/v2/bot/{kind:group|room}/{id}/leave", self._leave),
                web.get("/v2/bot/profile/{id}", self._profile),
                web.get("/v2/bot/info", self._info),
                *self.console.routes(),
                web.get("/v2/bot/message/quota", self._quota),
                web.get("/v2/bot/message/quota/consumption", self._consumption),
                web.get("/v2/bot/message/{id}/content", self._content),
                web.get("/v2/bot/message/{id}/content/transcoding", self._transcoding),
                web.route("*", "/{path:.*}", self._elsewhere),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @web.middleware
    async def _around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        request_id = str(uuid.uuid4())
        request[_REQUEST_ID] = request_id
        endpoint = _endpoint(request.path)
        fault = self._fault(endpoint)
        if fault:
            self.faults_met.append((endpoint, fault))
        request[_LOST] = lost = fault in ("429", "500", "timeout")
        try:
            if fault == "close_before":
                return _closed(request)
            body = await request.read()
            answer: web.StreamResponse
            try:
                if request.headers.get("authorization") != f"Bearer {self.token}":
                    raise _Refusal(
                        401,
                        "Authentication failed. Confirm that the access token in the authorization header is valid.",
                    )
                # What is lost on its way to be sent is still compared with what is sent in its place.
                answer = web.Response() if lost and endpoint not in _SENDING else await handler(request)
            except _Refusal as refusal:
                problem = "; ".join((refusal.message, *(f"{at}: {what}" for at, what in refusal.problems)))
                self.refused.append(Refused(endpoint, refusal.status, problem, body))
                answer = _refusal(refusal)
            else:
                if fault:
                    answer = await self._suffer(fault, request, answer)
            if not answer.prepared:
                answer.headers["x-line-request-id"] = request_id
            return answer
        finally:
            self._news.set()

    def _fault(self, endpoint: str) -> Fault | None:
        drawn = self.faults.draw() if endpoint in _SENDING else None
        for index, (fault, wanted) in enumerate(self._ordered):
            if endpoint == wanted or (wanted is None and endpoint in _SENDING):
                del self._ordered[index]
                return fault
        return drawn

    async def _suffer(self, fault: Fault, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        match fault:
            case "429":
                return web.json_response(
                    {"message": "The API rate limit has been exceeded. Try again later."}, status=429
                )
            case "500" | "500_after":
                body, kind = next(self._troubles)
                return web.Response(status=500, body=body, content_type=kind)
            case "timeout" | "timeout_after":
                self._news.set()
                await asyncio.Event().wait()  # cancelled when the server is closed
            case "close_midway" if isinstance(answer, web.Response) and isinstance(answer.body, bytes):
                half = web.StreamResponse(status=answer.status, headers=answer.headers)
                half.content_length = len(answer.body)
                await half.prepare(request)
                await half.write(answer.body[: len(answer.body) // 2])
                _closed(request)
                return half
        return _closed(request)

    # --- sending ------------------------------------------------------------------------------------------------------

    async def _reply(self, request: web.Request) -> web.Response:
        if "x-line-retry-key" in request.headers:
            raise _Refusal(400, "The retry key is not supported by this endpoint")
        body = await _json(request)
        _refuse(checks.of_reply(body))
        chat, issued = self._tokens.get(body["replyToken"], ("", 0))
        if not chat or self.clock() - issued >= REPLY_TOKEN_MS:
            raise _Refusal(400, "Invalid reply token")
        if not request[_LOST]:
            del self._tokens[body["replyToken"]]
        return self._take(request, body, (chat,))

    async def _push(self, request: web.Request) -> web.Response:
        body = await _json(request)
        _refuse(checks.of_push(body))
        return self._take(request, body, (body["to"],))

    async def _multicast(self, request: web.Request) -> web.Response:
        body = await _json(request)
        _refuse(checks.of_multicast(body))
        return self._take(request, body, tuple(dict.fromkeys(body["to"])))

    def _take(self, request: web.Request, body: Json, to: tuple[str, ...]) -> web.Response:
        endpoint, key, now = _endpoint(request.path), request.headers.get("x-line-retry-key"), self.clock()
        if endpoint != "reply":
            if key is not None and not checks.is_retry_key(key):
                raise _Refusal(400, "The retry key is invalid")
            if unknown := self.strangers.intersection(to):
                at = "to" if endpoint == "push" else f"to[{body['to'].index(min(unknown))}]"
                _refuse([(at, "no such user")])
        if key is not None:
            key = key.lower()
            if self._bodies.setdefault(key, (endpoint, body)) != (endpoint, body):
                self.violations.append(f"retry key {key} came with another {endpoint} body")
        if request[_LOST]:
            return web.Response()  # the fault answers instead
        if key is not None:
            before = self._keys.get(key)
            if before and now - before.at < RETRY_KEY_MS:
                self.repeated.append(key)
                return web.json_response(
                    {"message": "The retry key is already accepted", **self._answers[before.request_id]},
                    status=409,
                    headers={"x-line-accepted-request-id": before.request_id},
                )
        reached = [chat for chat in to if chat not in self.blocked]
        if endpoint != "reply":
            if self.monthly_limit is not None and self.consumption + len(reached) > self.monthly_limit:
                raise _Refusal(429, "You have reached your monthly limit.")
            self._spent[self._month()] += len(reached)
        messages = tuple(body["messages"])
        taken = Accepted(endpoint, to, messages, key, now, request[_REQUEST_ID], body)
        self.accepted.append(taken)
        for chat in reached:
            self._shown[chat] += messages
        sent = {"sentMessages": [{"id": self.next_id(), "quoteToken": uuid.uuid4().hex} for _ in messages]}
        answer: Json = {} if endpoint == "multicast" else sent
        if key is not None:
            self._keys[key] = taken
            self._answers[taken.request_id] = answer
        return web.json_response(answer)

    def _month(self) -> tuple[int, int]:
        today = datetime.fromtimestamp(self.clock() / 1000, UTC)
        return today.year, today.month

    # --- the rest -----------------------------------------------------------------------------------------------------

    async def _loading(self, request: web.Request) -> web.Response:
        body = await _json(request)
        _refuse(checks.of_loading(body))
        self.loading.append((body["chatId"], body.get("loadingSeconds", 20)))
        return web.json_response({}, status=202)

    async def _leave(self, request: web.Request) -> web.Response:
        chat = request.match_info["id"]
        if chat not in self.groups or chat[0] != {"group": "C", "room": "R"}[request.match_info["kind"]]:
            raise _Refusal(404, "Not found")
        self.groups.remove(chat)
        self.leaves.append(chat)
        return web.json_response({})

    async def _profile(self, request: web.Request) -> web.Response:
        user = request.match_info["id"]
        if checks.of_loading({"chatId": user}) or user in self.blocked or user in self.strangers:
            raise _Refusal(404, "Not found")
        return web.json_response({"userId": user, "displayName": self.names.get(user, "สมชาย"), "language": "th"})

    async def _info(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "userId": self.bot_id,
                "basicId": "@kp7",
                "displayName": "KP7",
                "chatMode": "bot",
                "markAsReadMode": "auto",
            }
        )

    async def _quota(self, _request: web.Request) -> web.Response:
        if self.monthly_limit is None:
            return web.json_response({"type": "none"})
        return web.json_response({"type": "limited", "value": self.monthly_limit})

    async def _consumption(self, _request: web.Request) -> web.Response:
        return web.json_response({"totalUsage": self.consumption})

    async def _content(self, request: web.Request) -> web.Response:
        content = self._found(request)
        if self._prepared(content):
            return web.Response(body=content.data, content_type=content.kind)
        return web.Response(status=202)

    async def _transcoding(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "succeeded" if self._prepared(self._found(request)) else "processing"})

    async def _elsewhere(self, _request: web.Request) -> web.Response:
        raise _Refusal(404, "Not found")

    def _found(self, request: web.Request) -> _Content:
        content = self._contents.get(request.match_info["id"])
        if content is None:
            raise _Refusal(404, "Not found")
        if content.unsent:
            raise _Refusal(410, "Gone")
        return content

    def _prepared(self, content: _Content) -> bool:
        """Each ask brings it nearer."""
        if not content.preparing:
            return True
        content.preparing -= 1
        return False


def _endpoint(path: str) -> str:
    """The word that names it: reply, push, multicast, loading, leave, profile, content, …"""
    words = path.rstrip("/").split("/")
    return next((name for name in ("profile", "loading") if name in words), words[-1])


async def _json(request: web.Request) -> Json:
    if request.content_type != "application/json":
        raise _Refusal(415, "Unsupported Media Type")
    try:
        body = json.loads(await request.read())
    except ValueError:  # of json and of UTF-8
        body = None
    if not isinstance(body, dict):
        raise _Refusal(400, "The request body could not be parsed as JSON")
    return body


def _refuse(problems: Sequence[checks.Problem]) -> None:
    if problems:
        raise _Refusal(400, f"The request body has {len(problems)} error(s)", problems)


def _refusal(refusal: _Refusal) -> web.Response:
    answer: Json = {"message": refusal.message}
    if refusal.problems:
        answer["details"] = [{"message": what, "property": at} for at, what in refusal.problems]
    return web.json_response(answer, status=refusal.status)


def _closed(request: web.Request) -> web.Response:
    """Cut off in mid-air: what is returned here has nowhere to go."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _canonical(message: Json) -> str:
    return json.dumps(message, sort_keys=True, ensure_ascii=False)
