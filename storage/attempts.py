"""Sliding limits: what happened, to whom, when. Subjects are ids or blind indexes, never plain data.

What is counted for everybody together is counted by the minute, so that looking costs the same on a busy day; and by
each process in a row of its own, so that processes do not wait for each other. What is counted for one subject is
looked at and counted by one transaction at a time.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.times import DAY, HOUR, MINUTE
from storage.database import Row, Tx

EVERYBODY = "*"
PART = random.getrandbits(31)  # of the tallies, this process' own


@dataclass(frozen=True)
class Limit:
    """How often something may happen in any hour, in any day. None: as often as you like."""

    per_hour: int | None = None
    per_day: int | None = None


def notes(kind: str, subjects: Iterable[str], now: int) -> list[tuple[str, Row]]:
    """The statements that count one for each subject, and what fills them."""
    return [
        (_TALLY, {"kind": kind, "minute": now // MINUTE, "part": PART})
        if subject == EVERYBODY
        else (_NOTE, {"kind": kind, "subject": subject, "now": now})
        for subject in subjects
    ]


async def note(tx: Tx, kind: str, subject: str, now: int) -> None:
    for sql, row in notes(kind, (subject,), now):
        await tx.run(sql, row)


async def times(tx: Tx, kind: str, subject: str, since: int) -> list[int]:
    """When it happened since `since`, oldest first. What lies in the future (a clock was set back) counts too."""
    return [row["at"] for row in await tx.each(_LATELY, [{"kind": kind, "subject": subject, "since": since}])]


async def blocked_until(tx: Tx, kind: str, limits: Mapping[str, Limit], now: int) -> int:
    """0 while another one is allowed for all subjects; else the time at which it will be."""
    await tx.among(_ALONE, [{"what": f"{kind} {subject}"} for subject in limits if subject != EVERYBODY])
    wanted = [
        {
            "kind": kind,
            "subject": subject,
            "since": now - (HOUR if limit.per_day is None else DAY),
            "until": now + DAY,  # a clock that was far ahead for a moment must not close the door for everybody
        }
        for subject, limit in limits.items()
    ]
    rows = await tx.each(_LATELY, wanted)
    until = 0
    for subject, limit in limits.items():
        for most, span in ((limit.per_hour, HOUR), (limit.per_day, DAY)):
            lately = [(row["at"], row["n"]) for row in rows if row["subject"] == subject and row["at"] > now - span]
            left = sum(n for _, n in lately)
            for at, n in lately if most is not None and left >= most else ():
                left -= n
                if left < (most or 0):
                    until = max(until, at + span)
                    break
    return until


async def take(tx: Tx, kind: str, limits: Mapping[str, Limit], now: int) -> int:
    """Count one for each subject, unless one of them has reached its limit: then count none and return until when."""
    until = await blocked_until(tx, kind, limits, now)
    if not until:
        for subject in limits:
            await note(tx, kind, subject, now)
    return until


_NOTE = "INSERT INTO attempts (kind, subject, at) VALUES (:kind, :subject, :now)"

_TALLY = """
INSERT INTO tallies (kind, minute, part, n) VALUES (:kind, :minute, :part, 1)
ON CONFLICT (kind, minute, part) DO UPDATE SET n = tallies.n + 1
"""

_ALONE = """
SELECT pg_advisory_xact_lock(name) FROM
(SELECT DISTINCT hashtextextended(value ->> 'what', 0) AS name FROM each(:batch) ORDER BY name) AS names
"""

# A minute's tally counts until all of that minute is out of sight.
_LATELY = """
SELECT a.subject AS subject, a.at AS at, 1 AS n FROM each(:batch) e
JOIN attempts a ON a.kind = e.value ->> 'kind' AND a.subject = e.value ->> 'subject'
    AND a.at > CAST(e.value ->> 'since' AS BIGINT)
UNION ALL
SELECT e.value ->> 'subject', (t.minute + 1) * 60000, t.n FROM each(:batch) e
JOIN tallies t ON e.value ->> 'subject' = '*' AND t.kind = e.value ->> 'kind'
    AND t.minute BETWEEN CAST(e.value ->> 'since' AS BIGINT) / 60000 AND CAST(e.value ->> 'until' AS BIGINT) / 60000
ORDER BY at
"""
