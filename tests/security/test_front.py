"""The front door against half requests, trickles and what can be read in two ways (WH3)."""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot import front
from bot.http import patient
from bot.settings import Settings
from tests.served import Served, ask, exchange, get, until_closed

# --- half-open connections, and everybody else ------------------------------------------------------------------------

HALVES = {
    "not a byte": b"",
    "half a header": b"GET /chat HTTP/1.1\r\nhost: 127.0.0.1\r\nx-",
    "half a body": b"POST /chat/people/1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{",
    "only line breaks": b"\r\n",
}
EACH = 100  # and as many again that trickle
SECONDS = 3.0  # a client of ours that is as busy must have sent its request by then
SLACK = 6.0  # for a machine that is busy with 500 clients


async def _half_open(port: int, sent: bytes, *, trickle: bool) -> float:
    """→ how long the server kept it, counted from before it can know: we may hear of our own connection late"""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        end = asyncio.ensure_future(reader.read())
        while not end.done():
            await asyncio.wait([end], timeout=0.1 if trickle else 20)
            if trickle and not end.done():
                writer.write(b"a")
            assert time.monotonic() - begun < 20, "kept for ever"
        end.exception()  # a reset closes as well
    finally:
        writer.close()
    return time.monotonic() - begun


async def _asks_all_the_while(port: int, stop: asyncio.Event) -> list[float]:
    took = []
    while not stop.is_set():
        begun = time.monotonic()
        assert b" 200 " in await ask(port, get("/chat"))
        took.append(time.monotonic() - begun)
    return took


async def test_500_half_open_connections_are_closed_and_nobody_else_waits(tmp_path: Path) -> None:
    with Served(tmp_path, header_seconds=SECONDS, body_seconds=SECONDS) as served:
        stop = asyncio.Event()
        others = [asyncio.create_task(_asks_all_the_while(served.port, stop)) for _ in range(4)]
        halves = [_half_open(served.port, sent, trickle=False) for sent in HALVES.values() for _ in range(EACH)]
        trickles = [HALVES["half a header"], HALVES["half a body"]] * (EACH // 2)
        kept = await asyncio.gather(*halves, *(_half_open(served.port, sent, trickle=True) for sent in trickles))
        stop.set()
        took = sorted(second for one in await asyncio.gather(*others) for second in one)
        measured = exchange(served.port, get("/metrics")).decode()
        assert served.stop() == 0
    assert len(kept) == 500
    assert max(kept) < SECONDS + SLACK
    assert min(kept[EACH:]) > SECONDS / 2  # not just refused
    p99 = took[len(took) * 99 // 100]
    assert len(took) > 100
    assert p99 < 3, f"p99 of {len(took)} requests: {p99:.3f} s"
    counted = dict(re.findall(r'kp7_refused_total\{channel="front",reason="(\w+)"\} (\d+)', measured))
    assert counted == {"silent": str(EACH), "header_timeout": str(2 * EACH + EACH // 2), "body_timeout": "150"}
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    refused = [line for line in lines if line["event"] == "refused"]
    assert len(lines) < 15, "whoever attacks must not fill the disk"
    assert sum(line["times"] for line in refused) == 500


# --- what can be read in two ways -------------------------------------------------------------------------------------

HOST = b"host: 127.0.0.1\r\n"
POST = b"POST /chat/people/1/messages HTTP/1.1\r\n" + HOST
GET = b"GET /chat HTTP/1.1\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
REFUSED = {
    "one length twice": POST + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    "two lengths": POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "a list of lengths": POST + b"content-length: 3, 3\r\n\r\nabc",
    "length and chunks": POST + b"content-length: 3\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks and length": POST + CHUNKED + b"content-length: 3\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks that are something else": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks, then something else": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "a signed length": POST + b"content-length: +3\r\n\r\nabc",
    "a negative length": POST + b"content-length: -3\r\n\r\nabc",
    "an empty length": POST + b"content-length: \r\n\r\nabc",
    "a length without end": POST + b"content-length: " + b"9" * 5_000 + b"\r\n\r\nabc",
    "a chunk without end": POST + CHUNKED + b"\r\n" + b"f" * 40 + b"\r\n",
    "no chunk": POST + CHUNKED + b"\r\nzz\r\n",
    "a folded header": GET + HOST + b"x: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET /chat HTTP/1.1\nhost: 127.0.0.1\n\n",
    "a space before the colon": GET + b"host : 127.0.0.1\r\n\r\n",
    "NUL in a header": GET + HOST + b"x: a\0b\r\n\r\n",
    "a carriage return in a header": GET + HOST + b"x: a\rb\r\n\r\n",
    "no host": GET + b"\r\n",
    "two hosts": GET + HOST + HOST + b"\r\n",
    "an unknown method": b"BREW /chat HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the path": b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "no path": b"GET chat HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol, and a body": POST + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc",
    "a header without end": GET + b"x: " + b"a" * 60_000,
    "headers without end": GET + HOST + b"x: aaaaaaaa\r\n" * 5_000,
    "large headers": GET + HOST + b"x: aaaaaaaa\r\n" * 5_000 + b"\r\n",
    "a large path": b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a trailer without end": POST + CHUNKED + b"\r\n1\r\na\r\n0\r\nx: " + b"a" * 600_000,
    "a chunk's extension without end": POST + CHUNKED + b"\r\n1;" + b"a" * 600_000,
}
VERSIONS = {"0.9": b"GET /\r\n\r\n", "2": b"GET /chat HTTP/2.0\r\n" + HOST + b"\r\n"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("front")) as served:
        yield served
        lines = [json.loads(line) for line in served.log.read_text().splitlines()]
        assert {line["event"] for line in lines} <= {"started", "refused"}, "an attack is no error of ours"


@pytest.mark.parametrize("what", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed(served: Served, what: str) -> None:
    answer = exchange(served.port, REFUSED[what])
    assert re.match(rb"HTTP/1\.1 4\d\d ", answer), answer[:100]
    assert b"408" not in answer[:12], "refused at once, not when time is up"
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("what", VERSIONS)
def test_another_version_of_http(served: Served, what: str) -> None:
    assert re.match(rb"HTTP/1\.1 (505|400) ", exchange(served.port, VERSIONS[what]))


def test_a_body_without_a_length_is_no_body(served: Served) -> None:
    """What follows is taken for the next request, which it is not."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(POST + b'\r\n{"id":"abcdefgh","open":true}')
        answer = until_closed(connection)
    assert re.match(rb"HTTP/1\.1 4\d\d ", answer)
    assert b" 5" not in answer[:12]


def test_a_refusal_arrives_although_more_was_being_sent(served: Served) -> None:
    """A connection that is closed with unread bytes is reset, and the answer lost with it."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(GET + HOST)
        for _ in range(200):
            connection.sendall(b"x: " + b"a" * 4_000 + b"\r\n")
        assert until_closed(connection).startswith(b"HTTP/1.1 431 ")


# --- what is well-behaved is served -----------------------------------------------------------------------------------


@asynccontextmanager
async def a_door(app: Starlette, **settings: float) -> AsyncIterator[uvicorn.Server]:
    given = {"port": 0, "header_seconds": 0.3, "body_seconds": 0.3, **settings}
    server = uvicorn.Server(front.Config(app, Settings(_env_file=None, **given)))  # type: ignore[arg-type]
    tasks = [asyncio.create_task(server.serve()), asyncio.create_task(front.sweep(server.server_state, 0.05))]
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.005)
    try:
        yield server
    finally:
        server.should_exit = True
        await tasks[0]
        tasks[1].cancel()


def _port(server: uvicorn.Server) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])


async def _slow(_: Request) -> Response:
    await asyncio.sleep(1)
    return PlainTextResponse("at last")


async def _stream(_: Request) -> Response:
    async def words() -> AsyncIterator[str]:
        for _ in range(10):
            await asyncio.sleep(0.1)
            yield "word "

    return StreamingResponse(words())


async def _reads_late(request: Request) -> Response:
    await asyncio.sleep(1)
    return PlainTextResponse(str(len(await request.body())))


async def _patient(request: Request) -> Response:
    patient(request.scope, 1)
    return PlainTextResponse(str(len(await request.body())))


async def _early(_: Request) -> Response:
    return PlainTextResponse("no need to go on", 413)


async def _echo(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{body.decode()} {request.headers.get('x-late', 'no trailer')}")


async def _endless(_: Request) -> Response:
    async def bytes_() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"x" * 65_536

    return StreamingResponse(bytes_())


APP = Starlette(
    routes=[
        Route("/slow", _slow),
        Route("/stream", _stream),
        Route("/late", _reads_late, methods=["POST"]),
        Route("/early", _early, methods=["POST"]),
        Route("/patient", _patient, methods=["POST"]),
        Route("/echo", _echo, methods=["GET", "POST"]),
        Route("/endless", _endless),
    ]
)


async def test_a_slow_answer_is_not_cut() -> None:
    async with a_door(APP) as server:
        slow, stream = await asyncio.gather(ask(_port(server), get("/slow")), ask(_port(server), get("/stream")))
    assert slow.endswith(b"at last")
    assert stream.count(b"word ") == 10
    assert stream.endswith(b"0\r\n\r\n")


async def test_nobody_is_late_whose_body_waits_for_us() -> None:
    size = 8_000_000  # more than all buffers on the way hold
    head = f"POST /late HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n".encode()
    async with a_door(APP) as server:
        assert (await ask(_port(server), head + b"x" * size)).endswith(str(size).encode())


async def test_whoever_is_known_may_take_longer_but_not_for_ever() -> None:
    head = b"POST /patient HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"
    async with a_door(APP) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(server))
        writer.write(head + b"ab")
        await asyncio.sleep(0.8)  # for others it is over after 0.3 s
        writer.write(b"cde")
        assert (await reader.readuntil(b"\r\n\r\n5")).startswith(b"HTTP/1.1 200 ")
        writer.write(head + b"ab")
        begun = time.monotonic()
        assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - begun > 1
        writer.close()


async def test_two_requests_one_after_the_other_and_then_silence() -> None:
    request = (
        b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-late: 1\r\n\r\n"
    )
    async with a_door(APP) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(server))
        for _ in range(2):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert await reader.readexactly(16) == b"hello no trailer"
            await asyncio.sleep(0.5)  # idle for longer than headers may take: a proxy keeps its connections
        writer.write(b"POST /echo HT")  # and a second beginning has its own deadline
        assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_line_breaks_between_requests_buy_no_time() -> None:
    async with a_door(APP) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(server))
        writer.write(b"GET /echo HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"no trailer")
        end = asyncio.ensure_future(reader.read())
        begun = time.monotonic()
        while not end.done():
            writer.write(b"\r\n")
            await asyncio.wait([end], timeout=0.05)
            assert time.monotonic() - begun < 5
        writer.close()


async def test_what_is_sent_before_the_answer_is_not_read() -> None:
    async with a_door(APP) as server:
        answer = await ask(
            _port(server), b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\nPOST /echo HTTP/1.1\r\nhost: x\r\n\r\n"
        )
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer.endswith(b"at last")
        assert server.server_state.total_requests == 1


async def test_an_answer_that_comes_before_the_body_has() -> None:
    head = b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab"
    async with a_door(APP) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(server))
        writer.write(head)
        await reader.readuntil(b"no need to go on")
        writer.write(b"cde")
        await asyncio.sleep(0.1)
        writer.write(head)
        assert (await reader.readuntil(b"no need to go on")).startswith(b"HTTP/1.1 413 ")
        assert (
            await asyncio.wait_for(reader.read(), 30) == b""
        )  # the second body never comes: closed without another word
        writer.close()


async def test_the_rest_of_a_body_that_was_answered_and_the_next_request_in_one_piece() -> None:
    """Who has its answer may ask on: that the body's end was still on its way is nobody's fault."""
    head = b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"
    async with a_door(APP) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(server))
        writer.write(head + b"ab")
        for _ in range(3):
            assert (await reader.readuntil(b"no need to go on")).startswith(b"HTTP/1.1 413 ")
            writer.write(b"cde" + head + b"ab")
        await reader.readuntil(b"no need to go on")
        writer.write(b"cdePOST /early HTTP/1.1\r\n")  # and then no more: as late as any half request
        assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_another_protocol_is_not_spoken_but_the_request_is_answered() -> None:
    upgrade = b"GET /echo HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x05hello"
    async with a_door(APP) as server:
        assert (await ask(_port(server), upgrade)).endswith(b"no trailer")


async def test_who_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "STALLED_SECONDS", 0.3)
    async with a_door(APP) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", _port(server), limit=1024)
        writer.write(get("/endless"))
        async with asyncio.timeout(10):
            while not server.server_state.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while server.server_state.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        writer.close()


async def test_the_house_is_full_until_somebody_leaves() -> None:
    async with a_door(APP, max_connections=5) as server:
        guests = [await asyncio.open_connection("127.0.0.1", _port(server)) for _ in range(5)]
        assert (await ask(_port(server), get("/echo"))).startswith(b"HTTP/1.1 503 ")
        for reader, writer in guests:
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()
        assert (await ask(_port(server), get("/echo"))).startswith(b"HTTP/1.1 200 ")
