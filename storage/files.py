"""Files that people handed in: sealed with the person's key (`storage/frames.py`), and kept in an object store.

Whatever dies in between, what is referred to is there, and what is not goes:

1. `put`, `receive`: a row of `files` that nothing holds yet, committed; then the object;
2. `hold`: in the transaction that refers to it. False: it has gone meanwhile, or was never whole;
3. `drop`: in the transaction that refers to it no more; its id goes to `files_gone`;
4. `sweep`: drops what nothing has held for a day, deletes the objects of `files_gone`, and then those rows. It lets
   some minutes pass before: whoever is at step 1 while the person is erased may still be writing.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from storage import attempts, frames
from storage.attempts import Limit
from storage.database import Database, Tx, retried
from storage.ids import new_id
from storage.objects import Missing, Objects, Unstored, pieces, whole
from storage.vault import Key, Vault

UNHELD_MS = 24 * 3_600_000
PUT_SECONDS = 240
GONE_MS = 10 * 60_000
CHUNK = 500
IN_HAND = 24 * 1024 * 1024  # bytes: one of the largest, or some photos
_TABLE, _COLUMN = "files", "object"


@dataclass(frozen=True)
class Bounds:
    """Of one person: how many files may wait for somebody to hold them, of how many bytes; how many may come in any
    24 hours, whatever becomes of them."""

    waiting: int
    bytes: int
    a_day: int


@dataclass(frozen=True)
class File:
    """`sha256`: of the bytes, 64 hexadecimal characters."""

    id: str
    sha256: str
    bytes: int


class Crowded(Exception):
    """More of this person than its `Bounds`."""


class Files:
    def __init__(self, database: Database, objects: Objects) -> None:
        self._database, self.objects = database, objects
        self._held, self._hands = 0, asyncio.Condition()

    async def put(self, person_id: str, key: Key, data: bytes, now: int) -> File:
        """Kept for a day, unless something holds it by then. `key`: the person's.

        Raises `objects.Unstored`, and `KeyError` where the person has gone.
        """
        sha256 = await asyncio.to_thread(_sha256, data)
        return File(await self.receive(person_id, key, pieces(data), len(data), now), sha256, len(data))

    async def receive(
        self,
        person_id: str,
        key: Key,
        coming: AsyncIterable[bytes],
        size: int,
        now: int,
        bounds: Bounds | None = None,
    ) -> str:
        """As `put`, while it comes: no more than a frame of it is in memory. → its id

        `size`: how many bytes it has; what is shorter or longer is not kept (`Unstored`), nor is what breaks off.
        Raises `Crowded` where it is beyond `bounds`.
        """
        id = new_id()
        await self._announce(id, size, person_id, key, now, bounds)
        try:
            async with asyncio.timeout(PUT_SECONDS):
                await self.objects.put(id, frames.seal(key, _counted(coming, size), _TABLE, id, _COLUMN))
        except BaseException as error:
            with suppress(Exception):  # or a day later
                await self._give_up(id, now)
            if isinstance(error, TimeoutError):
                raise Unstored(f"it took longer than {PUT_SECONDS} seconds") from None
            raise
        return id

    @retried
    async def _announce(self, id: str, size: int, person_id: str, key: Key, now: int, bounds: Bounds | None) -> None:
        async with self._database.write() as tx:
            # counted by one at a time: many that come at once were all allowed to begin
            if not await tx.one("SELECT 1 FROM people WHERE id = :id FOR UPDATE", {"id": person_id}):
                raise KeyError(person_id)
            if bounds:
                waiting = await tx.one(
                    "SELECT COUNT(*) AS n, COALESCE(SUM(bytes), 0) AS bytes FROM files "
                    "WHERE person_id = :id AND held = 0",
                    {"id": person_id},
                )
                if waiting and (waiting["n"] >= bounds.waiting or waiting["bytes"] + size > bounds.bytes):
                    raise Crowded
                if await attempts.take(tx, "upload", {person_id: Limit(per_day=bounds.a_day)}, now):
                    raise Crowded
            await tx.run(
                "INSERT INTO files (id, person_id, key_id, bytes, put_at) VALUES (:id, :person, :key, :bytes, :now)",
                {"id": id, "person": person_id, "key": key.id, "bytes": size, "now": now},
            )

    @retried
    async def _give_up(self, id: str, now: int) -> None:
        async with self._database.write() as tx:
            await drop(tx, [id], now)

    async def get(self, id: str, key: Key) -> bytes:
        """Raises `objects.Missing`, `objects.Unstored`, `vault.Tampered`."""
        return await whole(self.frames(id, key))

    def frames(self, id: str, key: Key) -> AsyncIterator[bytes]:
        """As `get`, a frame at a time: where one raises, what came before is not the file."""
        return frames.unseal(key, self.objects.get(id), _TABLE, id, _COLUMN)

    @asynccontextmanager
    async def in_hand(self, most: int) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
        """Waits until this process has room for so many bytes more of people's files, at most `IN_HAND`. → to be told
        how many there are, once that is known."""
        async with self._hands:
            await self._hands.wait_for(lambda: self._held + most <= IN_HAND)
            self._held += most
        held = most

        async def are(found: int) -> None:
            nonlocal held
            self._held += found - held
            held = found
            async with self._hands:
                self._hands.notify_all()

        try:
            yield are
        finally:
            await are(0)

    async def sweep(self, now: int) -> bool:
        """→ is there more of it to be done at once? Raises `objects.Unstored`, once what can be deleted is."""
        gone, failed = await self._gone(now), None
        deleted = []
        for id in gone:
            try:
                with suppress(Missing):  # no name of ours: nothing of ours lies there
                    await self.objects.delete(id)
            except Unstored as error:
                failed = failed or error
            else:
                deleted.append(id)
        await self._forget(deleted)
        if failed:
            raise failed
        return len(gone) >= CHUNK

    @retried
    async def _gone(self, now: int) -> list[str]:
        async with self._database.write() as tx:
            left = await tx.all(
                "SELECT id FROM files WHERE held = 0 AND put_at < :before ORDER BY put_at LIMIT :most FOR UPDATE",
                {"before": now - UNHELD_MS, "most": CHUNK},
            )
            await drop(tx, [row["id"] for row in left], now)
            rows = await tx.all(
                "SELECT id FROM files_gone WHERE at < :before ORDER BY at LIMIT :most",
                {"before": now - GONE_MS, "most": CHUNK},
            )
        return [row["id"] for row in rows]

    @retried
    async def _forget(self, ids: Sequence[str]) -> None:
        async with self._database.write() as tx:
            await tx.many("DELETE FROM files_gone WHERE id = :id", [{"id": id} for id in ids])


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def _counted(coming: AsyncIterable[bytes], size: int) -> AsyncIterator[bytes]:
    left = size
    async for piece in coming:
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise Unstored("it is not as long as it said")


async def copy(
    database: Database, old: Objects, new: Objects, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> tuple[int, list[str]]:
    """Every object on record that `new` lacks, as it lies. → how many, and which held ones neither has.

    Raises `Unstored`.
    """
    copied, lacking = 0, list[str]()
    async for file in on_record(database, progress):
        if not await new.holds(file.id, file.sealed):
            try:
                await new.put(file.id, old.get(file.id))
                copied += 1
            except Missing:
                if file.held:
                    lacking.append(file.id)
    return copied, lacking


@dataclass(frozen=True)
class OnRecord:
    """`sealed`: how many bytes its object has."""

    id: str
    held: bool
    sealed: int


async def on_record(database: Database, progress: Callable[[int, int], None]) -> AsyncIterator[OnRecord]:
    """Every row of `files`, by id; in no transaction, as something slow may be done with each."""
    done, last = 0, ""
    async with database.read() as tx:
        row = await tx.one("SELECT count(*) AS n FROM files")
        count = row["n"] if row else 0
    while True:
        async with database.read() as tx:
            rows = await tx.all(
                "SELECT id, held, bytes FROM files WHERE id > :last ORDER BY id LIMIT :most",
                {"last": last, "most": CHUNK},
            )
        for row in rows:
            yield OnRecord(row["id"], bool(row["held"]), frames.sealed_size(row["bytes"]))
            done += 1
            progress(done, count)
        if not rows:
            return
        last = rows[-1]["id"]


def content_index(vault: Vault, sha256: str) -> str:
    """By it the same paper is known again."""
    return vault.index("file", sha256)


async def hold(tx: Tx, id: str, person_id: str) -> bool:
    """One thing refers to it from now on. False: it is not there, not this person's, or something holds it already."""
    held = await tx.run(
        "UPDATE files SET held = 1 WHERE id = :id AND person_id = :person AND held = 0",
        {"id": id, "person": person_id},
    )
    return held == 1


async def drop(tx: Tx, ids: Sequence[str], now: int) -> None:
    """Nothing refers to them any more. Their objects go with the next sweep."""
    batch = [{"id": id} for id in ids]
    gone = await tx.each("DELETE FROM files WHERE id IN (SELECT value ->> 'id' FROM each(:batch)) RETURNING id", batch)
    await leave(tx, [row["id"] for row in gone], now)


async def let_go(tx: Tx, ids: Sequence[str], now: int) -> None:
    """Those of them that nothing has held and nothing will: sooner than `sweep` would, and their objects with the next
    one, as whoever put them has long done so. Other names are no files."""
    gone = await tx.each(
        "DELETE FROM files WHERE held = 0 AND id IN (SELECT value ->> 'id' FROM each(:batch)) RETURNING id",
        [{"id": id} for id in ids],
    )
    await leave(tx, [row["id"] for row in gone], now - GONE_MS)


async def leave(tx: Tx, ids: Sequence[str], now: int) -> None:
    """The objects of files whose rows are gone."""
    await tx.many(
        "INSERT INTO files_gone (id, at) VALUES (:id, :now) ON CONFLICT (id) DO NOTHING",
        [{"id": id, "now": now} for id in ids],
    )
