"""A house whose server moves out into a process of its own, as an operator starts it, while people chat on."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tests.house import House
from tests.served import COMMAND, PATIENCE, ROOT, ask, get


@asynccontextmanager
async def apart(house: House, folder: Path) -> AsyncIterator[int]:
    """→ the server's process id. Same port, same database; afterwards it is back in this process."""
    await house.stop()
    given = {name.upper(): str(value) for name, value in house.settings.model_dump(exclude_defaults=True).items()}
    with (folder / "log").open("wb") as log:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **given}
        process = subprocess.Popen(COMMAND, env=env, cwd=folder, stdout=log, stderr=log)  # noqa: ASYNC220 - once
    try:
        assert await _ready(house.settings.port, process), (folder / "log").read_text()
        yield process.pid
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, PATIENCE)
        await house.start()


async def _ready(port: int, process: subprocess.Popen[bytes]) -> bool:
    async with asyncio.timeout(PATIENCE):
        while process.poll() is None:
            try:
                if b" 200 " in await ask(port, get("/readyz")):
                    return True
            except OSError:
                pass
            await asyncio.sleep(0.05)
    return False


def resident(pid: int) -> float:
    """MB that a process has in memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def children(pid: int) -> set[int]:
    found: set[int] = set()
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found.update(map(int, file.read_text("ascii").split()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@dataclass
class Watch:
    """What a process and its children were seen to be. `lives`: child → first and last time it was seen."""

    pid: int
    most: float = 0.0  # MB
    together: int = 0
    lives: dict[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def longest(self) -> float:
        return max((last - first for first, last in self.lives.values()), default=0.0)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _keep(self) -> None:
        while True:
            now, there = monotonic(), children(self.pid)
            self.most = max(self.most, resident(self.pid))
            self.together = max(self.together, len(there))
            for child in there:
                self.lives[child] = (self.lives.get(child, (now, now))[0], now)
            await asyncio.sleep(0.02)
