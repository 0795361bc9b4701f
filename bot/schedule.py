"""What falls due by the clock: a shared phone logs out, and what need not be kept is deleted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bot.logs import place
from bot.outbox import Entry, Outbox
from bot.settings import Settings
from storage.database import Database, Tx, Unavailable

log = structlog.get_logger()

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
EVERY_SECONDS = 20

# (tx, now) → what to put into the outbox
Sweep = Callable[[Tx, int], Awaitable[Sequence[Entry]]]


@dataclass(frozen=True)
class Kept:
    """How long rows of a table are kept. `where`: which may go at all."""

    table: str
    column: str
    milliseconds: int
    where: str = "true"


def retention(settings: Settings) -> tuple[Kept, ...]:
    """Deduplication outlives what a platform may redeliver (hours); limits look back a day."""
    return (
        Kept("inbox", "received_at", 3 * DAY),
        Kept("attempts", "at", 25 * HOUR),
        Kept("codes", "expires_at", DAY),
        Kept("chat_messages", "at", settings.chat_history_hours * HOUR),
        Kept("conversations", "seen_at", settings.conversation_days * DAY),
        Kept("identity_checks", "asked_at", settings.officer_check_days * DAY),
        Kept("outbox", "expires_at", 7 * DAY, "dead_at IS NOT NULL"),
    )


async def purge(tx: Tx, settings: Settings, now: int) -> None:
    for kept in retention(settings):
        # a chunk at a time: chats go on meanwhile; table and column are ours, not input
        old = f"SELECT rowid FROM {kept.table} WHERE {kept.column} < :before AND {kept.where} LIMIT 5000"  # noqa: S608
        await tx.run(f"DELETE FROM {kept.table} WHERE rowid IN ({old})", {"before": now - kept.milliseconds})  # noqa: S608


class Schedule:
    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        settings: Settings,
        sweeps: Sequence[Sweep],
        clock: Callable[[], int],
    ) -> None:
        self._database, self._outbox, self._settings = database, outbox, settings
        self._sweeps, self._clock = sweeps, clock
        self._task: asyncio.Task[None] | None = None

    async def once(self) -> None:
        now = self._clock()
        entries: list[Entry] = []
        async with self._database.write() as tx:
            for sweep in self._sweeps:
                entries += await sweep(tx, now)
            await purge(tx, self._settings, now)
            await self._outbox.insert(tx, entries)
        self._outbox.dispatch(entries)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="schedule")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.once()
            except Unavailable as error:
                log.error("schedule_waits_for_database", reason=str(error))
            except Exception as error:
                log.error("schedule_failed", error=type(error).__name__, at=place(error))
            await asyncio.sleep(EVERY_SECONDS)
