"""What every process does all the time: see whether a rule has changed, and show that it is there and how it does."""

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from bot.logs import place
from bot.policy import Policy
from bot.standing import Failing, Standing
from storage import processes
from storage.database import Database, Unavailable
from storage.ids import new_id
from storage.vault import Vault

log = structlog.get_logger()

EVERY_SECONDS = 0.5  # a rule holds everywhere within a second


class Pulse:
    def __init__(
        self, database: Database, vault: Vault, policy: Policy, schedule: Callable[[], Standing | None]
    ) -> None:
        """`schedule`: how it stands, where it runs in this process."""
        self._database, self._vault, self._policy, self._schedule = database, vault, policy, schedule
        self._id = new_id()
        self._beaten = -float(processes.BEAT_SECONDS)
        self._told: Mapping[str, Failing] | None = None
        self._task: asyncio.Task[None] | None = None

    async def once(self) -> None:
        standing = self._schedule()
        failing = standing.failing if standing else None
        if failing != self._told or time.monotonic() - self._beaten >= processes.BEAT_SECONDS:
            async with self._database.write() as tx:
                await processes.beat(tx, self._id, self._vault, standing.dump() if standing else "")
            self._beaten, self._told = time.monotonic(), failing
        await self._policy.refresh(self._database, self._vault)

    async def start(self) -> None:
        await self.once()
        self._task = asyncio.create_task(self._run(), name="pulse")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        async with self._database.write() as tx:
            await processes.leave(tx, self._id)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.once()
            except Unavailable:
                continue  # what was in force stays so; others say that the database is gone
            except Exception as error:
                log.error("pulse_failed", error=type(error).__name__, at=place(error))
