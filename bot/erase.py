"""Showing a person what is kept about them, and erasing them.

Erasing: their rows go, and with their keys all that lies in backups. In this order, in one transaction:

1. find them, with all that hangs on their record, their chats, and on nobody's chats in which their ID was typed;
2. delete, also what was said in other people's chats in which it was typed; give each chat that can be reached a new
   row with a new key, for one last message; write down who did this;
3. write into the ledger which keys are destroyed (`storage/erasures.py`): from here on it will happen, crash or not;
4. write down where the ledger ends now; commit.

That row is a stranger's, who has never said anything: it goes when the message has gone out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from bot.notices import Notices
from bot.outbox import Entry, Outbox
from bot.times import HOUR
from bot.topic import Kept, Words
from storage import audit, erasures, holdings
from storage.chats import forget_talk
from storage.database import Database, Row, Tx, retried
from storage.erasures import Broken, Erasure, Ledger
from storage.holdings import Holds, Subject
from storage.ids import new_id
from storage.vault import Vault

FAREWELL = "erased"  # the purpose of that last message
FAREWELL_HOURS = 12
KEPT = Kept("outbox", "expires_at", 0, f"dead_at IS NOT NULL AND purpose = '{FAREWELL}'")


@dataclass(frozen=True)
class Done:
    """`chats`: how many were linked to this person; `told`: how many of them can still be reached."""

    on_roster: bool
    chats: int
    told: int


@retried
async def about(
    database: Database, vault: Vault, holds: Sequence[Holds], id_index: str, now: int, *, by: str
) -> dict[str, list[Row]]:
    """Table → all that is kept about this ID, in plain text. `by`: who looks, for the audit log."""
    async with database.write() as tx:
        subject = await holdings.find(tx, vault, id_index)
        found = await holdings.show(tx, vault, holds, subject)
        await audit.append(tx, vault, now, _lines(by, "person.shown", subject))
    return found


@retried
async def erase(
    database: Database,
    vault: Vault,
    holds: Sequence[Holds],
    ledger: Ledger,
    outbox: Outbox,
    notices: Notices,
    id_index: str,
    now: int,
    *,
    by: str,
) -> Done | None:
    """None: nothing is kept about this ID. `by`: who does it, for the audit log. Raises `erasures.Broken`."""
    async with database.write() as tx:
        linked = await holdings.hold(tx, vault, id_index)
        chats = await _reachable(tx, sorted(linked.accounts))
        subject = await holdings.with_strangers(tx, holds, linked)
        hosts = await holdings.hosts(tx, holds, subject)
        if not await holdings.anything(tx, holds, subject):
            return None
        await holdings.delete(tx, holds, subject, now)
        await forget_talk(tx, hosts)
        await outbox.insert(tx, await _farewells(tx, vault, notices, chats, now))
        await audit.append(tx, vault, now, _lines(by, audit.ERASED, subject, {"keys": sorted(subject.keys)}))
        if subject.keys:
            end = await erasures.hold_end(tx)
            erasure = Erasure(now, tuple(sorted(subject.keys)))
            await erasures.move_end(tx, await asyncio.to_thread(ledger.add, [erasure], end=end))
    return Done(bool(linked.people), len(linked.accounts), len(chats))


def _lines(
    by: str, action: str, subject: Subject, detail: Mapping[str, Any] = MappingProxyType({})
) -> list[audit.Line]:
    """One for each person; or one, where the ID is on no roster."""
    people: list[str | None] = [*sorted(subject.people)]
    return [audit.Line(by, action, person, dict(detail)) for person in people or [None]]


async def _reachable(tx: Tx, accounts: Sequence[str]) -> list[Row]:
    """A page in a browser that is logged out may be anybody's by now."""
    return await tx.each(
        "SELECT channel, external_id, language FROM accounts WHERE id IN (SELECT value ->> 'id' FROM each(:batch)) "
        "AND reachable = 1 AND (channel <> 'web' OR session IS NOT NULL)",
        [{"id": id} for id in accounts],
    )


async def _farewells(tx: Tx, vault: Vault, notices: Notices, chats: Sequence[Row], now: int) -> list[Entry]:
    made = [(new_id(), *vault.new_key(), chat) for chat in chats]
    await tx.many(
        "INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)",
        [{"id": key.id, "wrapped": wrapped} for _, key, wrapped, _ in made],
    )
    await tx.many(
        "INSERT INTO accounts (id, channel, external_id, key_id, language, created_at) "
        "VALUES (:id, :channel, :external_id, :key_id, :language, :now)",
        [{**chat, "id": id, "key_id": key.id, "now": now} for id, key, _, chat in made],
    )
    told = await notices.tell(tx, {id: Words("record_erased", fresh=True) for id, *_ in made}, now)
    return [replace(entry, purpose=FAREWELL, expires_at=now + FAREWELL_HOURS * HOUR) for entry in told]


async def take_up(database: Database, ledger: Ledger) -> str:
    """Begin the ledger of a database that never had one; else look whether all is there. → what is missing, if so"""
    async with database.write() as tx:
        end = await erasures.hold_end(tx)
        fault = await asyncio.to_thread(ledger.fault, end)
        if not fault:  # it may know more than the database, from before a crash
            try:
                await erasures.move_end(tx, await asyncio.to_thread(ledger.add, end=end))
            except Broken as broken:
                fault = str(broken)
    return fault


async def again(database: Database, vault: Vault, holds: Sequence[Holds], keys: Sequence[str], now: int) -> int:
    """Destroy what these keys belong to, where an older backup, or a crash after step 2, has left it. → how many"""
    async with database.read() as tx:
        rows = await tx.each(
            "SELECT id FROM keys WHERE id IN (SELECT value ->> 'id' FROM each(:batch))", [{"id": key} for key in keys]
        )
    for row in rows:
        async with database.write() as tx:
            await holdings.delete(tx, holds, await holdings.behind(tx, vault, row["id"]), now)
    return len(rows)
