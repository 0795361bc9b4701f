"""The bytes that a verdict is about: exactly those whose hash it will name (AZ2), wherever they are shown."""

import asyncio
import hashlib

from storage.files import Files, content_index
from storage.vault import Key, Tampered, Vault


async def judged(files: Files, vault: Vault, file: str, content: str, key: Key) -> bytes:
    """`file`: its id. `content`: as in `papers.content_index`. Raises `Missing`, `Unstored`, `Tampered`."""
    data = await files.get(file, key)
    sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
    if content_index(vault, sha256) != content:
        raise Tampered("files")
    return data
