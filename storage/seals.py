"""Rows on which it hangs who may see, decide or become whom: each bears an HMAC, and one that KP7 did not write counts
as not there.

Whoever writes such a row puts `Seal.made` into its column `mac`; whoever lets something depend on it asks `genuine`
first, and reads nothing of the row otherwise. The keys come from the root: they outlive `kp7 keys rotate`.

Databases from before there were seals are sealed as they stand, once: `audit.renew_head` tells, which nobody without
the key makes say so again.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from storage.database import Row, Tx
from storage.macs import fits, mac
from storage.vault import Vault

log = structlog.get_logger()

PAGE = 1_000


@dataclass(frozen=True)
class Seal:
    """`id`: the column of the primary key. `bound`: columns that the HMAC covers; `chat`: and these of the account
    `account_id`."""

    table: str
    id: str
    bound: tuple[str, ...]
    chat: tuple[str, ...] = ()

    def made(self, vault: Vault, row: Mapping[str, Any]) -> str:
        """For the column `mac`."""
        return mac(self._key(vault), *self._parts(row))

    def fits(self, vault: Vault, row: Mapping[str, Any]) -> bool:
        return fits(row["mac"], self._key(vault), *self._parts(row))

    def genuine(self, vault: Vault, row: Mapping[str, Any]) -> bool:
        """Did KP7 write it? What it did not is logged."""
        if self.fits(vault, row):
            return True
        log.error("row_forged", table=self.table, row=str(row[self.id]))
        return False

    def where(self, which: str) -> str:
        """A query for what `made` and `fits` need. `which`: of its rows, the table's name is `t`."""
        columns = ", ".join([f"t.{name}" for name in (*self.bound, "mac")] + [f"a.{name}" for name in self.chat])
        joined = " JOIN accounts a ON a.id = t.account_id" if self.chat else ""
        return f"SELECT {columns} FROM {self.table} t{joined} WHERE {which}"  # noqa: S608  names are ours

    def _key(self, vault: Vault) -> bytes:
        return vault.secret(f"seal:{self.table}")

    def _parts(self, row: Mapping[str, Any]) -> list[Any]:
        return [row[name] for name in (*self.bound, *self.chat)]


ORGANISATIONS = Seal("organisations", "code", ("code", "parent_code", "type", "name_th", "name_en"))
PEOPLE = Seal("people", "id", ("id", "id_index", "organisation_code", "status"))
CAMPAIGNS = Seal("campaigns", "id", ("id", "kind", "options"))
# And the chat behind the account: what HR confirms goes back to where it was asked, whatever happens to the account.
CHECKS = Seal(
    "identity_checks",
    "id",
    (
        "id", "reference", "account_id", "person_id", "id_index", "key_id", "claim", "why", "waits", "asked_at",
        "decided_at", "decided_by", "verdict",
    ),
    chat=("channel", "external_id"),
)  # fmt: skip
REQUESTS = Seal(
    "requests",
    "id",
    (
        "id", "kind", "account_id", "person_id", "key_id", "detail", "version", "asked_at", "decided_at", "verdict",
        "officer_id",
    ),
)  # fmt: skip
EVERY = (ORGANISATIONS, PEOPLE, CAMPAIGNS, CHECKS, REQUESTS)


async def ours(tx: Tx, vault: Vault, seal: Seal, ids: Iterable[str]) -> dict[str, Row]:
    """Those of these rows that KP7 wrote, by id, with what is sealed of them."""
    wanted = [{"id": id} for id in sorted(set(ids))]
    rows = await tx.each(seal.where(f"t.{seal.id} IN (SELECT value ->> 'id' FROM each(:batch))"), wanted)  # noqa: S608
    return {row[seal.id]: row for row in rows if seal.genuine(vault, row)}


async def forged(tx: Tx, vault: Vault) -> AsyncIterator[tuple[str, str]]:
    """Table and id of each row that KP7 did not write."""
    for seal in EVERY:
        async for rows in _pages(tx, seal):
            for row in rows:
                if not seal.fits(vault, row):
                    yield seal.table, str(row[seal.id])


async def seal_all(tx: Tx, vault: Vault) -> dict[str, int]:
    """Takes every row as it stands for one of ours. → table → how many"""
    counts = {}
    for seal in EVERY:
        counts[seal.table] = 0
        async for rows in _pages(tx, seal):
            sealed = [{"id": row[seal.id], "mac": seal.made(vault, row)} for row in rows if _sealable(seal, row)]
            await tx.each(
                f"UPDATE {seal.table} SET mac = b.value ->> 'mac' FROM each(:batch) b "  # noqa: S608  names are ours
                f"WHERE {seal.table}.{seal.id} = b.value ->> 'id'",
                sealed,
            )
            counts[seal.table] += len(sealed)
    return counts


def _sealable(seal: Seal, row: Row) -> bool:
    """SQLite lets whoever edits the file put bytes anywhere."""
    return all(isinstance(row[name], str | int | None) for name in (*seal.bound, *seal.chat))


async def _pages(tx: Tx, seal: Seal) -> AsyncIterator[list[Row]]:
    after = ""
    while True:
        rows = await tx.all(seal.where(f"t.{seal.id} > :after ORDER BY t.{seal.id} LIMIT {PAGE}"), {"after": after})
        yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1][seal.id]
