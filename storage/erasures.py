"""Who was erased: a file beside the database, because a database restored from an older backup knows nothing of it.

It is only ever appended to, and says nothing of anybody: which data keys were destroyed, and when. One JSON line each,
with a keyed hash, so that nobody can have others' data destroyed by writing here:

    {"since": 1795226400000, "mac": "…"}                 complete from then on; the last such line counts
    {"at": 1795230000000, "keys": ["01j…"], "mac": "…"}  one erasure

A line is on the disk before the database changes. A crash between the two is made good when KP7 next starts.
"""

import fcntl
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

NEVER = 2**62  # complete from then on: not at all


@dataclass(frozen=True, order=True)
class Erasure:
    """`at`: milliseconds since 1970."""

    at: int
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Erasures:
    """What a ledger says. `since`: from when on it is complete. `damaged`: numbers of lines that are not genuine."""

    since: int
    all: tuple[Erasure, ...] = ()
    damaged: tuple[int, ...] = ()

    @property
    def keys(self) -> list[str]:
        return sorted({key for erasure in self.all for key in erasure.keys})


class Ledger:
    """The file at `path`. `secret`: 32 bytes, the vault's for this use."""

    def __init__(self, path: Path, secret: bytes) -> None:
        self.path, self._secret = path, secret

    def at(self, path: Path) -> "Ledger":
        """The same office's ledger elsewhere."""
        return Ledger(path, self._secret)

    def begin(self, now: int) -> None:
        """Make the file, if there is none."""
        if self.read() is None:
            self.add((), since=now)

    def add(self, erasures: Iterable[Erasure], *, since: int | None = None) -> None:
        """On the disk when this returns. `since`: only from then on is it complete, or from its beginning."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            data = os.pread(fd, os.fstat(fd).st_size, 0)
            os.ftruncate(fd, data.rfind(b"\n") + 1)  # what a crash left half written: nothing followed from it
            lines: list[dict[str, Any]] = [] if since is None else [{"since": since}]
            lines += [{"at": erasure.at, "keys": list(erasure.keys)} for erasure in erasures]
            whole = b"".join(orjson.dumps({**line, "mac": self._mac(line)}) + b"\n" for line in lines)
            while whole:
                whole = whole[os.write(fd, whole) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        sync(self.path.parent)

    def read(self) -> Erasures | None:
        """None: there is no such file, or nothing in it."""
        try:
            *lines, _half = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return None
        if not lines:
            return None
        since, found, damaged = NEVER, [], []
        for number, line in enumerate(lines, 1):
            match self._genuine(line):
                case {"since": int(since)}:
                    pass
                case {"at": int(at), "keys": [*keys]}:
                    found.append(Erasure(at, tuple(keys)))
                case _:
                    damaged.append(number)
        return Erasures(since, tuple(found), tuple(damaged))

    def _mac(self, line: Mapping[str, Any]) -> str:
        return hmac.digest(self._secret, orjson.dumps(line, option=orjson.OPT_SORT_KEYS), hashlib.sha256).hex()

    def _genuine(self, data: bytes) -> Mapping[str, Any] | None:
        try:
            line = orjson.loads(data)
            mac = str(line.pop("mac"))
        except (ValueError, AttributeError, KeyError, TypeError):
            return None
        return line if hmac.compare_digest(mac.encode(), self._mac(line).encode()) else None


def together(ledgers: Iterable[Erasures]) -> tuple[Erasure, ...]:
    """Every erasure that one of them knows, once, oldest first."""
    return tuple(sorted({erasure for ledger in ledgers for erasure in ledger.all}))


def sync(folder: Path) -> None:
    """A new name in a folder is on the disk only when the folder is."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
