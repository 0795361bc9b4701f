"""The front door: uvicorn's HTTP protocol, for people who mean harm as well.

- A request's headers must be complete within `HEADER_SECONDS` of the connection's opening or of the request's first
  byte, its body within `BODY_SECONDS` of its headers. Absolutely: a trickle buys no time, unless the application knows
  who is sending, and is `patient`. Only a sender can be late: nothing runs while the application thinks, streams, or
  has not read what was sent.
- Who does not take what is sent to them for `STALLED_SECONDS` is cut off.
- What could be read in two ways is refused and the connection closed: two lengths, a length and chunks, folded headers,
  no Host or two. So are headers, or whatever else is not body, of more than `HEADER_LIMIT` bytes.
- One request at a time: what is sent before an answer has come is not read, and the connection ends with that answer.
- Beyond `MAX_CONNECTIONS` newcomers are turned away at once. (uvicorn's `limit_concurrency` would count the half-open
  ones and the live streams together, and answer 503 to requests that are already there.)

No timer a request: a sweep four times a second looks at all connections. What is left costs about a microsecond more
than uvicorn's own protocol.
"""

import asyncio
import math
import time
from typing import Any

import httptools
import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from bot import metrics
from bot.http import PATIENCE
from bot.logs import place, tell
from bot.settings import Settings

log = structlog.get_logger()

HEADER_LIMIT = 32 * 1024
STALLED_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 75  # longer than reverse proxies keep theirs: else they send into a connection that just closes
LINGER_SECONDS = 2.0  # closed with unread bytes, a refusal might never arrive: so they are read, and thrown away
STOPPING_SECONDS = 3.0  # for bodies that are still arriving when the server stops
GRACE_SECONDS = 4
NEVER = math.inf


class Refused(Exception):
    """Raised inside the parser, which stops there."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Config(uvicorn.Config):
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(
            app,
            host=settings.host,
            port=settings.port,
            http=Front,
            loop="uvloop",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self.header_seconds, self.body_seconds = settings.header_seconds, settings.body_seconds
        self.max_connections = settings.max_connections


class Front(HttpToolsProtocol):
    config: Config

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.until = NEVER  # when whoever sends is too late
        self._asked = False  # is there a request, and with it a cycle?
        self._in_headers = True
        self._deaf = False  # whatever still comes in is thrown away
        self._fed = 0  # bytes since the last that were good for something
        self._refusal: Refused | None = None
        self._unsent = 0
        self._moved = 0.0

    # --- what comes in ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._moved = now = time.monotonic()
        self.until = now + self.config.header_seconds
        if len(self.connections) > self.config.max_connections:
            metrics.refused("front", "full")
            self._deaf = True
            transport.write(_bare(503))
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._asked and not self._fed and self._in_headers and self.cycle.response_complete:
            self.until = time.monotonic() + self.config.header_seconds
        self._fed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # the request itself is answered; nobody here speaks what follows it
            self._deaf = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError:
            if not self._deaf:
                self._refuse(self._refusal or Refused(400, "not_http"))
        else:
            if self._fed > HEADER_LIMIT:
                self._refuse(Refused(431, "too_long"))

    @property
    def _idle(self) -> bool:
        return not self._asked or self.cycle.response_complete

    # The parser's callbacks. An exception stops it and comes out of `feed_data` as its own.

    def on_message_begin(self) -> None:
        if not self._idle:
            self._deaf, self.until = True, NEVER
            self.cycle.keep_alive = False
            raise Refused(400, "pipelined")
        if not self._fed:  # in one piece with the end of a body that was answered before it had come
            self._fed, self.until = 1, time.monotonic() + self.config.header_seconds
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._refusal = self._fault()
        if self._refusal:
            raise self._refusal
        super().on_headers_complete()
        self.until = time.monotonic() + self.config.body_seconds
        self.scope["extensions"] = {PATIENCE: {"wait": self._wait}}
        self._in_headers = False
        self._fed = 0
        self._asked = True
        self.headers = []  # trailers must not change the headers under the application's hands

    # The next three are uvicorn's without what we do not have: web sockets, a queue of requests, a timer a connection.

    def on_body(self, body: bytes) -> None:
        self._fed = 0
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        self._in_headers = True
        self._fed = 0
        cycle = self.cycle
        if cycle.response_complete:
            self.until = time.monotonic() + KEEP_ALIVE_SECONDS
        else:
            self.until = NEVER
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._in_headers and not self._deaf:
            seconds = self.config.header_seconds if self._fed else KEEP_ALIVE_SECONDS
            self.until = time.monotonic() + seconds

    def _wait(self, seconds: float) -> None:
        if not self._in_headers:
            self.until += seconds

    def _fault(self) -> Refused | None:
        """What the parser lets pass and we do not."""
        headers = self.headers
        names = [name for name, _ in headers]
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            return Refused(505, "version")
        if names.count(b"host") != 1 and (version == "1.1" or b"host" in names):
            return Refused(400, "host")
        if b"transfer-encoding" in names and (version == "1.0" or _value(headers, b"transfer-encoding") != b"chunked"):
            return Refused(400, "transfer_encoding")
        if self.parser.should_upgrade() and (b"content-length" in names or b"transfer-encoding" in names):
            return Refused(400, "upgrade")  # the parser would take the body for what follows
        if self._fed > HEADER_LIMIT:  # much of that may be body
            total = len(self.url) + sum(len(name) + len(value) for name, value in headers)
            return Refused(431, "too_long") if total > HEADER_LIMIT else None
        return None

    # --- refusing and ending ----------------------------------------------------------------------------------------

    def _refuse(self, refused: Refused, *, linger: bool = True) -> None:
        metrics.refused("front", refused.reason)
        self._deaf = True
        nothing_said = self._idle if self._in_headers else not self.cycle.response_started
        if not self._idle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not nothing_said:
            self.transport.close()
            return
        self.transport.write(_bare(refused.status))
        if linger and self.transport.can_write_eof():
            self.transport.write_eof()
            self.until = time.monotonic() + LINGER_SECONDS
        else:
            self.transport.close()

    def inspect(self, now: float) -> None:
        """The sweep comes by."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent:
            self._moved = now
        self._unsent = unsent
        if now - self._moved > STALLED_SECONDS:
            metrics.refused("front", "stalled")
            self.transport.abort()
        elif now < self.until or self.transport.is_closing():
            return
        elif self._deaf:
            self.transport.abort()
        elif self.flow.read_paused:  # more has come than the application has read: nobody is late but we
            self.until = now + 1
        elif self._in_headers and not self._fed:  # it asks nothing: a browser would take a 408 for its next answer
            if not self._asked:
                metrics.refused("front", "silent")
            self.transport.close()
        else:
            late = "header_timeout" if self._in_headers else "body_timeout"
            self._refuse(Refused(408, late), linger=False)

    def shutdown(self) -> None:
        if not self._in_headers:
            self.until = min(self.until, time.monotonic() + STOPPING_SECONDS)
        super().shutdown()


def _value(headers: list[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    return b",".join(value.strip().lower() for name, value in headers if name == wanted)


def _bare(status: int) -> bytes:
    retry = b"retry-after: 1\r\n" if status == 503 else b""
    return STATUS_LINE[status] + retry + b"content-length: 0\r\nconnection: close\r\n\r\n"


async def sweep(state: ServerState, seconds: float = 0.25) -> None:
    """Runs beside the server, until it is cancelled."""
    while True:
        await asyncio.sleep(seconds)
        now = time.monotonic()
        for connection in list(state.connections):
            try:
                assert isinstance(connection, Front)
                connection.inspect(now)
            except Exception as error:  # one odd connection must not end the deadlines of all others
                log.error("sweep_failed", error=type(error).__name__, at=place(error))
        metrics.connections(len(state.connections))
        tell()
