"""Whose papers are meant, and who may change them just now."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from storage import files
from storage.database import Row, Tx
from storage.vault import Key, Tampered, Vault

log = structlog.get_logger()


@dataclass(frozen=True)
class Owner:
    """Whose papers, in which campaign. `key`: the person's."""

    person: str
    campaign: str
    key: Key = field(repr=False)

    @property
    def row(self) -> dict[str, str]:
        return {"person": self.person, "campaign": self.campaign}


async def alone(tx: Tx, owner: Owner) -> bool:
    """Until the end of the transaction nobody else changes these papers. False: nobody asks for them any more."""
    asked = "SELECT 1 FROM listed WHERE campaign_id = :campaign AND person_id = :person FOR UPDATE"
    return await tx.one(asked, owner.row) is not None


async def hold(tx: Tx, owner: Owner, ids: Sequence[str | None]) -> None:
    for id in ids:
        if id and not await files.hold(tx, id, owner.person):
            raise RuntimeError("a file that was put just now has gone")


@contextmanager
def readable(table: str, id: str) -> Iterator[None]:
    """A row that does not open counts for none, so that the others still do. `id`: what the log names it by."""
    try:
        yield
    except Tampered:
        log.error("paper_unreadable", table=table, row=id)


def owners_key(vault: Vault, row: Row, table: str) -> Key:
    """The key of a row that was joined with `keys` and, as `whose`, with the key of whoever it says it belongs to: one
    that opens, but with somebody else's key, was moved here. Raises `Tampered`."""
    if row["key_id"] != row["whose"]:
        raise Tampered(table)
    return vault.unwrap(row["key_id"], row["wrapped"])


def ids_in(rows: Sequence[Row]) -> list[str]:
    return [id for row in rows for id in row.values() if id]
