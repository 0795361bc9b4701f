"""Where the office has clamd, it sees first what people send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import pytest

from bot.papers import clamd
from bot.papers.room import Papers
from bot.papers.shapes import Paper, Photo, Reason, Refusal, Refused
from tests.papers import tools

EICAR = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE"


@asynccontextmanager
async def fake(path: Path, answer: bytes | None = None) -> AsyncIterator[list[bytes]]:
    """A clamd on this socket that knows EICAR, or always says `answer`; → what it was shown."""
    shown: list[bytes] = []
    asked: set[asyncio.Task[None]] = set()

    async def scan(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.add(cast("asyncio.Task[None]", asyncio.current_task()))
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        stream = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            stream += await reader.readexactly(size)
        shown.append(stream)
        found = b"stream: Eicar-Test-Signature FOUND\0" if EICAR in stream else b"stream: OK\0"
        writer.write(found if answer is None else answer)
        await closed(writer)

    server = await asyncio.start_unix_server(scan, path)
    async with server:
        yield shown
        await asyncio.gather(*asked)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Whoever hung up first: nothing is left open, which a later test would be told of."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def test_a_clean_file_goes_on_whole(tmp_path: Path) -> None:
    async with fake(tmp_path / "clamd") as shown:
        papers = Papers(clamd=str(tmp_path / "clamd"))
        assert isinstance(await papers.take(tools.house()), Paper)
        assert isinstance(await papers.page(tools.photo()), Photo)
    assert shown == [tools.house(), tools.photo()]


async def test_a_known_one_is_refused_and_never_opened(tmp_path: Path) -> None:
    async with fake(tmp_path / "clamd"):
        papers = Papers(clamd=str(tmp_path / "clamd"))
        assert await papers.take(tools.house() + EICAR) == Refused(Reason.INFECTED)


async def test_what_we_made_is_not_shown_again(tmp_path: Path) -> None:
    async with fake(tmp_path / "clamd") as shown:
        await Papers(clamd=str(tmp_path / "clamd")).preview(tools.house())
    assert shown == []


@pytest.mark.parametrize("answer", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"stream: OKAY\0", b"OK\0"])
async def test_what_nobody_looked_at_is_not_taken(tmp_path: Path, answer: bytes) -> None:
    async with fake(tmp_path / "clamd", answer):
        assert await Papers(clamd=str(tmp_path / "clamd")).take(tools.house()) == Refused(Reason.NOT_SCANNED)


async def test_nobody_there_nobody_answering(tmp_path: Path) -> None:
    assert await Papers(clamd=str(tmp_path / "nobody")).take(tools.house()) == Refused(Reason.NOT_SCANNED)

    over = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await closed(writer)
        over.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(Refusal) as refusal:
            await clamd.scan(address, b"x", seconds=0.05)
        await over.wait()
    assert refusal.value.refused.reason is Reason.NOT_SCANNED
