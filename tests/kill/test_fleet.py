"""Two `kp7 web` and two `kp7 worker` on one PostgreSQL: each account's order is kept, each message comes once."""

import asyncio
from pathlib import Path

from tests.kill import toys
from tests.kill.driver import a_ward, crowd, seed_of
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
        over = asyncio.Event()
        await fleet.start()
        async with asyncio.TaskGroup() as group:
            chatting = group.create_task(crowd(fleet, 24, toys.life, over))
            await asyncio.sleep(4)
            over.set()
        await fleet.settles()
        fleet.check()
        toys.check(fleet)
        print(chatting.result(), "conversations;", fleet.record)
    assert fleet.record.duplicates == fleet.record.ambiguous == 0
    assert not fleet.record.deaths


async def test_one_after_the_other_is_killed_and_nothing_is_lost(tmp_path: Path, postgres_url: str) -> None:
    async with a_ward(tmp_path, seed_of(6), toy=True, kind=Fleet, database_url=postgres_url, constants=QUICK) as fleet:
        over = asyncio.Event()
        await fleet.start()
        async with asyncio.TaskGroup() as group:
            chatting = group.create_task(crowd(fleet, 24, toys.life, over))
            await fleet.kills(6, alive=0.4, points=PASSED)
            over.set()
        await fleet.settles()
        fleet.check()
        toys.check(fleet)
        print(chatting.result(), "conversations;", fleet.record)
    assert fleet.record.duplicates == 0
