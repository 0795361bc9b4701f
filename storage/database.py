"""A thin layer over SQLite and PostgreSQL: named parameters, sets, transactions. Law 3: talk to the database in sets.

The same statements run on both. `each(:batch)` in a statement stands for the rows of a JSON array; a row's field is
`value ->> 'name'` (text) and is cast where a number is meant. `FOR UPDATE …` locks rows where several processes write;
SQLite has one writer, and leaves it out.
"""

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import wraps
from importlib import resources
from typing import Any, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

Row = dict[str, Any]
Params = Mapping[str, Any]
NONE: Params = {}
P = ParamSpec("P")
T = TypeVar("T")
CONFLICTS = 5  # in a row, with other processes


class Unavailable(Exception):
    """The database itself cannot take this now (locked, full, gone): nobody's input is at fault, try again later."""


class Incomplete(Exception):
    """A table, a column or a page of the file is gone: the server's own words."""


class Newer(Exception):
    """A newer version of KP7 has migrated it: a sentence for the operator."""


class BadAddress(ValueError):
    """This is no address of a database that KP7 can use."""


class Conflict(Unavailable):
    """Two transactions stood in each other's way, and this one gave in: it may be begun again at once."""


def retried(work: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """`work` is one whole transaction: it is begun again where it loses to another one, up to `CONFLICTS` times."""

    @wraps(work)
    async def again(*given: P.args, **named: P.kwargs) -> T:
        for _ in range(CONFLICTS):
            with suppress(Conflict):
                return await work(*given, **named)
        return await work(*given, **named)

    return again


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

    async def each(self, sql: str, rows: Sequence[Mapping[str, Any]], params: Params = NONE) -> list[Row]:
        """Execute one statement over a set; `each(:batch)` is the set. Returns what it returns, [] for an empty set."""
        ...

    async def many(self, sql: str, rows: Iterable[Params]) -> None:
        """Execute once a row."""
        ...

    async def among(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Like `each`, for what only matters among several processes (locks, notifications): on SQLite it is not run,
        so its statement is PostgreSQL's own."""
        ...

    def chunks(self, sql: str, size: int) -> AsyncIterator[list[Row]]:
        """What a query returns, so many rows at a time, and never more of them in memory."""
        ...


@dataclass(frozen=True)
class Table:
    """`parents`: tables that its rows refer to."""

    name: str
    columns: tuple[str, ...]
    parents: frozenset[str]


def tables_of(columns: Sequence[Row], parents: Sequence[Row]) -> list[Table]:
    return [
        Table(
            name,
            tuple(row["column_name"] for row in columns if row["name"] == name),
            frozenset(row["parent"] for row in parents if row["name"] == name),
        )
        for name in sorted({row["name"] for row in columns})
    ]


class Database(ABC):
    """`await Database.open(url)`, `async with db.write() as tx`, `async with db.read() as tx`, `await db.close()`.

    `alone`: no other process works on it. `kind`: sqlite or postgresql.
    """

    alone: bool
    kind: str

    @staticmethod
    async def open(url: str) -> "Database":
        """`sqlite:///relative.db`, `sqlite:////absolute.db` (its folder is there already) or `postgresql://…`.

        Raises `BadAddress` for any other address, `Unavailable` where no database answers.
        """
        kind = urlsplit(url).scheme
        if kind in ("postgresql", "postgres"):
            from storage.postgres import PostgresDatabase

            return await PostgresDatabase.connect(url)
        from storage.sqlite import SqliteDatabase

        return await SqliteDatabase.connect(url)

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    def write(self) -> AbstractAsyncContextManager[Tx]:
        """All of it is committed when the block ends, or nothing of it."""

    @abstractmethod
    def read(self) -> AbstractAsyncContextManager[Tx]:
        """A steady picture of the database; writing through it is refused."""

    @abstractmethod
    async def tables(self, tx: Tx) -> list[Table]:
        """Every table there is, whoever made it."""

    @abstractmethod
    def heard(self, channel: str) -> AsyncGenerator[str | None, None]:
        """What other processes notify, as long as one listens. None: something may have been missed before this."""

    async def migrate(self) -> list[str]:
        """Apply the numbered files that are missing, each once, in order. Safe twice and at once. → their names

        Raises `Newer`: what that version keeps, and how, is not known here.
        """
        applied = []
        files = [file for file in resources.files("storage.migrations").iterdir() if file.name.endswith(".sql")]
        ours = {file.name for file in files}
        for file in sorted(files, key=lambda f: f.name):
            async with self.write() as tx:
                await tx.among(_ONE_AT_A_TIME, [{}])
                await tx.run(MIGRATIONS)
                names = {row["name"] for row in await tx.all("SELECT name FROM migrations")}
                if foreign := names - ours:
                    raise Newer(_NEWER.format(name=max(foreign)))
                if file.name in names:
                    continue
                for statement in statements(file.read_text("utf-8")):
                    await tx.run(statement)
                await tx.run(
                    "INSERT INTO migrations (name, applied_at) VALUES (:name, :at)",
                    {"name": file.name, "at": int(time.time() * 1000)},
                )
            applied.append(file.name)
        return applied


_NEWER = "The database was made by a newer version of KP7 ({name}). Install that one, or restore a backup from before."
MIGRATIONS = "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at BIGINT)"
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('kp7 migrate', 0)) FROM each(:batch)"


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
