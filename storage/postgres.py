"""PostgreSQL: any number of processes beside each other.

Writers run at READ COMMITTED: each statement sees what others have committed before it began. What must not be read
stale is locked first, by a statement of its own (`FOR UPDATE`, `Tx.among`). A transaction that was chosen to give in to
another one raises `Conflict`.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from typing import Any

import orjson
import psycopg
from psycopg import AsyncConnection, errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.numeric import Int8Dumper
from psycopg_pool import AsyncConnectionPool

from storage.database import (
    NONE,
    BadAddress,
    Conflict,
    Database,
    Incomplete,
    Params,
    Row,
    Table,
    Tx,
    Unavailable,
    tables_of,
)

Connection = AsyncConnection[DictRow]

MOST = 8  # connections of one process; besides them one that listens
WAIT_SECONDS = 3.0  # for a connection; then events are refused and come again
LISTEN_AGAIN_SECONDS = 0.5
# A server that vanished without a word is noticed within ten seconds or so. The address may say otherwise.
NETWORK = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
# Every commit is on the disk before anybody hears of it, whatever the server's own default; a process that has stopped
# in the midst of a transaction does not hold its locks for ever.
_CONFIGURE = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
UNION ALL SELECT set_config('idle_in_transaction_session_timeout', '60s', false)
"""

_TOKENS = re.compile(r"('[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|::)|:([a-z_]\w*)|(%)", re.DOTALL)


@lru_cache(512)
def translate(statement: str) -> str:
    """`:name` → `%(name)s`, but not in strings and comments; `each(:batch)` → the rows of a JSON array."""

    def token(found: re.Match[str]) -> str:
        kept, name, _ = found.groups()
        return f"%({name})s" if name else (kept or "%").replace("%", "%%")

    return _TOKENS.sub(token, statement.replace("each(:batch)", "jsonb_array_elements(:batch ::jsonb)"))


class _PostgresTx:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.writes = 0
        self.cancelled: set[str] = set()

    async def run(self, sql: str, params: Params = NONE) -> int:
        self.writes += 1
        cursor = await self._connection.execute(translate(sql), params)
        return cursor.rowcount

    async def all(self, sql: str, params: Params = NONE) -> list[Row]:
        self.writes += not sql.lstrip().startswith("SELECT")
        cursor = await self._connection.execute(translate(sql), params)
        return await cursor.fetchall()

    async def one(self, sql: str, params: Params = NONE) -> Row | None:
        rows = await self.all(sql, params)
        return rows[0] if rows else None

    async def each(self, sql: str, rows: Sequence[Mapping[str, Any]], params: Params = NONE) -> list[Row]:
        if not rows:
            return []
        self.writes += not sql.lstrip().startswith("SELECT")
        cursor = await self._connection.execute(translate(sql), {**params, "batch": orjson.dumps(rows).decode()})
        return await cursor.fetchall() if cursor.description else []

    async def many(self, sql: str, rows: Iterable[Params]) -> None:
        """In one pipeline: one way to the server and back, however many rows."""
        self.writes += 1
        if given := list(rows):
            async with self._connection.cursor() as cursor:
                await cursor.executemany(translate(sql), given)

    async def among(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            batch = orjson.dumps(rows).decode()
            await self._connection.execute(translate(sql), {"batch": batch})

    async def chunks(self, sql: str, size: int) -> AsyncIterator[list[Row]]:
        async with self._connection.cursor("chunks") as cursor:
            await cursor.execute(translate(sql), NONE)
            while rows := await cursor.fetchmany(size):
                yield rows


class PostgresDatabase(Database):
    alone = False
    kind = "postgresql"

    def __init__(self, address: str, pool: AsyncConnectionPool[Connection]) -> None:
        self._address, self._pool = address, pool

    @classmethod
    async def connect(cls, url: str) -> "PostgresDatabase":
        try:
            address = make_conninfo("", **{**NETWORK, **conninfo_to_dict(url)})
        except psycopg.ProgrammingError:  # its words may quote the password
            raise BadAddress("this is no address of a PostgreSQL database") from None
        try:
            with _told_apart():  # once without the pool, which only says that it has waited for too long
                async with await AsyncConnection.connect(address) as connection:
                    encoding = connection.info.parameter_status("server_encoding")
        except Unavailable as error:
            raise Unavailable(without_password(str(error), url)) from None
        if encoding != "UTF8":
            raise BadAddress(f"the database's encoding is {encoding}; make one with --encoding=UTF8")
        pool = AsyncConnectionPool(
            address,
            connection_class=Connection,
            kwargs={"autocommit": True, "row_factory": dict_row},
            configure=_configure,
            min_size=1,
            max_size=MOST,
            timeout=WAIT_SECONDS,
            # A short while: whoever needs a connection tries again anyway, without the pool's growing pauses.
            reconnect_timeout=WAIT_SECONDS / 2,
            open=False,
        )
        await pool.open()
        return cls(address, pool)

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        try:
            async with self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED") as connection:
                yield _PostgresTx(connection)
                if connection.info.transaction_status != TransactionStatus.INTRANS:  # COMMIT would quietly roll back
                    raise RuntimeError("an error within the transaction was passed over")
                await connection.execute("COMMIT")
        except errors.ReadOnlySqlTransaction as error:  # a standby that has not taken over yet
            raise Unavailable(_said(error)) from error

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        async with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield _PostgresTx(connection)

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[Connection]:
        """Whatever has not been committed in the end is rolled back."""
        with _told_apart():
            connection = await self._begun(begin)
            try:
                yield connection
            finally:
                try:
                    if connection.info.transaction_status != TransactionStatus.IDLE:
                        with suppress(psycopg.Error):  # the connection is lost, and with it the transaction
                            await connection.execute("ROLLBACK")
                finally:
                    await self._pool.putconn(connection)

    async def _begun(self, begin: str) -> Connection:
        """Connections that have died while they lay idle are given back: nothing was done on them yet."""
        for _ in range(MOST):
            connection = await self._pool.getconn()
            try:
                await connection.execute(begin)
            except psycopg.OperationalError:
                await self._pool.putconn(connection)
            except BaseException:
                await self._pool.putconn(connection)
                raise
            else:
                return connection
        raise Unavailable("no connection to the database lasts")

    async def tables(self, tx: Tx) -> list[Table]:
        columns = await tx.all(
            "SELECT c.relname AS name, a.attname AS column_name FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname, a.attnum"
        )
        parents = await tx.all(
            "SELECT c.relname AS name, p.relname AS parent FROM pg_constraint f "
            "JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class p ON p.oid = f.confrelid "
            "WHERE f.contype = 'f' AND c.relnamespace = current_schema()::regnamespace"
        )
        return tables_of(columns, parents)

    async def heard(self, channel: str) -> AsyncGenerator[str | None, None]:
        while True:
            with suppress(psycopg.Error):  # whatever it says, whoever listens wants to go on listening
                async with await AsyncConnection.connect(self._address, autocommit=True) as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                    yield None
                    async for notice in connection.notifies():
                        yield notice.payload
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)


async def _configure(connection: Connection) -> None:
    connection.adapters.register_dumper(int, Int8Dumper)  # one type for all numbers: one plan a statement
    await connection.execute(_CONFIGURE)


def without_password(said: str, url: str) -> str:
    """The driver's words, without pieces of a password that it has taken for a host or a port."""
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    for piece in re.split(r"\W+", password):
        said = said.replace(piece, "…") if len(piece) > 1 else said
    return said


def _said(error: psycopg.Error) -> str:
    """The server's own sentence: its details may quote a row."""
    return error.diag.message_primary or str(error).partition("\n")[0]


@contextmanager
def _told_apart() -> Iterator[None]:
    """A statement that is wrong stays an error; a database that cannot is `Unavailable`."""
    try:
        yield
    except (errors.SerializationFailure, errors.DeadlockDetected) as error:
        raise Conflict(_said(error)) from error
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.DataCorrupted, errors.IndexCorrupted) as error:
        raise Incomplete(_said(error)) from error
    except psycopg.OperationalError as error:
        if (error.sqlstate or "").startswith("54"):  # over a limit of the server (a row too long for its index)
            raise
        raise Unavailable(_said(error)) from error
