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
from bot.doctor.finding import Case, Finding, Findings, ok, skipped, warning, wrong
from bot.doctor.reach import http

HOME = "Asia/Bangkok"
OFF_SECONDS = 5  # a Date header has whole seconds, and takes its time
FAR_OFF_SECONDS = 60
MEND = "Switch on time synchronisation: timedatectl set-ntp true"


async def look(case: Case) -> Findings:
    s = case.settings
    here = datetime.now(ZoneInfo(s.timezone))
    yield ok(f"It is {here:%Y-%m-%d %H:%M:%S} in {s.timezone}.")
    if s.timezone != HOME:
        yield warning(
            f"TIMEZONE is {s.timezone}: days begin and end as they do there.",
            f"Set TIMEZONE={HOME}, or leave it empty.",
        )
    compared = [
        _judged(f"the clock of {whose}", off)
        for whose, off in [pair async for pair in _others(case)]
        if off is not None
    ]
    for finding in compared or [skipped("Nobody was there to compare the clock with.")]:
        yield finding
    folder = database_path(s.database_url)
    if folder and os.access(folder.parent, os.W_OK):
        disk = _file_difference(folder.parent)
        if abs(disk) > OFF_SECONDS:
            yield _judged(f"the clock of the disk that {folder} lies on", disk)


async def _others(case: Case) -> AsyncIterator[tuple[str, float | None]]:
    """Whose clock, and how many seconds ours is ahead of it; None where nobody answers, as another check says."""
    s = case.settings
    if s.line_channel_access_token:
        yield "LINE", await _http_difference(s.line_api_url)
    if s.public_url:
        yield "PUBLIC_URL", await _http_difference(s.address)
    if s.database_url.startswith("postgresql"):
        yield "the database server", await _database_difference(case)


def _judged(whose: str, off: float) -> Finding:
    """`off`: seconds that ours is ahead."""
    if abs(off) <= OFF_SECONDS:
        return ok(f"The clock agrees with {whose}.")
    finding = wrong if abs(off) > FAR_OFF_SECONDS else warning
    return finding(f"The clock is {abs(off):.0f} seconds {'ahead of' if off > 0 else 'behind'} {whose}.", MEND)


async def _database_difference(case: Case) -> float | None:
    try:
        async with opened(case) as tx:
            row = await tx.one("SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION) AS now")
    except Unopened:
        return None
    assert row is not None
    return time.time() - float(row["now"])


async def _http_difference(url: str) -> float | None:
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
