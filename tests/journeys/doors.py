"""The desk of a running house, with the doors to it in a test's hands: to its files and to its work, and back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from bot.outbox import Entry
from bot.papers.room import Papers
from bot.topic import Equipment, Incoming
from handlers.documents import desk, jobs
from storage.files import Files
from storage.folder import Folder
from storage.objects import Pieces, Unstored
from tests.house import House
from tests.security.tools import all_said, rows

LEFT = "SELECT 1 FROM outbox WHERE kind IN ('papers', 'event') AND dead_at IS NULL"


class Moody(Folder):
    """`fails`: says of each call whether it goes wrong. `room`: until it is set, what is put waits; `full`:
    something does."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.fails: Callable[[str], bool] = lambda _: False
        self.failed = 0
        self.room, self.full = asyncio.Event(), asyncio.Event()
        self.room.set()

    async def put(self, name: str, data: Pieces) -> None:
        self._complain("put")
        if not self.room.is_set():
            self.full.set()
            await self.room.wait()
        await super().put(name, data)

    async def get(self, name: str) -> AsyncIterator[bytes]:
        self._complain("get")
        async for piece in super().get(name):
            yield piece

    def _complain(self, what: str) -> None:
        if self.fails(what):
            self.failed += 1
            raise Unstored("no room left")


class Doors:
    """`working`: may jobs begin? `telling`: may what they did be told? `told`: what there was to tell, so far.
    `troubled`: the telling goes wrong."""

    def __init__(self, house: House) -> None:
        kp7 = self._kp7 = house.kp7
        self._house = house
        self.working, self.telling = asyncio.Event(), asyncio.Event()
        self.working.set()
        self.telling.set()
        self.troubled = False
        self.told: list[Incoming] = []
        self._news = asyncio.Event()
        self.objects = Moody(Path(kp7.settings.files_address.removeprefix("file://")))
        files = Files(kp7.database, self.objects)
        fetch = {
            **({"line": kp7.line.fetch} if kp7.line else {}),
            **({"web": kp7.web.uploads.fetch} if kp7.web else {}),
        }
        given = Equipment(kp7.database, kp7.vault, kp7.policy, kp7.texts, files, Papers(), fetch, kp7.clock)
        self._carrier = desk.carrier(given, self._take)
        kp7.outbox.carriers[jobs.KIND] = replace(self._carrier, deliver=self._deliver)

    async def _deliver(self, entry: Entry) -> None:
        await self.working.wait()
        await self._carrier.deliver(entry)

    async def _take(self, incoming: Incoming) -> str:
        self.told.append(incoming)
        self._news.set()
        await self.telling.wait()
        if self.troubled:
            raise RuntimeError("nobody can be told")
        return await self._kp7.turn.take(incoming)

    async def done(self, count: int = 1) -> None:
        """Until so many jobs have something to tell."""
        async with asyncio.timeout(20):
            while len(self.told) < count:
                self._news.clear()
                await self._news.wait()

    async def open(self) -> None:
        """All of them; and until everything is worked off and said."""
        self.working.set()
        self.telling.set()
        async with asyncio.timeout(20):
            while await rows(self._house, LEFT):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await all_said(self._house)

    async def again(self, incoming: Incoming) -> str:
        return await self._kp7.turn.take(incoming)
