"""One job, one child: started small, limited, watched, and gone with everything it had.

1. A turn is waited for: so many children at once, first come first served, and no more than a short queue.
2. Two files without names are made in memory, one with the job, one for the answer; the child gets them as its standard
   input and output, and nothing else: no environment, no other open file. It is a fresh interpreter (the house is never
   copied) in a process group of its own.
3. The child limits itself, gives up what it does not need, and only then reads the job (`child.py`, `jail.py`).
4. It is done when it lets go of a pipe that it never touches: it has answered, has died, or was killed for being late.
5. Whatever it is by then, its group is killed, it is reaped, and its answer read up to the size an answer may have.
"""

import asyncio
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from bot.papers.shapes import Limits, Reason, Refusal

ROOT = Path(__file__).resolve().parents[2]
# Neither the working directory nor anybody's variables say what is imported, nor what other packages left for `site`.
PACKAGES = tuple(dict.fromkeys(sysconfig.get_path(which) for which in ("purelib", "platlib")))
START = (
    "import sys; sys.path += sys.argv[1:2] + sys.argv[2].splitlines(); "
    "from bot.papers.child import main; main(sys.argv[2:])"
)
# How a child ends that may have no more time, or (by the hand of PDFium or of C++) no more memory.
WORE_OUT = {-signal.SIGXCPU, -signal.SIGABRT, -signal.SIGTRAP, -signal.SIGILL}
WAITING = 16  # beyond those at work


class Workshop:
    """At most `at_once` children; `waiting` more jobs may queue. `program`: what each child becomes, a whole path and
    its arguments; without it, the child does the job itself."""

    def __init__(self, limits: Limits, at_once: int = 2, waiting: int = WAITING, program: Sequence[str] = ()) -> None:
        self.limits = limits
        self._program = tuple(program)
        self.most = at_once + waiting
        self.inside = 0
        self._turns = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """For one job, at work or in the queue. Raises `Refusal`: busy."""
        if self.inside >= self.most:
            raise Refusal(Reason.BUSY, self.inside, self.most)
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    async def run(self, name: str, *job: bytes) -> bytes:
        """`job`: a message, in pieces. → the child's answer, unweighed. Raises `Refusal` where there is none."""
        async with self.place():
            return await self.run_placed(name, *job)

    async def run_placed(self, name: str, *job: bytes) -> bytes:
        """As `run`, for who has a `place`."""
        async with self._turns:
            with _nameless() as question, _nameless() as answer:
                await asyncio.to_thread(_write, question, *job)
                code = await self._child(name, question, answer)
                if code in WORE_OUT:
                    raise Refusal(Reason.TOO_MUCH_WORK)
                if code != 0:
                    raise Refusal(Reason.UNREADABLE, why=f"exit {code}")
                return await asyncio.to_thread(_read, answer, self.limits.answer_bytes)

    async def _child(self, name: str, question: IO[bytes], answer: IO[bytes]) -> int:
        """→ its exit code, negative for the signal that ended it. Raises `Refusal` when it was too slow."""
        ours, theirs = os.pipe()
        try:
            try:
                # from this thread, as the child dies with the thread that made it; a vfork takes 2 ms
                child = subprocess.Popen(  # noqa: ASYNC220, S603 - nothing of the command is anybody's input
                    self._command(name),
                    stdin=question,
                    stdout=answer,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs,),
                    env={"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},
                    cwd="/",
                    start_new_session=True,
                )
            finally:
                os.close(theirs)
            try:
                async with asyncio.timeout(self.limits.seconds):
                    await _closed(ours)
            except TimeoutError:
                raise Refusal(Reason.TOO_MUCH_WORK) from None
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        finally:
            os.close(ours)
        return child.returncode

    def _command(self, name: str) -> list[str]:
        limits = self.limits
        numbers = (limits.memory, limits.cpu_seconds, limits.answer_bytes, os.getpid())
        told = (str(ROOT), "\n".join(PACKAGES), name, *map(str, numbers), *self._program)
        return [sys.executable, "-I", "-S", "-B", "-c", START, *told]


async def _closed(reader: int) -> None:
    """Waits until nobody holds the other end any more."""
    loop = asyncio.get_running_loop()
    closed = loop.create_future()

    def settle() -> None:
        if not closed.done():
            closed.set_result(None)

    loop.add_reader(reader, settle)
    try:
        await closed
    finally:
        loop.remove_reader(reader)


def _nameless() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("paper", os.MFD_CLOEXEC), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)  # without a name as soon as it is there


def _write(file: IO[bytes], *content: bytes) -> None:
    for part in content:
        view = memoryview(part)
        while view:
            view = view[file.write(view) :]
    file.seek(0)


def _read(file: IO[bytes], most: int) -> bytes:
    size = os.fstat(file.fileno()).st_size
    if size > most:
        raise Refusal(Reason.UNREADABLE)
    file.seek(0)
    return file.read(size)
