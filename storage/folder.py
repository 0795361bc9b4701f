"""A folder of this machine, as `storage/objects.py` wants it."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from storage import plain_files
from storage.erasures import sync
from storage.objects import PIECE, Missing, Pieces, Unstored, checked, pieces

HALF = ".half"
RESERVE = 200 * 1024 * 1024  # bytes of the disk that are not for files: the database may lie there too
RESERVED = 10  # but of a small disk no more than the tenth part


class Folder:
    """Files for their owner only, spread over 1,024 folders. Our own rather than obstore's, whose local files are not
    yet on the disk when it says so, and may be read by everybody."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """Raises `Missing` for what is no name of ours."""
        return self.root / checked(name)[-2:] / name

    async def put(self, name: str, data: Pieces) -> None:
        path = self.path(name)
        half = path.with_name(name + HALF)
        try:
            file = await asyncio.to_thread(self._begun, half)
            try:
                with file:
                    async for piece in pieces(data):
                        await asyncio.to_thread(file.write, piece)
                    await asyncio.to_thread(_done, file, path)
            except BaseException:  # also where whoever sends it has gone
                with suppress(OSError):
                    half.unlink()
                raise
        except OSError as error:
            raise Unstored(f"{self.root}: {error.strerror}") from error

    def _begun(self, half: Path) -> BinaryIO:
        if not half.parent.exists():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            half.parent.mkdir(mode=0o700, exist_ok=True)
            sync(self.root)
        room = os.statvfs(half.parent)
        if room.f_bavail * room.f_frsize < min(RESERVE, room.f_blocks * room.f_frsize // RESERVED):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.fdopen(os.open(half, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600), "wb")

    async def get(self, name: str) -> AsyncIterator[bytes]:
        path = self.path(name)
        try:
            with await asyncio.to_thread(plain_files.reading, path, follow=False) as file:
                while piece := await asyncio.to_thread(file.read, PIECE):
                    yield piece
        except FileNotFoundError:
            raise Missing(f"{self.root} has no {name}") from None
        except OSError as error:
            raise Unstored(str(error).rstrip(".")) from error

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._delete, name)

    def _delete(self, name: str) -> None:
        path = self.path(name)
        try:
            for left in (path, path.with_name(name + HALF)):  # half of it, where a crash interrupted `put`
                left.unlink(missing_ok=True)
        except OSError as error:
            raise Unstored(f"{self.root}: {error.strerror}") from error

    async def holds(self, name: str, size: int, sha256: str = "") -> bool:
        return await asyncio.to_thread(self._holds, name, size, sha256)

    def _holds(self, name: str, size: int, sha256: str) -> bool:
        try:
            with plain_files.reading(self.path(name), follow=False) as file:
                if os.fstat(file.fileno()).st_size != size:
                    return False
                return not sha256 or hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Unstored(str(error).rstrip(".")) from error

    async def look(self) -> None:
        await asyncio.to_thread(self._look)

    def _look(self) -> None:
        try:
            there = next(folder for folder in (self.root, *self.root.parents) if folder.exists())  # `put` makes it
        except OSError as error:
            raise Unstored(f"{self.root}: {error.strerror}") from error
        if not there.is_dir() or not os.access(there, os.R_OK | os.W_OK | os.X_OK):
            raise Unstored(f"{there} is no folder that can be written")


def _done(file: BinaryIO, path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    path.with_name(path.name + HALF).rename(path)
    sync(path.parent)
