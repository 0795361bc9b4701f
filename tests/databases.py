"""Where tests keep their data: a SQLite file each, or a PostgreSQL database each, copied from one that is up to date.

PostgreSQL is a server of the run's own (`tests.clusters`), else one on this machine, or whatever TEST_POSTGRES_URL
names; there, whoever asks must be allowed to make databases.
"""

import asyncio
import itertools
import os
import re
import secrets
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
import pytest

from storage.database import Database
from storage.sqlite import SqliteDatabase
from tests import clusters

T = TypeVar("T")
on_a_file = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HERE = "postgresql://127.0.0.1:5432/postgres"
LEFT_OVER_SECONDS = 6 * 3600
# Asked of PostgreSQL: does anybody wait for somebody else's transaction?
WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
OURS = re.compile(r"kp7_test_(\d+)_[0-9a-f]{8}")
_schemas = itertools.count(1)
_kept = ExitStack()  # databases that stay for as long as the server that they are on


@contextmanager
def a_server() -> Iterator[str]:
    """→ the address of a database from which others can be made. Skips the test where there is none."""
    with ExitStack() as stack:
        if named := os.environ.get("TEST_POSTGRES_URL", ""):
            _look_at(named)
        else:
            try:
                named = stack.enter_context(clusters.a_cluster(clusters.QUICK)).url
            except pytest.skip.Exception:  # its programs are not there
                _look_at(named := HERE)
        with _kept:
            yield named


def _look_at(named: str) -> None:
    """It answers, and what runs that were killed have left there goes."""
    try:
        psycopg.connect(named, connect_timeout=2).close()
    except psycopg.OperationalError:
        pytest.skip(f"no PostgreSQL answers at {named}: name one in TEST_POSTGRES_URL")
    with psycopg.connect(named, autocommit=True) as server:
        for (old,) in server.execute("SELECT datname FROM pg_database").fetchall():
            made = OURS.fullmatch(old)
            if made and int(made[1]) < int(time.time()) - LEFT_OVER_SECONDS:  # a run that was killed has left it
                server.execute(f"DROP DATABASE IF EXISTS {old} WITH (FORCE)".encode())


@contextmanager
def a_database(server: str, template: str = "") -> Iterator[str]:
    """→ its address; gone afterwards, whoever is still connected. A copy of `template`, or empty without one."""
    name = f"kp7_test_{int(time.time())}_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        _make(connection, name, template)
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _make(server: psycopg.Connection[Any], name: str, template: str) -> None:
    """Nobody may be connected to the template."""
    of = _name(template) if template else "template0"
    server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE {of}".encode())


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


async def _migrate(url: str) -> None:
    database = await Database.open(url)
    await database.migrate()
    await database.close()


def migrated(url: str) -> str:
    """→ the same, now that it is up to date."""
    aside(_migrate(url))
    return url


def aside(work: Coroutine[Any, Any, T]) -> T:
    """In a thread and a loop of its own: for fixtures that are not asynchronous."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def is_ours(url: str) -> bool:
    return OURS.fullmatch(_name(url)) is not None


def is_new(url: str) -> bool:
    """Up to date, and no KP7 has ever started there."""
    with psycopg.connect(url) as connection:
        return not connection.execute("SELECT 1 FROM keys LIMIT 1").fetchall()


def put_by(url: str) -> str:
    """→ the address of a copy, which stays."""
    return _kept.enter_context(a_database(_server_of(url), url))


def become(url: str, template: str) -> None:
    """The database is a copy of that one now, whatever was in it."""
    with psycopg.connect(_server_of(url), autocommit=True) as server:
        server.execute(f"DROP DATABASE {_name(url)} WITH (FORCE)".encode())
        _make(server, _name(url), template)


def _server_of(url: str) -> str:
    """Any other database on it."""
    return urlsplit(url)._replace(path="/postgres").geturl()


def a_schema(database: str) -> str:
    """→ the address of an empty one in it."""
    name = f"test_{next(_schemas)}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{database}{'&' if urlsplit(database).query else '?'}options=-csearch_path%3D{name}"


def sqlite(database: Database) -> SqliteDatabase:
    """What only a file has."""
    assert isinstance(database, SqliteDatabase)
    return database


def insertion(database: Database) -> str:
    """What rows that never change are ordered by, to have them as they came."""
    return "rowid" if database.kind == "sqlite" else "ctid"


def every_row(url: str) -> Iterator[str]:
    """Of every table there is, as PostgreSQL writes it down."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        for (table,) in tables:
            for (row,) in connection.execute(f'SELECT t::text FROM "{table}" t'.encode()):
                yield str(row)
