"""What all pages of this server share: security headers, refusals without a hint, bounded bodies."""

from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from pathlib import Path

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.events import Language
from bot.logs import place

log = structlog.get_logger()

STATIC = Path(__file__).parent / "static"  # fonts and colours, at /static

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class TooLarge(Exception):
    """A body over its limit."""


class Busy(Exception):
    """Too much is being received at once."""


class Refused(Exception):
    """An answer: `status`, and the key of a sentence with what fills it."""

    def __init__(self, status: int, key: str = "", **params: object) -> None:
        super().__init__(key)
        self.status, self.key, self.params = status, key, params

    def shortly(self) -> Response:
        """To what shows no sentence, such as a picture."""
        return PlainTextResponse("busy" if self.status == 503 else "not here", self.status)


PATIENCE = "kp7.patience"  # an ASGI extension of `bot/front.py`
RECEIVING_MOST = 64 * 1024 * 1024
_receiving = 0  # bytes of bodies that are not complete yet, in this process: they may come from anybody


async def body(request: Request, most: int) -> bytes:
    """The body, at most `most` bytes. Raises `TooLarge` or `Busy` before reading on."""
    global _receiving
    if (told(request) or 0) > most:
        raise TooLarge
    data = BytesIO()
    try:
        async for chunk in request.stream():
            data.write(chunk)
            _receiving += len(chunk)
            if data.tell() > most:
                raise TooLarge
            if _receiving > RECEIVING_MOST:
                raise Busy
    finally:
        _receiving -= data.tell()
    return data.getvalue()  # which copies nothing


def told(request: Request) -> int | None:
    """How long it says its body is."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None


def patient(scope: Scope, seconds: float) -> None:
    """The body of this request may take so much longer than others (`bot/front.py`)."""
    if given := scope.get("extensions", {}).get(PATIENCE):
        given["wait"](seconds)


def same_origin(request: Request, address: str) -> bool:
    """Did one of our own pages send this? (CSRF; the cookie is SameSite=Strict besides.) Where people reach us by https
    (`address`), a page that came without it is nobody's of ours."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin, scheme = request.headers.get("origin"), address.partition("://")[0].lower()
    return origin is None or origin == address or origin == f"{scheme}://{request.headers.get('host', '')}"


def held_back(request: Request) -> Response | None:
    """Was it a link on another site? From there a browser holds back its cookies. Coming again from here, it sends
    them."""
    if request.method != "GET" or request.headers.get("sec-fetch-site") != "cross-site":
        return None
    return HTMLResponse('<!doctype html><meta http-equiv="refresh" content="0"><title>KP7</title>')


def language_of(request: Request) -> Language:
    """Thai, unless the browser asks for English and does not know Thai."""
    accepted = request.headers.get("accept-language", "").lower()
    return "en" if "en" in accepted and "th" not in accepted else "th"


class Headers:
    """Adds the security headers to every response that has not set its own."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        defaults = {
            "content-security-policy": CSP,
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=()",
            "cache-control": "no-store",
        }
        if secure:
            defaults["strict-transport-security"] = "max-age=31536000; includeSubDomains"
        self._defaults = [(name.encode(), value.encode()) for name, value in defaults.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in self._defaults if pair[0] not in own)]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class Straight:
    """The message path, past the router and its middleware, which cost as much as reading a webhook does.

    `endpoints`: path → what answers a POST there; anything else goes on to `app`.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Callable[[Request], Awaitable[Response]]]) -> None:
        self._app, self._endpoints = app, endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope.get("path", "")) if scope["type"] == "http" else None
        if endpoint is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            response = await endpoint(Request(scope, receive))
        except ClientDisconnect:
            return
        except Exception as error:
            log.error("request_failed", error=type(error).__name__, at=place(error))
            response = PlainTextResponse("internal error", 500)
        await response(scope, receive, send)


def plain(status: int, words: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """An exception handler that answers in a few plain words."""

    async def answer(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse(words, status)

    return answer
