"""A file is sealed in frames, so that none is ever whole in memory because of it: as it comes, so it goes to the disk.

Each frame is sealed for itself (`Key.seal_bytes`), and bound to the file's place, to its number, and to whether it is
the last one: none can be left out, doubled, moved or taken from another file, and none cut off at the end. All have
`FRAME` bytes of the file but the last, which has what is left; an empty file has one empty frame.
"""

from collections.abc import AsyncIterable, AsyncIterator

from storage.vault import SEAL, Key

FRAME = 256 * 1024
_SEALED = FRAME + SEAL


def sealed_size(size: int) -> int:
    """Bytes of a sealed file that has `size` bytes."""
    return size + SEAL * max(1, -(-size // FRAME))


async def seal(key: Key, pieces: AsyncIterable[bytes], *place: str) -> AsyncIterator[bytes]:
    """`pieces`: of any size. → frames"""
    number = 0
    async for frame, last in _cut(pieces, FRAME):
        yield key.seal_bytes(frame, *place, *_where(number, last))
        number += 1


async def unseal(key: Key, pieces: AsyncIterable[bytes], *place: str) -> AsyncIterator[bytes]:
    """`pieces`: of any size. Raises `vault.Tampered`, and be it at the end: then what came before is not the file."""
    number = 0
    async for frame, last in _cut(pieces, _SEALED):
        yield key.open_bytes(frame, *place, *_where(number, last))
        number += 1


def _where(number: int, last: bool) -> tuple[str, str]:
    return str(number), "last" if last else "more"


async def _cut(pieces: AsyncIterable[bytes], size: int) -> AsyncIterator[tuple[bytes, bool]]:
    """→ what they are together, in parts of `size` bytes, and of each whether it is the last; at least one."""
    left = bytearray()
    async for piece in pieces:
        left += piece
        start = 0
        while len(left) - start > size:  # more than that: so it is not the last
            yield bytes(memoryview(left)[start : start + size]), False
            start += size
        del left[:start]
    yield bytes(left), True
