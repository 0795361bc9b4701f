"""One at a time for each officer: drawing a page takes a process, and none of them keeps the others waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

WAITING_MOST = 60  # as many pages as a paper may have, and some


class Turns:
    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._here: dict[str, int] = {}

    @asynccontextmanager
    async def of(self, officer: str) -> AsyncIterator[bool]:
        """Waits until it is theirs. False: too many of theirs wait already."""
        if self._here.get(officer, 0) >= WAITING_MOST:
            yield False
            return
        self._here[officer] = self._here.get(officer, 0) + 1
        try:
            async with self._locks.setdefault(officer, asyncio.Lock()):
                yield True
        finally:
            self._here[officer] -= 1
            if not self._here[officer]:
                del self._here[officer], self._locks[officer]
