"""The table `keys`: data keys, wrapped."""

from contextlib import suppress

from storage.database import Tx
from storage.vault import Key, Tampered, Vault


async def by_id(tx: Tx, vault: Vault, id: str) -> Key | None:
    """None: whoever it belonged to has been erased."""
    row = await tx.one("SELECT wrapped FROM keys WHERE id = :id", {"id": id})
    return vault.unwrap(id, row["wrapped"]) if row else None


async def fits(tx: Tx, vault: Vault) -> bool:
    """Is this the master key that the database was sealed with? (One damaged row alone does not say no.)"""
    rows = await tx.all("SELECT id, wrapped FROM keys LIMIT 3")
    for row in rows:
        with suppress(Tampered):
            vault.unwrap(row["id"], row["wrapped"])
            return True
    return not rows


WRONG = "MASTER_KEY is not the one that this database was sealed with; nothing in it could be read. Put that one back."
