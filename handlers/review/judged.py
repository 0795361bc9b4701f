"""The bytes that a verdict is about: exactly those whose hash it will name (AZ2), wherever they are shown."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

from storage.files import Files, content_index
from storage.vault import Key, Tampered, Vault


async def judged(files: Files, vault: Vault, file: str, content: str, key: Key) -> bytes:
    """`file`: its id. `content`: as in `papers.content_index`. Raises `Missing`, `Unstored`, `Tampered`."""
    data = await files.get(file, key)
    sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
    if content_index(vault, sha256) != content:
        raise Tampered("files")
    return data


async def judged_frames(
    files: Files, vault: Vault, file: str, content: str, key: Key
) -> tuple[int, AsyncIterator[bytes]]:
    """As `judged`, for what is not wanted in one piece: it is read twice, first to see that it is all there and the
    very same. → how many bytes there are, and those, a frame at a time."""
    digest, size = hashlib.sha256(), 0
    async for frame in files.frames(file, key):
        digest.update(frame)
        size += len(frame)
    if content_index(vault, digest.hexdigest()) != content:
        raise Tampered("files")
    return size, files.frames(file, key)
