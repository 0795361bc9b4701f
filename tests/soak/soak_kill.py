"""Fifty violent deaths under two thousand conversations. The delays are those of production."""

import asyncio
import statistics
from pathlib import Path
from typing import Any

import pytest

from tests.kill import people, toys
from tests.kill.driver import a_ward, seed_of
from tests.kill.server import POINTS

CONVERSATIONS = 2_000
RAISED: dict[str, Any] = {"codes_per_hour": 100, "codes_per_day": 1_000}


@pytest.mark.timeout(900)
async def test_thirty_deaths_and_the_state_is_what_the_model_says(tmp_path: Path) -> None:
    async with a_ward(tmp_path, seed_of(10), toy=True) as ward:

        async def kills() -> None:
            await ward.kills(30, alive=1.0, points=[point for point in POINTS if "mail" not in point])  # none is sent
            while len(ward.phones) < CONVERSATIONS - len(people.roster()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

        await toys.live_through(ward, 60, kills())
    assert ward.record.named >= 14, f"the named points are not where they were: {ward.record.deaths}"
    assert statistics.median(ward.record.ready) < 3


@pytest.mark.timeout(900)
async def test_twenty_deaths_and_everybody_logs_in_once(tmp_path: Path) -> None:
    async with a_ward(tmp_path, seed_of(11), toy=False, unbounded=RAISED) as ward:
        await people.load_roster(ward)
        ward.watch = people.Watch(ward)
        logins = people.Logins(ward, people.roster(), wrongs=(0, 0, 1, 2))
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(logins.one_after_another())
            await ward.kills(20, alive=1.0)
        await ward.settles()
        ward.check()
        people.check(ward, logins.all)
        print(len(logins.all), "logins;", ward.record)
    assert ward.record.duplicates == 0
    assert ward.record.named >= 9, f"the named points are not where they were: {ward.record.deaths}"
