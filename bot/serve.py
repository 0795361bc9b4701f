"""`kp7 serve`: web and worker in one process. `kp7 web` and `kp7 worker`: each by itself, as many as you like.

SIGTERM or Ctrl-C: no new connections; requests that were accepted are answered; then `bot.app.running` finishes events
and deliveries in flight, and the exit code is 0. A second Ctrl-C does not wait for slow answers.
"""

import asyncio
import contextlib
import ctypes
import errno
import fcntl
import gc
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import structlog
import uvicorn
import uvloop

from bot import front
from bot.app import running, web_app
from bot.channels.web import Hub
from bot.logs import log_as_json, place, tell
from bot.settings import Settings, version
from storage import sqlite

log = structlog.get_logger()

LARGE = 1024 * 1024  # bytes
_M_MMAP_THRESHOLD = -3  # malloc.h
OTHER_FILES = 256  # what is open besides connections: database, log, mail server, LINE


class Shut(Exception):
    """Nobody can be let in at this address: a sentence for the operator."""


class _Server(uvicorn.Server):
    hub: Hub | None = None
    stopping = 0.0

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's own would die of the signal once the server has stopped, before what was accepted is finished."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield  # the handlers stay: what comes after is bounded, and must not be killed by a second signal

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.stopping = time.monotonic()
        if self.hub:
            self.hub.close()  # live streams never end by themselves, and the stop waits for them
        await super().shutdown(sockets)


def run(settings: Settings, *, web: bool = True, worker: bool = True) -> int:
    """Returns an exit code."""
    log_as_json()
    gc.set_threshold(50_000, 20, 50)  # cycles are rare here, and looking for them at every turn costs a seventh of it
    _give_back_what_is_large()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, worker=worker) if web else _work(settings))


def _give_back_what_is_large() -> None:
    """Files go back to the system as soon as they are done with. The C library of most systems, having seen some of
    them, would keep so much for the next ones; in each thread."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)


async def _work(settings: Settings) -> int:
    """Without a door to the world."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(_stray)
    async with running(settings, web=False):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        log.info("started", version=version(), database=urlsplit(settings.database_url).scheme, part="worker")
        await stop.wait()
        stopping = time.monotonic()
    log.info("stopped", seconds=round(time.monotonic() - stopping, 2))
    return 0


async def _serve(settings: Settings, *, worker: bool) -> int:
    asyncio.get_running_loop().set_exception_handler(_stray)
    async with only_one(settings.database_url):
        await _try_door(settings.host, settings.port)
        return await _open(settings, worker=worker)


async def _try_door(host: str, port: int) -> None:
    """Before anything else: uvicorn would only tell an errno. Raises `Shut`."""
    try:
        door = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                why = "another program listens there. `ss -ltnp` names it: stop it, or set another PORT"
            case errno.EACCES:
                why = "only root may listen there. Set a PORT above 1023, and let the reverse proxy lead to it"
            case _:
                why = "this is no address of this machine. Set HOST to 127.0.0.1, or to 0.0.0.0 for all that it has"
        raise Shut(f"HOST={host}, PORT={port}: {why}.") from None
    door.close()
    await door.wait_closed()


async def _open(settings: Settings, *, worker: bool) -> int:
    async with running(settings, worker=worker) as kp7:
        gc.collect()
        gc.freeze()  # what is there now stays: no need to look through it again, which holds everybody up
        room = _room(settings.max_connections)
        server = _Server(front.Config(web_app(kp7), settings.model_copy(update={"max_connections": room})))
        server.hub = kp7.web.hub if kp7.web else None
        beside = [
            asyncio.create_task(_announce(server, kp7.settings, room)),
            asyncio.create_task(front.sweep(server.server_state), name="front"),
        ]
        await server.serve()
        for task in beside:
            task.cancel()
    tell(all_of_it=True)
    if not settings.demo:
        log.info("stopped", seconds=round(time.monotonic() - server.stopping, 2))
    return 0 if server.started else 1


def _stray(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error that nobody waits for: asyncio would log its words, which may hold what a person wrote."""
    error = context.get("exception")
    log.error("stray_error", error=type(error).__name__, at=place(error) if error else "?")


@contextlib.asynccontextmanager
async def only_one(database_url: str) -> AsyncIterator[None]:
    """A second server on this SQLite file would carry what the first one carries. The lock ends with the process.

    Raises `BadAddress` where there can be no such file.
    """
    if urlsplit(database_url).scheme != "sqlite":
        yield
        return
    database = await asyncio.to_thread(sqlite.place, database_url)
    path = database.with_name(f"{database.name}.serving")
    try:
        opened = path.open("w")
    except OSError as error:
        raise sqlite.refused(database, error) from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"Another `kp7 serve` is running on {path.stem}.") from None
        yield


def _room(wanted: int) -> int:
    """Every connection is a file to the system: ask it for enough, and take no more than it gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted + OTHER_FILES
    if soft < enough:
        soft = min(enough, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(wanted, soft - OTHER_FILES))


async def _announce(server: uvicorn.Server, settings: Settings, room: int) -> None:
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.02)
    address = settings.address
    if settings.demo:
        print(f"\n  KP7 is running.\n\n  chat     {address}/chat\n  mailbox  {address}/mail\n", flush=True)
        print("  People to try: samples/README.md. Stop with Ctrl-C.\n", flush=True)
        return
    switched_on = {"web": settings.web_chat, "line": bool(settings.line_channel_secret)}
    log.info(
        "started",
        version=version(),
        address=address,
        channels=[name for name, on in switched_on.items() if on],
        database=urlsplit(settings.database_url).scheme,
        max_connections=room,
    )
