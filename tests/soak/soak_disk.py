"""A disk that is full, a database that somebody else has locked: refused, nothing half-written, mended by itself."""

import asyncio
import resource
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kill import toys
from tests.kill.driver import Ward, a_ward, crowd, seed_of

FULL_SECONDS, LOCKED_SECONDS = 10.0, 30.0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, where that is allowed."""
    place = folder / "disk"
    place.mkdir()
    options = ("-t", "tmpfs", "-o", "size=16m", "tmpfs")
    if subprocess.run(("mount", *options, str(place)), capture_output=True).returncode:
        pytest.skip("may not mount a file system here")
    try:
        yield place
    finally:
        subprocess.run(("umount", str(place)), check=True)


def fill(place: Path) -> Callable[[], None]:
    """To the last byte. → makes room again."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 512):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return filler.unlink


def limit(ward: Ward) -> Callable[[], None]:
    """The server may not write to any file, not even to its log. → lifts that."""
    assert ward.process
    pid = ward.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    return lambda: void(resource.prlimit(pid, resource.RLIMIT_FSIZE, before))


def void(_: object) -> None: ...


async def through(ward: Ward, trouble: Callable[[], Callable[[], None]], seconds: float) -> None:
    """People chat; there is trouble for so long; they chat on."""
    over = asyncio.Event()
    await ward.start()
    process = ward.process

    async def happens() -> None:
        await asyncio.sleep(3)
        refused, begun = refusals(ward), time.monotonic()
        mend = trouble()
        try:
            while refusals(ward) == refused:  # there may still be room in pages that are allocated
                assert time.monotonic() - begun < 60, "nothing was refused"
                await asyncio.sleep(0.05)
            await asyncio.sleep(seconds)
            assert ward.acked <= {row["event_id"] for row in ward.rows("SELECT event_id FROM inbox")}
        finally:
            mend()
        mended, taken = time.monotonic(), ward.record.answers["200"]
        while ward.record.answers["200"] == taken:
            assert time.monotonic() - mended < 15, f"it does not recover: {ward.log}"
            await asyncio.sleep(0.05)
        print(f"taken again after {time.monotonic() - mended:.2f} s")
        await asyncio.sleep(3)
        over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(crowd(ward, 20, toys.life, over))
        group.create_task(happens())
    assert ward.process is process, "it was restarted"
    await ward.settles()
    ward.check()
    toys.check(ward)
    print(ward.record)
    assert ward.record.duplicates == 0


def refusals(ward: Ward) -> int:
    return sum(n for answer, n in ward.record.answers.items() if answer != "200")


@pytest.mark.timeout(240)
async def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path) as place:
        async with a_ward(place, seed_of(40), toy=True) as ward:
            await through(ward, lambda: fill(place), FULL_SECONDS)


@pytest.mark.timeout(240)
async def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    async with a_ward(tmp_path, seed_of(41), toy=True) as ward:
        await through(ward, lambda: limit(ward), FULL_SECONDS)


@pytest.mark.timeout(240)
async def test_a_database_that_is_locked_for_half_a_minute(tmp_path: Path) -> None:
    async with a_ward(tmp_path, seed_of(42), toy=True) as ward:

        def lock() -> Callable[[], None]:
            other = sqlite3.connect(ward.path, isolation_level=None, timeout=5)
            other.execute("BEGIN IMMEDIATE")
            return other.close

        await through(ward, lock, LOCKED_SECONDS)
