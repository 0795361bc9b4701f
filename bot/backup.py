"""Backups: a folder each, made while people chat, complete or not there at all.

    DEST/kp7-20261121T031500123Z/
        manifest.json   what it is, and the sha256 of the other files; with a keyed hash, so that nobody without
                        MASTER_KEY makes a backup that is restored
        database        the database as of one commit: personal data sealed, their keys wrapped; never MASTER_KEY.
                        An SQLite file, or what PostgreSQL's pg_restore reads
        erased          the ledger of who was erased, as of that commit or a little later
        objects, files/ what people handed in: `bot/backup_files.py`

It is put together under another name, flushed to the disk, and renamed.
"""

import asyncio
import fcntl
import hashlib
import hmac
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
from pydantic import BaseModel, Field, ValidationError

from bot import backup_files
from bot.backup_files import Lacking
from bot.settings import version
from bot.times import DAY
from storage import dump, erasures, plain_files, snapshot
from storage.audit import LAST_MOMENT
from storage.erasures import Ledger, sync
from storage.objects import Objects
from storage.plain_files import Unfit
from storage.sqlite import file_of
from storage.vault import Vault

FORMAT = 1
MANIFEST, DATABASE, ERASED = "manifest.json", "database", "erased"
KEPT_DAYS_MOST = 89  # DP4: whoever was erased is out of every backup before 90 days are over
_NAME = re.compile(r"kp7-[0-9]{8}T[0-9]{9}Z")
_PARTIAL = ".partial"
_CHUNK = 1 << 20
_MANIFEST_MOST = 1 << 20  # bytes

Progress = Callable[[int, int], None]
Count = Annotated[int, Field(ge=0, le=1 << 62)]


class Refused(Exception):
    """Said to the operator as it is."""


class Content(BaseModel):
    bytes: Count
    sha256: str


class Files(BaseModel):
    """`objects`: the list of files; a backup from before there were any has none."""

    database: Content
    erased: Content
    objects: Content | None = None


class Manifest(BaseModel):
    """`at`: milliseconds since 1970; all that was committed before is in it. `rows`: by table.

    `ledger_end`: where the ledger ended by the database; what is in `erased` is complete if it has that line.
    """

    format: Count
    version: str
    at: Annotated[int, Field(ge=0, lt=LAST_MOMENT)]
    kind: str
    migrations: list[str]
    rows: dict[str, Count]
    ledger_end: str
    files: Files
    mac: str = ""

    def genuine(self, secret: bytes) -> bool:
        return hmac.compare_digest(self.mac.encode(), self.sealed(secret).mac.encode())

    def sealed(self, secret: bytes) -> "Manifest":
        """`secret`: the vault's for this use."""
        said = orjson.dumps(self.model_dump(exclude={"mac"}, exclude_none=True), option=orjson.OPT_SORT_KEYS)
        return self.model_copy(update={"mac": hmac.digest(secret, said, hashlib.sha256).hex()})


@dataclass(frozen=True)
class Made:
    folder: Path
    lacking: Lacking


@dataclass(frozen=True)
class Pruned:
    """`gone`: backups that are not there any more. `left`: what could not be deleted, whole or a rest, and why."""

    gone: list[Path] = field(default_factory=list)
    left: dict[Path, str] = field(default_factory=dict)


def secret_of(vault: Vault) -> bytes:
    return vault.secret("backups")


def make(
    database_url: str,
    objects: Objects,
    destination: Path,
    ledger: Ledger,
    ledger_end: str,
    secret: bytes,
    now: int,
    progress: Progress,
) -> Made:
    """→ a new folder in `destination`. Raises `Refused`, `OSError`, `sqlite3.Error`; then there is no new backup.

    `ledger_end`: by the database, before this. Files that cannot be had keep the rest from nothing. Not for a thread
    with an event loop of its own.
    """
    with _alone(destination):
        name = datetime.fromtimestamp(now / 1000, UTC).strftime("kp7-%Y%m%dT%H%M%S") + f"{now % 1000:03d}Z"
        partial = destination / f".{name}{_PARTIAL}"
        partial.mkdir(mode=0o700)
        try:
            kind, rows, migrations, known = _take(database_url, partial / DATABASE, progress)
            erased = b""
            with suppress(Unfit):  # it is of use all the same, as without any
                erased = ledger.content()  # after the copy: it knows all who are erased there
            _write(partial / ERASED, erased)
            before = _before(destination, secret)
            lacking = asyncio.run(backup_files.take(known, rows.get("files", 0), objects, partial, before, progress))
            manifest = Manifest(
                format=FORMAT,
                version=version(),
                at=now,
                kind=kind,
                migrations=migrations,
                rows=rows,
                ledger_end=ledger_end,
                files=Files(
                    database=content(partial / DATABASE),
                    erased=content_of(erased),
                    objects=content(partial / backup_files.LIST),
                ),
            )
            _write(partial / MANIFEST, manifest.sealed(secret).model_dump_json(indent=2).encode())
            sync(partial)
            partial.rename(destination / name)
            sync(destination)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return Made(destination / name, lacking)


def _before(destination: Path, secret: bytes) -> Path | None:
    """The newest backup whose list of files can be believed."""
    for folder in reversed(within(destination)):
        with suppress(Refused, OSError):
            manifest = read(folder)
            if manifest.genuine(secret) and manifest.files.objects == listed(folder):
                return folder
    return None


def listed(folder: Path) -> Content:
    """What the list of files of a backup is. Raises `Unfit`, `FileNotFoundError`."""
    with plain_files.reading(folder / backup_files.LIST, follow=False) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Content(bytes=file.tell(), sha256=sha256)


def _take(
    url: str, copy: Path, progress: Progress
) -> tuple[str, dict[str, int], list[str], Iterable[backup_files.Row]]:
    """→ kind, rows by table, migrations, files"""
    if not url.startswith("sqlite:"):
        try:
            return ("postgresql", *dump.take(url, copy))
        except dump.Undumpable as error:
            raise Refused(str(error)) from None
    source = file_of(url)
    if not source.is_file():
        raise Refused(f"There is no database at {source}.")
    snapshot.take(source, copy, progress)
    return "sqlite", snapshot.counts(copy), snapshot.migrations(copy), snapshot.files(copy)


@contextmanager
def _alone(destination: Path) -> Iterator[None]:
    """One backup at a time; so what an earlier one left half done is nobody's. `prune` says what of it stays."""
    destination.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = plain_files.opened(destination / ".lock", os.O_CREAT | os.O_RDWR, follow=False)
    with os.fdopen(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"Another backup into {destination} is being made.") from None
        for left in _halves(destination):
            with suppress(OSError):
                _delete(left)
        yield


def _halves(destination: Path) -> list[Path]:
    return sorted(destination.glob(f".kp7-*{_PARTIAL}"))


def _delete(left: Path) -> None:
    """All of it that can be. Never what a link leads to. Raises `OSError` if something stays."""
    if left.is_symlink() or not left.is_dir():
        left.unlink()
        return
    shutil.rmtree(left, ignore_errors=True)  # one file that stays keeps no other
    if left.exists():
        shutil.rmtree(left)


def read(folder: Path) -> Manifest:
    """What it says of itself; who knows whether it is true. Raises `Refused` for what is no backup, or one of a newer
    KP7."""
    try:
        manifest = Manifest.model_validate_json(plain_files.read(folder / MANIFEST, _MANIFEST_MOST, follow=False))
    except FileNotFoundError:
        raise Refused(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except Unfit as unfit:
        raise Refused(str(unfit)) from None
    except ValidationError:
        raise Refused(f"{folder / MANIFEST} is damaged.") from None
    if manifest.format != FORMAT or set(manifest.migrations) - {f.name for f in files("storage.migrations").iterdir()}:
        raise Refused(f"{folder} was made by a newer KP7 ({manifest.version}): restore it with that one.")
    return manifest


def within(destination: Path) -> dict[Path, int]:
    """The backups in a folder, oldest first, and when they were made, by their names. Nothing else that lies there."""
    found = {}
    for folder in sorted(destination.iterdir()):
        if _NAME.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            with suppress(ValueError):  # no day of any calendar
                made = datetime.strptime(f"{folder.name}+0000", "kp7-%Y%m%dT%H%M%S%fZ%z")
                found[folder] = int(made.timestamp() * 1000)
    return found


def prune(destination: Path, now: int, days: int | None) -> Pruned:
    """Delete the backups that are older, and what earlier runs could not delete; None: only that.

    A database that is not backed up any more keeps its last one. Raises `Refused` while another backup is being made.
    """
    pruned = Pruned()
    with _alone(destination):
        for half in _halves(destination):
            _try(half, half, pruned)
        older = list(within(destination).items())[:-1]
        for folder in [folder for folder, at in older if days is not None and at < now - days * DAY]:
            half = folder.with_name(f".{folder.name}{_PARTIAL}")  # a crash in the midst leaves no half backup
            _try(folder, half, pruned)
    return pruned


def _try(folder: Path, half: Path, pruned: Pruned) -> None:
    """`half`: its name once it is no backup any more."""
    try:
        folder.rename(half)
        _delete(half)
    except OSError as error:
        pruned.left[half if os.path.lexists(half) else folder] = error.strerror or type(error).__name__
    else:
        pruned.gone.append(folder)


def erased(folder: Path) -> bytes:
    """The ledger in a backup. Raises `Unfit`, `FileNotFoundError`."""
    return plain_files.read(folder / ERASED, erasures.MOST, follow=False)


def copy(source: Path, target: Path, progress: Progress, size: int) -> Content:
    """For its owner only, and on the disk when this returns. → what was copied, read once

    `size`: bytes there should be; of a file that has more, one more is copied, so that it is not the same.
    """
    done, hashed = 0, hashlib.sha256()
    with (
        plain_files.reading(source, follow=False) as given,
        os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as to,
    ):
        while chunk := given.read(min(_CHUNK, size + 1 - done)):
            to.write(chunk)
            hashed.update(chunk)
            done += len(chunk)
            progress(done, size)
        to.flush()
        os.fsync(to.fileno())
    return Content(bytes=done, sha256=hashed.hexdigest())


def content_of(data: bytes) -> Content:
    return Content(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


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
