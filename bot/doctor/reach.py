"""Why somebody cannot be reached, in words; how long a certificate is still good; HTTP with short patience."""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.doctor.finding import Finding, warning, wrong
from bot.faults import is_here

DAY_SECONDS = 86_400
CERTIFICATE_DAYS = 14  # what renews itself is renewed long before that
PATIENCE_SECONDS = 10


def why(error: BaseException) -> str:
    """Says what is the matter, without a subject: “… : nothing listens there”."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({cause.verify_message})"
            case ssl.SSLError():
                return "it does not speak TLS there"
            case socket.gaierror():
                return "this name does not resolve to an address"
            case TimeoutError():
                return "no answer in time"
            case OSError() if cause.errno == errno.ECONNREFUSED or "Connect call failed" in str(cause):
                return "nothing listens there"
            case OSError() if cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
                return "there is no way to it from this machine"
            case ConnectionResetError() | aiohttp.ServerDisconnectedError():
                return "it closes the connection"
    return type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The innermost first: what the system said, not what a library made of it."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error.__cause__
    if isinstance(inner, BaseException):
        yield from _causes(inner)
    yield error


def certificate(whose: str, peer: Mapping[str, Any] | None) -> Iterator[Finding]:
    """`peer`: as `ssl` gives it. Nothing to say while it is good for long."""
    if not peer:
        return
    days = int((ssl.cert_time_to_seconds(peer["notAfter"]) - time.time()) // DAY_SECONDS)
    if days < CERTIFICATE_DAYS:
        finding = wrong if days < 3 else warning
        yield finding(f"The certificate of {whose} ends in {days} days.", "Renew it, and see why it was not renewed.")


async def presented(url: str) -> Mapping[str, Any] | None:
    """The certificate that a server shows; None without TLS, or where none is shown."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=ssl.create_default_context()
            )
    except OSError:  # whoever asks next says so
        return None
    peer: Mapping[str, Any] | None = writer.get_extra_info("peercert")
    writer.transport.abort()
    return peer


@asynccontextmanager
async def http(url: str, **headers: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for `url`, through HTTPS_PROXY if there is one and the host is not this machine."""
    async with aiohttp.ClientSession(
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS),
        connector=aiohttp.TCPConnector(ssl=ssl.create_default_context()),
        trust_env=not is_here(urlsplit(url).hostname or ""),
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # also from an address without a name
    ) as session:
        yield session
