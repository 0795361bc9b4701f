"""Gathers what came in together, and keeps one bad event from harming its neighbours.

A batch is what waits, at most one event an account (so each account's events stay in order) and at most `MOST`,
without any artificial delay. A batch that fails is halved until the event at fault stands alone. Alone it may fail
`TRIES` times; then it is committed as a dead letter, because an event that is refused for ever would come again for
ever. A database that is locked or full is nobody's fault: all events are refused and come again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bot import metrics
from bot.logs import place
from bot.text import MissingWords
from bot.topic import Incoming
from storage.database import Unavailable, retried

log = structlog.get_logger()

MOST = 256
TRIES = 3


@dataclass(eq=False)
class Work:
    """`dead`: it failed too often; say sorry and be done with it."""

    incoming: Incoming
    done: asyncio.Future[str]
    tries: int = 0

    @property
    def dead(self) -> bool:
        return self.tries >= TRIES

    def settle(self, outcome: "str | Exception") -> None:
        metrics.event(self.incoming.channel, "unavailable" if isinstance(outcome, Exception) else outcome)
        if self.done.done():  # the request behind it has gone away
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


class Batcher:
    """`commit` does a whole batch in one transaction; what it returns is what could not be done in this batch."""

    def __init__(self, commit: Callable[[Sequence[Work]], Awaitable[Sequence[Work]]]) -> None:
        self._commit = commit
        self._waiting: list[Work] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def take(self, incoming: Incoming) -> str:
        """Returns once the event is committed: `done`, `duplicate` or `dead`. Raises `Unavailable`."""
        if self._closing:
            raise Unavailable("shutting down")
        work = Work(incoming, asyncio.get_running_loop().create_future())
        self._waiting.append(work)
        self._wake.set()
        return await work.done

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="batcher")

    async def stop(self) -> None:
        """Finish what was accepted."""
        self._closing = True
        self._wake.set()
        if self._task:
            await self._task

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._gather():
                try:
                    await self._attempt(batch)
                except Exception:  # not even the log can be written: refuse these, but go on
                    for work in batch:
                        work.settle(Unavailable("internal error"))
            if self._closing:
                return

    def _gather(self) -> list[Work]:
        batch: list[Work] = []
        later: list[Work] = []
        accounts: set[tuple[str, str]] = set()
        for work in self._waiting:
            account = (work.incoming.channel, work.incoming.external_id)
            fits = len(batch) < MOST and account not in accounts
            (batch if fits else later).append(work)
            accounts.add(account)
        self._waiting = later
        return batch

    async def _attempt(self, batch: Sequence[Work]) -> None:
        try:
            self._waiting[:0] = await retried(self._commit)(batch)
        except Unavailable as error:
            log.error("database_unavailable", reason=str(error), events=len(batch))
            for work in batch:
                work.settle(error)
        except Exception as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._attempt(batch[:middle])
                await self._attempt(batch[middle:])
                return
            work = batch[0]
            work.tries += 1
            lacks = {"lacks": error.key} if isinstance(error, MissingWords) else {}
            log.error("event_failed", kind=type(error).__name__, at=place(error), tries=work.tries, **lacks)
            if work.tries > TRIES:  # even the apology fails: let it come again, somebody must look
                work.settle(Unavailable("event cannot be recorded"))
                return
            await self._attempt(batch)
