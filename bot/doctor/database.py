"""The database: opens, takes writes, is whole, fits its key and this version, and has room to grow."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from importlib import resources
from pathlib import Path

from bot.doctor.files import AS_KP7 as AS_KP7
from bot.doctor.files import database_path
from bot.doctor.finding import Case, Finding, Findings, ok, skipped, warning, wrong
from storage import keys, snapshot
from storage.database import Database, Incomplete, Tx, Unavailable
from storage.sqlite import SqliteDatabase

MEGABYTE = 1024 * 1024
ROOM = 1024 * MEGABYTE
ROOM_AT_LEAST = 100 * MEGABYTE
WAL_MOST = 64 * MEGABYTE  # it is written back long before
SLOW_COMMIT_MS = 50
QUICK_CHECK_SECONDS = 40


class Unopened(Exception):
    """There is nothing to open. `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.says)
        self.finding = finding


@asynccontextmanager
async def opened(case: Case) -> AsyncIterator[Tx]:
    """To read from. Raises `Unopened`. Changes nothing, makes no file, and leaves none behind; what a crash has left in
    the log may go into the file, where it belongs."""
    path = database_path(case.settings.database_url)
    try:
        there = path is None or path.exists()
        nowhere = path is not None and not there and not path.parent.is_dir()
    except OSError as error:
        raise Unopened(wrong(f"{path} cannot be looked at ({error.strerror}).", AS_KP7)) from None
    if path and nowhere:
        raise Unopened(
            wrong(f"{path} is in no folder that there is.", "Look whether the path in DATABASE_URL is right.")
        )
    if path and not there:
        raise Unopened(
            warning(
                f"{path} is not there yet.", "`kp7 migrate` makes it; DATABASE_URL is read from the folder you are in."
            )
        )
    if path and path.stat().st_uid != os.geteuid():
        raise Unopened(
            wrong(
                f"{path} belongs to another user than the one who runs this.",
                AS_KP7,
            )
        )
    try:
        database = await (SqliteDatabase.look(path) if path else Database.open(case.settings.database_url))
    except (Unavailable, ValueError, OSError, sqlite3.Error) as error:
        says, _, mend = _said(error).partition(". ")
        mend = f"{mend}." if mend else "Look at DATABASE_URL, and whether that database runs."
        raise Unopened(wrong(f"The database cannot be opened: {says}.", mend)) from None
    try:
        async with database.read() as tx:
            yield tx
    finally:
        await database.close()


def _said(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


async def look(case: Case) -> Findings:
    try:
        async with opened(case) as tx:
            async for finding in _contents(tx, case):
                yield finding
    except Unopened as none:
        yield none.finding
        return
    except (Incomplete, Unavailable, sqlite3.Error) as error:
        yield wrong(
            f"The database cannot be read: {_said(error)}.",
            "Look at the disk, or the database server; if the data are damaged, restore the last backup.",
        )
        return
    if path := database_path(case.settings.database_url):
        for finding in [*_file(path), *_folder(path.parent), await asyncio.to_thread(_whole, path), *_strange(path)]:
            yield finding


# --- what is in it ----------------------------------------------------------------------------------------------------


async def _contents(tx: Tx, case: Case) -> Findings:
    known = {file.name for file in resources.files("storage.migrations").iterdir() if file.name.endswith(".sql")}
    try:
        applied = {row["name"] for row in await tx.all("SELECT name FROM migrations")}
    except Exception as error:
        if isinstance(error, Unavailable):
            raise
        applied = set()  # a database without that table is a new one
    if foreign := sorted(applied - known):
        yield wrong(
            f"The database was made by a newer version of KP7 ({foreign[-1]}).",
            "Install that version again, or restore a backup from before.",
        )
    elif missing := sorted(known - applied):
        yield warning(f"The database waits for {len(missing)} migrations.", "Run `kp7 migrate`, or restart KP7.")
    else:
        yield ok(f"It is up to date ({max(applied)}).")
    if not known - applied and not case.settings.demo:
        why = await keys.unfit(tx, case.settings.master, case.settings.master_old)
        says, _, mend = why.rstrip(".").partition(". ")
        yield (
            wrong(f"{says}.", f"{mend or 'Another master key in docs/operators.md says how'}.")
            if why
            else ok("MASTER_KEY opens it.")
        )


# --- where it lies ----------------------------------------------------------------------------------------------------


def _file(path: Path) -> Iterator[Finding]:
    if not os.access(path, os.W_OK):
        yield wrong(f"{path} cannot be written.", "Look at the rights of the file, and whether the disk is read-only.")
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    if size > WAL_MOST:
        yield warning(
            f"{wal.name} has grown to {size // MEGABYTE} MB: something has been reading for very long.",
            "End whatever else has the database open (a backup, a shell), then restart KP7.",
        )


def _strange(path: Path) -> Iterator[Finding]:
    # what is damaged, or of a newer version, was said
    with (
        suppress(sqlite3.DatabaseError, FileNotFoundError),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection,
    ):
        names = [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]
        if strange := snapshot.strange(connection, names):
            yield wrong(
                f"The database has something that KP7 has not made, or not so: {strange[0]}.",
                "Look who put it there, and drop it: a backup with it is not restored.",
            )


def _folder(folder: Path) -> Iterator[Finding]:
    if not os.access(folder, os.W_OK):
        yield wrong(f"The folder {folder} cannot be written.", "The database needs to make files beside it: chown it.")
        return
    disk, inodes = shutil.disk_usage(folder), os.statvfs(folder)
    if disk.free < ROOM or (inodes.f_files and inodes.f_favail < 1_000):
        finding = wrong if disk.free < ROOM_AT_LEAST else warning
        yield finding(f"{disk.free // MEGABYTE} MB are free where the database lies.", "Make room before it is full.")
    else:
        yield ok(f"{disk.free // MEGABYTE} MB are free where it lies.")
    try:
        took = _commit_ms(folder)
    except OSError as error:
        yield wrong(f"Nothing can be written to {folder} ({error.strerror}).", "Make room, or repair the disk.")
        return
    if took > SLOW_COMMIT_MS:
        yield warning(
            f"The disk takes {took:.0f} ms to write for sure, and every answer waits for that.",
            "Put the database on a local SSD, not on a network share.",
        )


def _commit_ms(folder: Path, tries: int = 5) -> float:
    """The median of what a small durable write takes."""
    took = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".kp7-doctor-") as file:
        for _ in range(tries):
            before = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - before) * 1000)
    return sorted(took)[tries // 2]


def _whole(path: Path, seconds: float = QUICK_CHECK_SECONDS) -> Finding:
    """On a connection of its own, which stops when the time is up: a large file takes minutes."""
    until = time.monotonic() + seconds
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
        try:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError:
            return skipped("quick_check was not finished in time: PRAGMA integrity_check on a backup tells more.")
        except sqlite3.DatabaseError as error:
            said = str(error)
    if said == "ok":
        return ok("quick_check finds nothing wrong.")
    return wrong("The database file is damaged.", "Stop KP7, keep the file aside, and restore the last backup.")
