"""A backup back into place. Whoever was erased since stays erased. In this order:

1. the copy is made beside the database, checked (sha256, SQLite's own check, `MASTER_KEY`) and brought up to date;
2. whom a ledger names is erased in it: this machine's, the backup's own, and those of newer backups beside it;
3. what those ledgers know is written into this machine's;
4. what was there is moved aside, the copy takes its place.

Until 4 nothing has changed; a crash within it leaves both under their names, and restoring again is safe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot import backup, erase
from bot.backup import Manifest, Progress, Refused
from storage import keys, snapshot
from storage.database import Database
from storage.erasures import NEVER, Erasure, Erasures, Ledger, sync, together
from storage.holdings import Holds
from storage.vault import Vault

FOREVER = 2**62
Unlocked = tuple[Vault, Sequence[Holds], Ledger]


@dataclass(frozen=True)
class Restored:
    """`erased`: how many data keys were destroyed again. `aside`: where what was there before lies now."""

    manifest: Manifest
    migrated: list[str]
    erased: int
    aside: Path | None


async def restore(
    source: Path,
    target: Path,
    unlock: Callable[[Database], Awaitable[Unlocked]],
    now: int,
    progress: Progress,
    *,
    force: bool = False,
    erased: Path | None = None,
    without_ledger: bool = False,
) -> Restored:
    """`source`: a backup, or a folder of backups, whose newest is meant. `target`: the database file; no KP7 may be
    running on it. `unlock`: what opens the copy; may raise `keys.WrongKey`. `erased`: a copy of this office's ledger,
    where this machine has none.

    Raises `Refused`; then nothing has changed.
    """
    fresh = target.with_name(f"{target.name}.restoring")
    try:
        source, manifest = await asyncio.to_thread(_take_out, source, target, fresh, progress, force=force)
        database = await Database.open(f"sqlite:///{fresh}")
        try:
            migrated = await database.migrate()
            try:
                vault, holds, ledger = await unlock(database)
            except keys.WrongKey as wrong:
                raise Refused(str(wrong)) from None
            known = await asyncio.to_thread(_known, source, manifest, ledger, erased)
            complete = _complete(manifest.at, known)
            if not complete and not without_ledger:
                raise Refused(_NO_LEDGER.format(at=_when(manifest.at), path=ledger.path))
            erasures = together(one for one, _ in known)
            gone = await erase.again(database, vault, holds, [key for erasure in erasures for key in erasure.keys])
        finally:
            await database.close()
        await asyncio.to_thread(_write_down, ledger, erasures, manifest.at if complete else now)
        aside = await asyncio.to_thread(_put_in_place, fresh, target, now)
    finally:
        _remove(fresh)
    return Restored(manifest, migrated, gone, aside)


def _take_out(source: Path, target: Path, fresh: Path, progress: Progress, *, force: bool) -> tuple[Path, Manifest]:
    """A sound copy beside the database. → which backup it is, and what that says of itself"""
    if not (source / backup.MANIFEST).exists():
        source = next(reversed(backup.within(source)), source)
    manifest = backup.read(source)
    if manifest.kind != "sqlite":
        raise Refused(f"{source} is a backup of another kind of database ({manifest.kind}).")
    if target.exists() and target.stat().st_size and not force:
        raise Refused(f"{target} is there already. --force moves it aside and keeps it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove(fresh)
    given = {
        backup.DATABASE: backup.copy(source / backup.DATABASE, fresh, progress),
        backup.ERASED: backup.content(source / backup.ERASED),
    }
    if wrong := [name for name, content in given.items() if content != manifest.files[name]]:
        raise Refused(f"{source / wrong[0]} is not what was backed up: its sha256 differs.")
    if faults := snapshot.faults(fresh):
        raise Refused(f"{source / backup.DATABASE} is damaged: {faults[0]}")
    return source, manifest


# --- who was erased ---------------------------------------------------------------------------------------------------

Known = tuple[Erasures, int]  # and until when it knows of every erasure


def _known(source: Path, manifest: Manifest, ledger: Ledger, erased: Path | None) -> list[Known]:
    paths = [(source / backup.ERASED, manifest.at)]
    paths += [(path / backup.ERASED, at) for path, at in backup.within(source.parent).items() if at > manifest.at]
    paths += [(path, FOREVER) for path in (ledger.path, erased) if path]
    found = []
    for path, until in paths:
        if erasures := ledger.at(path).read():
            if erasures.damaged:
                raise Refused(f"Line {erasures.damaged[0]} of {path} is not genuine. Put a sound copy in its place.")
            found.append((erasures, until))
    return found


def _write_down(ledger: Ledger, erasures: Sequence[Erasure], complete_since: int) -> None:
    """Into this machine's ledger, so that it need not be asked for again."""
    mine = ledger.read() or Erasures(NEVER)
    new = [erasure for erasure in erasures if erasure not in mine.all]
    ledger.add(new, since=None if mine.since <= complete_since else complete_since)


def _complete(at: int, known: Iterable[Known]) -> bool:
    """Do these ledgers, one taking over from the other, know of every erasure since the backup was made?"""
    for erasures, until in sorted(known, key=lambda item: item[1]):
        if erasures.since <= at:
            at = max(at, until)
    return at == FOREVER


_NO_LEDGER = (
    "Nobody here knows who was erased after this backup was made ({at}): {path} is missing, or was begun later. "
    "If you have a copy of that file, give it: --erased FILE. If nobody was erased since, or you will erase them again "
    "by hand: --without-ledger."
)


# --- files ------------------------------------------------------------------------------------------------------------


def _put_in_place(fresh: Path, target: Path, now: int) -> Path | None:
    """→ where what was there before lies now, with what its log still holds, so that it can be opened there"""
    aside = target.with_name(f"{target.name}.replaced-{datetime.fromtimestamp(now / 1000, UTC):%Y%m%dT%H%M%SZ}")
    replaced = target.exists()
    for suffix in ("-wal", "-shm", ""):
        part = target.with_name(f"{target.name}{suffix}")
        if part.exists():
            part.rename(aside.with_name(f"{aside.name}{suffix}"))
    fresh.rename(target)
    sync(target.parent)
    return aside if replaced else None


def _remove(fresh: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        fresh.with_name(f"{fresh.name}{suffix}").unlink(missing_ok=True)


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().isoformat(" ", "seconds")
