"""What is on its way stays with the process that has it, where there are other processes (PostgreSQL)."""

import asyncio
from collections.abc import Callable

import structlog

from bot import outbox
from bot.logs import place
from bot.outbox import rows
from bot.outbox.entry import Entry, Undelivered
from storage.database import Database, Unavailable

log = structlog.get_logger()


class Leases:
    """`_until`: rows on their way, and until when this process has them."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database, self._clock = database, clock
        self._until: dict[str, int] = {}

    def hold(self, entry: Entry) -> None:
        """From here on it stays ours until it is let go; what has waited for too long may soon be another's."""
        if self._database.alone:
            return
        if entry.due_at < self._clock() + outbox.GRACE * 2 // 5:
            raise Undelivered("too much is waiting here", wait=1)
        self._until[entry.id] = entry.due_at

    def until(self, entry: Entry) -> int:
        return self._until.get(entry.id, entry.due_at)

    def let_go(self, entry: Entry) -> None:
        self._until.pop(entry.id, None)

    async def renew(self) -> None:
        """Runs beside."""
        while True:
            await asyncio.sleep(outbox.GRACE / 1000 / 5)
            now = self._clock()
            old = {id: due for id, due in self._until.items() if due < now + outbox.GRACE * 3 // 5}
            if not old:
                continue
            try:
                async with self._database.write() as tx:
                    renewed = await rows.renew(tx, old, now + outbox.GRACE)
            except Unavailable as error:
                log.error("outbox_waits_for_database", reason=str(error))
                continue
            except Exception as error:  # others would carry what is on its way, and all that comes after
                log.error("renewal_failed", error=type(error).__name__, at=place(error))
                continue
            self._until |= dict.fromkeys(renewed & self._until.keys(), now + outbox.GRACE)
