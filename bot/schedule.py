"""What falls due by the clock: a shared phone logs out, and what need not be kept is deleted."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from bot import erase
from bot.logs import place
from bot.notices import Notices
from bot.outbox import Outbox
from bot.policy import Policy
from bot.settings import Settings
from bot.times import DAY, HOUR
from bot.topic import Kept, Registry, Words
from storage.database import Database, Tx, Unavailable

log = structlog.get_logger()

EVERY_SECONDS = 20
SOON_SECONDS = 0.2
CHUNK = 5_000


def retention(settings: Settings) -> tuple[Kept, ...]:
    """What belongs to no topic. Deduplication outlives what a platform redelivers (hours); limits look back a day."""
    return (
        Kept("inbox", "received_at", settings.inbox_days * DAY),
        Kept("attempts", "at", 25 * HOUR),
        Kept("tallies", "minute * 60000", 25 * HOUR),
        Kept("chat_messages", "at", settings.chat_history_hours * HOUR),
        Kept("conversations", "seen_at", settings.conversation_days * DAY),
        Kept("outbox", "expires_at", settings.dead_letter_days * DAY, "dead_at IS NOT NULL"),
        erase.KEPT,
    )


async def purge(tx: Tx, tables: Iterable[Kept], now: int) -> bool:
    """→ is there more to be deleted?"""
    more = False
    for kept in tables:
        # a chunk at a time, the oldest first: chats go on meanwhile; table and column are ours, not input
        old = f"FROM {kept.table} WHERE {kept.column} < :before AND {kept.where}"
        chunk = f"SELECT {kept.column} AS age {old} ORDER BY {kept.column} LIMIT {CHUNK}"
        deleted = await tx.run(
            f"DELETE {old} AND {kept.column} <= (SELECT MAX(age) FROM ({chunk}) AS oldest)",  # noqa: S608
            {"before": now - kept.milliseconds},
        )
        more = more or deleted >= CHUNK
    return more


async def forget_strangers(tx: Tx, before: int) -> bool:
    """Chats that are nobody's and in which nothing is left; their keys go with them. → are there more?"""
    rows = await tx.all(STRANGERS, {"before": before, "most": CHUNK})
    await tx.many("DELETE FROM accounts WHERE id = :id", rows)
    await tx.many("DELETE FROM keys WHERE id = :key_id", rows)
    return len(rows) >= CHUNK


# What refers to an account keeps it (the database would refuse to delete it anyway).
STRANGERS = """
SELECT a.id, a.key_id FROM accounts a WHERE a.person_id IS NULL AND a.session IS NULL AND a.seen_at < :before
AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM chat_messages m WHERE m.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM codes c WHERE c.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM identity_checks i WHERE i.account_id = a.id)
LIMIT :most FOR UPDATE OF a SKIP LOCKED
"""

_ONE_PROCESS = "SELECT pg_advisory_xact_lock(hashtextextended('kp7 schedule', 0)) FROM each(:batch)"


class Schedule:
    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        notices: Notices,
        registry: Registry,
        policy: Policy,
        clock: Callable[[], int],
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`after`: what is done each time besides, outside of the transaction."""
        self._database, self._outbox, self._notices, self._clock = database, outbox, notices, clock
        self._registry, self._policy = registry, policy
        self._after = after
        self._task: asyncio.Task[None] | None = None

    async def once(self) -> bool:
        """→ is there more of it to be done at once?"""
        now = self._clock()
        told: dict[str, Words] = {}
        async with self._database.write() as tx:
            await tx.among(_ONE_PROCESS, [{}])  # whoever comes second finds it done
            for sweep in self._registry.sweeps:
                told.update(await sweep(tx, now))
            more = await self._forget(tx, now)
            written = await self._outbox.insert(tx, await self._notices.tell(tx, told, now))
        self._outbox.dispatch(written)
        return more

    async def purge(self, now: int) -> None:
        """All at once, yet a chunk at a time."""
        more = True
        while more:
            async with self._database.write() as tx:
                await tx.among(_ONE_PROCESS, [{}])
                more = await self._forget(tx, now)

    async def _forget(self, tx: Tx, now: int) -> bool:
        settings = self._policy.settings
        more = await purge(tx, (*retention(settings), *self._registry.kept(settings)), now)
        return await forget_strangers(tx, now - settings.conversation_days * DAY) or more

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="schedule")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            more = False
            try:
                more = await self.once()
            except Unavailable as error:
                log.error("schedule_waits_for_database", reason=str(error))
            except Exception as error:
                log.error("schedule_failed", error=type(error).__name__, at=place(error))
            try:  # whatever failed above: the audit log is told off this machine all the same
                if self._after:
                    await self._after()
            except Unavailable as error:
                log.error("schedule_waits_for_database", reason=str(error))
            except Exception as error:
                log.error("schedule_failed", error=type(error).__name__, at=place(error))
            await asyncio.sleep(SOON_SECONDS if more else EVERY_SECONDS)
