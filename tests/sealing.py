"""What a test writes into the database by itself, as if KP7 had written it."""

from storage.database import Tx
from storage.seals import Seal
from storage.vault import Vault


async def sealed(tx: Tx, vault: Vault, seal: Seal, id: str) -> None:
    """This row, as it stands now."""
    row = await tx.one(seal.where(f"t.{seal.id} = :id"), {"id": id})
    assert row
    row = {**row, "mac": seal.made(vault, row)}
    await tx.run(f"UPDATE {seal.table} SET mac = :mac WHERE {seal.id} = :id", {"id": id, "mac": row["mac"]})
