"""Fourteen violent deaths, half of them at the points that hurt most, and nothing is lost, done twice or said twice.

`make soak` has more of them, and other misfortunes: `tests/soak`.
"""

import asyncio
import statistics
from pathlib import Path

from tests.kill import people, toys
from tests.kill.driver import a_ward, seed_of

HURTING = ("mail: after send", "line: after send", "mail: before send", "turn: during commit", "claim: after commit")
PASSED = (  # by every event; mails are not sent here, and what was sent is deleted along with the next turn
    "turn: before commit",
    "turn: during commit",
    "turn: after commit",
    "turn: before dispatch",
    "webhook: before answer",
    "line: before send",
    "line: after send",
    "outbox: after send",
)
QUICK = {"GRACE": 500, "POLL_SECONDS": 0.1}  # what a dead process left is taken up sooner, so that more happens


async def test_killed_again_and_again_the_state_is_what_the_model_says(tmp_path: Path) -> None:
    async with a_ward(tmp_path, seed_of(1), toy=True, constants=QUICK) as ward:
        await toys.live_through(ward, 30, ward.kills(8, alive=0.4, points=PASSED))
    assert ward.record.named >= 3, f"the named points are not where they were: {ward.record.deaths}"
    assert statistics.median(ward.record.ready) < 10  # less than a second, on a machine that has nothing else to do


async def test_killed_again_and_again_everybody_logs_in_once(tmp_path: Path) -> None:
    """Everything is pushed here, while the replies are those of the test above."""
    async with a_ward(tmp_path, seed_of(2), toy=False, constants=QUICK, token_seconds=0) as ward:
        await people.load_roster(ward)
        ward.watch = people.Watch(ward)
        logins = people.Logins(ward, people.roster()[:36], wrongs=(0, 0, 1, 2))
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(logins.one_after_another())
            await ward.kills(6, alive=0.4, points=HURTING)
        await ward.settles()
        ward.check()
        people.check(ward, logins.all)
        print(len(logins.all), "logins;", ward.record)
    assert ward.record.duplicates == 0


async def test_what_a_process_had_in_its_hands_when_it_died_waits_for_no_lease(tmp_path: Path) -> None:
    async with a_ward(tmp_path, seed_of(3), toy=True, constants=QUICK) as ward:
        ward.duplicated = 0
        somebody = ward.phone()
        await ward.start("turn: before dispatch")
        event = somebody.opens()
        delivered = asyncio.create_task(ward.deliver(event))
        await ward.dies(10)  # committed, and nobody has begun to send it
        if await ward.start("claim: after commit"):  # else it came to that point before anybody could ask
            await ward.dies(10)
        assert ward.record.deaths == {"turn: before dispatch": 1, "claim: after commit": 1}
        await ward.start()
        assert await somebody.sees(event, 5), "a lease holds it"
        await delivered
        await ward.settles()
        ward.check()
