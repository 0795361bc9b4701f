"""The outbox's table: its statements, by what they are for. Times in milliseconds.

`alone`: no other process works on this database; then nothing is in other hands.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set

from bot.outbox.entry import SECRET, Entry
from bot.times import SECOND
from storage.database import Row, Tx
from storage.ids import time_of

COLUMNS = ("id", "lane", "kind", "account_id", "person_id", "purpose", "key_id", "body", "due_at", "expires_at")
CLAIMED = "being carried"  # the reason of rows that a worker has claimed


async def lock(tx: Tx, lanes: Iterable[str]) -> None:
    """A lane is written by one transaction at a time."""
    await tx.among(_LOCK_LANES, [{"lane": lane} for lane in lanes])


async def insert(tx: Tx, entries: Sequence[Entry]) -> None:
    await tx.many(
        "INSERT INTO outbox "
        "(id, lane, kind, account_id, person_id, purpose, key_id, body, due_at, wanted_at, expires_at) VALUES "
        "(:id, :lane, :kind, :account_id, :person_id, :purpose, :key_id, :body, :due_at, :due_at, :expires_at)",
        [{name: getattr(entry, name) for name in COLUMNS} for entry in entries],
    )


async def replace(tx: Tx, lanes: Set[str], held: Mapping[str, str], now: int, *, alone: bool) -> set[str]:
    """Nobody needs older screens of these lanes. What another process has in hand cannot be called back.

    `held`: what this process has in hand, and its lanes. Returns the ids of the rows that are gone.
    """
    if alone:
        rows = await tx.each(f"{_REPLACE} RETURNING id", [{"lane": lane} for lane in lanes])
    else:
        ours = [{"id": id} for id, lane in held.items() if lane in lanes]
        given = {"now": now, "claimed": CLAIMED}
        batch = [*ours, *({"lane": lane} for lane in lanes)]
        rows = await tx.each(f"{_REPLACE} {_NOT_IN_OTHER_HANDS} RETURNING id", batch, given)
    return {row["id"] for row in rows}


async def behind(tx: Tx, entries: Sequence[Entry], held: Collection[str], soon: int, *, alone: bool) -> frozenset[str]:
    """The lanes of `entries` with something due until `soon` that this process is not carrying right now.

    Several processes draw ids before one of them has the lane: there what is newer may be in other hands already.
    """
    first = {entry.lane: entry.id for entry in reversed(entries)}
    ours = {*held, *(entry.id for entry in entries)}
    there = await tx.each(
        _EARLIER if alone else _OTHERS, [{"lane": lane, "id": id} for lane, id in first.items()], {"soon": soon}
    )
    others = [row for row in there if row["id"] not in ours]
    if others and not alone:  # or it was carried, and deleted beside us since that statement began
        still = {row["id"] for row in await tx.each(_THERE, _ids(row["id"] for row in others))}
        others = [row for row in others if row["id"] in still]
    return frozenset(row["lane"] for row in others)


async def give_away(tx: Tx, entries: Iterable[Entry], now: int, grace: int) -> None:
    """No need to wait for `grace`, nobody has these in hand."""
    await tx.each(
        "UPDATE outbox SET due_at = :now, unsure = 0 WHERE due_at > :now AND due_at <= :grace "
        "AND id IN (SELECT value ->> 'id' FROM each(:batch))",
        _ids(entry.id for entry in entries),
        {"now": now, "grace": now + grace},
    )


async def delete(tx: Tx, carried: frozenset[str], *, alone: bool) -> frozenset[str]:
    """Those that are gone now."""
    await tx.each(_DELETE, _ids(carried))
    if alone:
        return carried
    return carried - {row["id"] for row in await tx.each(_STILL_THERE, _ids(carried))}


async def postpone(
    tx: Tx, entry: Entry, due: int, reason: str, *, ours: int, alone: bool, tried: bool, unsure: bool
) -> None:
    """A row that was replaced or cancelled meanwhile is not there any more, and does not come back.

    `ours`: until when it was in our hands. A row with another time is in others'.
    """
    await tx.run(
        "UPDATE outbox SET due_at = :due, attempts = attempts + :tried, unsure = :unsure, reason = :reason "
        "WHERE id = :id AND (due_at = :ours OR :alone = 1)",
        {
            "id": entry.id,
            "ours": ours,
            "alone": int(alone),
            "due": due,
            "tried": int(tried),
            "unsure": int(unsure),
            "reason": reason,
        },
    )


async def bury(tx: Tx, id: str, reason: str, now: int, *, ours: int, alone: bool) -> bool:
    """False: it is gone, because nobody wants it any more, or dead already, or in others' hands. `ours`: as above."""
    return bool(
        await tx.run(
            "UPDATE outbox SET dead_at = :now, reason = :reason, "
            "body = CASE WHEN purpose = :secret THEN '' ELSE body END "
            "WHERE id = :id AND dead_at IS NULL AND (due_at = :ours OR :alone = 1)",
            {"id": id, "ours": ours, "alone": int(alone), "now": now, "reason": reason, "secret": SECRET},
        )
    )


async def bury_unreadable(tx: Tx, ids: Iterable[str], now: int) -> None:
    await tx.many(
        "UPDATE outbox SET dead_at = :now, reason = 'its key is gone' WHERE id = :id",
        [{"id": id, "now": now} for id in ids],
    )


async def renew(tx: Tx, until: Mapping[str, int], due: int) -> set[str]:
    """Rows that are still in our hands `until` then are so until `due`; which those are."""
    return {
        row["id"] for row in await tx.each(_RENEW, [{"id": id, "due": at} for id, at in until.items()], {"due": due})
    }


async def end_leases(tx: Tx, now: int) -> None:
    """Of a process that was alone before us."""
    await tx.run(
        "UPDATE outbox SET due_at = :now WHERE dead_at IS NULL AND reason = :claimed AND due_at > :now",
        {"now": now, "claimed": CLAIMED},
    )


async def set_back(tx: Tx, now: int) -> None:
    """What was written by a clock that has been set back since is due as much sooner."""
    rows = await tx.all("SELECT id, due_at FROM outbox WHERE dead_at IS NULL AND due_at > :now", {"now": now})
    ahead = {row["id"]: time_of(row["id"]) - now for row in rows}
    await tx.many(
        "UPDATE outbox SET due_at = :due WHERE id = :id",
        [{"id": r["id"], "due": r["due_at"] - ahead[r["id"]]} for r in rows if ahead[r["id"]] > 2 * SECOND],
    )


async def any_due(tx: Tx, now: int) -> bool:
    return bool(await tx.one("SELECT 1 FROM outbox WHERE dead_at IS NULL AND due_at <= :now LIMIT 1", {"now": now}))


async def claim(tx: Tx, now: int, *, lease: int, far: int, most: int, alone: bool) -> list[Row]:
    """What is due and stands first in its lane, `most` at a time, until `lease`.

    Each row says as it was whether it may be out already (`unsure`); in the table it may, from now on.
    """
    if not alone:  # screens that fell behind another process' one, and were overtaken there
        await tx.run(_OVERTAKEN, {"now": now})
    rows = await tx.all(
        _CLAIM if alone else _CLAIM_BESIDE_OTHERS,
        {"now": now, "lease": lease, "far": far, "most": most, "claimed": CLAIMED},
    )
    await tx.each(
        "UPDATE outbox SET unsure = 1 WHERE id IN (SELECT value ->> 'id' FROM each(:batch))",
        _ids(row["id"] for row in rows if not row["unsure"]),
    )
    return rows


async def keys_of(tx: Tx, rows: Iterable[Row]) -> dict[str, str]:
    """The wrapped keys of their bodies."""
    found = await tx.each(
        "SELECT id, wrapped FROM keys WHERE id IN (SELECT value ->> 'id' FROM each(:batch))",
        _ids(sorted({row["key_id"] for row in rows})),
    )
    return {row["id"]: row["wrapped"] for row in found}


def _ids(ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"id": id} for id in ids]


_REPLACE = """
DELETE FROM outbox WHERE purpose = 'reply' AND dead_at IS NULL
    AND lane IN (SELECT value ->> 'lane' FROM each(:batch))
"""

# By conditions on the row itself: they are looked at again if somebody claims it at this moment.
_NOT_IN_OTHER_HANDS = """
AND (due_at <= :now OR reason <> :claimed OR id IN (SELECT value ->> 'id' FROM each(:batch)))
"""

_OVERTAKEN = """
DELETE FROM outbox WHERE id IN (
    SELECT o.id FROM outbox o WHERE o.purpose = 'reply' AND o.dead_at IS NULL AND o.due_at <= :now
        AND EXISTS (SELECT 1 FROM outbox n WHERE n.lane = o.lane AND n.dead_at IS NULL AND n.id > o.id
                      AND n.purpose IN ('reply', 'news'))
    FOR UPDATE OF o SKIP LOCKED)
"""

_LOCK_LANES = """
SELECT pg_advisory_xact_lock(name) FROM
(SELECT DISTINCT hashtextextended(value ->> 'lane', 0) AS name FROM each(:batch) ORDER BY name) AS lanes
"""

_RENEW = """
UPDATE outbox SET due_at = :due WHERE id IN (
    SELECT o.id FROM each(:batch) e JOIN outbox o ON o.id = e.value ->> 'id'
    WHERE o.due_at = CAST(e.value ->> 'due' AS BIGINT) AND o.dead_at IS NULL
    FOR UPDATE OF o SKIP LOCKED)
RETURNING id
"""

# Rows that somebody else is deleting at this moment, as a newer screen does, are left to them.
_DELETE = """
DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox WHERE id IN (SELECT value ->> 'id' FROM each(:batch)) FOR UPDATE SKIP LOCKED)
"""

_STILL_THERE = "SELECT id FROM outbox WHERE id IN (SELECT value ->> 'id' FROM each(:batch))"

_THERE = "SELECT id FROM outbox WHERE dead_at IS NULL AND id IN (SELECT value ->> 'id' FROM each(:batch))"

_OTHERS = """
SELECT b.id, b.lane FROM each(:batch) e
JOIN outbox b ON b.lane = e.value ->> 'lane' AND b.dead_at IS NULL AND (b.attempts > 0 OR b.due_at <= :soon)
"""
_EARLIER = f"{_OTHERS} AND b.id < e.value ->> 'id'"

_CLAIMING = """
UPDATE outbox SET due_at = :lease, reason = :claimed WHERE id IN (
    SELECT o.id FROM outbox o
    WHERE o.dead_at IS NULL AND o.due_at <= :now
      AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.lane = o.lane AND b.dead_at IS NULL AND b.id < o.id
                        AND (b.attempts > 0 OR b.due_at <= :far))
      {and_not}
    ORDER BY o.due_at LIMIT :most FOR UPDATE OF o SKIP LOCKED)
RETURNING *
"""
# What is newer but in other hands (see `behind`): until `lease`, as whatever has just been written or claimed.
_NEWER_IN_HAND = """
AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.lane = o.lane AND b.dead_at IS NULL AND b.id > o.id
                  AND b.due_at > :now AND b.due_at <= :lease)
"""
_CLAIM, _CLAIM_BESIDE_OTHERS = (_CLAIMING.format(and_not=more) for more in ("", _NEWER_IN_HAND))
