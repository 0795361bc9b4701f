"""Children of the papers' room without the wait: forked from a process that has imported what they do their jobs with.

Each is limited, shut in and watched as any other (`bot/papers/`), and does one job. That a fresh interpreter does the
same is seen in `tests/papers/`, and wherever a server is a process of its own.
"""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import IO

from bot.papers import child, process
from bot.papers.process import Workshop
from bot.papers.shapes import Reason, Refusal
from tests import forked

EARLY = tuple(child.JOBS.values())
START = (
    f"import sys; sys.path += {[str(process.ROOT), *process.PACKAGES]!r}; from tests.forked import serve; "
    f"serve(int(sys.argv[1]), {EARLY!r}); from tests.nursed import work; work()"
)
ENVIRONMENT = (("LC_ALL", "C.UTF-8"), ("MALLOC_ARENA_MAX", "1"))


class Nursed(Workshop):
    async def _child(self, name: str, question: IO[bytes], answer: IO[bytes]) -> int:
        numbers = (self.limits.memory, self.limits.cpu_seconds, self.limits.answer_bytes)
        words = ("\n".join(process.PACKAGES), name, *map(str, numbers))
        nursery = forked.nursery(("-I", "-S", "-B", "-c", START), ENVIRONMENT)
        with open(os.devnull, "wb") as nothing:  # noqa: ASYNC230 - never waits
            files = (question.fileno(), answer.fileno(), nothing.fileno())
            pid, status = await forked.born(nursery, words, dict(ENVIRONMENT), "/", files)
        with status:
            try:
                async with asyncio.timeout(self.limits.seconds):
                    return int(await asyncio.get_running_loop().sock_recv(status, 16))
            except BaseException as error:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                if isinstance(error, TimeoutError):
                    raise Refusal(Reason.TOO_MUCH_WORK) from None
                raise


def work() -> None:
    """In the child, which has not done anything yet."""
    os.setsid()
    child.main([*sys.argv[1:], str(os.getppid())])
