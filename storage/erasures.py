"""Who was erased: a file beside the database, because a database restored from an older backup knows nothing of it.

It is only ever appended to, and says nothing of anybody: which data keys were destroyed, and when. One JSON line each:

    {"since": 1795226400000, "after": "", "mac": "…"}                 complete from then on; the last such line counts
    {"at": 1795230000000, "keys": ["01j…"], "after": "…", "mac": "…"}  one erasure

`mac` is a keyed hash of the rest of the line, so that nobody can have others' data destroyed by writing here; `after`
is the mac of the line before, so that no line can be taken out. What is cut off at the end is missed by the database,
which keeps the last mac that it knows of (`ledger_end`). A line is on the disk before the database commits: after a
crash between the two the ledger knows more than the database, which is made good when KP7 next starts; never less.
"""

import fcntl
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from storage import plain_files
from storage.database import Tx
from storage.plain_files import Unfit

NEVER = 2**62  # complete from then on: not at all
MOST = 64 << 20  # bytes of a ledger: some 200,000 erasures
MEND = "Put a sound copy there: each backup has one, the file `erased`. If there is none: `kp7 database new-ledger`."


class Broken(Exception):
    """What is wrong with the ledger, and how to mend it, for the operator."""


@dataclass(frozen=True, order=True)
class Erasure:
    """`at`: milliseconds since 1970."""

    at: int
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Erasures:
    """What a ledger says; lines that are not genuine say nothing.

    `since`: from when on it is complete. `broken`: number of the first line that is not genuine or does not follow the
    one before; 0: none. `macs`: of its genuine lines.
    """

    since: int
    all: tuple[Erasure, ...] = ()
    broken: int = 0
    macs: tuple[str, ...] = field(default=(), compare=False)

    @property
    def keys(self) -> list[str]:
        return sorted({key for erasure in self.all for key in erasure.keys})

    def whole(self, end: str) -> bool:
        """No line is missing up to `end`, the last one that somebody knew of (empty: nobody knew of any)."""
        return not self.broken and (not end or end in self.macs)


class Ledger:
    """The file at `path`. `secret`: 32 bytes, the vault's for this use."""

    def __init__(self, path: Path, secret: bytes) -> None:
        self.path, self._secret = path, secret

    def at(self, path: Path) -> "Ledger":
        """The same office's ledger elsewhere."""
        return Ledger(path, self._secret)

    def fault(self, end: str) -> str:
        """What is missing, in a sentence; empty where all is there. `end`: the last line that the database knows of."""
        try:
            found = self.read()
        except Unfit as unfit:
            return str(unfit)
        if found is None:
            if not self.path.parent.is_dir():
                return f"There is no folder {self.path.parent}, where it should say who was erased."
            return f"{self.path} is missing: it says who was erased." if end else ""
        if found.broken:
            return f"Line {found.broken} of {self.path} is not genuine, or lines before it are missing."
        return "" if found.whole(end) else f"The last lines of {self.path} are missing."

    def add(self, erasures: Iterable[Erasure] = (), *, end: str = "", since: int | None = None) -> str:
        """On the disk when this returns. → mac of the last line there is now

        `end`: the last line that the database knows of. `since`: only from then on is the ledger complete; one that is
        begun by this is complete from ever, as nobody knows of any other. Raises `Broken`.
        """
        try:
            return self._add(erasures, end, since)
        except Unfit as unfit:
            raise Broken(str(unfit)) from None
        except OSError as error:
            raise Broken(f"{self.path} cannot be written: {error.strerror}.") from None

    def _add(self, erasures: Iterable[Erasure], end: str, since: int | None) -> str:
        with self._alone() as fd:
            data = os.pread(fd, MOST, 0)
            before = self.parse(data)
            if fault := self.fault(end):  # what was added to it would hide that something is missing
                raise Broken(f"{fault} {MEND}")
            if since is None and not before.macs:
                since = 0
            os.ftruncate(fd, data.rfind(b"\n") + 1)  # what a crash left half written: nothing followed from it
            lines: list[dict[str, Any]] = [] if since is None else [{"since": since}]
            lines += [{"at": erasure.at, "keys": list(erasure.keys)} for erasure in erasures]
            last, whole = before.macs[-1] if before.macs else "", b""
            for line in lines:
                line["after"] = last
                line["mac"] = last = self._mac(line)
                whole += orjson.dumps(line) + b"\n"
            while whole:
                whole = whole[os.write(fd, whole) :]
            os.fsync(fd)
        sync(self.path.parent)
        return last

    def renew(self, now: int, aside: Path) -> str:
        """Another one in its place, with what is genuine in this one, complete from now on. → mac of its last line

        Raises `Broken`.
        """
        try:
            known = self.read()
        except Unfit:  # it has nothing to take along
            known = None
        try:
            if os.path.lexists(self.path):
                self.path.rename(aside)
        except OSError as error:
            raise Broken(f"{self.path} cannot be put aside: {error.strerror}.") from None
        return self.add(known.all if known else (), since=now)

    def read(self) -> Erasures | None:
        """None: there is no such file, or nothing in it. Raises `Unfit`."""
        data = self.content()
        return self.parse(data) if b"\n" in data else None

    def content(self) -> bytes:
        """Empty: there is no such file. Raises `Unfit`."""
        try:
            return plain_files.read(self.path, MOST)
        except FileNotFoundError:
            return b""

    def parse(self, data: bytes) -> Erasures:
        *lines, _half = data.split(b"\n")
        since, found, macs, broken = NEVER, [], [""], 0
        for number, line in enumerate(map(self._genuine, lines), 1):
            if not broken and line.get("after") != macs[-1]:
                broken = number
            match line:
                case {"since": int(since), "mac": mac}:
                    macs.append(mac)
                case {"at": int(at), "keys": [*keys], "mac": mac}:
                    macs.append(mac)
                    found.append(Erasure(at, tuple(keys)))
        return Erasures(since, tuple(found), broken, tuple(macs[1:]))

    def _mac(self, line: Mapping[str, Any]) -> str:
        return hmac.digest(self._secret, orjson.dumps(line, option=orjson.OPT_SORT_KEYS), hashlib.sha256).hex()

    def _genuine(self, data: bytes) -> Mapping[str, Any]:
        """Empty: it is not."""
        try:
            line = orjson.loads(data)
            mac = str(line.pop("mac"))
        except (ValueError, AttributeError, KeyError, TypeError):
            return {}
        return {**line, "mac": mac} if hmac.compare_digest(mac.encode(), self._mac(line).encode()) else {}

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """→ the file, which nobody else writes meanwhile"""
        fd = plain_files.opened(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield fd
        finally:
            os.close(fd)


# --- where it ends, by the database -----------------------------------------------------------------------------------


async def end(tx: Tx) -> str:
    """Mac of the last line that this database knows of; empty: it has never had a ledger."""
    row = await tx.one("SELECT mac FROM ledger_end WHERE id = 1")
    return row["mac"] if row else ""


async def hold_end(tx: Tx) -> str:
    """As `end`; and until this transaction is over nobody else moves it."""
    (row,) = await tx.all(
        "INSERT INTO ledger_end (id, mac) VALUES (1, '') ON CONFLICT (id) DO UPDATE SET mac = ledger_end.mac "
        "RETURNING mac"
    )
    return str(row["mac"])


async def move_end(tx: Tx, mac: str) -> None:
    await tx.run(
        "INSERT INTO ledger_end (id, mac) VALUES (1, :mac) ON CONFLICT (id) DO UPDATE SET mac = excluded.mac",
        {"mac": mac},
    )


# --- several ledgers --------------------------------------------------------------------------------------------------


def together(ledgers: Iterable[Erasures]) -> tuple[Erasure, ...]:
    """Every erasure that one of them knows, once, oldest first."""
    return tuple(sorted({erasure for ledger in ledgers for erasure in ledger.all}))


def lacking(ledger: Erasures, others: Sequence[Erasures]) -> bool:
    """Does one of the others know an erasure from the time for which this one says that it is complete?"""
    return any(erasure.at >= ledger.since and erasure not in ledger.all for erasure in together(others))


def sync(folder: Path) -> None:
    """A new name in a folder is on the disk only when the folder is."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
