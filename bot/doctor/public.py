"""PUBLIC_URL: does it lead to this very KP7, and does what stands between let through what it must, and no more?"""

import asyncio
import hmac
import secrets
from urllib.parse import urlsplit

import aiohttp
import orjson

from bot.doctor.finding import Case, Finding, Findings, ok, warning, wrong
from bot.doctor.reach import certificate, http, presented, why
from bot.health import proof

FIRST_EVENT_SECONDS = 5
MOST_BYTES = 65_536
NOBODY_BEHIND = (502, 503, 504)


async def look(case: Case) -> Findings:
    address = case.settings.address
    for finding in certificate("PUBLIC_URL", await presented(address)):
        yield finding
    async with http(address) as session:
        finding = await _answers(session, case)
        yield finding
        if finding.level == "ok":
            if not case.settings.demo:  # which is this machine alone
                yield await _metrics(session, case)
            if case.settings.web_chat:
                yield await _live(session, address)


async def _answers(session: aiohttp.ClientSession, case: Case) -> Finding:
    """Whoever knows MASTER_KEY can answer a number that we have just thought of; nobody else can."""
    s, nonce = case.settings, secrets.token_hex(16)
    try:
        async with session.get(f"{s.address}/healthz", params={"nonce": nonce}, allow_redirects=False) as answer:
            said = await answer.content.read(MOST_BYTES)
    except (aiohttp.ClientError, OSError) as error:
        return wrong(
            f"PUBLIC_URL cannot be reached from this machine: {why(error)}.",
            "Check its name, the reverse proxy and the firewall; if only this machine cannot reach it, let "
            f"{urlsplit(s.address).hostname} lead to the proxy in /etc/hosts.",
        )
    if answer.status in NOBODY_BEHIND:
        return wrong(
            f"The reverse proxy answers {answer.status}: it does not reach KP7.",
            f"Start KP7, and let the proxy pass everything on to {s.host}:{s.port} (HOST, PORT).",
        )
    if 300 <= answer.status < 400:
        return wrong(
            f"PUBLIC_URL redirects elsewhere ({answer.status}).",
            "Set it to the address that people end up at, with https:// and without a path.",
        )
    if not hmac.compare_digest(_proof_in(said), proof(s.master, nonce)):
        return wrong(
            f"PUBLIC_URL is answered ({answer.status}) by something other than this KP7 with this MASTER_KEY.",
            f"Check where its name leads, and that the proxy passes everything on to {s.host}:{s.port} (HOST, PORT).",
        )
    return ok("PUBLIC_URL leads to this KP7.")


def _proof_in(said: bytes) -> str:
    try:
        given = orjson.loads(said)
    except orjson.JSONDecodeError:
        return ""
    found = given.get("proof") if isinstance(given, dict) else None
    return found if isinstance(found, str) and found.isascii() else ""


async def _metrics(session: aiohttp.ClientSession, case: Case) -> Finding:
    """A proxy on this machine looks like this machine: see `bot.health`."""
    try:
        async with session.get(f"{case.settings.address}/metrics", allow_redirects=False) as answer:
            shown = answer.status == 200
    except (aiohttp.ClientError, OSError):
        shown = False
    if shown and not case.settings.metrics_public:
        return warning(
            "Everybody can read PUBLIC_URL/metrics.",
            "Let the reverse proxy answer 404 there, or send X-Forwarded-For; see deploy/ for both.",
        )
    return ok("/metrics is open, as METRICS_PUBLIC=1 says." if shown else "/metrics is closed to the outside.")


async def _live(session: aiohttp.ClientSession, address: str) -> Finding:
    """The web chat's stream says something at once. What collects answers before passing them on would hold it back."""
    try:
        async with asyncio.timeout(FIRST_EVENT_SECONDS):
            async with session.get(f"{address}/chat") as page:  # for its cookie
                await page.content.read(MOST_BYTES)
            async with session.get(f"{address}/chat/stream") as stream:
                arrived = stream.status == 200 and await stream.content.readany()
                stream.close()
    except (aiohttp.ClientError, OSError):
        arrived = b""
    if arrived:
        return ok("Live messages of the web chat come through.")
    return wrong(
        "The reverse proxy holds back the web chat's live messages.",
        "Switch its buffering off for /chat/stream (nginx: proxy_buffering off).",
    )
