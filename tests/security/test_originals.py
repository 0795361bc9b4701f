"""Originals leave as they are read: little of them is in memory, and what was tampered with does not arrive."""

import asyncio
import hashlib
import os
import tracemalloc
from pathlib import Path

import httpx
import pytest

from bot.papers.shapes import Paper, Sheet
from storage.folder import Folder
from storage.stores import objects_at
from tests.desks import Browser, sits, waits
from tests.house import House
from tests.security.tools import rows
from tests.signing import _taken

SIZE = 19 * 1024 * 1024
BYTES = b"%PDF-" + os.urandom(SIZE - 5)
AT_ONCE = 20
EACH = 4 * 1024 * 1024  # bytes: what one may hold of it


def scan() -> bytes:
    return BYTES


# as if the room for papers had looked at it
_taken[scan] = Paper(
    BYTES, hashlib.sha256(BYTES).hexdigest(), (Sheet(595, 842, written=True),), repaired=False, preview=b""
)


async def large(house: House, browser: Browser) -> tuple[str, Path]:
    """A paper of nearly the largest size, that waits. → the address of its original, and where it lies"""
    id, objects = await waits(house, make=scan), objects_at(house.settings.files_address)
    assert isinstance(objects, Folder)
    [paper] = await rows(house, "SELECT file_id FROM papers")
    item = await browser.item(id)
    return f"/console/api/items/{id}/original?ticket={item['ticket']}", objects.path(paper["file_id"])


async def test_many_at_once_take_little_memory(house: House) -> None:
    async with Browser(house) as malee:
        await sits(house, malee)
        path, _ = await large(house, malee)
        begun = asyncio.Barrier(AT_ONCE)

        async def keeps() -> int:
            async with malee.client.stream("GET", path) as answer:
                assert answer.headers["content-length"] == str(SIZE)
                await begun.wait()  # all of them are under way
                return sum([len(piece) async for piece in answer.aiter_raw()])

        malee.client.timeout = httpx.Timeout(120)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            arrived = await asyncio.gather(*(keeps() for _ in range(AT_ONCE)))
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    assert arrived == [SIZE] * AT_ONCE
    assert peak < AT_ONCE * EACH


async def test_a_frame_that_was_tampered_with_meanwhile_breaks_the_transfer(house: House) -> None:
    async with Browser(house) as malee:
        await sits(house, malee)
        path, lies = await large(house, malee)
        arrived = bytearray()

        async def keeps() -> None:
            async with malee.client.stream("GET", path) as answer:
                assert answer.status_code == 200
                _tamper(lies, -1)
                async for piece in answer.aiter_raw():
                    arrived.extend(piece)

        with pytest.raises(httpx.RemoteProtocolError):
            await keeps()
        assert 0 < len(arrived) < SIZE
        assert BYTES.startswith(arrived)  # nothing that was not in it


@pytest.mark.parametrize("where", [100, 5 * 1024 * 1024, -1], ids=["begin", "middle", "end"])
async def test_what_was_tampered_with_does_not_even_begin(house: House, where: int) -> None:
    async with Browser(house) as malee:
        await sits(house, malee)
        path, lies = await large(house, malee)
        _tamper(lies, where)
        refused = await malee.gets(path)
        assert (refused.status_code, list(refused.json())) == (409, ["message"])


async def test_what_was_cut_off_or_is_gone_does_not_either(house: House) -> None:
    async with Browser(house) as malee:
        await sits(house, malee)
        path, lies = await large(house, malee)
        for size in (lies.stat().st_size - 1, SIZE // 2, 76, 0):
            os.truncate(lies, size)
            assert (await malee.gets(path)).status_code == 409
        lies.unlink()
        assert (await malee.gets(path)).status_code == 404


def _tamper(lies: Path, where: int) -> None:
    """In place: whoever has it open reads it."""
    with lies.open("r+b") as file:
        file.seek(where, os.SEEK_SET if where >= 0 else os.SEEK_END)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
