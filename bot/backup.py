"""Backups: a folder each, made while people chat, complete or not there at all.

    DEST/kp7-20261121T031500123Z/
        manifest.json   what it is, and the sha256 of the other files
        database        the database as of one commit: personal data sealed, their keys wrapped; never MASTER_KEY.
                        An SQLite file, or what PostgreSQL's pg_restore reads
        erased          the ledger of who was erased, as of that commit or a little later

It is put together under another name, flushed to the disk, and renamed.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ValidationError

from bot.times import DAY
from storage import dump, snapshot
from storage.erasures import Ledger, sync
from storage.sqlite import file_of

FORMAT = 1
MANIFEST, DATABASE, ERASED = "manifest.json", "database", "erased"
KEPT_DAYS_MOST = 89  # DP4: whoever was erased is out of every backup before 90 days are over
_NAME = re.compile(r"kp7-\d{8}T\d{9}Z")
_PARTIAL = ".partial"
_CHUNK = 1 << 20

Progress = Callable[[int, int], None]


class Refused(Exception):
    """Said to the operator as it is."""


class Content(BaseModel):
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """`at`: milliseconds since 1970; all that was committed before is in it. `rows`: by table."""

    format: int
    version: str
    at: int
    kind: str
    migrations: list[str]
    rows: dict[str, int]
    files: dict[str, Content]


def make(database_url: str, destination: Path, ledger: Ledger, now: int, progress: Progress) -> Path:
    """→ a new folder in `destination`. Raises `Refused`, `OSError`, `sqlite3.Error`; then there is no new backup."""
    with _alone(destination):
        ledger.begin(now)  # before the copy: whoever is erased from now on stands there
        name = datetime.fromtimestamp(now / 1000, UTC).strftime("kp7-%Y%m%dT%H%M%S") + f"{now % 1000:03d}Z"
        partial = destination / f".{name}{_PARTIAL}"
        partial.mkdir(mode=0o700)
        try:
            kind, rows, migrations = _take(database_url, partial / DATABASE, progress)
            _write(partial / ERASED, ledger.path.read_bytes())  # after the copy: it knows all who are erased there
            manifest = Manifest(
                format=FORMAT,
                version=version(),
                at=now,
                kind=kind,
                migrations=migrations,
                rows=rows,
                files={name: content(partial / name) for name in (DATABASE, ERASED)},
            )
            _write(partial / MANIFEST, manifest.model_dump_json(indent=2).encode())
            sync(partial)
            partial.rename(destination / name)
            sync(destination)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return destination / name


def _take(url: str, copy: Path, progress: Progress) -> tuple[str, dict[str, int], list[str]]:
    """→ kind, rows by table, migrations"""
    if not url.startswith("sqlite:"):
        try:
            return ("postgresql", *dump.take(url, copy))
        except dump.Undumpable as error:
            raise Refused(str(error)) from None
    source = file_of(url)
    if not source.is_file():
        raise Refused(f"There is no database at {source}.")
    snapshot.take(source, copy, progress)
    return "sqlite", snapshot.counts(copy), snapshot.migrations(copy)


@contextmanager
def _alone(destination: Path) -> Iterator[None]:
    """One backup at a time; so what an earlier one left half done is nobody's."""
    destination.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (destination / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"Another backup into {destination} is being made.") from None
        for left in destination.glob(f".kp7-*{_PARTIAL}"):
            shutil.rmtree(left)
        yield


def read(folder: Path) -> Manifest:
    """Raises `Refused` for what is no backup, or one of a newer KP7."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise Refused(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except ValidationError:
        raise Refused(f"{folder / MANIFEST} is damaged.") from None
    if manifest.format != FORMAT or set(manifest.migrations) - {f.name for f in files("storage.migrations").iterdir()}:
        raise Refused(f"{folder} was made by a newer KP7 ({manifest.version}): restore it with that one.")
    return manifest


def within(destination: Path) -> dict[Path, int]:
    """The backups in a folder, oldest first, and when they were made, by their names."""
    return {
        folder: int(datetime.strptime(f"{folder.name}+0000", "kp7-%Y%m%dT%H%M%S%fZ%z").timestamp() * 1000)
        for folder in sorted(destination.iterdir())
        if _NAME.fullmatch(folder.name)
    }


def prune(destination: Path, now: int, days: int) -> list[Path]:
    """Delete the backups that are older. → which. A database that is not backed up any more keeps its last one."""
    *older, _newest = within(destination).items()
    gone = [folder for folder, at in older if at < now - days * DAY]
    for folder in gone:
        half = folder.with_name(f".{folder.name}{_PARTIAL}")  # a crash in the midst leaves no half backup
        folder.rename(half)
        shutil.rmtree(half)
    return gone


def copy(source: Path, target: Path, progress: Progress) -> Content:
    """For its owner only, and on the disk when this returns. → what was copied, read once"""
    size, done, hashed = source.stat().st_size, 0, hashlib.sha256()
    with (
        source.open("rb") as given,
        os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as to,
    ):
        while chunk := given.read(_CHUNK):
            to.write(chunk)
            hashed.update(chunk)
            done += len(chunk)
            progress(done, size)
        to.flush()
        os.fsync(to.fileno())
    return Content(bytes=done, sha256=hashed.hexdigest())


def content(path: Path) -> Content:
    with path.open("rb") as file:
        return Content(bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _new(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def _write(path: Path, data: bytes) -> None:
    with _new(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def version() -> str:
    try:
        return metadata.version("kp7")
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"
