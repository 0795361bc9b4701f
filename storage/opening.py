"""What every program does with a database before anything else."""

from storage import audit, keys
from storage.database import Database
from storage.vault import Vault


async def opened(database: Database, master: bytes, old: bytes = b"") -> Vault:
    """Brought up to date, and the vault that fits it. Raises `keys.WrongKey`."""
    await database.migrate()
    async with database.write() as tx:
        new = not await keys.has_root(tx)
        vault = await keys.open_vault(tx, master, old)
        if new:  # only then: a log that has vanished must not look like one that was never begun
            await audit.begin(tx, vault)
    return vault
