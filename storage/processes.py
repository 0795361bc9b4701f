"""The table `processes`: who runs on this database just now, and which master keys it knows.

By the wall clock of each machine, which need to agree to within half a minute.
"""

import time

from storage.database import Tx
from storage.vault import Vault

BEAT_SECONDS = 20
GONE_SECONDS = 60  # somebody who was not seen for so long was killed


async def beat(tx: Tx, id: str, vault: Vault) -> None:
    await tx.run(
        "INSERT INTO processes (id, reads, seen_at) VALUES (:id, :reads, :now) "
        "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        {"id": id, "reads": " ".join(vault.fingerprints), "now": _now()},
    )
    await tx.run("DELETE FROM processes WHERE seen_at < :gone", {"gone": _now() - GONE_SECONDS * 1000})


async def leave(tx: Tx, id: str) -> None:
    await tx.run("DELETE FROM processes WHERE id = :id", {"id": id})


async def keys_in_use(tx: Tx) -> list[list[str]]:
    """For each process, the fingerprints that it reads, the one that it wraps with first."""
    rows = await tx.all("SELECT reads FROM processes WHERE seen_at >= :gone", {"gone": _now() - GONE_SECONDS * 1000})
    return [row["reads"].split() for row in rows]


def _now() -> int:
    return int(time.time() * 1000)
