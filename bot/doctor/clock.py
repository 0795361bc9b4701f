"""Is it now what we think? Codes live minutes by our clock, and late messages are told by the platform's."""

import os
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from bot.doctor.database import Unopened, opened
from bot.doctor.files import database_path
from bot.doctor.finding import Case, Finding, ok, skipped, warning, wrong
from bot.doctor.reach import http

HOME = "Asia/Bangkok"
OFF_SECONDS = 5  # a Date header has whole seconds, and takes its time
FAR_OFF_SECONDS = 60
MEND = "Switch on time synchronisation: timedatectl set-ntp true"


async def look(case: Case) -> AsyncIterator[Finding]:
    s = case.settings
    here = datetime.now(ZoneInfo(s.timezone))
    yield ok(f"It is {here:%Y-%m-%d %H:%M:%S} in {s.timezone}.")
    if s.timezone != HOME:
        yield warning(
            f"TIMEZONE is {s.timezone}: days begin and end as they do there.",
            f"Set TIMEZONE={HOME}, or leave it empty.",
        )
    others = {"LINE": s.line_api_url} if s.line_channel_access_token else {}
    if s.public_url:
        others["PUBLIC_URL"] = s.address
    compared = False
    for name, url in others.items():
        off = await _difference(url)
        if off is not None:
            compared = True
            yield _judged(f"the clock of {name}", off)
    if not compared:
        yield skipped("Nobody was there to compare the clock with.")
    if s.database_url.startswith("postgresql"):
        async for finding in _database_server(case):
            yield finding
    folder = database_path(s.database_url)
    if folder and os.access(folder.parent, os.W_OK):
        disk = _file_difference(folder.parent)
        if abs(disk) > OFF_SECONDS:
            yield _judged(f"the clock of the disk that {folder} lies on", disk)


async def _database_server(case: Case) -> AsyncIterator[Finding]:
    try:
        async with opened(case) as tx:
            row = await tx.one("SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION) AS now")
    except Unopened:  # which the check of the database says
        return
    assert row is not None
    yield _judged("the clock of the database server", time.time() - row["now"])


def _judged(whose: str, off: float) -> Finding:
    """`off`: seconds that ours is ahead."""
    if abs(off) <= OFF_SECONDS:
        return ok(f"The clock agrees with {whose}.")
    finding = wrong if abs(off) > FAR_OFF_SECONDS else warning
    return finding(f"The clock is {abs(off):.0f} seconds {'ahead of' if off > 0 else 'behind'} {whose}.", MEND)


async def _difference(url: str) -> float | None:
    """Seconds; None where nobody answers, which is another check's business."""
    try:
        async with http(url) as session:
            before = time.time()
            async with session.get(f"{url.rstrip('/')}/healthz", allow_redirects=False) as answer:
                after = time.time()
                said = parsedate_to_datetime(answer.headers["date"]).astimezone(UTC).timestamp()
    except (aiohttp.ClientError, OSError, KeyError, ValueError):
        return None
    if before - 1 <= said <= after + 1:  # somewhere within that second
        return 0.0
    return (before + after) / 2 - (said + 0.5)


def _file_difference(folder: Path) -> float:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".kp7-doctor-") as file:
        return time.time() - os.stat(file.fileno()).st_mtime
