"""The outbox at work: writes rows, carries what is committed, works off what others have left."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from bot import metrics, outbox
from bot.logs import place, seldom
from bot.outbox import rows
from bot.outbox.entry import NEWS, SCREEN, Carrier, Entry, Undelivered, Written
from bot.outbox.lanes import Lanes
from bot.outbox.leases import Leases
from storage.database import Database, Row, Tx, Unavailable
from storage.vault import Tampered, Vault

log = structlog.get_logger()


class Outbox:
    """`lanes`: what this process has in hand. What is taken from them is carried by whoever is in `carriers`."""

    def __init__(self, database: Database, vault: Vault, clock: Callable[[], int]) -> None:
        self._database, self._vault, self._clock = database, vault, clock
        self._alone = database.alone
        self.carriers: dict[str, Carrier] = {}
        self.lanes = Lanes(self._carry)
        self._leases = Leases(database, clock)
        self._places: dict[str, asyncio.Semaphore] = {}
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
        now, alone = self._clock(), self._alone
        await rows.lock(tx, sorted({entry.lane for entry in entries}))
        screens = {entry.lane for entry in entries if entry.purpose in (SCREEN, NEWS)}
        replaced = tx.cancelled | await rows.replace(tx, screens, self.lanes.held, now, alone=alone)
        await rows.insert(tx, entries)
        # a lane with something older (it must wait, or a crash left it) is the worker's: what is new goes behind it,
        # but what is for another day holds up nothing
        behind = await rows.behind(tx, entries, self.lanes.held, now + outbox.FAR, alone=alone)
        if behind and not alone:
            await rows.give_away(tx, (entry for entry in entries if entry.lane in behind), now, outbox.GRACE)
        return Written(tuple(entries), behind, frozenset(replaced), deleted)

    async def _delete(self, tx: Tx) -> frozenset[str]:
        return await rows.delete(tx, frozenset(self.lanes.carried), alone=self._alone)

    def dispatch(self, written: Written) -> None:
        """Carry what was just committed, unless it is for later or stands behind something older."""
        self.lanes.forget(written.deleted)
        self.lanes.drop(written.replaced)
        soon = self._clock() + outbox.GRACE
        self.lanes.take([e for e in written.entries if e.due_at <= soon and e.lane not in written.behind])

    # --- carrying ---------------------------------------------------------------------------------------------------

    async def _carry(self, entry: Entry) -> bool:
        """Is this row done with, one way or the other?"""
        try:
            carrier = self.carriers.get(entry.kind)
            if carrier is None:
                raise Undelivered(f"{entry.kind} is switched off", permanent=entry.expires_at <= self._clock())
            async with self._places.setdefault(entry.kind, asyncio.Semaphore(carrier.at_once)):
                if entry.id in self.lanes.replaced:
                    return True
                self._leases.hold(entry)
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
        finally:
            self._leases.let_go(entry)
        metrics.delivery(entry.kind, "delivered")
        self.lanes.carried.add(entry.id)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_soon())
        return True

    async def _failed(self, entry: Entry, failed: Undelivered) -> bool:
        try:
            if failed.permanent:
                return await self._bury(entry, failed.reason) or self._alone or entry.id in self.lanes.replaced
        except Unavailable:
            raise
        except Exception as error:  # nobody could be told of it: try again rather than lose that
            log.error("burial_failed", kind=entry.kind, error=type(error).__name__, at=place(error))
        await self._postpone(entry, failed)
        return entry.id in self.lanes.replaced  # then what took its place need not wait for it

    async def _flush_soon(self) -> None:
        """Delete what was carried, unless a turn that comes by has done so."""
        while self.lanes.carried:
            waiting = frozenset(self.lanes.carried)
            await asyncio.sleep(outbox.FLUSH_SECONDS)
            try:
                if waiting & self.lanes.carried:
                    await self._flush()
            except Unavailable as error:
                log.error("outbox_waits_for_database", reason=str(error))
                await asyncio.sleep(outbox.POLL_SECONDS)
            except Exception as error:  # as long as its row is there, another process may carry it again
                log.error("flush_failed", error=type(error).__name__, at=place(error))
                await asyncio.sleep(outbox.POLL_SECONDS)

    async def _flush(self) -> None:
        if self.lanes.carried:
            async with self._database.write() as tx:
                deleted = await self._delete(tx)
            self.dispatch(Written(deleted=deleted))

    async def _postpone(self, entry: Entry, failed: Undelivered) -> None:
        back_off = min(1_000 * 2 ** min(entry.attempts, 9), outbox.BACK_OFF_MOST)
        wait = (failed.wait or back_off) * random.uniform(0.7, 1.3)  # noqa: S311  jitter
        if failed.within:
            wait = min(wait, failed.within * random.uniform(0.7, 1.0))  # noqa: S311
        if failed.wait:
            wait = max(wait, failed.wait)  # not sooner than the platform said
        metrics.delivery(entry.kind, "postponed")
        if failed.reason:
            seldom("delivery_postponed", entry.kind, failed.reason)  # while LINE is down, each event would be a line
        async with self._database.write() as tx:
            await rows.lock(tx, [entry.lane])  # whoever writes behind it counts on us until then
            await rows.postpone(
                tx,
                entry,
                self._clock() + int(wait),
                failed.reason,
                ours=self._leases.until(entry),
                alone=self._alone,
                tried=not failed.wait,
                unsure=entry.unsure or not failed.untaken,
            )

    async def _bury(self, entry: Entry, reason: str) -> bool:
        """False: it was not ours to bury, or nobody waits for it any more. Then nobody is told of it either."""
        carrier = self.carriers.get(entry.kind)
        dead = carrier.dead if carrier else None
        async with self._database.write() as tx:
            ours = self._leases.until(entry)
            if not await rows.bury(tx, entry.id, reason, self._clock(), ours=ours, alone=self._alone):
                return False
            written = await self.insert(tx, await dead(tx, entry) if dead else [])
        self.dispatch(written)
        metrics.delivery(entry.kind, "dead")
        log.error("dead_letter", kind=entry.kind, purpose=entry.purpose, reason=reason)
        return True

    # --- the worker -------------------------------------------------------------------------------------------------

    def start(self, *, claims: bool = True) -> None:
        """`claims`: work off what others have left, too."""
        if claims:
            self._worker = asyncio.create_task(self._run(), name="outbox")
        if not self._alone:
            self._renewer = asyncio.create_task(self._leases.renew(), name="leases")

    async def stop(self) -> None:
        """Let what is being carried finish; the table keeps the rest."""
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await self.lanes.rest()
        self.lanes.cancel()
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
            if now - looked > outbox.GRACE / 2_000 and not self._alone:  # nor could others perhaps: they renew first
                wait = now + outbox.GRACE / 1_000
            try:
                if not begun:
                    await self._begin()
                    begun = True
                if len(self.lanes.held) < outbox.HELD_MOST and now >= wait:
                    claimed = await self.claim()
                    self.lanes.take(claimed)
                looked = now
            except Unavailable as error:
                log.error("outbox_waits_for_database", reason=str(error))
            except Exception as error:
                log.error("claim_failed", error=type(error).__name__, at=place(error))
            if len(claimed) < outbox.AT_ONCE:
                await asyncio.sleep(outbox.POLL_SECONDS)

    async def _begin(self) -> None:
        now = self._clock()
        async with self._database.write() as tx:
            if self._alone:
                await rows.end_leases(tx, now)
            await rows.set_back(tx, now)

    async def claim(self) -> list[Entry]:
        """Claim what is due and stands first in its lane."""
        now, alone = self._clock(), self._alone
        async with self._database.read() as tx:  # nothing due is the common case: look before taking the write lock
            if not await rows.any_due(tx, now):
                return []
        async with self._database.write() as tx:
            lease = now + (outbox.LEASE if alone else outbox.GRACE)
            claimed = await rows.claim(tx, now, lease=lease, far=now + outbox.FAR, most=outbox.AT_ONCE, alone=alone)
            keys = await rows.keys_of(tx, claimed)
        opened = {row["id"]: self._open(row, keys) for row in claimed if row["id"] not in self.lanes.held}
        if unreadable := [id for id, entry in opened.items() if entry is None]:
            log.error("outbox_unreadable", rows=len(unreadable))
            async with self._database.write() as tx:
                await rows.bury_unreadable(tx, unreadable, now)
        return sorted((entry for entry in opened.values() if entry), key=lambda entry: entry.id)

    def _open(self, row: Row, keys: Mapping[str, str]) -> Entry | None:
        try:
            key = self._vault.unwrap(row["key_id"], keys[row["key_id"]])
            content = key.open(row["body"], "outbox", row["id"], "body")
        except (KeyError, Tampered):
            return None
        # unless it was given back as surely not taken, whoever had it has died, perhaps in the midst of it
        unsure = bool(row["unsure"])
        return Entry(content=content, attempts=row["attempts"], unsure=unsure, **{n: row[n] for n in rows.COLUMNS})
