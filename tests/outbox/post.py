"""An outbox to play with."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from bot.outbox import Carrier, Entry, Outbox, Written
from storage.database import Database, Row, Unavailable
from storage.vault import Key, Vault

WHEN = 1_800_000_000_000


def real_time() -> int:
    return int(time.time() * 1000)


class Post:
    """An outbox on a database of its own, a clock that tests move, and a carrier that does what it is told.

    `trouble`: what the next deliveries raise; `carried`: what arrived.
    """

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, WHEN
        self.vault = Vault(b"a master key that is used in tests only")
        self.key: Key
        self.carried: list[Any] = []
        self.trouble: list[Exception] = []
        self.outbox = self.anew()

    def anew(self) -> Outbox:
        """As after a restart: what was in memory is gone."""
        self.outbox = Outbox(self.database, self.vault, lambda: self.now)
        self.outbox.carriers["chat"] = Carrier(self.deliver)
        return self.outbox

    async def deliver(self, entry: Entry) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.carried.append(entry.content["n"])

    async def make_key(self) -> None:
        self.key, wrapped = self.vault.new_key()
        async with self.database.write() as tx:
            await tx.run("INSERT INTO keys VALUES (:id, :wrapped)", {"id": self.key.id, "wrapped": wrapped})

    def entry(self, n: int, *, purpose: str = "notice", account: str = "somchai", **more: Any) -> Entry:
        return Entry.make("chat", purpose, {"n": n}, self.key, now=self.now, account_id=account, **more)

    async def write(self, *entries: Entry) -> Written:
        async with self.database.write() as tx:
            return await self.outbox.insert(tx, entries)

    async def write_in_vain(self, *entries: Entry) -> None:
        """A turn that fails after it has written."""
        with contextlib.suppress(RuntimeError):
            async with self.database.write() as tx:
                await self.outbox.insert(tx, entries)
                raise RuntimeError("the turn fails")

    async def commit(self, *entries: Entry) -> None:
        """As a turn does it."""
        self.outbox.dispatch(await self.write(*entries))

    async def send(self, n: int, **more: Any) -> None:
        await self.commit(self.entry(n, **more))
        await self.quiet()

    async def claim(self) -> None:
        """What the worker does twice a second."""
        self.outbox.lanes.take(await self.outbox.claim())
        await self.quiet()

    async def quiet(self) -> None:
        async with asyncio.timeout(30):
            await self.outbox.lanes.rest()
        with contextlib.suppress(Unavailable):
            await self.outbox._flush()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not is_so():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def rows(self) -> list[Row]:
        async with self.database.read() as tx:
            return await tx.all("SELECT * FROM outbox ORDER BY id")
