"""A PostgreSQL database as a whole: a copy of it by PostgreSQL's own `pg_dump`. Blocking, for the command line."""

import os
import subprocess
from pathlib import Path

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict


class Undumpable(Exception):
    """Why there is no copy, for the operator."""


def take(url: str, target: Path) -> tuple[dict[str, int], list[str], list[tuple[str, bool]]]:
    """The database as of one commit, into the new file `target`, on the disk when this returns.

    → rows by table, migrations, files (id, is it held) by id; all of that same commit. Raises `Undumpable` or
    `OSError`, and leaves nothing.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()")
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
            rows = {name: _count(connection, name) for (name,) in names.fetchall()}
            migrations = connection.execute("SELECT name FROM migrations ORDER BY name").fetchall()
            files = connection.execute('SELECT id, held = 1 FROM files ORDER BY id COLLATE "C"').fetchall()
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            _pg_dump(url, f"--snapshot={snapshot}", f"--file={target}")
    except psycopg.Error as error:
        target.unlink(missing_ok=True)
        raise Undumpable(f"the database does not answer ({type(error).__name__})") from None
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return rows, [name for (name,) in migrations], files


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


def _pg_dump(url: str, *options: str) -> None:
    """The address goes by the environment: what stands on a command line every user of this machine can read."""
    given = conninfo_to_dict(url)
    names = {option.keyword.decode(): option.envvar for option in pq.Conninfo.get_defaults()}
    env = {str(names[key], "ascii"): str(value) for key, value in given.items() if names.get(key)}  # type: ignore[arg-type]
    command = ("pg_dump", "--format=custom", "--no-owner", "--no-privileges", *options)
    try:
        done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise Undumpable("pg_dump is not installed (on Debian and Ubuntu: apt install postgresql-client)") from None
    if done.returncode:
        raise Undumpable(done.stderr.strip().splitlines()[0] if done.stderr.strip() else "pg_dump failed")
