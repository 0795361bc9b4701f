"""How long the files of a KPI report take, and how much memory: `python -m bench.learning --people 3000`. Each is made
in a process of its own; “child” is what the process took that this one started to set or draw it (`bot.papers`)."""

import argparse
import asyncio
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.papers.room import Papers
from bot.papers.shapes import Refused
from bot.text import Texts
from handlers.learning import bundle, chart, form, workbook
from handlers.learning.report import Line
from tests.handlers.learning.reports import of_people

CERTIFICATE = 500_000  # bytes


def _made(done: bytes | Refused) -> int:
    assert not isinstance(done, Refused), done
    return len(done)


async def _workbook(people: int, folder: Path) -> int:
    path = folder / "report.xlsx"
    await asyncio.to_thread(workbook.write, Texts(), of_people(people), path)
    return path.stat().st_size


async def _form(people: int, _folder: Path) -> int:
    return _made(await form.form(Papers(), Texts(), of_people(people)))


async def _chart(people: int, _folder: Path) -> int:
    texts, size = Texts(), people // 30
    units = [chart.UnitStanding(f"กองที่ {n} ของสำนักงานท้องถิ่น", n, size - n, size) for n in range(30)]
    return _made(await chart.picture(Papers(), chart.draw(texts, "th", "รอบที่ 1/2567", units)))


async def _bundle(people: int, folder: Path) -> int:
    async def certificate(_line: Line) -> bytes:
        return os.urandom(CERTIFICATE)

    size, at = 0, datetime.now(UTC)
    with (folder / "report.zip").open("wb") as file:
        async for piece in bundle.stream(Texts(), of_people(people), b"excel", b"form", certificate, at):
            size += file.write(piece)
    return size


JOBS: dict[str, Callable[[int, Path], Coroutine[Any, Any, int]]] = {
    "workbook": _workbook,
    "form": _form,
    "chart, 30 units": _chart,
    "bundle": _bundle,
}


def _peak(whose: int) -> float:
    """MB."""
    return resource.getrusage(whose).ru_maxrss / 1024


def _measure(name: str, people: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before, start = _peak(resource.RUSAGE_SELF), time.perf_counter()
        size = asyncio.run(JOBS[name](people, Path(folder)))
        seconds = time.perf_counter() - start
    grown = _peak(resource.RUSAGE_SELF) - before
    child, work = _peak(resource.RUSAGE_CHILDREN), sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    work += time.process_time()
    print(f"| {name} | {size / 1e6:,.1f} | {seconds:.1f} | {work:.1f} | {grown:+.0f} | {child:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=3000)
    people = parser.parse_args().people
    print("| file | MB | seconds | processor, s | MB that it grew | MB, child |\n|---|---|---|---|---|---|", flush=True)
    for name in JOBS:
        process = multiprocessing.get_context("spawn").Process(target=_measure, args=(name, people))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
