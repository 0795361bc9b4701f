"""The files of a backup: what people handed in, sealed as it lies in the store.

    objects         a line for each: id, bytes, sha256; in the order of the ids
    files/xx/<id>   the objects, laid out as a store in a folder lays them out

Objects never change. So one that the backup before has is linked to it: both have it until both are deleted, and its
sum stands in that backup's list. Any other is fetched, and is on the disk before the list says so. What cannot be had
keeps nothing else from being backed up.

Back: first every object of the list that a row wants is looked at, then those that the store lacks are put there.
"""

import asyncio
import hashlib
import os
import re
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from storage import plain_files
from storage.database import Database
from storage.erasures import sync
from storage.files import OnRecord, on_record
from storage.folder import Folder
from storage.objects import Missing, Objects, Unstored

LIST, FILES = "objects", "files"
AT_ONCE = 4  # objects that are fetched
GIVE_UP = 8  # that could not be fetched, one after the other: the store is away
_LINE = re.compile(r"([0-9a-z]{26}) (\d{1,12}) ([0-9a-f]{64})\n")
_LINE_MOST = 26 + 1 + 12 + 1 + 64 + 1
_ID = re.compile(r"[0-9a-z]{26}")

Progress = Callable[[int, int], None]
Row = tuple[str, bool]


class Unlisted(Exception):
    """The list is not one."""


@dataclass(frozen=True)
class Entry:
    """`bytes`, `sha256`: of the object as it lies, sealed."""

    id: str
    bytes: int
    sha256: str

    def line(self) -> str:
        return f"{self.id} {self.bytes} {self.sha256}\n"


@dataclass
class Lacking:
    """Held files that a backup lacks. `why`: what the store said, if it was not just that there is none."""

    ids: list[str] = field(default_factory=list)
    why: str = ""


# --- out of the store -------------------------------------------------------------------------------------------------


async def take(
    rows: Iterable[Row], count: int, objects: Objects, into: Path, before: Path | None, progress: Progress
) -> Lacking:
    """`rows`: id, and whether something holds it, by id. `into`: the new backup. `before`: one whose list is genuine.

    Raises `OSError`: no room.
    """
    lacking, troubles, done = Lacking(), 0, 0
    earlier = _Ahead(entries(before / LIST) if before else iter(()))
    with os.fdopen(os.open(into / LIST, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as listed:
        for some in _batches(rows, AT_ONCE):
            found: dict[str, Entry] = {}
            for id, _ in some:
                if before and (entry := earlier.at(id)) and _linked(entry, before, into):
                    found[id] = entry
            if troubles < GIVE_UP:
                wanted = [id for id, _ in some if id not in found and _ID.fullmatch(id)]
                fetching = (_fetched(objects, id, into) for id in wanted)
                # all of them end before one that failed is heard: what the backup was to be is deleted then
                for id, got in zip(wanted, await asyncio.gather(*fetching, return_exceptions=True), strict=True):
                    if isinstance(got, Entry):
                        found[id], troubles = got, 0
                    elif not isinstance(got, Unstored):
                        raise got
                    elif not isinstance(got, Missing):
                        lacking.why, troubles = str(got), troubles + 1
            for id, held in some:
                if id in found:
                    listed.write(found[id].line())
                elif held:
                    lacking.ids.append(id)
            done += len(some)
            progress(done, count)
        listed.flush()
        os.fsync(listed.fileno())
    if (into / FILES).exists():
        for folder in (*(into / FILES).iterdir(), into / FILES):
            sync(folder)
    return lacking


async def _fetched(objects: Objects, id: str, into: Path) -> Entry:
    """As it comes, so it goes to the disk. Raises `Unstored`."""
    room, size, sha256 = _room(into, id), 0, hashlib.sha256()
    with os.fdopen(os.open(room, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        try:
            async for piece in objects.get(id):
                file.write(piece)
                sha256.update(piece)
                size += len(piece)
        except Unstored:
            room.unlink()
            raise
        file.flush()
        os.fsync(file.fileno())
    return Entry(id, size, sha256.hexdigest())


def _linked(entry: Entry, before: Path, into: Path) -> bool:
    """Not across file systems, nor where somebody has put something else in its place."""
    old, new = _place(before, entry.id), _room(into, entry.id)
    with suppress(OSError):
        os.link(old, new, follow_symlinks=False)
        there = new.lstat()
        if stat.S_ISREG(there.st_mode) and there.st_size == entry.bytes:
            return True
        new.unlink()
    return False


def _place(backup: Path, id: str) -> Path:
    return Folder(backup / FILES).path(id)


def _room(backup: Path, id: str) -> Path:
    path = _place(backup, id)
    if not path.parent.exists():
        (backup / FILES).mkdir(mode=0o700, exist_ok=True)
        path.parent.mkdir(mode=0o700)
    return path


# --- back into the store ----------------------------------------------------------------------------------------------


@dataclass
class Found:
    """`lost`: held files that nobody has. `damaged`: those of them that the backup says it has. `ready`: how many
    objects the store lacks and the backup has."""

    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    ready: int = 0


async def look(database: Database, listed: Path | None, source: Path, objects: Objects, progress: Progress) -> Found:
    """What `put_back` will find; nothing is changed. `listed`: a list that is genuine.

    Raises `Unstored`, `Unlisted`.
    """
    found = Found()
    async for file, entry in _wanted(database, listed, progress):
        if entry is None:
            if file.held and not await objects.holds(file.id, file.sealed):
                found.lost.append(file.id)
        elif not await objects.holds(file.id, entry.bytes, entry.sha256):
            if await asyncio.to_thread(_sound, source, entry) is not None:
                found.ready += 1
            else:
                found.damaged.append(file.id)
                if file.held:
                    found.lost.append(file.id)
    return found


async def put_back(database: Database, listed: Path | None, source: Path, objects: Objects, progress: Progress) -> int:
    """→ how many were put into the store. Raises `Unstored`."""
    put = 0
    async for file, entry in _wanted(database, listed, progress):
        if entry and not await objects.holds(file.id, entry.bytes, entry.sha256):
            data = await asyncio.to_thread(_sound, source, entry)
            if data is not None:
                await objects.put(file.id, data)
                put += 1
    return put


async def _wanted(
    database: Database, listed: Path | None, progress: Progress
) -> AsyncIterator[tuple[OnRecord, Entry | None]]:
    """What is on record, and what the list says of it. Whoever was erased has nothing there any more."""
    ahead = _Ahead(entries(listed) if listed else iter(()))
    async for file in on_record(database, progress):
        if _ID.fullmatch(file.id):
            yield file, ahead.at(file.id)


def _sound(source: Path, entry: Entry) -> bytes | None:
    """The object in a backup, if it is the one that the list speaks of."""
    try:
        data = plain_files.read(_place(source, entry.id), entry.bytes, follow=False)
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == entry.sha256 else None


# --- the list ---------------------------------------------------------------------------------------------------------


def entries(listed: Path) -> Iterator[Entry]:
    """Raises `Unlisted`, `OSError`."""
    with plain_files.reading(listed, follow=False) as file:
        before = ""
        while line := file.readline(_LINE_MOST + 1):
            match = _LINE.fullmatch(line.decode("ascii", "replace"))
            if not match or match[1] <= before:
                raise Unlisted
            before = match[1]
            yield Entry(before, int(match[2]), match[3])


class _Ahead:
    """A sorted list, walked once beside another one."""

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries
        self._next = next(entries, None)

    def at(self, id: str) -> Entry | None:
        """Ids must be asked for in their order."""
        while self._next and self._next.id < id:
            self._next = next(self._entries, None)
        return self._next if self._next and self._next.id == id else None


def _batches(rows: Iterable[Row], size: int) -> Iterator[Sequence[Row]]:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
