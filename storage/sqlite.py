"""SQLite: one file, one process that writes. One connection writes, one transaction at a time; a second one reads."""

import asyncio
import re
import sqlite3
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiosqlite
import orjson

from bot.faults import address_fault
from storage.database import NONE, BadAddress, Database, Incomplete, Params, Row, Table, Tx, Unavailable, tables_of

# Every commit is on the disk before anybody hears of it (FULL); a reader never waits for the writer (WAL).
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "temp_store=MEMORY",
    "secure_delete=ON",  # a deleted row does not lie about in the file: a destroyed key least of all
)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_LOCKS = re.compile(r"\bFOR UPDATE( OF \w+)?( SKIP LOCKED)?\b")


@lru_cache(512)
def translate(sql: str) -> str:
    return _LOCKS.sub("", sql.replace("each(:batch)", "json_each(:batch)"))


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
        return [dict(row) for row in await self._connection.execute_fetchall(translate(sql), params)]

    async def one(self, sql: str, params: Params = NONE) -> Row | None:
        rows = await self.all(sql, params)
        return rows[0] if rows else None

    async def each(self, sql: str, rows: Sequence[Mapping[str, Any]], params: Params = NONE) -> list[Row]:
        if not rows:
            return []
        return await self.all(sql, {**params, "batch": orjson.dumps(rows).decode()})

    async def many(self, sql: str, rows: Iterable[Params]) -> None:
        self.writes += 1
        await self._connection.executemany(sql, rows)

    async def among(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """There are no others."""

    async def chunks(self, sql: str, size: int) -> AsyncIterator[list[Row]]:
        async with self._connection.execute(translate(sql)) as cursor:
            while rows := await cursor.fetchmany(size):
                yield [dict(row) for row in rows]


class SqliteDatabase(Database):
    alone = True
    kind = "sqlite"

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self.path = path
        self._writer, self._reader = writer, reader
        self._writing, self._reading = asyncio.Lock(), asyncio.Lock()

    @classmethod
    async def connect(cls, url: str) -> "SqliteDatabase":
        path = await asyncio.to_thread(place, url)
        connections: list[aiosqlite.Connection] = []
        try:
            for _ in range(2):
                connections.append(await aiosqlite.connect(path, isolation_level=None))
                connections[-1].row_factory = sqlite3.Row
                connections[-1].text_factory = _text
                for pragma in PRAGMAS:
                    await connections[-1].execute(f"PRAGMA {pragma}")
            await connections[-1].execute("PRAGMA query_only=ON")  # the second one reads
            await asyncio.to_thread(path.chmod, 0o600)  # identity papers: nobody else on this machine reads along
        except BaseException as error:
            for connection in connections:  # one that is left open keeps the process from ending
                await connection.close()
            match error:
                case sqlite3.Error():
                    raise _unopened(path, error) from error
                case OSError():
                    raise refused(path, error) from error
            raise
        return cls(path, *connections)

    @classmethod
    async def look(cls, path: Path) -> "SqliteDatabase":
        """To read from only, as it is: this changes neither who may read the file nor how it keeps its log, and makes
        none. What stands in its log is seen: a connection that cannot write could not always, and would leave files."""
        path = await asyncio.to_thread(place, f"sqlite:///{path}")
        uri = (await asyncio.to_thread(path.absolute)).as_uri()
        connection: aiosqlite.Connection | None = None
        try:
            connection = await aiosqlite.connect(f"{uri}?mode=rw", uri=True, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.text_factory = _text
            for pragma in ("busy_timeout=5000", "temp_store=MEMORY", "trusted_schema=OFF", "query_only=ON"):
                await connection.execute(f"PRAGMA {pragma}")
            await connection.execute_fetchall("SELECT count(*) FROM sqlite_master")  # only now is it opened
        except BaseException as error:
            if connection:
                await connection.close()
            if isinstance(error, sqlite3.Error):
                raise _unopened(path, error) from error
            raise
        return cls(path, connection, connection)

    async def close(self) -> None:
        for connection in {self._writer, self._reader}:
            await connection.close()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
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
        async with self._reading:
            with _told_apart(sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY):
                try:
                    await self._reader.execute("BEGIN")
                    yield _SqliteTx(self._reader)
                finally:
                    await _roll_back(self._reader)

    async def tables(self, tx: Tx) -> list[Table]:
        columns = await tx.all(
            "SELECT t.name AS name, c.name AS column_name FROM sqlite_master t JOIN pragma_table_info(t.name) c "
            "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY t.name, c.cid"
        )
        parents = await tx.all(
            'SELECT t.name AS name, f."table" AS parent FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f '
            "WHERE t.type = 'table'"
        )
        return tables_of(columns, parents)

    async def heard(self, channel: str) -> AsyncGenerator[str | None, None]:  # noqa: ARG002  there is nobody to hear from
        return
        yield


def _text(data: bytes) -> str:
    """Also what is none, as somebody who edits the file can make it: an error here would leave its statement running,
    and who looks for such things could not see them."""
    return data.decode("utf-8", "surrogateescape")


def file_of(url: str) -> Path:
    return Path(urlsplit(url).path[1:])


def place(url: str) -> Path:
    """Where the file is, or will be. No folder is made for it: a slip of the pen must not become an empty office.

    Raises `BadAddress`.
    """
    if why := address_fault(url):
        raise BadAddress(why)
    path = file_of(url)
    try:
        if not stat.S_ISDIR(path.parent.stat().st_mode):
            raise NotADirectoryError
        if path.is_dir():
            raise BadAddress(f"{path} is a folder, not a file.")
    except OSError as error:
        raise refused(path, error) from error
    return path


def refused(path: Path, error: OSError) -> BadAddress:
    """What the system says of the file, in words to act on."""
    match error:
        case FileNotFoundError():
            return BadAddress(
                f"there is no folder {path.absolute().parent}. Look whether the path is right, or make it."
            )
        case NotADirectoryError():
            return BadAddress(f"{path.absolute().parent} is not a folder. Look whether the path is right.")
        case PermissionError():
            return BadAddress(f"{path} is closed to you. Run this command as the user that KP7 runs as.")
    return BadAddress(f"{path}: {error.strerror}.")


def _unopened(path: Path, error: sqlite3.Error) -> Exception:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:  # the rest of it says more than anybody needs
        case code if code in _DAMAGED:
            return BadAddress(
                f"{path} is no database, or a damaged one. If the path is right, restore the last backup."
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return BadAddress(f"{path} cannot be read and written. Run this command as the user that KP7 runs as.")
    return Unavailable(str(error))


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


@contextmanager
def _told_apart(*wrong: int) -> Iterator[None]:
    """A statement that is wrong (error codes) stays an error; a database that cannot is `Unavailable`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error).startswith(("no such table", "no such column")):
            raise Incomplete(str(error)) from error
        if getattr(error, "sqlite_errorcode", None) in wrong:
            raise
        raise Unavailable(str(error)) from error
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            raise Incomplete(str(error)) from error
        raise
