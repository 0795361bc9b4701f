"""A file that is there whole or not at all, for its owner only: written under another name, flushed, and renamed."""

import fcntl
import os
from collections.abc import AsyncIterable
from contextlib import suppress
from pathlib import Path

from storage import plain_files
from storage.erasures import sync
from storage.plain_files import Unfit

PART = ".part"


async def save(path: Path, pieces: AsyncIterable[bytes], *, replace: bool = False) -> None:
    """What has come so far lies beside it, and goes if the rest does not come; a kill leaves it there, under its own
    name. Raises `OSError`, `Unfit`, and what `pieces` raises."""
    part = path.with_name(path.name + PART)
    with os.fdopen(plain_files.opened(part, os.O_WRONLY | os.O_CREAT, follow=False), "wb") as file:
        _alone(part, file.fileno())
        try:
            os.fchmod(file.fileno(), 0o600)
            file.truncate(0)  # what a kill left
            async for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            check(path, replace=replace)
            part.rename(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
    sync(path.parent)


def check(path: Path, *, replace: bool) -> None:
    """May it be made? Raises `Unfit`."""
    if path.is_dir():
        raise Unfit(f"{path} is a folder.")
    if os.path.lexists(path) and not replace:
        raise Unfit(f"{path} is there already; --force replaces it.")
    if not path.parent.is_dir():
        raise Unfit(f"There is no folder {path.parent}.")


def _alone(part: Path, fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_ino == part.lstat().st_ino:  # else it has just been renamed
            return
    except (BlockingIOError, FileNotFoundError):
        pass
    raise Unfit(f"Somebody else is just writing {part}.")
