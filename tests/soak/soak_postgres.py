"""PostgreSQL itself is stopped in the midst of it all, again and again: nothing is lost, done twice or said twice."""

import asyncio
from pathlib import Path

import pytest

from tests.clusters import a_cluster
from tests.kill import people, toys
from tests.kill.cluster import stop_it
from tests.kill.driver import a_ward, seed_of
from tests.kill.fleet import Fleet
from tests.kill.test_fleet import PASSED

STOPS = 5


@pytest.mark.timeout(300)
async def test_stopped_five_times_under_load(tmp_path: Path) -> None:
    """Once in a while for longer than any lease."""
    with a_cluster() as cluster:
        async with a_ward(tmp_path, seed_of(50), toy=True, kind=Fleet, database_url=cluster.url) as ward:
            await ward.start()
            await toys.live_through(ward, 24, stop_it(ward, cluster, STOPS, away=8.0))
        assert not ward.record.deaths, "nobody had to be restarted"


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

            async def misfortunes() -> None:
                await ward.kills(10, points=PASSED)
                await stop_it(ward, cluster, 2)
                await ward.kills(2, points=PASSED)

            await ward.start()
            await toys.live_through(ward, 24, misfortunes())
