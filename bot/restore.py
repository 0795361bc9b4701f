"""A backup back into place. Whoever was erased since stays erased. In this order:

1. the copy is made beside the database and looked at, but not written to nor asked to run anything: has it the sha256
   that the manifest says, only what our migrations make, keys that `MASTER_KEY` opens; and is the manifest under one of
   these? Whoever made it knows `MASTER_KEY`, then;
2. it is brought up to date, and whom a ledger names is erased in it: this machine's, the backup's own, and those of
   newer backups beside it;
3. the files that it speaks of are looked at, in the backup and where files lie (`bot/backup_files.py`);
4. what those ledgers know is written into this machine's, and files that are not where they should be are put there;
5. what was there is moved aside, the copy takes its place.

Until 4 nothing has changed, and what 4 changes harms nobody; a crash within 5 leaves both under their names, and
restoring again is safe.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot import backup, backup_files, erase
from bot.backup import Manifest, Progress, Refused
from storage import keys, snapshot
from storage.database import Database
from storage.erasures import MEND, NEVER, Broken, Erasure, Erasures, Ledger, lacking, move_end, sync, together
from storage.holdings import Holds
from storage.objects import Objects, Unstored
from storage.opening import opened
from storage.plain_files import Unfit
from storage.vault import Vault

FOREVER, AT_NO_TIME = 2**62, 0


@dataclass(frozen=True)
class Office:
    """Whose backup it is. `master`, `old`: as in `Vault`. `objects`: where its files lie. `wired`: what the vault is
    needed for."""

    master: bytes
    old: bytes
    objects: Objects
    wired: Callable[[Vault], tuple[Sequence[Holds], Ledger]]


@dataclass(frozen=True)
class Restored:
    """`erased`: how many data keys were destroyed again. `aside`: where what was there before lies now. `files`: how
    many were put back; `lost`: those that something refers to, and nobody has."""

    manifest: Manifest
    migrated: list[str]
    erased: int
    aside: Path | None
    files: int
    lost: Sequence[str]


async def restore(
    source: Path,
    target: Path,
    office: Office,
    now: int,
    progress: Progress,
    *,
    force: bool = False,
    erased: Path | None = None,
    without_ledger: bool = False,
    without_files: bool = False,
) -> Restored:
    """`source`: a backup, or a folder of backups, whose newest is meant. `target`: the database file; no KP7 may be
    running on it. `erased`: a copy of this office's ledger, where this machine has none. `without_files`: files that
    the backup should have, and has not or not whole, keep nothing from being restored.

    Raises `Refused`; then nothing has changed.
    """
    fresh, fresh_list = (target.with_name(f"{target.name}.{name}") for name in ("restoring", "restoring-list"))
    try:
        source, manifest = await asyncio.to_thread(_take_out, source, target, fresh, fresh_list, progress, force=force)
        await asyncio.to_thread(_trust, source, manifest, fresh, office)
        database = await Database.open(f"sqlite:///{fresh}")
        try:
            migrated = await database.migrate()
            vault = await opened(database, office.master, office.old)
            holds, ledger = office.wired(vault)
            end = await asyncio.to_thread(snapshot.ledger_end, target)
            known = await asyncio.to_thread(_known, source, manifest.at, ledger, erased, end, backup.secret_of(vault))
            complete = _complete(manifest.at, known)
            if not complete and not without_ledger:
                raise Refused(_NO_LEDGER.format(at=_when(manifest.at), path=ledger.path))
            erasures = together(one for one, _ in known)
            gone = await erase.again(database, vault, holds, [key for one in erasures for key in one.keys], now)
            files = fresh_list if manifest.files.objects else None
            found = await backup_files.look(database, files, source, office.objects, progress)
            if found.damaged and not without_files:
                raise Refused(_NO_FILES.format(n=len(found.damaged), source=source, first=found.damaged[0]))
            since = _since(manifest.at, known) if complete else now
            end = await asyncio.to_thread(_write_down, ledger, erasures, since)
            async with database.write() as tx:
                await move_end(tx, end)
            put = await backup_files.put_back(database, files, source, office.objects, progress)
        except Unstored as away:
            raise Refused(f"The files cannot be put back: {away}.") from None
        except backup_files.Unlisted:
            raise Refused(f"{source / backup_files.LIST} is damaged.") from None
        except keys.WrongKey as wrong:
            raise Refused(str(wrong)) from None
        except Broken as broken:
            raise Refused(str(broken)) from None
        finally:
            await database.close()
        aside = await asyncio.to_thread(_put_in_place, fresh, target, now)
    finally:
        _remove(fresh)
        fresh_list.unlink(missing_ok=True)
    return Restored(manifest, migrated, gone, aside, put, found.lost)


def _take_out(
    source: Path, target: Path, fresh: Path, fresh_list: Path, progress: Progress, *, force: bool
) -> tuple[Path, Manifest]:
    """A copy beside the database, and one of the list of files. → which backup it is, and what that says of itself"""
    if not (source / backup.MANIFEST).exists():
        source = next(reversed(backup.within(source)), source)
    manifest = backup.read(source)
    if manifest.kind != "sqlite":
        raise Refused(f"{source} is a backup of another kind of database ({manifest.kind}).")
    if target.exists() and target.stat().st_size and not force:
        raise Refused(f"{target} is there already. --force moves it aside and keeps it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove(fresh)
    files, copied = manifest.files, source / backup.DATABASE
    for path, found, told in (
        (copied, backup.copy(copied, fresh, progress, files.database.bytes), files.database),
        (source / backup.ERASED, backup.content_of(backup.erased(source)), files.erased),
    ):
        if found != told:
            raise Refused(f"{path} is not what was backed up: its sha256 differs.")
    fresh_list.unlink(missing_ok=True)
    if files.objects:
        path = source / backup_files.LIST
        if backup.copy(path, fresh_list, progress, files.objects.bytes) != files.objects:
            raise Refused(f"{path} is not what was backed up: its sha256 differs.")
    return source, manifest


def _trust(source: Path, manifest: Manifest, fresh: Path, office: Office) -> None:
    path = source / backup.DATABASE
    try:
        with closing(snapshot.look(fresh)) as copy:
            strange = snapshot.strange(copy, manifest.migrations)
        if strange:
            raise Refused(f"{path} is not as KP7 makes it: {strange[0]}. Nothing of it was run; look who put it there.")
        vault = keys.from_secrets(snapshot.secrets(fresh), office.master, office.old)
        if not manifest.genuine(backup.secret_of(vault)):
            raise Refused(f"{source / backup.MANIFEST} is not genuine: somebody without MASTER_KEY wrote or edited it.")
        faults = snapshot.faults(fresh)
    except keys.WrongKey as wrong:
        raise Refused(str(wrong)) from None
    except sqlite3.DatabaseError as error:
        faults = [str(error)]
    if faults:
        raise Refused(f"{path} is damaged: {faults[0]}")


# --- who was erased ---------------------------------------------------------------------------------------------------

Known = tuple[Erasures, int]  # and until when it knows of every erasure


def _known(source: Path, at: int, ledger: Ledger, erased: Path | None, end: str, secret: bytes) -> list[Known]:
    """`at`: when the backup was made. `end`: of this machine's ledger, by the database that is to be replaced."""
    backups = [source, *(path for path, made in backup.within(source.parent).items() if made > at)]
    found = [_backed_up(path, ledger, secret) for path in backups]
    others = [erasures for erasures, _ in found]
    mine: Erasures | None = None
    for one in (ledger, *([ledger.at(erased)] if erased else [])):
        try:
            erasures = one.read()
        except Unfit as unfit:
            raise Refused(f"{unfit} {MEND}") from None
        if not erasures:
            continue
        if mine and not erasures.broken and not {*mine.macs} & {*erasures.macs}:
            # of another chain than the one that goes on here: it knows up to its last line
            found.append((erasures, max((erasure.at for erasure in erasures.all), default=AT_NO_TIME)))
            continue
        mine = erasures
        if fault := one.fault(end):
            raise Refused(f"{fault} {MEND}")
        if lacking(erasures, others):
            raise Refused(f"Lines of {one.path} are missing: a backup knows of an erasure that it lacks. {MEND}")
        found.append((erasures, FOREVER))
    return found


def _backed_up(folder: Path, ledger: Ledger, secret: bytes) -> Known:
    """A line is genuine or not, wherever it lies; that none is missing is believed where the manifest says so."""
    erasures, until = Erasures(NEVER), AT_NO_TIME
    with suppress(Refused, OSError):
        data = backup.erased(folder)
        erasures = ledger.parse(data)
        manifest = backup.read(folder)
        told = manifest.genuine(secret) and backup.content_of(data) == manifest.files.erased
        if told and erasures.whole(manifest.ledger_end):
            until = manifest.at
    return erasures, until


def _write_down(ledger: Ledger, erasures: Sequence[Erasure], complete_since: int) -> str:
    """Into this machine's ledger, so that it need not be asked for again. → mac of its last line"""
    mine = ledger.read() or Erasures(NEVER)
    new = [erasure for erasure in erasures if erasure not in mine.all]
    return ledger.add(new, since=None if mine.since <= complete_since else complete_since)


def _complete(at: int, known: Iterable[Known]) -> bool:
    """Do these ledgers, one taking over from the other, know of every erasure since the backup was made?"""
    for erasures, until in sorted(known, key=lambda item: item[1]):
        if erasures.since <= at:
            at = max(at, until)
    return at == FOREVER


def _since(at: int, known: Iterable[Known]) -> int:
    """From when on these ledgers together know of every erasure, given that they do from `at` on."""
    for erasures, until in sorted(known, key=lambda item: item[1], reverse=True):
        if until >= at:
            at = min(at, erasures.since)
    return at


_NO_LEDGER = (
    "Nobody here knows who was erased after this backup was made ({at}): {path} is missing, or was begun later. "
    "If you have a copy of that file, give it: --erased FILE. If nobody was erased since, or you will erase them again "
    "by hand: --without-ledger."
)

_NO_FILES = (
    "{n} files that {source} should have are damaged or gone, and do not lie at FILES_URL either (the first: {first}). "
    "Look for a sound copy of that folder, or restore another backup. If there is none: --without-files restores all "
    "the rest."
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
