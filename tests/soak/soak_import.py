"""100,000 people come in, as CSV and as XLSX, while somebody writes. Prints what docs/performance.md says."""

import asyncio
import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import pytest

from samples import make_roster
from storage.database import Database
from tests.served import environment

PEOPLE = 100_000


@dataclass
class Import:
    """`seconds` from start to end of the process, `work` those of a processor, `memory` its peak in MB, its children's
    with it; `waits`: seconds that writes of another process took meanwhile."""

    seconds: float
    work: float
    memory: float
    waits: list[float]
    report: dict[str, int]

    def __str__(self) -> str:
        hundredths = [1000 * wait for wait in quantiles(self.waits, n=100)]
        return (
            f"{self.seconds:.1f} s ({self.work:.1f} s of a processor), {self.memory:.0f} MB; "
            f"{len(self.waits):,} writes meanwhile took p50 "
            f"{hundredths[49]:.1f} ms, p99 {hundredths[98]:.1f} ms, at most {1000 * max(self.waits):.0f} ms"
        )


def peak(pid: int) -> float:
    """The most memory that the process has had so far, in MB; 0 once it has ended. What the system says at the end of a
    process would count that of whoever started it."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("ascii"))
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def work_of_children() -> float:
    """Seconds of a processor, of all children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def family(pid: int) -> list[int]:
    """The process and those that it has started and not yet buried."""
    try:
        children = [file.read_text("ascii").split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return [pid]
    return [pid, *(int(child) for found in children for child in found)]


async def imported(file: Path, database: Database, env: dict[str, str]) -> Import:
    command = (sys.executable, "-c", "from bot.cli import main; main()", "import", "roster", str(file), "--json")
    begun, before, memory, waits = time.perf_counter(), work_of_children(), 0.0, []
    process = await asyncio.create_subprocess_exec(*command, env=env, cwd=file.parent, stdout=subprocess.PIPE)
    telling = asyncio.ensure_future(process.communicate())
    while not telling.done():
        memory = max(memory, sum(map(peak, family(process.pid))))
        asked = time.perf_counter()
        async with database.write() as tx:
            await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('soak', 'import', 1)")
        waits.append(time.perf_counter() - asked)
        await asyncio.sleep(0.01)
    out, _ = await telling
    assert process.returncode == 0
    return Import(time.perf_counter() - begun, work_of_children() - before, memory, waits, json.loads(out))


@pytest.mark.parametrize(("kind", "seconds", "megabytes"), [("csv", 240, 100), ("xlsx", 360, 300)])
async def test_a_hundred_thousand_people(tmp_path: Path, kind: str, seconds: float, megabytes: float) -> None:
    file = tmp_path / f"roster.{kind}"
    await asyncio.to_thread(make_roster.make, PEOPLE, file)
    env = environment(tmp_path, public_url="https://kp7.example.go.th")
    database = await Database.open(env["DATABASE_URL"])
    await database.migrate()
    try:
        for what in ("added", "left"):
            done = await imported(file, database, env)
            print(f"\n{kind}, {PEOPLE:,} {what}: {done}")
            assert done.report[what] == PEOPLE
            assert done.work < seconds  # fails for a wrong order of growth, not for a slow machine
            assert done.memory < megabytes
            assert quantiles(done.waits, n=100)[98] < 1  # 0.03 on a quiet machine
    finally:
        await database.close()
