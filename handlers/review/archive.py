"""A ZIP that goes out as it is made: no more of it is in memory than one file, and the list of what went.

Files are stored as they are, and each bears its size and checksum in front of it, which whoever unpacks while it comes
wants to know. What makes it a ZIP, the list at the end, comes last: one that broke off is none.
"""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from zipfile import ZipFile, ZipInfo

from storage.objects import PIECE

_MODE = 0o600


class _Room(BytesIO):
    """The end of a long file, of which the rest has gone: within one file of the archive, one may go back."""

    def __init__(self) -> None:
        super().__init__()
        self._gone = 0

    def tell(self) -> int:
        return self._gone + super().tell()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._gone + super().seek(offset - self._gone, whence)

    def taken(self) -> bytes:
        data = self.getvalue()
        self._gone += len(data)
        super().seek(0)
        self.truncate()
        return data


class Archive:
    """`at`: the time that all its files bear."""

    def __init__(self, at: datetime) -> None:
        self._at = (at.year, at.month, at.day, at.hour, at.minute, at.second)
        self._room = _Room()
        self._zip = ZipFile(self._room, "w")

    def add(self, path: str, data: bytes) -> bytes:
        """`path`: of parts that `file_names.py` made. → what goes out now"""
        info = ZipInfo(path, self._at)
        info.create_system = 3  # Unix: then the mode counts
        info.external_attr = _MODE << 16
        self._zip.writestr(info, data)
        return self._room.taken()

    def end(self) -> bytes:
        self._zip.close()
        return self._room.taken()


def pieces(data: bytes) -> Sequence[bytes]:
    """Of at most `PIECE` bytes, as they are sent."""
    return [data[start : start + PIECE] for start in range(0, len(data), PIECE)] if len(data) > PIECE else [data]
