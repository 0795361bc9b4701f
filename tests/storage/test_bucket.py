"""Files in S3: a real one, on loopback."""

import time
from collections.abc import AsyncIterator

import pytest

from storage.ids import new_id
from storage.objects import Missing, Objects, Unstored, whole
from storage.stores import objects_at
from tests.s3 import BUCKET
from tests.served import free_port


async def test_what_was_put_is_read_again_until_it_is_deleted(bucket: Objects) -> None:
    name, data = new_id(), b"a sealed paper" * 100_000
    await bucket.put(name, data)
    assert await whole(bucket.get(name)) == data
    await bucket.delete(name)
    await bucket.delete(name)
    with pytest.raises(Missing):
        await whole(bucket.get(name))


X = "x" * 26


async def test_a_bucket_that_refuses_or_does_not_answer_is_unavailable_and_says_no_secret(
    bucket: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_SECRET_ACCESS_KEY": "wrong",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
    }.items():
        monkeypatch.setenv(name, value)
        begun, other = time.monotonic(), objects_at(BUCKET)
        for doing in (
            other.put(X, b"x"), whole(other.get(X)), other.delete(X), other.holds(X, 1), other.look()
        ):  # fmt: skip
            with pytest.raises(Unstored) as caught:
                await doing
            assert not isinstance(caught.value, Missing)
            assert str(caught.value).startswith("the bucket: ")
            assert "secret" not in str(caught.value)
        assert time.monotonic() - begun < 30


async def test_what_comes_in_pieces_is_there_whole_or_not_at_all(bucket: Objects) -> None:
    """More than S3 takes in one part."""
    name, piece = new_id(), bytes(range(256)) * 1_000

    async def coming(count: int, trouble: Exception | None = None) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece
        if trouble:
            raise trouble

    with pytest.raises(RuntimeError):
        await bucket.put(name, coming(30, RuntimeError("the phone has gone")))
    assert not await bucket.holds(name, 30 * len(piece))
    await bucket.put(name, coming(50))
    assert await bucket.holds(name, 50 * len(piece))
    assert await whole(bucket.get(name)) == 50 * piece


async def test_it_knows_what_it_has_and_a_look_changes_nothing(bucket: Objects) -> None:
    name = new_id()
    assert not await bucket.holds(name, 5)
    await bucket.put(name, b"paper")
    assert await bucket.holds(name, 5)
    assert not await bucket.holds(name, 4)
    await bucket.look()
