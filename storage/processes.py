"""The table `processes`: who runs on this database just now, and which master keys it knows, and
how the schedule stands where it runs.

By the wall clock of each machine, which need to agree to within half a minute.
"""

import time

from storage.database import Row, Tx
from storage.vault import Vault

BEAT_SECONDS = 20
GONE_SECONDS = 60  # somebody who was not seen for so long was killed


async def beat(tx: Tx, id: str, vault: Vault, schedule: str = "") -> None:
    await tx.run(
        "INSERT INTO processes (id, reads, schedule, seen_at) VALUES (:id, :reads, :schedule, :now) "
        "ON CONFLICT (id) DO UPDATE SET schedule = excluded.schedule, seen_at = excluded.seen_at",
        {"id": id, "reads": " ".join(vault.fingerprints), "schedule": schedule, "now": _now()},
    )
    await tx.run("DELETE FROM processes WHERE seen_at < :gone", {"gone": _now() - GONE_SECONDS * 1000})


async def leave(tx: Tx, id: str) -> None:
    await tx.run("DELETE FROM processes WHERE id = :id", {"id": id})


async def keys_in_use(tx: Tx) -> list[list[str]]:
    """For each process, the fingerprints that it reads, the one that it wraps with first."""
    return [row["reads"].split() for row in await _alive(tx)]


async def schedules(tx: Tx) -> list[str]:
    """Of each process that runs the schedule, how it stands there."""
    return [row["schedule"] for row in await _alive(tx) if row["schedule"]]


async def _alive(tx: Tx) -> list[Row]:
    return await tx.all("SELECT * FROM processes WHERE seen_at >= :gone", {"gone": _now() - GONE_SECONDS * 1000})


def _now() -> int:
    return int(time.time() * 1000)
