"""A bucket of S3, as `storage/objects.py` wants it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from storage.objects import PIECE, Missing, Pieces, Unstored, checked, pieces

if TYPE_CHECKING:  # names of their stubs only
    from obstore.store import ClientConfig, RetryConfig

NOTHING = "0" * 26  # what no object is called
AT_ONCE = 4  # uploads; each has `PART` in memory
PART = 5 * 1024 * 1024  # bytes; S3 takes no smaller ones, but for the last


class Bucket:
    """S3, or what speaks like it; the usual AWS variables say where and who (`AWS_ENDPOINT_URL`, …)."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._places = asyncio.Semaphore(AT_ONCE)

    async def put(self, name: str, data: Pieces) -> None:
        """It waits on this machine, sealed as it is, until all has come: phones take their time, S3 does not."""
        try:
            with SpooledTemporaryFile(PIECE) as spool:
                async for piece in pieces(data):
                    spool.write(piece)
                spool.seek(0)
                async with self._places:
                    await obstore.put_async(
                        self._store, checked(name), spool, chunk_size=PART, max_concurrency=1
                    )  # fmt: skip
        except (BaseError, OSError) as error:
            raise Unstored(_said(error)) from error

    async def get(self, name: str) -> AsyncIterator[bytes]:
        try:
            answer = await obstore.get_async(self._store, checked(name))
            async for piece in answer.stream(PIECE):
                yield bytes(piece)
        except FileNotFoundError:
            raise Missing(f"the bucket has no {name}") from None
        except (BaseError, OSError) as error:
            raise Unstored(_said(error)) from error

    async def delete(self, name: str) -> None:
        with suppress(FileNotFoundError):
            try:
                await obstore.delete_async(self._store, checked(name))
            except FileNotFoundError:
                raise
            except (BaseError, OSError) as error:
                raise Unstored(_said(error)) from error

    async def holds(self, name: str, size: int, sha256: str = "") -> bool:  # noqa: ARG002  that would be to fetch it
        try:
            return int((await obstore.head_async(self._store, checked(name)))["size"]) == size
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise Unstored(_said(error)) from error

    async def look(self) -> None:
        with suppress(Missing):
            await anext(self.get(NOTHING))


def bucket_at(name: str, prefix: str | None) -> Bucket:
    options: ClientConfig = {
        "connect_timeout": timedelta(seconds=5),
        "timeout": timedelta(seconds=60),
        "allow_http": os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"),  # then it is meant
    }
    # of its own it would try for three minutes; whoever asks tries again anyway
    retries: RetryConfig = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
    return Bucket(S3Store(name, prefix=prefix, client_options=options, retry_config=retries))


def _said(error: Exception) -> str:
    """Its first line: what follows are addresses and details for whoever wrote that library."""
    return f"the bucket: {type(error).__name__}"
