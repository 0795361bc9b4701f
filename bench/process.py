"""A subject as a process of its own, on a core of its own, and what it costs."""

import asyncio
import base64
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.platforms import SECRET, Line, Platform, Telegram, Wrong

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 30.0


def cores() -> tuple[set[int], set[int]]:
    """(load, subject): one core each, as long as there are two; the same for both on a machine with one."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    mine = sorted(os.sched_getaffinity(0))
    return {mine[0]}, {mine[-1]}


def pin(to: set[int]) -> None:
    if to:
        os.sched_setaffinity(0, to)


@dataclass(frozen=True)
class Subject:
    """`module` empty: KP7 itself. `replies` False: it answers 200 and nothing else."""

    name: str
    title: str
    module: str
    platform: Platform
    replies: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, port: int, api: str) -> list[str]:
        if not self.module:
            return [str(Path(sys.executable).parent / "kp7"), "serve"]
        return [sys.executable, "-m", self.module, str(port), api]


def kp7_settings(port: int, api: str, folder: Path) -> dict[str, str]:
    """As in production. Only the brake on lookups is off: all users are one office here."""
    return {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": f"sqlite:///{folder}/kp7.db",
        "MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "9",
        "SMTP_TLS": "none",
        "SMTP_FROM": "hr@example.go.th",
        "LINE_CHANNEL_SECRET": SECRET,
        "LINE_CHANNEL_ACCESS_TOKEN": "a-long-lived-token-of-the-benchmark",
        "LINE_API_URL": api,
        "WEB_CHAT": "0",
        "CARD_VERIFIER": "roster",
        "LOOKUPS_EVERYWHERE_PER_HOUR": "1000000",
    }


SUBJECTS = (
    Subject("kp7", "KP7 on LINE", "", Line()),
    Subject("a", "(a) the server, answering 200 only", "bench.subjects.nothing", Line(), replies=False),
    Subject("b", "(b) line-bot-sdk, in memory", "bench.subjects.line_sdk", Line()),
    Subject(
        "b0", "(b) with the SDK's own pool", "bench.subjects.line_sdk", Line(), environment={"SDK_POOL": "default"}
    ),
    Subject("c", "(c) python-telegram-bot, in memory", "bench.subjects.telegram", Telegram()),
)


@dataclass(frozen=True)
class Running:
    pid: int
    port: int

    def cpu(self) -> float:
        """Seconds of CPU that all its threads have used (in steps of 10 ms)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def running(subject: Subject, api_port: int, folder: Path, core: set[int]) -> AsyncIterator[Running]:
    """Started, listening, and stopped in the end. `folder`: for its database and its output."""
    port, api = _free_port(), f"http://127.0.0.1:{api_port}"
    passed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**passed, "PYTHONPATH": str(ROOT), **kp7_settings(port, api, folder), **subject.environment}
    output = folder / "output.log"
    child = _start(subject.command(port, api), environment, output, core)
    try:
        await _listening(child, port)
        yield Running(child.pid, port)
    except Wrong as wrong:
        raise Wrong(f"{subject.title}: {wrong}\n{_tail(output)}") from None
    finally:
        child.terminate()
        try:
            await asyncio.to_thread(child.wait, 15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _start(command: list[str], environment: Mapping[str, str], output: Path, core: set[int]) -> subprocess.Popen[bytes]:
    mine = os.sched_getaffinity(0) if core else set()
    with output.open("wb") as file:
        pin(core)  # inherited, so that no thread of the child is ever elsewhere
        try:
            return subprocess.Popen(command, cwd=output.parent, env=environment, stdout=file, stderr=file)  # noqa: S603
        finally:
            pin(mine)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def _listening(child: subprocess.Popen[bytes], port: int) -> None:
    """The loop goes on meanwhile: a subject may call the fake API before it listens."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise Wrong(f"ended with {child.returncode} before it listened")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        await asyncio.sleep(0.05)
    raise Wrong(f"did not listen within {PATIENCE_SECONDS:.0f} s")


def _tail(output: Path) -> str:
    return output.read_text(errors="replace")[-3_000:]
