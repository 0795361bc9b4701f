"""Papers are handed in while it all goes wrong: the server dies at each step, the disk is full, one of several dies.

What must be true afterwards stands in `tests/kill/clerks.py`.
"""

import asyncio
from pathlib import Path

import pytest

from tests.kill import clerks
from tests.kill.driver import a_ward, seed_of
from tests.kill.fleet import Fleet
from tests.kill.server import PAPERS
from tests.soak.soak_disk import fill, small_disk

QUICK = {"GRACE": 500, "POLL_SECONDS": 0.1}
FULL_SECONDS = 5.0


@pytest.mark.timeout(400)
async def test_two_dozen_deaths(tmp_path: Path) -> None:
    async with a_ward(tmp_path, seed_of(60), toy=False, constants=QUICK) as ward:
        found = await clerks.crowd(ward, 6, ward.kills(24, alive=0.8, points=PAPERS))
    print(len(found), "people;", ward.record)
    assert ward.record.named >= 10, f"the named points are not where they were: {ward.record.deaths}"
    assert len(ward.record.deaths) >= 8


HANDING_IN = ("bind: child at work", *(point for point in PAPERS if point.startswith("submit: ")))


@pytest.mark.timeout(300)
async def test_deaths_in_the_midst_of_binding_and_handing_in(tmp_path: Path) -> None:
    """Seldom come by, so the server lives until one of them does."""
    async with a_ward(tmp_path, seed_of(63), toy=False, constants=QUICK) as ward:
        found = await clerks.crowd(ward, 6, ward.kills(8, alive=8.0, points=HANDING_IN))
    print(len(found), "people;", ward.record)
    assert len(set(HANDING_IN) & ward.record.deaths.keys()) >= 3, ward.record.deaths


@pytest.mark.timeout(400)
async def test_one_after_the_other_of_four_processes_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """What one has begun, another one ends."""
    slow = {"GRACE": 2_000, "POLL_SECONDS": 0.1}
    files = (tmp_path / "files").as_uri()
    async with a_ward(
        tmp_path, seed_of(61), toy=False, kind=Fleet, database_url=postgres_url, constants=slow, files_url=files
    ) as ward:

        async def kills() -> None:
            await ward.start()
            await ward.kills(8, alive=0.8, points=PAPERS)

        found = await clerks.crowd(ward, 4, kills())
    print(len(found), "people;", ward.record)


@pytest.mark.timeout(200)
async def test_a_disk_for_files_that_is_full_for_a_while(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        async with a_ward(tmp_path, seed_of(62), toy=False, constants=QUICK, files_url=(disk / "f").as_uri()) as ward:
            everybody = await clerks.moved_in(ward, 3)

            async def full_twice() -> None:
                await ward.start()
                for _ in range(2):
                    await asyncio.sleep(1)
                    make_room = fill(disk)
                    await asyncio.sleep(FULL_SECONDS)
                    make_room()

            await clerks.live_through(ward, everybody, full_twice())
            assert "No space left" in (ward.folder / "log").read_text()
