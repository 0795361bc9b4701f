"""An SQLite file as a whole: a copy of it while others write, whether it is sound, and its log emptied.

Plain blocking functions: for the command line, or a thread. Each has a connection of its own.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path

from storage.database import MIGRATIONS, Row, statements

STEP = 200_000  # instructions of SQLite's machine between two looks at how far it is
BUSY_SECONDS = 30
LOG_SECONDS, LOG_TRIES = 0.2, 5
OTHERS = ("table _litestream_", "table sqlite_stat")  # what other programs make, and may


def take(source: Path, target: Path, progress: Callable[[int, int], None] = lambda _done, _all: None) -> None:
    """`source` as of one commit, into the new file `target`, for its owner only, and on the disk when this returns.

    Writers go on meanwhile; their log grows by what they write. The copy holds nothing that was deleted. `progress`
    hears bytes written, and about how many it will be. Raises `sqlite3.Error` or `OSError` (no room), and leaves
    nothing.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(source, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
            connection.set_progress_handler(lambda: progress(target.stat().st_size, (pages - free) * size), STEP)
            connection.execute("VACUUM INTO ?", (str(target),))
        with target.open("rb") as file:
            os.fsync(file.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def counts(path: Path) -> dict[str, int]:
    """Table → its rows, of a file that nobody writes."""
    with closing(look(path)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
        )
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  its own tables
            for (name,) in tables.fetchall()
        }


def migrations(path: Path) -> list[str]:
    with closing(look(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]


def files(path: Path) -> Iterator[tuple[str, bool]]:
    """The files that a database knows, by id, and whether something holds them. Nobody writes it."""
    with closing(look(path)) as connection:
        for id, held in connection.execute("SELECT id, held FROM files ORDER BY id"):
            yield id, bool(held)


def faults(path: Path) -> list[str]:
    """What SQLite finds wrong with a file that nobody writes; [] is sound."""
    try:
        with closing(look(path)) as connection:
            said = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            lost = [f"{row[0]} refers to a missing row of {row[2]}" for row in connection.execute(
                "PRAGMA foreign_key_check"
            )]  # fmt: skip
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [line for line in said if line != "ok"] + lost[:5]


def strange(theirs: sqlite3.Connection, migrations: Iterable[str]) -> list[str]:
    """What these migrations would not have made (a trigger, a view, …), or not so.

    Looks at the schema only: nothing that somebody has planted there is run by this. `migrations` may be what such a
    database says: only ours are opened, and another name raises `FileNotFoundError`.
    """
    ours_by_name = {
        file.name: file for file in resources.files("storage.migrations").iterdir() if file.name.endswith(".sql")
    }
    if unknown := set(migrations) - ours_by_name.keys():
        raise FileNotFoundError(f"no migration of ours: {min(map(repr, unknown))}")
    with closing(sqlite3.connect(":memory:")) as ours:
        for script in (MIGRATIONS, *(ours_by_name[name].read_text("utf-8") for name in sorted(set(migrations)))):
            for statement in statements(script):
                ours.execute(statement)
        made, found = (
            {f"{type} {name}": (table, sql) for type, name, table, sql in connection.execute(_SCHEMA)}
            for connection in (ours, theirs)
        )
    allowed = {
        name for name, (_, sql) in found.items() if name.startswith(OTHERS) and str(sql).startswith("CREATE TABLE")
    }
    return sorted(name for name in (made.keys() | found.keys()) - allowed if made.get(name) != found.get(name))


_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"


def secrets(path: Path) -> list[Row]:
    """The rows that `storage.keys.from_secrets` wants, of a file that nobody writes."""
    with closing(look(path)) as connection:
        rows = connection.execute(
            "SELECT CAST(id AS TEXT), CAST(wrapped AS TEXT) FROM keys WHERE id LIKE 'secret:%' ORDER BY id"
        )
        return [{"id": id, "wrapped": wrapped} for id, wrapped in rows]


def ledger_end(path: Path) -> str:
    """As `storage.erasures.end`, of a file that nobody writes now, perhaps since a crash. Empty: nobody knows."""
    try:
        with closing(look(path, log=path.with_name(f"{path.name}-wal").exists())) as connection:
            row = connection.execute("SELECT mac FROM ledger_end").fetchone()
    except sqlite3.Error:
        return ""
    return str(row[0]) if row else ""


def look(path: Path, *, log: bool = False) -> sqlite3.Connection:
    """To read a file that nobody writes. `log`: with what stands in its log; else this leaves no file behind."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{'' if log else '&immutable=1'}", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def empty_log(path: Path) -> bool:
    """Move all that was committed into the file and cut its log to nothing: what was deleted stands there no more.

    False: somebody reads it all the time (litestream does). It will be done by a later commit.
    """
    # while it waits for readers nobody can write, so it waits briefly, and lets writers through in between
    with closing(sqlite3.connect(path, timeout=LOG_SECONDS, isolation_level=None)) as connection:
        for _ in range(LOG_TRIES):
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return True
            time.sleep(LOG_SECONDS)
    return False
