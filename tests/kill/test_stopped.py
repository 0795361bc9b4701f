"""PostgreSQL itself is stopped in the midst of it all, without a goodbye: nothing is lost, done twice or said twice.

On a server of the test's own. `make soak` stops it again and again: `tests/soak/soak_postgres.py`.
"""

from pathlib import Path

from tests.clusters import a_cluster
from tests.kill import toys
from tests.kill.cluster import stop_it
from tests.kill.driver import a_ward, seed_of
from tests.kill.fleet import Fleet

QUICK = {"GRACE": 2_000, "POLL_SECONDS": 0.1}


async def test_stopped_once_under_load(tmp_path: Path) -> None:
    with a_cluster() as cluster:
        async with a_ward(
            tmp_path, seed_of(7), toy=True, kind=Fleet, database_url=cluster.url, constants=QUICK
        ) as fleet:
            await fleet.start()
            await toys.live_through(fleet, 12, stop_it(fleet, cluster, 1, after=(1, 2)))
    assert not fleet.record.deaths, "nobody had to be restarted"
