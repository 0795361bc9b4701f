"""Two `kp7 web` and two `kp7 worker` on one PostgreSQL: each account's order is kept, each message comes once."""

import asyncio
from pathlib import Path

from tests.kill import toys
from tests.kill.driver import a_ward, seed_of
from tests.kill.fleet import Fleet

QUICK = {"GRACE": 2_000, "POLL_SECONDS": 0.1}
PASSED = (
    "turn: before commit",
    "turn: during commit",
    "turn: before dispatch",
    "line: before send",
    "line: after send",
)


async def test_side_by_side_each_message_comes_once_and_in_order(tmp_path: Path, postgres_url: str) -> None:
    async with a_ward(tmp_path, seed_of(5), toy=True, kind=Fleet, database_url=postgres_url, constants=QUICK) as fleet:
        await fleet.start()
        await toys.live_through(fleet, 24, asyncio.sleep(4))
    assert fleet.record.ambiguous == 0
    assert not fleet.record.deaths


async def test_one_after_the_other_is_killed_and_nothing_is_lost(tmp_path: Path, postgres_url: str) -> None:
    async with a_ward(tmp_path, seed_of(6), toy=True, kind=Fleet, database_url=postgres_url, constants=QUICK) as fleet:
        await fleet.start()
        await toys.live_through(fleet, 24, fleet.kills(4, alive=0.4, points=PASSED))
