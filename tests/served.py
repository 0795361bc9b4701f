"""`kp7 serve` as an operator runs it: a process of its own, a free port, its log in a file."""

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-c", "from bot.cli import main; main()", "serve")
PATIENCE = 60.0


def environment(folder: Path, **settings: object) -> dict[str, str]:
    given = {
        "MASTER_KEY": base64.b64encode(os.urandom(32)).decode(),
        "DATABASE_URL": f"sqlite:///{folder}/kp7.db",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_FROM": "kp7@example.go.th",
        "WEB_CHAT": "1",
        **{name.upper(): str(value) for name, value in settings.items()},
    }
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **given}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def exchange(port: int, data: bytes, *, patience: float = 10.0) -> bytes:
    """Send, and read until the server closes. Raises `TimeoutError` if it does not."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        connection.sendall(data)
        return until_closed(connection)


def until_closed(connection: socket.socket) -> bytes:
    answer = bytearray()
    try:
        while more := connection.recv(65_536):
            answer += more
    except ConnectionResetError:
        pass
    return bytes(answer)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()


class Served:
    def __init__(self, folder: Path, **settings: object) -> None:
        self.port = free_port()
        self.log = folder / "log"
        url = f"http://127.0.0.1:{self.port}"
        env = environment(folder, port=self.port, public_url=url, **settings)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(COMMAND, env=env, cwd=folder, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if b" 200 " in exchange(self.port, get("/readyz")):
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"never ready: {self.log.read_text()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def __enter__(self) -> "Served":
        self.wait_until_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()


async def ask(port: int, data: bytes) -> bytes:
    """As `exchange`, beside other things."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()
