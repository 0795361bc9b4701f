"""Several `kp7 web` and `kp7 worker` processes on one PostgreSQL database, behind a load balancer that favours none."""

import asyncio
import contextlib
import dataclasses
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.kill.driver import ANY_MOMENT, Ward, launched
from tests.served import free_port

PARTS = ("web", "web", "worker", "worker")
READY = '"event": "started"'


@dataclass
class Member:
    part: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        return self.folder / "log"

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def last_words(self) -> Path:
        return self.folder / "last_words"


class Fleet(Ward):
    """`kills` kills one of them at a time, while the others go on."""

    def __init__(self, folder: Path, *given: Any, **named: Any) -> None:
        super().__init__(folder, *given, **named)
        self.members = [Member(part, folder / f"{part}{n}", free_port()) for n, part in enumerate(PARTS)]
        for member in self.members:
            member.folder.mkdir()

    @property
    def url(self) -> str:
        port = self.chance.choice([member.port for member in self.members if member.part == "web"])
        return f"http://127.0.0.1:{port}"

    @property
    def alive(self) -> set[int]:
        return {member.process.pid for member in self.members if member.process}

    @property
    def log(self) -> str:
        return "\n".join(f"{member.folder.name}: {member.log[-2_000:]}" for member in self.members)

    async def start(self, point: str = "", nth: int = 1) -> bool:
        """All that do not run, at once."""
        missing = [member for member in self.members if member.process is None]
        alive = await asyncio.gather(*(self._start(member, point, nth) for member in missing))
        self.up.set()
        return all(alive)

    async def _start(self, member: Member, point: str = "", nth: int = 1) -> bool:
        plan = dataclasses.replace(
            self._plan,
            settings={**self._plan.settings, "port": member.port},
            part=member.part,
            last_words=str(member.last_words),
            point=point,
            nth=nth,
        )
        member.log_file.unlink(missing_ok=True)  # READY is looked for in it
        begun = time.monotonic()
        member.process = await asyncio.to_thread(launched, member.folder, plan)
        self.pids.append(member.process.pid)
        while member.process.poll() is None:
            if await self._is_ready(member):
                self.record.ready.append(time.monotonic() - begun)
                return True
            assert time.monotonic() - begun < 90, f"never ready: {member.log}"
            await asyncio.sleep(0.02)
        self._note_death(member)
        return False

    async def _is_ready(self, member: Member) -> bool:
        if member.part == "worker":
            return READY in member.log
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with self._http.get(f"http://127.0.0.1:{member.port}/readyz") as answer:
                return answer.status == 200
        return False

    async def kills(self, times: int, *, alive: float = 0.5, points: Sequence[str] = ()) -> None:
        """Each in turn, half of them at a named point; everybody is alive in the end."""
        for i in range(times):
            self.watch()
            member = self.members[i % len(self.members)]
            if points and i % 2 == 0:
                await self._kill(member, after=0)
                await self._start(member, self.chance.choice(points), self.chance.choice((1, 1, 2, 3)))
                await self._kill(member, after=8 * alive)
            else:
                await self._kill(member, after=self.chance.uniform(0.02, 2 * alive))
            await self._start(member)

    async def _kill(self, member: Member, *, after: float) -> None:
        """After so many seconds, unless it has come to its point before."""
        if member.process is None:
            return
        until = time.monotonic() + after
        while member.process.poll() is None and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        member.process.kill()
        self._note_death(member)

    def _note_death(self, member: Member) -> None:
        assert member.process
        code = member.process.wait()
        assert code == -signal.SIGKILL, f"it died by itself ({code}): {member.log}"
        words = member.last_words
        self.record.deaths[words.read_text() if words.exists() else ANY_MOMENT] += 1
        member.process = None

    async def stop(self) -> None:
        running = [(member, member.process) for member in self.members if member.process]
        for _, process in running:
            process.terminate()
        for member, process in running:
            code = await asyncio.to_thread(process.wait, 30)
            assert code == 0, f"exit code {code}: {member.log}"
            member.process = None

    def end(self) -> None:
        for member in self.members:
            if member.process:
                member.process.kill()
                member.process.wait()

    def _check_order(self, applied: Sequence[Mapping[str, Any]]) -> None:
        """Only each account has one: its rows were written by one transaction after the other, and so numbered. Events
        are told to the model, and looked for on the phones, in that order."""
        assert len({row["user"] for row in applied}) > 1
