"""What every program does with a database before anything else."""

import time

from storage import audit, keys, seals
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
        elif await audit.renew_head(tx, vault):
            sealed = await seals.seal_all(tx, vault)
            line = audit.Line("kp7:opening", "rows.sealed", None, sealed)
            await audit.append(tx, vault, int(time.time() * 1000), [line])
    return vault
