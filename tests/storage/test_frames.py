"""A file in frames: what comes back is the file, or nothing is taken for it."""

import os
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from storage.frames import FRAME, seal, sealed_size, unseal
from storage.objects import pieces, whole
from storage.vault import SEAL, Key, Tampered, Vault

KEY: Key = Vault(b"a master key that is used in tests only").new_key()[0]
PLACE = ("files", "one", "object")
SIZES = (0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME + 5)
SEALED = FRAME + SEAL


async def in_parts(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def sealed(data: bytes, *place: str) -> bytes:
    return await whole(seal(KEY, pieces(data), *(place or PLACE)))


async def opened(data: bytes, *place: str) -> bytes:
    return await whole(unseal(KEY, pieces(data), *(place or PLACE)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("part", [1_000, FRAME, FRAME + 7, 10 * FRAME])
async def test_however_it_comes_and_goes_it_is_what_it_was(size: int, part: int) -> None:
    data = os.urandom(size)
    lies = await whole(seal(KEY, in_parts(data, part), *PLACE))
    assert len(lies) == sealed_size(size)
    assert await whole(unseal(KEY, in_parts(lies, part), *PLACE)) == data


def frames(lies: bytes) -> list[bytes]:
    return [lies[start : start + SEALED] for start in range(0, len(lies), SEALED)]


@pytest.mark.parametrize(
    "muddle",
    [
        lambda one, _: one[:-1],  # cut off where a frame ends
        lambda one, _: one[:1],
        lambda one, _: one[1:],
        lambda one, _: [one[1], one[0], *one[2:]],
        lambda one, _: [one[0], one[0], *one[2:]],
        lambda one, _: [*one, one[-1]],
        lambda one, other: [one[0], other[1], *one[2:]],  # the same frame of another file
        lambda one, _: [one[0][:-1], *one[1:]],
        lambda one, _: [bytes([one[0][0] ^ 1]) + one[0][1:], *one[1:]],
        lambda _, other: other,
        lambda *_: [],
    ],
)
async def test_no_frame_can_be_left_out_doubled_moved_or_taken_from_another_file(
    muddle: Callable[[Sequence[bytes], Sequence[bytes]], Sequence[bytes]],
) -> None:
    data = os.urandom(2 * FRAME + 100)
    one, other = frames(await sealed(data)), frames(await sealed(data, "files", "other", "object"))
    assert len(one) == 3
    assert await opened(b"".join(one)) == data
    with pytest.raises(Tampered):
        await opened(b"".join(muddle(one, other)))


async def test_a_file_that_ends_where_a_frame_ends_is_not_two_files() -> None:
    """Its last frame says so; a frame in the midst of a longer file cannot be taken for an end."""
    data = os.urandom(2 * FRAME)
    with pytest.raises(Tampered):
        await opened((await sealed(data))[:SEALED])
    assert await opened(await sealed(data[:FRAME])) == data[:FRAME]
