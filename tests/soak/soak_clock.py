"""The server's clock jumps, forwards and back, by an hour and by a day, while people log in and the server dies."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.kill import people
from tests.kill.driver import a_ward, seed_of

HOUR = 3_600_000
JUMPS = (HOUR, 0, -HOUR, 0, 24 * HOUR, 0, -24 * HOUR, 0)
LENIENT: dict[str, Any] = {"code_resend_seconds": 1, "codes_per_hour": 100, "codes_per_day": 100}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("dies", [False, True], ids=["and it lives", "and it dies"])
async def test_everybody_logs_in_whatever_the_clock_says(tmp_path: Path, dies: bool) -> None:
    async with a_ward(tmp_path, seed_of(50), toy=False, unbounded=LENIENT) as ward:
        await people.load_roster(ward)
        await ward.start()
        logins = people.Logins(ward, people.roster()[:64], patience=180)

        async def jumps() -> None:
            for ahead in JUMPS:
                await asyncio.sleep(1.5)
                ward.set_clock(ahead)
                if dies:
                    await asyncio.sleep(0.3)
                    await ward.dies(0)
                    await ward.start()

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(logins.one_after_another(pause=0.5))
            group.create_task(jumps())
        await ward.settles()
        ward.check()
        people.check(ward, logins.all, again=True)
        print(len(logins.all), "logins;", ward.record)
