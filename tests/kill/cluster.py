"""A PostgreSQL server that is stopped as violently as one likes."""

import asyncio
import time

from tests.clusters import Cluster
from tests.kill.driver import Ward


async def stop_it(
    ward: Ward, cluster: Cluster, times: int, *, after: tuple[float, float] = (3, 6), away: float = 0.0
) -> None:
    """Each time `after` so many seconds of load. `away`: seconds until it is started again."""
    for n in range(times):
        await asyncio.sleep(ward.chance.uniform(*after))
        if away and n % 2:
            await asyncio.to_thread(cluster.stop)
            await asyncio.sleep(away)
            await asyncio.to_thread(cluster.start)
        else:
            await asyncio.to_thread(cluster.restart_at_once)
        begun, taken = time.monotonic(), ward.record.answers["200"]
        while ward.record.answers["200"] == taken:
            assert time.monotonic() - begun < 60, f"it does not recover: {ward.log}"
            await asyncio.sleep(0.02)
        print(f"taken again {time.monotonic() - begun:.2f} s after it was back")
