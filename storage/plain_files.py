"""Opening a file where there may be anything: a pipe or a device that never ends, a folder, a link that leads nowhere.

Nothing here waits, and nobody reads more than they have room for.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

_NONE = (errno.EISDIR, errno.ELOOP, errno.ENXIO)  # a folder, a link (in a circle, or where none is meant), a pipe


class Unfit(OSError):
    """This is no file that can be used: a sentence for the operator."""


def opened(path: Path, flags: int = os.O_RDONLY, *, follow: bool = True) -> int:
    """→ descriptor of a regular file; one that this makes is for its owner only. `follow`: may it be a link to one?

    Raises `Unfit`; `FileNotFoundError` where there is nothing to read.
    """
    flags |= os.O_NONBLOCK | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not flags & os.O_CREAT:
            raise
        why = "is not a regular file" if error.errno in _NONE else f"cannot be opened: {error.strerror}"
        raise Unfit(f"{path} {why}.") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Unfit(f"{path} is not a regular file.")
    return fd


def reading(path: Path, *, follow: bool = True) -> BufferedReader:
    """Raises as `opened` does."""
    return os.fdopen(opened(path, follow=follow), "rb")


def read(path: Path, most: int, *, follow: bool = True) -> bytes:
    """All of it. `most`: bytes; raises `Unfit` for a file that has more, and as `opened` does."""
    with reading(path, follow=follow) as file:
        data = _some(path, file, most + 1)
    if len(data) > most:
        raise Unfit(f"{path} is larger than {most >> 20} MB, which no such file is.")
    return data


def ending(path: Path, most: int) -> bytes:
    """The last `most` bytes, or all there are. Raises as `read` does."""
    with reading(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        return _some(path, file, most)


def _some(path: Path, file: BinaryIO, most: int) -> bytes:
    try:
        return file.read(most) or b""  # none: one of the system's, which has nothing to say yet
    except OSError as error:
        raise Unfit(f"{path} cannot be read: {error.strerror}.") from None
