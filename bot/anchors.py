"""Telling the audit log's head to somebody off this machine (`AUDIT_ANCHOR`): a file on a share, a mailbox.

Whoever owns this machine can make a log that fits; they cannot unsay what has been told. Told again is harmless, so it
is told first and noted then.

Notes lie in the database (`audit_anchors`), where somebody may write what is not so. So a file is told by what stands
in it; a mailbox, which nobody here can read, by what this process remembers, too. And a file without the line that it
was told, by the notes, was put aside: that is said until an operator begins another one (`kp7 audit anchor`), though
the file is told meanwhile.
"""

import asyncio
import os
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.mail import Mailer
from bot.outbox import Entry, Undelivered
from bot.schedule import Undone
from bot.settings import Settings
from bot.times import HOUR, MINUTE
from storage import audit, plain_files
from storage.audit import Head
from storage.database import Database, Row, Tx
from storage.plain_files import Unfit
from storage.vault import Tampered, Vault

EVERY = 4 * MINUTE  # with a schedule that comes by three times a minute: no line is older than five when it is told
NOTED = HOUR  # so long a note is believed that a mailbox was told by another process
_ENDING = 64 << 10  # bytes at the end of a file that are looked at: some 700 lines


@dataclass(frozen=True)
class Aside:
    """A file that lacks line `seq`, which it was told."""

    destination: str
    seq: int
    says: str


class Anchors:
    def __init__(
        self, database: Database, vault: Vault, mailer: Mailer, settings: Settings, clock: Callable[[], int]
    ) -> None:
        self._database, self._vault, self._mailer, self._clock = database, vault, mailer, clock
        self._wanted = destinations(settings)
        self._mailed: dict[str, tuple[int, int]] = {}  # address → line that this process told it, and when

    async def keep_up(self) -> None:
        """Raises `Undone`, until everybody has been told."""
        if reasons := await self.due():
            raise Undone("; ".join(reasons))

    async def due(self) -> list[str]:
        """Tell whoever has not been told for a while, if there is news. → what is wrong, if anything"""
        if not self._wanted:
            return []
        async with self._database.read() as tx:
            try:
                head = await audit.head(tx)
            except Tampered:
                return ["the end of the log was tampered with: `kp7 audit verify`"]
            notes = await _notes(tx, self._vault, self._wanted)
        if head is None:
            return []
        now = self._clock()
        lack = await asyncio.to_thread(_lacking, notes)
        late = [wanted for wanted in self._wanted if await self._late(wanted, head, notes.get(wanted), now)]
        unnoted = {aside.destination for aside in lack}
        return [aside.says for aside in lack] + await self.tell(head, late, unnoted)

    async def _late(self, wanted: str, head: Head, note: Row | None, now: int) -> bool:
        if not _is_address(wanted):
            with suppress(Unfit):  # one that can only be written, at best
                last = await asyncio.to_thread(_last, Path(wanted))
                return last is None or (last[0] != head and abs(now - last[1]) >= EVERY)
        seq, at = self._mailed.setdefault(wanted, (0, now))
        noted = note is not None and (note["seq"] == head.seq or abs(now - _number(note["at"])) < EVERY)
        return not noted or (seq != head.seq and abs(now - at) >= NOTED)

    async def tell(self, head: Head, destinations: list[str] | None = None, unnoted: Container[str] = ()) -> list[str]:
        """→ why it failed, a sentence for each that could not be told. `unnoted`: those whose note stays as it is."""
        failed = []
        for wanted in self._wanted if destinations is None else destinations:
            now = self._clock()
            line = audit.anchor_line(head, now)
            try:
                if _is_address(wanted):
                    await self._mail(wanted, line, now)
                else:
                    await asyncio.to_thread(_write, Path(wanted), line)
            except Undelivered as error:
                failed.append(error.reason)
                continue
            except OSError as error:
                failed.append(str(error) if isinstance(error, Unfit) else f"{wanted}: {error.strerror}")
                continue
            self._mailed[wanted] = head.seq, now
            if wanted in unnoted:
                continue
            async with self._database.write() as tx:
                await tx.run(
                    "INSERT INTO audit_anchors (destination, seq, at) VALUES (:name, :seq, :now) "
                    "ON CONFLICT (destination) DO UPDATE SET seq = excluded.seq, at = excluded.at",
                    {"name": _name(self._vault, wanted), "seq": head.seq, "now": now},
                )
        return failed

    async def _mail(self, address: str, line: str, now: int) -> None:
        """At once, not through the outbox: this is tried again by itself, and only the newest head is worth telling."""
        key, _ = self._vault.new_key()
        content = {"to": address, "language": "th", "text": "mail.anchor", "params": {"line": line}}
        await self._mailer.deliver(Entry.make("mail", "anchor", content, key, now=now))


def destinations(settings: Settings) -> list[str]:
    return [wanted for part in settings.audit_anchor.split(",") if (wanted := part.strip())]


def files(settings: Settings) -> list[Path]:
    """Those that can be read from here."""
    paths = [wanted for wanted in destinations(settings) if not _is_address(wanted)]
    return [Path(wanted) for wanted in paths if os.path.isfile(wanted)]  # not `Path.is_file`: a closed folder is none


async def lacking(tx: Tx, vault: Vault, settings: Settings) -> list[Aside]:
    """The files that were put aside, emptied or cut, by the notes."""
    return await asyncio.to_thread(_lacking, await _notes(tx, vault, destinations(settings)))


async def _notes(tx: Tx, vault: Vault, wanted: Sequence[str]) -> dict[str, Row]:
    """Destination → seq and at, of those that were told something, by the database."""
    rows = {row["destination"]: row for row in await tx.all("SELECT destination, seq, at FROM audit_anchors")}
    return {one: rows[name] for one in wanted if (name := _name(vault, one)) in rows}


def _lacking(notes: Mapping[str, Row]) -> list[Aside]:
    found = []
    for wanted, seq in ((wanted, note["seq"]) for wanted, note in notes.items() if not _is_address(wanted)):
        try:
            if any(head.seq == seq for head, _ in _told(Path(wanted))):
                continue
            says = f"{wanted} lacks line {seq}, which it was told"
        except FileNotFoundError:
            says = f"{wanted} is gone, and was told line {seq}"
        except Unfit as unfit:
            says = f"{str(unfit).rstrip('.')}, and was told line {seq}"
        found.append(Aside(wanted, _number(seq), says))
    return found


def _told(path: Path) -> list[tuple[Head, int]]:
    """What stands at its end: each head, and when it was told. Raises `Unfit`, `FileNotFoundError`."""
    found = []
    for line in plain_files.ending(path, _ENDING).decode("utf-8", "replace").splitlines():
        with suppress(ValueError, OverflowError):  # cut in half, or not ours
            at = datetime.fromisoformat(line.split(" ", 1)[0])
            found.append((audit.read_anchor(line), int(at.timestamp() * 1000)))
    return found


def _last(path: Path) -> tuple[Head, int] | None:
    """None: nothing stands there. Raises `Unfit`."""
    try:
        return next(reversed(_told(path)), None)
    except FileNotFoundError:
        return None


def _name(vault: Vault, destination: str) -> str:
    return vault.index("anchor", destination)


def _number(value: object) -> int:
    """SQLite lets whoever edits the file put words for numbers."""
    return value if isinstance(value, int) else 0


def _is_address(destination: str) -> bool:
    return "@" in destination and "/" not in destination


def _write(path: Path, line: str) -> None:
    with os.fdopen(plain_files.opened(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND), "w") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())
