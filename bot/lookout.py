"""Can the files be reached? Looked at now and then, so that nobody who asks has to wait for a store that is away."""

import asyncio
import math
import time
from typing import Literal

import structlog

from bot.logs import place
from storage.objects import Objects, Unstored

log = structlog.get_logger()

EVERY_SECONDS = 20.0
STALE_SECONDS = 60.0  # a look that takes so long (a share that hangs) says enough

Standing = Literal["ok", "away", "unknown"]


class Lookout:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._fault: str | None = None
        self._looked = -math.inf
        self._begun = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    @property
    def standing(self) -> Standing:
        """`unknown`: nobody has had the time to look yet."""
        now = time.monotonic()
        if now - max(self._looked, self._begun) > STALE_SECONDS:
            return "away"
        if self._looked < self._begun:
            return "unknown"
        return "ok" if self._fault is None else "away"

    async def once(self) -> None:
        try:
            await self._objects.look()
        except Unstored as error:
            fault: str | None = str(error)
        except Exception as error:  # of the store's library, say: looking goes on, and no process is taken away for it
            fault = f"{type(error).__name__} at {place(error)}"
        else:
            fault = None
        if fault is not None and fault != self._fault:
            log.error("files_away", reason=fault)
        elif fault is None and self._fault is not None:
            log.info("files_back")
        self._fault, self._looked = fault, time.monotonic()

    def start(self) -> None:
        self._begun = time.monotonic()
        self._task = asyncio.create_task(self._run(), name="files")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self.once()  # never two at once: a share that hangs would hold a thread for each
            await asyncio.sleep(EVERY_SECONDS)
