"""What watches over KP7 asks: does it live (`/healthz`), can it work (`/readyz`), how is it going (`/metrics`).

- `/readyz` is 503 only when this process cannot do its work: the database does not answer, or a task has ended. A
  delivery that is behind is said, but stays 200: a mail server or LINE that is down is not mended by taking this
  process away, and people can go on. `kp7_outbox_oldest_due_seconds` is there to raise an alarm on. So it is with a
  schedule that fails, or of which nobody can read how it stands: so it is in other processes too, and people can go on;
  and with files that are away, which are needed by those only who hand in papers just now.
- `/metrics` answers this machine only, unless METRICS_PUBLIC=1, and nobody whom a proxy says it speaks for. A proxy on
  this machine that says nothing cannot be told apart: it must not forward this path.
"""

import asyncio
import hmac
import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot import metrics
from bot.faults import is_here
from bot.logs import seldom
from bot.standing import together
from storage.database import Database, Unavailable

BEHIND_SECONDS = 60
PATIENCE_SECONDS = 2
FRESH_SECONDS = 1.0
_NONCE = re.compile("[0-9a-f]{32}")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


@dataclass(frozen=True)
class Backlog:
    waiting: int
    dead: int
    overdue_seconds: float


async def backlog(database: Database, now: int) -> Backlog:
    async with database.read() as tx:
        row = await tx.one(BACKLOG)
    assert row is not None
    overdue = max(0, now - row["oldest"]) / 1000 if row["oldest"] is not None else 0.0
    return Backlog(row["waiting"], row["everything"] - row["waiting"], overdue)


# Each from an index alone: the rows, which are long, are not read.
BACKLOG = """
SELECT (SELECT count(*) FROM outbox) AS everything,
       (SELECT count(*) FROM outbox WHERE dead_at IS NULL) AS waiting,
       (SELECT min(wanted_at) FROM outbox WHERE dead_at IS NULL) AS oldest
"""


def proof(master: bytes, nonce: str) -> str:
    """What only a KP7 with this master key can answer to a fresh `nonce`: `kp7 doctor` knows itself by it."""
    return hmac.digest(master, f"healthz\x1f{nonce}".encode(), "sha256").hex()


def routes(
    database: Database,
    clock: Callable[[], int],
    *,
    tasks: Sequence[str],
    files: Callable[[], str],
    master: bytes,
    public: bool,
) -> list[BaseRoute]:
    """`tasks`: what must run in this process, by the names that they were started under. `files`: whether they can be
    reached, as was last seen."""

    async def alive(request: Request) -> Response:
        nonce = request.query_params.get("nonce", "")
        return JSONResponse({"status": "ok", **({"proof": proof(master, nonce)} if _NONCE.fullmatch(nonce) else {})})

    async def look() -> tuple[list[str], str, str]:
        """What is down, how delivery goes, and how the schedule."""
        running = {task.get_name() for task in asyncio.all_tasks()}  # a task that has ended is not among them
        down = [name for name in tasks if name not in running]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                late = (await backlog(database, clock())).overdue_seconds > BEHIND_SECONDS
                schedule = await how_the_schedule_stands()
        except Exception as error:
            seldom("not_ready", "database", type(error).__name__)
            return [*down, "database"], "unknown", "unknown"
        return down, "behind" if late else "ok", schedule

    async def how_the_schedule_stands() -> str:
        try:
            async with database.read() as tx:
                standing = await together(tx)
        except Unavailable:
            raise
        except Exception as error:
            seldom("not_readable", "schedule", type(error).__name__)
            return "unknown"
        return "absent" if standing is None else "ok" if standing.is_well(clock()) else "failing"

    looked: tuple[float, asyncio.Task[tuple[list[str], str, str]]] | None = None

    async def ready(_: Request) -> Response:
        """One look a second, whoever asks how often: it costs, and anybody may ask."""
        nonlocal looked
        now = time.monotonic()
        if looked is None or now - looked[0] > FRESH_SECONDS:
            looked = now, asyncio.create_task(look())
        down, delivery, schedule = await asyncio.shield(looked[1])
        status = "not ready" if down else "ok"
        standing = {"status": status, "down": down, "delivery": delivery, "schedule": schedule, "files": files()}
        return JSONResponse(standing, 503 if down else 200)

    async def measured(request: Request) -> Response:
        if not public and not from_here(request):
            return PlainTextResponse("not here", 404)
        outbox, schedule = (math.nan, math.nan, math.nan), (math.nan, math.nan)
        with suppress(Exception):  # the rest is wanted most when the database is gone
            async with asyncio.timeout(PATIENCE_SECONDS):
                now = await backlog(database, clock())
                outbox = float(now.waiting), float(now.dead), now.overdue_seconds
                async with database.read() as tx:
                    standing = await together(tx)
                schedule = (float(len(standing.failing)), standing.late(clock())) if standing else (0.0, math.inf)
        metrics.outbox(*outbox)
        metrics.schedule(*schedule)
        return PlainTextResponse(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", measured)]


def from_here(request: Request) -> bool:
    """By address, and by the name it was asked for: a page elsewhere may have its own name lead here. Whom a proxy says
    it speaks for is elsewhere."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        asked = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:  # no name at all, such as `[`
        return False
    return request.client is not None and is_here(request.client.host) and is_here(asked or "")
