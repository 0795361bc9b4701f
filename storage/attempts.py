"""Sliding limits: what happened, to whom, when. Subjects are ids or blind indexes, never plain data."""

from collections.abc import Mapping
from dataclasses import dataclass

from storage.database import Tx

HOUR, DAY = 3_600_000, 86_400_000


async def note(tx: Tx, kind: str, subject: str, now: int) -> None:
    await tx.run(
        "INSERT INTO attempts (kind, subject, at) VALUES (:kind, :subject, :now)",
        {"kind": kind, "subject": subject, "now": now},
    )


async def times(tx: Tx, kind: str, subject: str, since: int) -> list[int]:
    """When it happened since `since`, oldest first. What lies in the future (a clock was set back) counts too."""
    rows = await tx.all(
        "SELECT at FROM attempts WHERE kind = :kind AND subject = :subject AND at > :since ORDER BY at",
        {"kind": kind, "subject": subject, "since": since},
    )
    return [row["at"] for row in rows]


@dataclass(frozen=True)
class Limit:
    """How often something may happen in any hour, in any day. None: as often as you like."""

    per_hour: int | None = None
    per_day: int | None = None


async def blocked_until(tx: Tx, kind: str, subject: str, limit: Limit, now: int) -> int:
    """0 while another one is allowed; else the time at which it will be."""
    found = await times(tx, kind, subject, now - (HOUR if limit.per_day is None else DAY))
    until = 0
    for most, span in ((limit.per_hour, HOUR), (limit.per_day, DAY)):
        lately = [at for at in found if at > now - span]
        if most is not None and len(lately) >= most:
            until = max(until, lately[len(lately) - most] + span)
    return until


async def take(tx: Tx, kind: str, limits: Mapping[str, Limit], now: int) -> int:
    """Count one for each subject, unless one of them has reached its limit: then count none and return until when."""
    until = max([await blocked_until(tx, kind, subject, limit, now) for subject, limit in limits.items()])
    if not until:
        for subject in limits:
            await note(tx, kind, subject, now)
    return until
