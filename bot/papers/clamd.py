"""Asks clamd, where the office has one, whether a file is known to be bad. Protocol: clamd(8), INSTREAM."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.papers.shapes import Reason, Refusal

CHUNK = 256 * 1024
LONGEST_ANSWER = 4096


async def scan(address: str, data: bytes, seconds: float = 30.0) -> None:
    """`address`: `host:port`, or the path of a socket. Raises `Refusal`: INFECTED, or NOT_SCANNED when it does not say.

    A file that nobody could look at is not taken: the caller tries again later.
    """
    try:
        async with asyncio.timeout(seconds), _connected(address) as (reader, writer):
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(data), CHUNK):
                chunk = data[start : start + CHUNK]
                writer.write(len(chunk).to_bytes(4, "big") + chunk)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            answer = await reader.read(LONGEST_ANSWER)
    except (OSError, TimeoutError) as error:
        raise Refusal(Reason.NOT_SCANNED, why=type(error).__name__) from None
    if answer.rstrip(b"\0\n").endswith(b" FOUND"):
        raise Refusal(Reason.INFECTED)
    if answer.rstrip(b"\0\n") != b"stream: OK":
        raise Refusal(Reason.NOT_SCANNED, why="another answer")


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    if address.startswith("/"):
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
