"""Where tests keep their data: a SQLite file each, or a schema each in a PostgreSQL database that is made for this run.

PostgreSQL is looked for at TEST_POSTGRES_URL, else on this machine; whoever asks must be allowed to make databases.
"""

import itertools
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from storage.database import Database
from storage.sqlite import SqliteDatabase

on_a_file = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://127.0.0.1:5432/postgres")
LEFT_OVER_SECONDS = 6 * 3600
# Asked of PostgreSQL: does anybody wait for somebody else's transaction?
WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
_schemas = itertools.count(1)


def answers() -> bool:
    try:
        with psycopg.connect(SERVER, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


@contextmanager
def a_database() -> Iterator[str]:
    """→ its address; gone afterwards, whoever is still connected. What a run that was killed has left goes, too."""
    now = int(time.time())
    name = f"kp7_test_{now}_{secrets.token_hex(4)}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        for (old,) in server.execute("SELECT datname FROM pg_database").fetchall():
            made = re.fullmatch(r"kp7_test_(\d+)_[0-9a-f]{8}", old)
            if made and int(made[1]) < now - LEFT_OVER_SECONDS:
                server.execute(f"DROP DATABASE IF EXISTS {old} WITH (FORCE)".encode())
        server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        try:
            yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


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
