"""A thin layer over SQLite: named parameters, sets, transactions. Law 3: talk to the database in sets.

`each(:batch)` in a statement stands for the rows of a JSON array; a row's field is `value ->> 'name'` (text) and is
cast where a number is meant. One connection writes, one transaction at a time; a second one reads beside it.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiosqlite
import orjson

Row = dict[str, Any]
Params = Mapping[str, Any]
NONE: Params = {}


class Unavailable(Exception):
    """The database itself cannot take this now (locked, full, gone): nobody's input is at fault, try again later."""


class Tx(Protocol):
    """One transaction. All methods take named parameters (`:name`).

    `writes`: how many statements so far may have changed something. `cancelled`: ids of outbox rows that were deleted
    because nobody may have them any more; whoever carries them from memory must hear of it.
    """

    writes: int
    cancelled: set[str]

    async def run(self, sql: str, params: Params = NONE) -> int:
        """Execute; how many rows were changed."""
        ...

    async def all(self, sql: str, params: Params = NONE) -> list[Row]: ...

    async def one(self, sql: str, params: Params = NONE) -> Row | None: ...

    async def each(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Execute one statement over a set; `each(:batch)` is the set. Returns what it returns, [] for an empty set."""
        ...

    async def many(self, sql: str, rows: Iterable[Params]) -> None:
        """Execute once a row."""
        ...


class _SqliteTx:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self.writes = 0
        self.cancelled: set[str] = set()

    # Each await is a way to the connection's thread and back, which costs more than most statements: one a statement.

    async def run(self, sql: str, params: Params = NONE) -> int:
        self.writes += 1
        cursor = await self._connection.execute(sql, params)
        return cursor.rowcount

    async def all(self, sql: str, params: Params = NONE) -> list[Row]:
        self.writes += not sql.lstrip().startswith("SELECT")
        return [dict(row) for row in await self._connection.execute_fetchall(sql, params)]

    async def one(self, sql: str, params: Params = NONE) -> Row | None:
        rows = await self.all(sql, params)
        return rows[0] if rows else None

    async def each(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
        if not rows:
            return []
        return await self.all(sql.replace("each(:batch)", "json_each(:batch)"), {"batch": orjson.dumps(rows).decode()})

    async def many(self, sql: str, rows: Iterable[Params]) -> None:
        self.writes += 1
        await self._connection.executemany(sql, rows)


# Every commit is on the disk before anybody hears of it (FULL); a reader never waits for the writer (WAL).
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "temp_store=MEMORY")


class Database:
    """`await Database.open(url)`, `async with db.write() as tx`, `async with db.read() as tx`, `await db.close()`."""

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self.path = path
        self._writer, self._reader = writer, reader
        self._writing, self._reading = asyncio.Lock(), asyncio.Lock()

    @classmethod
    async def open(cls, url: str) -> "Database":
        """`sqlite:///relative.db` or `sqlite:////absolute.db`; its folder is made if it is missing."""
        parts = urlsplit(url)
        if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
            raise ValueError(f"DATABASE_URL: expected sqlite:///file.db, not a {parts.scheme or 'nameless'} address")
        path = Path(parts.path[1:])
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        connections: list[aiosqlite.Connection] = []
        try:
            for _ in range(2):
                connections.append(await aiosqlite.connect(path, isolation_level=None))
                connections[-1].row_factory = sqlite3.Row
                for pragma in PRAGMAS:
                    await connections[-1].execute(f"PRAGMA {pragma}")
            await connections[-1].execute("PRAGMA query_only=ON")  # the second one reads
        except BaseException:
            for connection in connections:  # one that is left open keeps the process from ending
                await connection.close()
            raise
        await asyncio.to_thread(path.chmod, 0o600)  # identity papers: nobody else on this machine reads along
        return cls(path, *connections)

    async def close(self) -> None:
        for connection in (self._writer, self._reader):
            await connection.close()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """All of it is committed when the block ends, or nothing of it."""
        async with self._writing:
            with _told_apart(sqlite3.SQLITE_ERROR):
                try:
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield _SqliteTx(self._writer)
                    await self._writer.execute("COMMIT")
                except BaseException:
                    await _roll_back(self._writer)
                    raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A steady picture of the database; writing through it is refused."""
        async with self._reading:
            with _told_apart(sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY):
                try:
                    await self._reader.execute("BEGIN")
                    yield _SqliteTx(self._reader)
                finally:
                    await _roll_back(self._reader)

    async def migrate(self) -> list[str]:
        """Apply the numbered files that are missing, each once, in order. Safe twice and at once. → their names"""
        applied = []
        for file in sorted(resources.files("storage.migrations").iterdir(), key=lambda f: f.name):
            if not file.name.endswith(".sql"):
                continue
            async with self.write() as tx:
                await tx.run("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at BIGINT)")
                if await tx.one("SELECT 1 FROM migrations WHERE name = :name", {"name": file.name}):
                    continue
                for statement in statements(file.read_text("utf-8")):
                    await tx.run(statement)
                await tx.run(
                    "INSERT INTO migrations (name, applied_at) VALUES (:name, :at)",
                    {"name": file.name, "at": int(time.time() * 1000)},
                )
            applied.append(file.name)
        return applied


async def _roll_back(connection: aiosqlite.Connection) -> None:
    """End whatever runs. Also for a caller that was given up (a browser left): the connection's thread may still be at
    work on its statement, so this waits for it, however often it is given up itself."""

    async def end() -> None:
        await connection.execute("SELECT 1")  # whatever was queued before has run now
        if connection.in_transaction:
            await connection.execute("ROLLBACK")

    task = asyncio.create_task(end())
    given_up = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            given_up = True
    task.result()
    if given_up:
        raise asyncio.CancelledError


def statements(script: str) -> list[str]:
    """The statements of a migration, one by one: `executescript` would commit before the first of them.

    SQLite itself says where one ends: not at a semicolon in a comment, in a string or within a trigger. What is left
    unfinished at the end is the last one, for the database to refuse.
    """
    found, so_far = [], ""
    *parts, rest = script.split(";")
    for part in parts:
        so_far += f"{part};"
        if sqlite3.complete_statement(so_far):
            found.append(so_far.strip())
            so_far = ""
    rest = (so_far + rest).strip()
    return [*found, rest] if rest else found


@contextmanager
def _told_apart(*wrong: int) -> Iterator[None]:
    """A statement that is wrong (error codes) stays an error; a database that cannot is `Unavailable`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) in wrong:
            raise
        raise Unavailable(str(error)) from error
