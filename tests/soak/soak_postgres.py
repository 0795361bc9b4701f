"""PostgreSQL itself is stopped in the midst of it all, again and again: nothing is lost, done twice or said twice."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.kill import people, toys
from tests.kill.driver import Ward, a_ward, crowd, seed_of
from tests.kill.fleet import Fleet, Member
from tests.kill.test_fleet import PASSED
from tests.soak.cluster import Cluster, a_cluster

STOPS = 5


async def stop_it(ward: Ward, cluster: Cluster, times: int, *, away: float = 0.0) -> None:
    """`away`: seconds until it is started again."""
    for n in range(times):
        await asyncio.sleep(ward.chance.uniform(3, 6))
        if away and n % 2:
            await asyncio.to_thread(cluster.stop)
            await asyncio.sleep(away)
            await asyncio.to_thread(cluster.start)
        else:
            await asyncio.to_thread(cluster.restart_at_once)
        begun, taken = time.monotonic(), ward.record.answers["200"]
        while ward.record.answers["200"] == taken:
            assert time.monotonic() - begun < 15, f"it does not recover: {ward.log}"
            await asyncio.sleep(0.02)
        print(f"taken again {time.monotonic() - begun:.2f} s after it was back")


@pytest.mark.timeout(300)
async def test_stopped_five_times_under_load(tmp_path: Path) -> None:
    """Once in a while for longer than any lease."""
    with a_cluster() as cluster:
        async with a_ward(tmp_path, seed_of(50), toy=True, kind=Fleet, database_url=cluster.url) as ward:
            over = asyncio.Event()
            await ward.start()
            processes = [member.process for member in _members(ward)]
            async with asyncio.TaskGroup() as group:
                chatting = group.create_task(crowd(ward, 24, toys.life, over))
                await stop_it(ward, cluster, STOPS, away=8.0)
                await asyncio.sleep(2)
                over.set()
            assert [member.process for member in _members(ward)] == processes, "one was restarted"
            await ward.settles()
            ward.check()
            toys.check(ward)
            print(chatting.result(), "conversations;", ward.record)
        assert ward.record.duplicates == 0
        assert not ward.record.deaths


@pytest.mark.timeout(300)
async def test_stopped_while_people_log_in(tmp_path: Path) -> None:
    """Everything is pushed here."""
    with a_cluster() as cluster:
        async with a_ward(
            tmp_path, seed_of(51), toy=False, kind=Fleet, database_url=cluster.url, token_seconds=0
        ) as ward:
            await people.load_roster(ward)
            ward.watch = people.Watch(ward)
            await ward.start()
            logins = people.Logins(ward, people.roster(), wrongs=(0, 0, 1, 2), reads_after=0.3)
            async with asyncio.TaskGroup() as group:
                for _ in range(6):
                    group.create_task(logins.one_after_another(pause=1.0))
                await stop_it(ward, cluster, STOPS)
                ward.watch()
            await ward.settles()
            ward.check()
            people.check(ward, logins.all)
            print(len(logins.all), "logins;", ward.record)
        assert ward.record.duplicates == 0


@pytest.mark.timeout(300)
async def test_processes_die_beside_a_server_that_is_stopped(tmp_path: Path) -> None:
    with a_cluster() as cluster:
        async with a_ward(tmp_path, seed_of(52), toy=True, kind=Fleet, database_url=cluster.url) as ward:
            over = asyncio.Event()
            await ward.start()
            async with asyncio.TaskGroup() as group:
                chatting = group.create_task(crowd(ward, 24, toys.life, over))
                await ward.kills(10, points=PASSED)
                await stop_it(ward, cluster, 2)
                await ward.kills(2, points=PASSED)
                over.set()
            await ward.settles()
            ward.check()
            toys.check(ward)
            print(chatting.result(), "conversations;", ward.record)
        assert ward.record.duplicates == 0


def _members(ward: Ward) -> list[Member]:
    assert isinstance(ward, Fleet)
    return ward.members
