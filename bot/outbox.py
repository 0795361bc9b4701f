"""What must happen after a commit: replies, mails, notices, calls to the outside. Rows, so that a crash loses none.

Protocol of a row:

1. It is written in the turn's own transaction, due in `GRACE`; its body is sealed.
2. The process that wrote it carries it at once, from memory. If it dies, the row falls due and any worker takes it.
3. A worker claims due rows by one conditional UPDATE that moves `due_at` past its lease; only the oldest row of a
   lane is ever due, so one account's messages go in order while accounts go side by side.
4. Carried: the row is deleted. `Undelivered` for now: due again later (back-off with jitter), the same body each time.
   For good, or expired: a dead letter with a reason that a person can read; a secret's body is erased with it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.logs import place
from storage.database import Database, Row, Tx, Unavailable
from storage.ids import new_id
from storage.vault import Key, Tampered, Vault

log = structlog.get_logger()

GRACE = 5_000  # ms: what is this old was not carried by the process that wrote it
LEASE = 60_000
DAY = 86_400_000
AT_ONCE = 128
LANES = 64
POLL_SECONDS = 0.5
SECRET = "code"  # noqa: S105  the purpose of rows whose body must not outlive its use


class Undelivered(Exception):
    """A delivery failed. `permanent`: trying again cannot help. `reason`: for the operator, no personal data."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


@dataclass(frozen=True)
class Entry:
    """One row. `content` is the plain body, in memory only. Times in milliseconds."""

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
    """How one kind of row is carried. `dead`: what follows, in one transaction, when it never will be."""

    deliver: Callable[[Entry], Awaitable[None]]
    dead: Follow | None = None


class Outbox:
    def __init__(self, database: Database, vault: Vault, clock: Callable[[], int]) -> None:
        self._database, self._vault, self._clock = database, vault, clock
        self.carriers: dict[str, Carrier] = {}
        self._lanes: dict[str, deque[Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[str] = set()
        self._behind: set[str] = set()
        self._carried: list[str] = []
        self._flushing = asyncio.Lock()
        self._places = asyncio.Semaphore(LANES)
        self._worker: asyncio.Task[None] | None = None

    # --- writing ----------------------------------------------------------------------------------------------------

    async def insert(self, tx: Tx, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        await tx.many(
            "INSERT INTO outbox (id, lane, kind, account_id, person_id, purpose, key_id, body, due_at, expires_at) "
            "VALUES (:id, :lane, :kind, :account_id, :person_id, :purpose, :key_id, :body, :due_at, :expires_at)",
            [{name: getattr(entry, name) for name in _COLUMNS} for entry in entries],
        )
        first = {entry.lane: entry.id for entry in reversed(entries)}
        soon = self._clock() + LEASE  # what is for another day holds up nothing
        earlier = await tx.each(_EARLIER, [{"lane": lane, "id": id, "soon": soon} for lane, id in first.items()])
        # a lane with something older that this process is not carrying right now (it must wait, or a crash left it) is
        # the worker's: what is new goes behind it
        self._behind |= {row["lane"] for row in earlier if row["id"] not in self._held}

    def dispatch(self, entries: Sequence[Entry]) -> None:
        """Carry what was just committed, unless it is for later or stands behind something older."""
        soon = self._clock() + GRACE
        self._take([entry for entry in entries if entry.due_at <= soon and entry.lane not in self._behind])
        self._behind.difference_update(entry.lane for entry in entries)

    # --- carrying ---------------------------------------------------------------------------------------------------

    def _take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.id in self._held:
                continue
            self._held.add(entry.id)
            lane = self._lanes.get(entry.lane)
            if lane is not None:
                lane.append(entry)
                continue
            self._lanes[entry.lane] = deque([entry])
            task = asyncio.create_task(self._drain(entry.lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _drain(self, lane: str) -> None:
        queue = self._lanes[lane]
        async with self._places:
            while queue:
                entry = queue[0]
                try:
                    carried = await self._carry(entry)
                except Unavailable:
                    carried = False
                queue.popleft()
                self._held.discard(entry.id)
                if not carried:  # the rest stays in order behind it, in the table
                    break
        for entry in queue:
            self._held.discard(entry.id)
        del self._lanes[lane]

    async def _carry(self, entry: Entry) -> bool:
        """Is this row done with, one way or the other?"""
        try:
            if entry.expires_at <= self._clock():
                raise Undelivered("expired before it could be delivered", permanent=True)
            await self.carriers[entry.kind].deliver(entry)
        except Undelivered as failed:
            return await self._failed(entry, failed)
        except Unavailable:
            raise
        except Exception as error:
            log.error("carrier_failed", kind=entry.kind, error=type(error).__name__, at=place(error))
            return await self._failed(entry, Undelivered(f"internal error ({type(error).__name__})"))
        self._carried.append(entry.id)
        await self._flush()
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
        await self._postpone(entry, failed.reason)
        return False

    async def _flush(self) -> None:
        """Delete what was carried, many at a time: whoever waits here finds its own row gone with another's."""
        async with self._flushing:
            if not self._carried:
                return
            ids, self._carried = self._carried, []
            async with self._database.write() as tx:
                await tx.each(
                    "DELETE FROM outbox WHERE id IN (SELECT value ->> 'id' FROM each(:batch))",
                    [{"id": id} for id in ids],
                )

    async def _postpone(self, entry: Entry, reason: str) -> None:
        wait = min(1_000 * 2 ** min(entry.attempts, 9), 300_000) * random.uniform(0.7, 1.3)  # noqa: S311  jitter
        log.warning("delivery_postponed", kind=entry.kind, attempts=entry.attempts + 1, reason=reason)
        async with self._database.write() as tx:
            await tx.run(
                "UPDATE outbox SET due_at = :due, attempts = attempts + 1, reason = :reason WHERE id = :id",
                {"id": entry.id, "due": self._clock() + int(wait), "reason": reason},
            )

    async def _bury(self, entry: Entry, reason: str) -> None:
        log.error("dead_letter", kind=entry.kind, purpose=entry.purpose, reason=reason)
        dead = self.carriers[entry.kind].dead
        async with self._database.write() as tx:
            await tx.run(
                "UPDATE outbox SET dead_at = :now, reason = :reason, "
                "body = CASE WHEN purpose = :secret THEN '' ELSE body END WHERE id = :id AND dead_at IS NULL",
                {"id": entry.id, "now": self._clock(), "reason": reason, "secret": SECRET},
            )
            follow = await dead(tx, entry) if dead else []
            await self.insert(tx, follow)
        self.dispatch(follow)

    # --- the worker -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._worker = asyncio.create_task(self._run(), name="outbox")

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

    async def _run(self) -> None:
        while True:
            try:
                self._take(await self.claim())
            except Unavailable as error:
                log.error("outbox_waits_for_database", reason=str(error))
            except Exception as error:
                log.error("claim_failed", error=type(error).__name__, at=place(error))
            await asyncio.sleep(POLL_SECONDS)

    async def claim(self) -> list[Entry]:
        """Claim what is due and stands first in its lane."""
        now = self._clock()
        async with self._database.read() as tx:  # nothing due is the common case: look before taking the write lock
            if not await tx.one("SELECT 1 FROM outbox WHERE dead_at IS NULL AND due_at <= :now LIMIT 1", {"now": now}):
                return []
        async with self._database.write() as tx:
            rows = await tx.all(_CLAIM, {"now": now, "lease": now + LEASE, "most": AT_ONCE})
            keys = {
                row["id"]: row["wrapped"]
                for row in await tx.each(
                    "SELECT id, wrapped FROM keys WHERE id IN (SELECT value ->> 'id' FROM each(:batch))",
                    [{"id": id} for id in sorted({row["key_id"] for row in rows})],
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
        return Entry(content=content, attempts=row["attempts"], **{name: row[name] for name in _COLUMNS})


_COLUMNS = ("id", "lane", "kind", "account_id", "person_id", "purpose", "key_id", "body", "due_at", "expires_at")

_EARLIER = """
SELECT b.id, b.lane FROM each(:batch) e
JOIN outbox b ON b.lane = e.value ->> 'lane' AND b.dead_at IS NULL AND b.id < e.value ->> 'id'
    AND (b.attempts > 0 OR b.due_at <= CAST(e.value ->> 'soon' AS BIGINT))
"""

_CLAIM = """
UPDATE outbox SET due_at = :lease WHERE id IN (
    SELECT o.id FROM outbox o
    WHERE o.dead_at IS NULL AND o.due_at <= :now
      AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.lane = o.lane AND b.dead_at IS NULL AND b.id < o.id
                        AND (b.attempts > 0 OR b.due_at <= :lease))
    ORDER BY o.due_at LIMIT :most)
RETURNING *
"""
