"""`kp7 …` without the wait: forked from a process that has imported what commands import, which is most of their time.

Each is a process of its own all the same, with its own environment, folder, input, output, exit code and signals. That
a command imports what it needs where nobody has done so before is seen where `tests.command.PROGRAM` runs.
"""

import asyncio
import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START = "import sys; from tests.forked import serve; serve(int(sys.argv[1])); from bot.cli import main; main()"
# Not the commands themselves: they make their consoles when they are imported, and look into the environment for it.
EARLY = (
    "bot.serve", "bot.backup", "bot.restore", "bot.doctor.rounds", "storage.copy", "storage.bucket", "storage.postgres",
    "handlers.documents.overview", "rich.progress", "typer",
)  # fmt: skip
REQUEST = 256 * 1024  # bytes, at most


class Forked:
    """A command that was begun. `returncode`: negative for a signal, None as long as it runs."""

    def __init__(self, pid: int, status: socket.socket, out: int, err: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status, self._files = status, (out, err)
        self._ended = asyncio.create_task(self._end())

    async def wait(self) -> int:
        return (await self.said())[0]

    async def said(self) -> tuple[int, str, str]:
        """→ exit code, standard output, standard error. It is killed where nobody waits for it any more."""
        try:
            return await asyncio.shield(self._ended)
        except asyncio.CancelledError:
            self.kill()
            raise

    def kill(self) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def _end(self) -> tuple[int, str, str]:
        with self._status:
            self.returncode = int(await asyncio.get_running_loop().sock_recv(self._status, 16))
        out, err = (_taken(file) for file in self._files)
        return self.returncode, out, err


async def begin(*words: str, env: Mapping[str, str], cwd: str | Path = "/", typed: str = "") -> Forked:
    """`typed`: what comes in on standard input."""
    reads, writes = os.pipe()
    out, err = (_nameless() for _ in range(2))
    os.write(writes, typed.encode())
    os.close(writes)
    env_of_nursery = (("PATH", os.environ["PATH"]), ("PYTHONPATH", str(ROOT)))
    pid, status = await born(nursery(("-c", START), env_of_nursery), words, env, cwd, (reads, out, err))
    os.close(reads)
    return Forked(pid, status, out, err)


async def born(
    nursery: socket.socket, words: Sequence[str], env: Mapping[str, str], cwd: str | Path, files: tuple[int, int, int]
) -> tuple[int, socket.socket]:
    """→ the child's process id, and where its exit code will come in. `files`: input, output, errors."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # one message, one number
    ours.setblocking(False)
    with theirs:
        request = json.dumps({"words": words, "env": dict(env), "cwd": str(cwd)}).encode()
        socket.send_fds(nursery, [request], [*files, theirs.fileno()])
    return int(await asyncio.get_running_loop().sock_recv(ours, 16)), ours


@cache
def nursery(program: tuple[str, ...], env: tuple[tuple[str, str], ...]) -> socket.socket:
    """One of a kind for each test process, which it does not outlive. `program`: Python's arguments; it `serve`s."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            (sys.executable, *program, str(theirs.fileno())), env=dict(env), pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    @atexit.register
    def end() -> None:
        ours.close()
        process.wait()

    return ours


def _nameless() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _taken(file: int) -> str:
    try:
        return os.pread(file, os.fstat(file).st_size, 0).decode()
    finally:
        os.close(file)


# --- in the process that forks ----------------------------------------------------------------------------------------


def serve(number: int, early: Sequence[str] = EARLY) -> None:
    """Comes back in each child, to go on as the program; never in the process that forks them.

    `early`: the modules that are imported once for all. `number`: of the socket on which requests come, each a JSON
    object with four files: input, output, errors and a socket, on which the child's process id is told and in the end
    its exit code.
    """
    for name in early:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    asked = socket.socket(fileno=number)
    awake, wakes = socket.socketpair()
    awake.setblocking(False)
    wakes.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno())
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([asked, awake], [], [])
        if awake in ready:
            awake.recv(4096)
            _bury(running)
        if asked not in ready:
            continue
        request, files, _, _ = socket.recv_fds(asked, REQUEST, 4)
        if not request:
            os._exit(0)  # the tests are over
        if pid := os.fork():
            for file in files[:3]:
                os.close(file)
            running[pid] = files[3]
            os.write(files[3], str(pid).encode())
            continue
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (asked, awake, wakes):
            end.close()
        for to, file in enumerate(files[:3]):
            os.dup2(file, to)
        for file in (*files, *running.values()):
            os.close(file)
        _become(**json.loads(request))
        return


def _become(words: list[str], env: dict[str, str], cwd: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv[1:] = words


def _bury(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        file = running.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # nobody waits for it
            os.write(file, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(file)
