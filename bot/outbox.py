"""What must happen after a commit: replies, mails, notices, calls to the outside. Rows, so that a crash loses none.

Protocol of a row:

1. It is written in the turn's own transaction, due in `GRACE`; its body is sealed. It takes the place of an older
   `SCREEN` of its lane that is not out yet: nobody needs to read a question that is no longer asked.
2. The process that wrote it carries it at once, from memory. If it dies, the row falls due and any worker takes it.
3. A worker claims due rows by one conditional UPDATE that moves `due_at` past its lease; only the oldest row of a
   lane is ever claimed, so one account's messages go in order while accounts go side by side. (What is put off for
   longer than `FAR`, by a used-up quota say, or is for another day, lets newer ones pass.) A process that starts
   ends the leases of the one that died before it where there can be only one (SQLite, `bot.serve.only_one`).
4. Carried: the row is deleted, with the next transaction that comes by or with one of its own. Until then this process
   remembers it (`_held`), so nobody carries it twice.
   Several processes (PostgreSQL): a row whose `due_at` lies ahead is in the hands of whoever set that time, `GRACE`
   ahead. What is on its way is held on to by setting it anew (`_renew`); what still waits in memory by then is let
   go. A lane is written by one transaction at a time; a row that finds an older one in other hands is due at once
   but behind it, and a worker takes it when that is gone. A worker that could not look for a while gives the others
   time to renew before it claims. Clocks must agree to within a second.
5. `Undelivered` for now: due again later (back-off with jitter, or when the platform said), the same body each time.
   For good, or expired: a dead letter with a reason that a person can read; a secret's body is erased with it.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot import metrics
from bot.logs import place, seldom
from bot.times import DAY, SECOND
from bot.values import frozen
from storage.database import Database, Row, Tx, Unavailable
from storage.ids import new_id, time_of
from storage.vault import Key, Tampered, Vault

log = structlog.get_logger()

GRACE = 5_000  # ms: what is this old was not carried by the process that wrote it
LEASE = 60_000  # where there is one process; it ends all of them when it starts
FAR = 60_000
BACK_OFF_MOST = 40_000  # with its jitter below a minute: so soon after an outage everything is out
AT_ONCE = 256  # rows a claim
HELD_MOST = 2_048  # what waits in memory stays well within its lease
POLL_SECONDS = 0.5
FLUSH_SECONDS = 0.05
SCREEN = "reply"  # the purpose of rows that a newer one of their lane replaces, as long as they are not out
NEWS = "news"  # of screens that say what is said only once
SECRET = "code"  # noqa: S105  the purpose of rows whose body must not outlive its use
CLAIMED = "being carried"  # the reason of rows that a worker has claimed


class Undelivered(Exception):
    """A delivery failed. `permanent`: trying again cannot help. `reason`: for the operator, no personal data.

    `untaken`: the other side has surely not taken it; without this nobody knows. `wait`: milliseconds that it asks for,
    which makes this no attempt at all.
    """

    def __init__(self, reason: str, *, permanent: bool = False, untaken: bool = False, wait: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.untaken = untaken or bool(wait)
        self.wait = wait


@frozen
class Entry:
    """One row. `content` is the plain body, in memory only. Times in milliseconds.

    `unsure`: somebody may have delivered it before, and nobody knows.
    """

    id: str
    lane: str
    kind: str
    account_id: str | None
    person_id: str | None
    purpose: str
    key_id: str
    body: str
    due_at: int
    expires_at: int
    attempts: int = 0
    unsure: bool = False
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def make(
        cls,
        kind: str,
        purpose: str,
        content: Mapping[str, Any],
        key: Key,
        *,
        now: int,
        account_id: str | None = None,
        person_id: str | None = None,
        lane: str = "",
        due_at: int = 0,
        expires_at: int = 0,
    ) -> "Entry":
        """`due_at` 0: at once. `expires_at` 0: a day after it is due."""
        id = new_id()
        return cls(
            id=id,
            lane=lane or f"{kind}:{account_id or person_id or id}",
            kind=kind,
            account_id=account_id,
            person_id=person_id,
            purpose=purpose,
            key_id=key.id,
            body=key.seal(content, "outbox", id, "body"),
            due_at=due_at or now + GRACE,
            expires_at=expires_at or max(due_at, now) + DAY,
            content=content,
        )


Follow = Callable[[Tx, Entry], Awaitable[Sequence[Entry]]]


@dataclass(frozen=True)
class Carrier:
    """How one kind of row is carried. `dead`: what follows, in one transaction, when it never will be.

    `at_once`: how many deliveries the other side is asked for at the same time.
    """

    deliver: Callable[[Entry], Awaitable[None]]
    dead: Follow | None = None
    at_once: int = 64


@dataclass(frozen=True)
class Written:
    """What a transaction did to the outbox; it counts once that is committed. Hand it to `Outbox.dispatch` then.

    `behind`: lanes with something older that must go first. `replaced`, `deleted`: ids of rows that are gone.
    """

    entries: tuple[Entry, ...] = ()
    behind: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()


class Outbox:
    """`_held`: rows in the hands of this process (waiting for their turn, on their way, carried but not deleted), and
    their lanes."""

    def __init__(self, database: Database, vault: Vault, clock: Callable[[], int]) -> None:
        self._database, self._vault, self._clock = database, vault, clock
        self._alone = database.alone
        self.carriers: dict[str, Carrier] = {}
        self._lanes: dict[str, deque[Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._places: dict[str, asyncio.Semaphore] = {}
        self._held: dict[str, str] = {}
        self._carried: set[str] = set()
        self._replaced: set[str] = set()
        self._flying: dict[str, int] = {}  # rows on their way, and until when this process has them
        self._renewer: asyncio.Task[None] | None = None
        self._flusher: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None

    # --- writing ----------------------------------------------------------------------------------------------------

    async def insert(self, tx: Tx, entries: Sequence[Entry]) -> Written:
        """Rows for `entries`. What was carried meanwhile is deleted along with it, where that saves a turn for the pen.

        Once the transaction is committed, and before anything else is awaited, `dispatch` the result: with an await
        between them, rows that another turn commits meanwhile could overtake these. Not dispatched (a command line that
        writes beside the server), they are carried when `GRACE` is over.
        """
        deleted = await self._delete(tx) if self._alone else frozenset[str]()
        if not entries:
            return Written(replaced=frozenset(tx.cancelled), deleted=deleted)
        now, lanes = self._clock(), sorted({entry.lane for entry in entries})
        await tx.among(_LOCK_LANES, [{"lane": lane} for lane in lanes])
        screens = {entry.lane for entry in entries if entry.purpose in (SCREEN, NEWS)}
        replaced = tx.cancelled | await self._replace(tx, screens, now)
        await tx.many(
            "INSERT INTO outbox "
            "(id, lane, kind, account_id, person_id, purpose, key_id, body, due_at, wanted_at, expires_at) VALUES "
            "(:id, :lane, :kind, :account_id, :person_id, :purpose, :key_id, :body, :due_at, :due_at, :expires_at)",
            [{name: getattr(entry, name) for name in _COLUMNS} for entry in entries],
        )
        first = {entry.lane: entry.id for entry in reversed(entries)}
        soon = now + FAR  # what is for another day holds up nothing
        earlier = await tx.each(_EARLIER, [{"lane": lane, "id": id, "soon": soon} for lane, id in first.items()])
        # a lane with something older that this process is not carrying right now (it must wait, or a crash left it) is
        # the worker's: what is new goes behind it
        older = [row for row in earlier if row["id"] not in self._held]
        if older and not self._alone:  # or it was carried, and deleted beside us since that statement began
            there = {row["id"] for row in await tx.each(_THERE, _ids(row["id"] for row in older))}
            older = [row for row in older if row["id"] in there]
        behind = frozenset(row["lane"] for row in older)
        if behind and not self._alone:  # no need to wait for `GRACE`, nobody has these in hand
            await tx.each(
                "UPDATE outbox SET due_at = :now, unsure = 0 WHERE due_at > :now AND due_at <= :grace "
                "AND id IN (SELECT value ->> 'id' FROM each(:batch))",
                _ids(entry.id for entry in entries if entry.lane in behind),
                {"now": now, "grace": now + GRACE},
            )
        return Written(tuple(entries), behind, frozenset(replaced), deleted)

    async def _replace(self, tx: Tx, lanes: Set[str], now: int) -> set[str]:
        """Nobody needs older screens of these lanes. What another process has in hand cannot be called back."""
        if self._alone:
            rows = await tx.each(f"{_REPLACE} RETURNING id", [{"lane": lane} for lane in lanes])
        else:
            ours = [{"id": id} for id, lane in self._held.items() if lane in lanes]
            given = {"now": now, "claimed": CLAIMED}
            batch = [*ours, *({"lane": lane} for lane in lanes)]
            rows = await tx.each(f"{_REPLACE} {_NOT_IN_OTHER_HANDS} RETURNING id", batch, given)
        return {row["id"] for row in rows}

    async def _delete(self, tx: Tx) -> frozenset[str]:
        carried = frozenset(self._carried)
        await tx.each(_DELETE, _ids(carried))
        if self._alone:
            return carried
        return carried - {row["id"] for row in await tx.each(_STILL_THERE, _ids(carried))}

    def dispatch(self, written: Written) -> None:
        """Carry what was just committed, unless it is for later or stands behind something older."""
        self._carried -= written.deleted
        for id in written.deleted:
            self._held.pop(id, None)
        self._drop({id for id in written.replaced if id in self._held})
        soon = self._clock() + GRACE
        self._take([entry for entry in written.entries if entry.due_at <= soon and entry.lane not in written.behind])

    def _drop(self, replaced: set[str]) -> None:
        """Nobody wants these any more. What is on its way cannot be called back, but it will not be tried again."""
        self._replaced |= replaced
        for lane in {self._held[id] for id in replaced} & self._lanes.keys():
            first, *waiting = queue = self._lanes[lane]
            queue.clear()
            queue.append(first)
            for entry in waiting:
                if entry.id in replaced:
                    self._release(entry)
                else:
                    queue.append(entry)

    # --- carrying ---------------------------------------------------------------------------------------------------

    def _take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.id in self._held:
                continue
            self._held[entry.id] = entry.lane
            lane = self._lanes.get(entry.lane)
            if lane is not None:
                lane.append(entry)
                continue
            self._lanes[entry.lane] = deque([entry])
            task = asyncio.create_task(self._drain(entry.lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _hold(self, entry: Entry) -> None:
        """From here on it stays ours until it is done with; what has waited for too long may soon be another's."""
        if self._alone:
            return
        if entry.due_at < self._clock() + GRACE * 2 // 5:
            raise Undelivered("too much is waiting here", wait=1)
        self._flying[entry.id] = entry.due_at

    async def _renew(self) -> None:
        """Runs beside, where there are other processes: what is on its way stays ours."""
        while True:
            await asyncio.sleep(GRACE / 1000 / 5)
            now = self._clock()
            old = [{"id": id, "due": due} for id, due in self._flying.items() if due < now + GRACE * 3 // 5]
            if not old:
                continue
            try:
                async with self._database.write() as tx:
                    renewed = await tx.each(_RENEW, old, {"due": now + GRACE})
            except Unavailable as error:
                log.error("outbox_waits_for_database", reason=str(error))
                continue
            for row in renewed:
                if row["id"] in self._flying:
                    self._flying[row["id"]] = now + GRACE

    async def _drain(self, lane: str) -> None:
        queue = self._lanes[lane]
        go_on = True
        try:
            while queue and go_on:
                try:
                    go_on = await self._carry(queue[0])
                except Unavailable:
                    go_on = False
                except Exception as error:  # the row is still in the table: the worker will try it
                    log.error("lane_failed", error=type(error).__name__, at=place(error))
                    go_on = False
                self._release(queue.popleft())
        finally:
            for entry in queue:  # the rest stays in order behind what could not be carried, in the table
                self._release(entry)
            del self._lanes[lane]

    def _release(self, entry: Entry) -> None:
        self._flying.pop(entry.id, None)
        self._replaced.discard(entry.id)
        if entry.id not in self._carried:
            self._held.pop(entry.id, None)

    async def _carry(self, entry: Entry) -> bool:
        """Is this row done with, one way or the other?"""
        try:
            carrier = self.carriers.get(entry.kind)
            if carrier is None:
                raise Undelivered(f"{entry.kind} is switched off", permanent=entry.expires_at <= self._clock())
            async with self._places.setdefault(entry.kind, asyncio.Semaphore(carrier.at_once)):
                if entry.id in self._replaced:
                    return True
                self._hold(entry)
                if entry.expires_at <= self._clock():
                    raise Undelivered("expired before it could be delivered", permanent=True)
                await carrier.deliver(entry)
        except Undelivered as failed:
            return await self._failed(entry, failed)
        except Unavailable:
            raise
        except Exception as error:
            log.error("carrier_failed", kind=entry.kind, error=type(error).__name__, at=place(error))
            return await self._failed(entry, Undelivered(f"internal error ({type(error).__name__})"))
        metrics.delivery(entry.kind, "delivered")
        self._carried.add(entry.id)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_soon())
        return True

    async def _failed(self, entry: Entry, failed: Undelivered) -> bool:
        try:
            if failed.permanent:
                await self._bury(entry, failed.reason)
                return True
        except Unavailable:
            raise
        except Exception as error:  # nobody could be told of it: try again rather than lose that
            log.error("burial_failed", kind=entry.kind, error=type(error).__name__, at=place(error))
        await self._postpone(entry, failed)
        return entry.id in self._replaced  # then what took its place need not wait for it

    async def _flush_soon(self) -> None:
        """Delete what was carried, unless a turn that comes by has done so."""
        while self._carried:
            waiting = frozenset(self._carried)
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                if waiting & self._carried:
                    await self._flush()
            except Unavailable as error:
                log.error("outbox_waits_for_database", reason=str(error))
                await asyncio.sleep(POLL_SECONDS)

    async def _flush(self) -> None:
        if self._carried:
            async with self._database.write() as tx:
                deleted = await self._delete(tx)
            self.dispatch(Written(deleted=deleted))

    async def _postpone(self, entry: Entry, failed: Undelivered) -> None:
        """A row that was replaced or cancelled meanwhile is not there any more, and does not come back."""
        back_off = min(1_000 * 2 ** min(entry.attempts, 9), BACK_OFF_MOST)
        wait = (failed.wait or back_off) * random.uniform(0.7, 1.3)  # noqa: S311  jitter
        if failed.wait:
            wait = max(wait, failed.wait)  # not sooner than the platform said
        metrics.delivery(entry.kind, "postponed")
        seldom("delivery_postponed", entry.kind, failed.reason)  # while LINE is down, each event would be a line
        async with self._database.write() as tx:
            await tx.among(_LOCK_LANES, [{"lane": entry.lane}])  # whoever writes behind it counts on us until then
            await tx.run(
                "UPDATE outbox SET due_at = :due, attempts = attempts + :tried, unsure = :unsure, reason = :reason "
                "WHERE id = :id AND (due_at = :ours OR :alone = 1)",
                {
                    "id": entry.id,
                    "ours": self._flying.get(entry.id, entry.due_at),
                    "alone": int(self._alone),
                    "due": self._clock() + int(wait),
                    "tried": 0 if failed.wait else 1,
                    "unsure": int(entry.unsure or not failed.untaken),
                    "reason": failed.reason,
                },
            )

    async def _bury(self, entry: Entry, reason: str) -> None:
        metrics.delivery(entry.kind, "dead")
        log.error("dead_letter", kind=entry.kind, purpose=entry.purpose, reason=reason)
        carrier = self.carriers.get(entry.kind)
        dead = carrier.dead if carrier else None
        async with self._database.write() as tx:
            await tx.run(
                "UPDATE outbox SET dead_at = :now, reason = :reason, "
                "body = CASE WHEN purpose = :secret THEN '' ELSE body END WHERE id = :id AND dead_at IS NULL",
                {"id": entry.id, "now": self._clock(), "reason": reason, "secret": SECRET},
            )
            written = await self.insert(tx, await dead(tx, entry) if dead else [])
        self.dispatch(written)

    # --- the worker -------------------------------------------------------------------------------------------------

    def start(self, *, claims: bool = True) -> None:
        """`claims`: work off what others have left, too."""
        if claims:
            self._worker = asyncio.create_task(self._run(), name="outbox")
        if not self._alone:
            self._renewer = asyncio.create_task(self._renew(), name="leases")

    async def stop(self) -> None:
        """Let what is being carried finish; the table keeps the rest."""
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                while self._tasks:
                    await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        for helper in (self._flusher, self._renewer):
            if helper:
                helper.cancel()
                await asyncio.gather(helper, return_exceptions=True)
        with suppress(Unavailable):
            await self._flush()

    async def _run(self) -> None:
        begun = False
        looked, wait = time.monotonic(), 0.0
        while True:
            claimed: list[Entry] = []
            now = time.monotonic()
            if now - looked > GRACE / 2_000 and not self._alone:  # nor could others perhaps: they renew first
                wait = now + GRACE / 1_000
            try:
                if not begun:
                    await self._begin()
                    begun = True
                if len(self._held) < HELD_MOST and now >= wait:
                    claimed = await self.claim()
                    self._take(claimed)
                looked = now
            except Unavailable as error:
                log.error("outbox_waits_for_database", reason=str(error))
            except Exception as error:
                log.error("claim_failed", error=type(error).__name__, at=place(error))
            if len(claimed) < AT_ONCE:
                await asyncio.sleep(POLL_SECONDS)

    async def _begin(self) -> None:
        """Nobody has in hand what a process had that was alone before us. And what was written by a clock that has been
        set back since is due as much sooner."""
        now = self._clock()
        async with self._database.write() as tx:
            if self._alone:
                await tx.run(
                    "UPDATE outbox SET due_at = :now WHERE dead_at IS NULL AND reason = :claimed AND due_at > :now",
                    {"now": now, "claimed": CLAIMED},
                )
            rows = await tx.all("SELECT id, due_at FROM outbox WHERE dead_at IS NULL AND due_at > :now", {"now": now})
            ahead = {row["id"]: time_of(row["id"]) - now for row in rows}
            await tx.many(
                "UPDATE outbox SET due_at = :due WHERE id = :id",
                [{"id": r["id"], "due": r["due_at"] - ahead[r["id"]]} for r in rows if ahead[r["id"]] > 2 * SECOND],
            )

    async def claim(self) -> list[Entry]:
        """Claim what is due and stands first in its lane."""
        now = self._clock()
        async with self._database.read() as tx:  # nothing due is the common case: look before taking the write lock
            if not await tx.one("SELECT 1 FROM outbox WHERE dead_at IS NULL AND due_at <= :now LIMIT 1", {"now": now}):
                return []
        async with self._database.write() as tx:
            lease = now + (LEASE if self._alone else GRACE)
            given = {"now": now, "lease": lease, "far": now + FAR, "most": AT_ONCE, "claimed": CLAIMED}
            if not self._alone:  # screens that fell behind another process' one, and were overtaken there
                await tx.run(_OVERTAKEN, {"now": now})
            rows = await tx.all(_CLAIM, given)
            await tx.each(
                "UPDATE outbox SET unsure = 1 WHERE id IN (SELECT value ->> 'id' FROM each(:batch))",
                _ids(row["id"] for row in rows if not row["unsure"]),
            )
            keys = {
                row["id"]: row["wrapped"]
                for row in await tx.each(
                    "SELECT id, wrapped FROM keys WHERE id IN (SELECT value ->> 'id' FROM each(:batch))",
                    _ids(sorted({row["key_id"] for row in rows})),
                )
            }
        opened = {row["id"]: self._open(row, keys) for row in rows if row["id"] not in self._held}
        if unreadable := [id for id, entry in opened.items() if entry is None]:
            log.error("outbox_unreadable", rows=len(unreadable))
            async with self._database.write() as tx:
                await tx.many(
                    "UPDATE outbox SET dead_at = :now, reason = 'its key is gone' WHERE id = :id",
                    [{"id": id, "now": now} for id in unreadable],
                )
        return sorted((entry for entry in opened.values() if entry), key=lambda entry: entry.id)

    def _open(self, row: Row, keys: Mapping[str, str]) -> Entry | None:
        try:
            key = self._vault.unwrap(row["key_id"], keys[row["key_id"]])
            content = key.open(row["body"], "outbox", row["id"], "body")
        except (KeyError, Tampered):
            return None
        # unless it was given back as surely not taken, whoever had it has died, perhaps in the midst of it
        unsure = bool(row["unsure"])
        return Entry(content=content, attempts=row["attempts"], unsure=unsure, **{n: row[n] for n in _COLUMNS})


def _ids(ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"id": id} for id in ids]


_COLUMNS = ("id", "lane", "kind", "account_id", "person_id", "purpose", "key_id", "body", "due_at", "expires_at")

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

_EARLIER = """
SELECT b.id, b.lane FROM each(:batch) e
JOIN outbox b ON b.lane = e.value ->> 'lane' AND b.dead_at IS NULL AND b.id < e.value ->> 'id'
    AND (b.attempts > 0 OR b.due_at <= CAST(e.value ->> 'soon' AS BIGINT))
"""

_CLAIM = """
UPDATE outbox SET due_at = :lease, reason = :claimed WHERE id IN (
    SELECT o.id FROM outbox o
    WHERE o.dead_at IS NULL AND o.due_at <= :now
      AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.lane = o.lane AND b.dead_at IS NULL AND b.id < o.id
                        AND (b.attempts > 0 OR b.due_at <= :far))
    ORDER BY o.due_at LIMIT :most FOR UPDATE OF o SKIP LOCKED)
RETURNING *
"""
