"""What this process has in hand: each lane in order, lanes side by side. Memory only; the rows are in the table."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence, Set

import structlog

from bot.logs import place
from bot.outbox.entry import Entry
from storage.database import Unavailable

log = structlog.get_logger()


class Lanes:
    """`carry`: is this row done with, one way or the other? If not, what stands behind it goes back to the table.

    `held`: rows that wait for their turn, are on their way, or are carried but not deleted, and their lanes.
    `carried`: those of them that have arrived. `replaced`: those that nobody wants any more.
    """

    def __init__(self, carry: Callable[[Entry], Awaitable[bool]]) -> None:
        self._carry = carry
        self._queues: dict[str, deque[Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.held: dict[str, str] = {}
        self.carried: set[str] = set()
        self.replaced: set[str] = set()

    def take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.id in self.held:
                continue
            self.held[entry.id] = entry.lane
            queue = self._queues.get(entry.lane)
            if queue is not None:
                queue.append(entry)
                continue
            self._queues[entry.lane] = deque([entry])
            task = asyncio.create_task(self._drain(entry.lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def drop(self, replaced: Set[str]) -> None:
        """Nobody wants these any more. What is on its way cannot be called back, but it will not be tried again."""
        dropped = {id for id in replaced if id in self.held and id not in self.carried}
        self.replaced |= dropped
        for lane in {self.held[id] for id in dropped} & self._queues.keys():
            first, *waiting = queue = self._queues[lane]
            queue.clear()
            queue.append(first)
            for entry in waiting:
                if entry.id in dropped:
                    self._release(entry)
                else:
                    queue.append(entry)

    def forget(self, deleted: Set[str]) -> None:
        """These were carried, and their rows are gone."""
        self.carried -= deleted
        for id in deleted:
            self.held.pop(id, None)

    async def rest(self) -> None:
        """Until nothing is under way or waits for its turn."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _drain(self, lane: str) -> None:
        queue = self._queues[lane]
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
            del self._queues[lane]

    def _release(self, entry: Entry) -> None:
        self.replaced.discard(entry.id)
        if entry.id not in self.carried:
            self.held.pop(entry.id, None)
