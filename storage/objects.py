"""Where bytes lie under a name: a folder of this machine, or a bucket of S3. What is put is there when `put` returns,
whole or not at all, and is never changed."""

import re
from collections.abc import AsyncIterable, AsyncIterator
from io import BytesIO
from typing import Protocol

PIECE = 512 * 1024

Pieces = bytes | AsyncIterable[bytes]  # whole, or as it comes


class Unstored(Exception):
    """The store cannot take or give this now: full, gone, locked; try again later. Says why, for the operator."""


class Missing(Unstored):
    """Nothing lies under this name."""


_NAME = re.compile(r"[0-9a-z]{26}")


def checked(name: str) -> str:
    """What the table says may be anything: only names that we make lead anywhere. Raises `Missing`."""
    if not _NAME.fullmatch(name):
        raise Missing("that is no name of a file of ours")
    return name


async def pieces(data: Pieces) -> AsyncIterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    async for piece in data:
        yield piece


async def whole(coming: AsyncIterable[bytes]) -> bytes:
    """What is small, or wanted in one piece."""
    found = BytesIO()
    async for piece in coming:
        found.write(piece)
    return found.getvalue()  # which copies nothing


class Objects(Protocol):
    """Names are ids (`storage/ids.py`). All raise `Unstored`."""

    async def put(self, name: str, data: Pieces) -> None:
        """Where `data` raises something while it comes, nothing lies there."""
        ...

    def get(self, name: str) -> AsyncIterator[bytes]:
        """Raises `Missing`, before anything comes."""
        ...

    async def delete(self, name: str) -> None:
        """What is not there is deleted already."""
        ...

    async def holds(self, name: str, size: int, sha256: str = "") -> bool:
        """Does it lie there as it was put? With a `sha256` a folder's is read; of a bucket's the size has to do, and
        what is sealed proves itself when it is opened."""
        ...

    async def look(self) -> None:
        """Can it be reached, as far as a look can tell that changes nothing?"""
        ...
