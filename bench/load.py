"""The load, and the platform's API that it plays, in one process on one core of its own.

One law: never wait for a figure that the subject did not earn, and never count a reply that is not the right one.

- Users share a pool of keep-alive connections, one request in flight on each, as a platform does.
- The clock of an event runs from sending its webhook until the reply reaches the fake API. In the open loop it starts
  when the event was *due*: an event that had to wait for its turn has waited.
- A user's next event goes when the API has answered (with a delayed API: after the delay; nobody answers a message that
  has not been delivered) and the webhook has its 200 (ConversationHandler would not know yet where the person is).
- Each reply must be the next question of the conversation, once. Anything else ends the run.
"""

import asyncio
import gc
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools

from bench import talk
from bench.platforms import Platform, Wrong, marks

STALLED_SECONDS = 20.0
STALE_SECONDS = 3.0  # unused for so long, a connection is replaced: uvicorn closes it after five


@dataclass
class Played:
    """What one run gave. Seconds; `replied` and `accepted` are one figure an event."""

    seconds: float = 0.0
    cpu: float = 0.0
    replied: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    reply_bytes: int = 0
    pushes: int = 0


class _Connection(asyncio.Protocol):
    """One connection to the subject: one webhook at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.clock = 0.0
        self.user = 0
        self.used = time.perf_counter()
        self.busy = False
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass of it

    def send(self, request: bytes) -> None:
        assert self._transport
        self.busy = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.busy = False
        self._load.accepted(self, self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self.busy:
            self._load.fail(f"the server closed a connection ({exc})")

    def close(self) -> None:
        assert self._transport
        self.busy = False
        self._transport.close()


class _Api(asyncio.Protocol):
    """One connection to the fake API."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass of it

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        self._load.called(self, self._path, self._body)

    def answer(self, body: bytes) -> None:
        assert self._transport
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


class Load:
    """`async with Load(...)`; then `closed` and `open` as often as wanted, each with users of its own."""

    def __init__(self, platform: Platform, *, replies: bool, delay: float = 0.0) -> None:
        """`replies` False: the subject only answers 200, and with that an event is over. `delay`: of the API."""
        self._platform, self._replies, self._delay = platform, replies, delay
        self._marks = [marks(step) for step in range(talk.STEPS)]
        self._port = 0
        self._connections: set[_Connection] = set()
        self._free: deque[_Connection] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._ready: deque[tuple[int, float]] = deque()  # user, clock (0: starts when it is sent)
        self._early: dict[int, deque[float]] = {}  # due before the reply to the event before had come
        self._step: dict[int, int] = {}
        self._since: dict[int, float] = {}  # users that wait for a reply
        self._data: dict[int, str] = {}
        self._left = 0
        self._scheduled = False
        self._start = 0.0
        self._over: asyncio.Future[None] | None = None
        self._played = Played()
        self._server: asyncio.Server | None = None
        self._told: set[int] = set()  # users who have the reply to their event
        self._half: set[int] = set()  # users whose event has either its 200 or its reply, not both

    async def listen(self) -> int:
        """Start the fake API; its port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Api(self), "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def connect(self, port: int, connections: int) -> None:
        self._port = port
        for _ in range(connections):
            await self._connect()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        self._connections.add(connection)
        self._free.append(connection)
        self._pump()

    async def close(self) -> None:
        for connection in self._connections:
            connection.close()
        if self._server:
            self._server.close()

    # --- the two loops ----------------------------------------------------------------------------------------------

    async def closed(self, users: Sequence[int]) -> Played:
        """All users at once, each with its next event as soon as the reply to the last one is there."""
        self._begin(users, len(users) * talk.STEPS, scheduled=False)
        self._ready.extend((user, 0.0) for user in users)
        self._pump()
        return await self._finish()

    async def open(self, due: Sequence[tuple[float, int]]) -> Played:
        """Each event when it is due (seconds from now, user), whether or not the server keeps up."""
        self._begin(sorted({user for _, user in due}), len(due), scheduled=True)
        start = time.perf_counter() + 0.05
        pending = deque((start + at, user) for at, user in due)
        asyncio.get_running_loop().call_soon(self._tick, pending)
        return await self._finish()

    def _tick(self, pending: deque[tuple[float, int]]) -> None:
        now = time.perf_counter()
        while pending and pending[0][0] <= now:
            clock, user = pending.popleft()
            if user in self._since:
                self._early.setdefault(user, deque()).append(clock)
            else:
                self._ready.append((user, clock))
                self._since[user] = clock
        self._pump()
        if pending:
            asyncio.get_running_loop().call_later(max(0.0005, pending[0][0] - now), self._tick, pending)

    def _begin(self, users: Sequence[int], events: int, *, scheduled: bool) -> None:
        self._scheduled = scheduled
        self._step = dict.fromkeys(users, 0)
        self._data, self._since, self._early = {}, {}, {}
        self._told, self._half = set(), set()
        self._left = 2 * events  # each event ends twice: with its 200, and with its reply (or that 200 again)
        self._played = Played()
        self._over = asyncio.get_running_loop().create_future()
        gc.collect()
        gc.disable()  # its pauses would be counted as the subject's
        self._played.cpu = -time.process_time()
        self._start = time.perf_counter()

    async def _finish(self) -> Played:
        assert self._over
        try:
            left = -1
            while left != self._left:
                left = self._left
                done, _ = await asyncio.wait([self._over], timeout=STALLED_SECONDS)
                if done:
                    self._over.result()
                    return self._played
            raise Wrong(f"nothing happened for {STALLED_SECONDS:.0f} s; {left // 2} events were still to come")
        finally:
            gc.enable()

    # --- what happens -----------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while self._ready and self._free:
            connection = self._free.popleft()
            if connection.lost or time.perf_counter() - connection.used > STALE_SECONDS:
                self._replace(connection)
                continue
            user, clock = self._ready.popleft()
            request = self._platform.event(user, self._step[user], self._data.get(user, ""))
            connection.user, connection.clock = user, clock or time.perf_counter()
            self._since[user] = connection.clock
            connection.send(request)

    def _replace(self, connection: _Connection) -> None:
        connection.close()
        self._connections.discard(connection)
        task = asyncio.get_running_loop().create_task(self._connect())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def accepted(self, connection: _Connection, status: int) -> None:
        if status != 200:
            self.fail(f"a webhook was answered {status}")
        now = connection.used = time.perf_counter()
        self._played.accepted.append(now - connection.clock)
        self._played.seconds = now - self._start
        self._free.append(connection)
        if not self._replies:
            self._reached(connection.clock)
            self._ended(connection.user)
        self._ended(connection.user)
        self._pump()

    def called(self, api: _Api, path: bytes, body: bytes) -> None:
        try:
            reply = self._platform.reply(path, body)
            if reply:
                self._judge(reply.user, reply.step, body)
        except Wrong as wrong:
            self.fail(str(wrong))
            return
        answer = self._platform.answer(path, reply)
        if reply is None:
            api.answer(answer)
            return
        self._played.pushes += reply.pushed
        self._played.reply_bytes += len(body)
        self._reached(self._since[reply.user])
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._answer, api, answer, reply.user)
        else:
            self._answer(api, answer, reply.user)

    def _answer(self, api: _Api, answer: bytes, user: int) -> None:
        api.answer(answer)
        self._ended(user)
        self._pump()

    def _judge(self, user: int, step: int, body: bytes) -> None:
        if user not in self._since or user in self._told:
            raise Wrong(f"user {user} was told something unasked: {body!r}")
        now = self._step[user]
        if step not in (-1, now):
            raise Wrong(f"user {user} waits for the reply to event {now}, and got that to event {step}")
        if not any(mark in body for mark in self._marks[now]):
            raise Wrong(f"not the right reply to event {now} (“{talk.mark(now)}”): {body!r}")
        if now < 2:
            self._data[user] = self._platform.button(body)
            if now == 0 and self._data[user] != talk.LOGIN:
                raise Wrong(f"the menu's first button is not the login: {body!r}")
        self._told.add(user)

    def _reached(self, clock: float) -> None:
        now = time.perf_counter()
        self._played.replied.append(now - clock)
        self._played.seconds = now - self._start

    def _ended(self, user: int) -> None:
        """Half an event is over: its 200 is here, or its reply was answered."""
        self._left -= 1
        if user not in self._half:
            self._half.add(user)
            return
        self._half.discard(user)
        self._told.discard(user)
        self._since.pop(user)
        self._step[user] += 1
        if early := self._early.get(user):
            clock = early.popleft()
            self._since[user] = clock
            self._ready.append((user, clock))
        elif not self._scheduled and self._step[user] < talk.STEPS:
            self._ready.append((user, 0.0))
        if self._left == 0 and self._over and not self._over.done():
            self._played.cpu += time.process_time()
            self._over.set_result(None)

    def fail(self, why: str) -> None:
        if self._over and not self._over.done():
            self._over.set_exception(Wrong(why))
