"""Telling the audit log's head to somebody off this machine (`AUDIT_ANCHOR`): a file on a share, a mailbox.

Whoever owns this machine can make a log that fits; they cannot unsay what has been told. Told again is harmless, so it
is told first and noted then.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import structlog

from bot.mail import Mailer
from bot.outbox import Entry, Undelivered
from bot.settings import Settings
from bot.times import MINUTE
from storage import audit
from storage.audit import Head
from storage.database import Database
from storage.vault import Vault

log = structlog.get_logger()

EVERY = 4 * MINUTE  # with a schedule that comes by three times a minute: no line is older than five when it is told


class Anchors:
    def __init__(
        self, database: Database, vault: Vault, mailer: Mailer, settings: Settings, clock: Callable[[], int]
    ) -> None:
        self._database, self._vault, self._mailer, self._clock = database, vault, mailer, clock
        self._wanted = destinations(settings)

    async def keep_up(self) -> None:
        for reason in await self.due():
            log.error("audit_not_anchored", reason=reason)

    async def due(self) -> list[str]:
        """Tell whoever has not been told for a while, if there is news. → why it failed, if it did"""
        if not self._wanted:
            return []
        async with self._database.read() as tx:
            head = await audit.head(tx)
            told = {row["destination"]: row for row in await tx.all("SELECT destination, seq, at FROM audit_anchors")}
        if head is None:
            return []
        now = self._clock()
        late = []
        for wanted in self._wanted:
            row = told.get(self._name(wanted))
            if row is None or (row["seq"] != head.seq and abs(now - row["at"]) >= EVERY):
                late.append(wanted)
        return await self.tell(head, late)

    async def tell(self, head: Head, destinations: list[str] | None = None) -> list[str]:
        """→ why it failed, a sentence for each that could not be told"""
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
                failed.append(f"{wanted}: {error.strerror}")
                continue
            async with self._database.write() as tx:
                await tx.run(
                    "INSERT INTO audit_anchors (destination, seq, at) VALUES (:name, :seq, :now) "
                    "ON CONFLICT (destination) DO UPDATE SET seq = excluded.seq, at = excluded.at",
                    {"name": self._name(wanted), "seq": head.seq, "now": now},
                )
        return failed

    async def _mail(self, address: str, line: str, now: int) -> None:
        """At once, not through the outbox: this is tried again by itself, and only the newest head is worth telling."""
        key, _ = self._vault.new_key()
        content = {"to": address, "language": "th", "text": "mail.anchor", "params": {"line": line}}
        await self._mailer.deliver(Entry.make("mail", "anchor", content, key, now=now))

    def _name(self, destination: str) -> str:
        return self._vault.index("anchor", destination)


def destinations(settings: Settings) -> list[str]:
    return [wanted for part in settings.audit_anchor.split(",") if (wanted := part.strip())]


def files(settings: Settings) -> list[Path]:
    """Those that can be read from here."""
    return [path for wanted in destinations(settings) if not _is_address(wanted) and (path := Path(wanted)).is_file()]


def _is_address(destination: str) -> bool:
    return "@" in destination and "/" not in destination


def _write(path: Path, line: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "w") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())
