"""Sliding limits: what happened, to whom, when. Subjects are ids or blind indexes, never plain data."""

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


async def exceeded(tx: Tx, kind: str, subject: str, now: int, *, per_hour: int = 0, per_day: int = 0) -> int:
    """0 while another one is allowed; else the time at which it will be."""
    found = await times(tx, kind, subject, now - DAY)
    until = 0
    if per_hour and len(lately := [at for at in found if at > now - HOUR]) >= per_hour:
        until = lately[-per_hour] + HOUR
    if per_day and len(found) >= per_day:
        until = max(until, found[-per_day] + DAY)
    return until
