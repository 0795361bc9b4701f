"""What falls due by the clock: a shared phone logs out, and what need not be kept is deleted.

It is a list of chores. Each has a transaction of its own and is tried each time, whatever becomes of the others; which
of them fail, and since when, is how the schedule stands (`bot/standing.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType

import structlog

from bot import erase
from bot.logs import place
from bot.notices import Notices
from bot.outbox import Outbox
from bot.policy import Policy
from bot.settings import Settings
from bot.standing import Failing, Standing
from bot.times import DAY, HOUR
from bot.topic import Kept, Registry, Sweep
from storage.database import Database, Incomplete, Tx, Unavailable, retried
from storage.objects import Unstored

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
        Kept("page_links", "expires_at", DAY),
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


async def forget_strangers(tx: Tx, kept: int, now: int) -> bool:
    """Chats that are nobody's and in which nothing is left; their keys go with them. → are there more?"""
    rows = await tx.all(STRANGERS, {"before": now - kept, "most": CHUNK})
    await tx.many("DELETE FROM accounts WHERE id = :id", rows)
    await tx.many("DELETE FROM keys WHERE id = :key_id", rows)
    return len(rows) >= CHUNK


# What refers to an account keeps it (the database would refuse to delete it anyway).
STRANGERS = """
SELECT a.id, a.key_id FROM accounts a WHERE a.person_id IS NULL AND a.session IS NULL AND a.seen_at < :before
AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM chat_messages m WHERE m.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM typed_ids t WHERE t.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM codes c WHERE c.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM identity_checks i WHERE i.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM page_links l WHERE l.account_id = a.id)
AND NOT EXISTS (SELECT 1 FROM officer_sessions s WHERE s.account_id = a.id)
LIMIT :most FOR UPDATE OF a SKIP LOCKED
"""

_ONE_PROCESS = "SELECT pg_advisory_xact_lock(hashtextextended('kp7 schedule', 0)) FROM each(:batch)"


Chore = Callable[[int], Awaitable[bool]]  # now → is there more of it to be done at once?


# A chore that sees to its transactions itself. → is there more of it to be done at once?
Besides = Callable[[], Awaitable[bool | None]]


class Undone(Exception):
    """A chore could not be done; says why, in words for the operator."""


class Schedule:
    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        notices: Notices,
        registry: Registry,
        policy: Policy,
        clock: Callable[[], int],
        besides: Mapping[str, Besides] = MappingProxyType({}),
    ) -> None:
        """`besides`: further chores by name."""
        self._database, self._outbox, self._notices, self._clock = database, outbox, notices, clock
        self._registry, self._policy = registry, policy
        self._besides = besides
        self._task: asyncio.Task[None] | None = None
        self.standing: Standing | None = None  # as long as it does not run here

    async def once(self) -> bool:
        """`standing` says what went wrong. → is there more of it to be done at once?"""
        now, more = self._clock(), False
        failing: dict[str, Failing] = {}
        before = self.standing.failing if self.standing else {}
        for name, chore in self._chores():
            try:
                more = await chore(now) or more
            except Exception as error:
                failing[name] = _failed(name, error, before.get(name), now)
            else:
                if name in before:
                    log.info("schedule_healed", chore=name, seconds=(now - before[name].since) // 1000)
        whole_at = self.standing.whole_at if failing and self.standing else now
        self.standing = Standing(whole_at, failing)
        return more

    async def purge(self, now: int, *besides: str) -> Mapping[str, str]:
        """All at once, yet a chunk at a time. `besides`: further chores that delete. → why what was not done was not,
        by the chore's name"""
        undone: dict[str, str] = {}
        for name, chore in (*self._purges(), *((name, _each_time(self._besides[name])) for name in besides)):
            try:
                while await chore(now):
                    pass
            except Exception as error:
                undone[name] = _why(error)
        return undone

    def _chores(self) -> Iterator[tuple[str, Chore]]:
        for name, sweep in self._registry.sweeps.items():
            yield name, self._sweeping(sweep)
        yield from self._purges()
        for name, do in self._besides.items():
            yield name, _each_time(do)

    def _sweeping(self, sweep: Sweep) -> Chore:
        @retried
        async def chore(now: int) -> bool:
            async with self._alone() as tx:
                written = await self._outbox.insert(tx, await self._notices.tell(tx, await sweep(tx, now), now))
            self._outbox.dispatch(written)
            return False

        return chore

    def _purges(self) -> Iterator[tuple[str, Chore]]:
        settings = self._policy.settings
        tables: dict[str, list[Kept]] = {}
        for kept in (*retention(settings), *self._registry.kept(settings)):
            tables.setdefault(kept.table, []).append(kept)
        for table, of_it in tables.items():
            yield f"purge_{table}", self._deleting(partial(purge, tables=of_it))
        yield "forget_strangers", self._deleting(partial(forget_strangers, kept=settings.conversation_days * DAY))

    def _deleting(self, delete: Callable[..., Awaitable[bool]]) -> Chore:
        @retried
        async def chore(now: int) -> bool:
            async with self._alone() as tx:
                return await delete(tx, now=now)

        return chore

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Tx]:
        """Of several processes at the same chore, whoever comes second finds it done."""
        async with self._database.write() as tx:
            await tx.among(_ONE_PROCESS, [{}])
            yield tx

    def start(self) -> None:
        self.standing = Standing(self._clock())
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
            except Exception as error:
                log.error("schedule_failed", reason=f"{type(error).__name__} at {place(error)}")
            await asyncio.sleep(SOON_SECONDS if more else EVERY_SECONDS)


def _each_time(do: Besides) -> Chore:
    async def chore(_: int) -> bool:
        return bool(await do())

    return chore


def _failed(name: str, error: Exception, before: Failing | None, now: int) -> Failing:
    """Logged when it begins, and when the reason is another one; not each time."""
    why = _why(error)
    if before is None or before.why != why:
        log.error("schedule_failed", chore=name, reason=why)
    return Failing(before.since if before else now, why)


def _why(error: Exception) -> str:
    """For the operator; nothing that a person wrote."""
    ours = isinstance(error, (Undone, Unavailable, Incomplete, Unstored))
    return str(error) if ours else f"{type(error).__name__} at {place(error)}"
