"""How long it takes papers to leave, and how much memory: `python -m bench.export --people 500`. An office is made of
people whose papers are approved, and exported in a process of its own, whose memory is looked at all the while."""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from pathlib import Path

from bench.papers import resident
from handlers.documents.rules import Family, Options, slots
from handlers.review import export
from handlers.review.export import Report, Wanted
from tests.approved import Office, office, pdf

NINE = Family(spouse=True)  # that many papers
SIZES = (150_000, 300_000, 600_000)  # bytes of a paper: a page that was photographed, two, a scan


async def filled(folder: Path, people: int, sizes: tuple[int, ...] = SIZES) -> Office:
    """Everybody has handed in everything, and all of it was approved."""
    made = await office(f"sqlite:///{folder / 'kp7.db'}", folder)
    await made.campaign()
    owed = [slot.id for slot in slots(NINE, Options()) if not slot.reuses]
    for nth in range(people):
        id = await made.somebody(f"คน{nth}", unit=f"กอง {nth % 20}", code=f"D{nth % 20}")
        sent = {slot: pdf(id, slot, sizes[(nth + n) % len(sizes)]) for n, slot in enumerate(owed)}
        await made.hands_in(id, sent, NINE)
        await made.decides(id, owed, "approved")
    return made


async def measured(folder: Path, to: Path) -> tuple[Report, float, float]:
    """→ what came of it, seconds, and by how many MB the process grew at most"""
    made = await office(f"sqlite:///{folder / 'kp7.db'}", folder)
    report, most = Report(), 0.0
    plan = await export.prepare(made.house, Wanted("c1"))
    before, start = resident(), time.perf_counter()
    with to.open("wb") as file:
        async for piece in export.stream(made.house, plan, by="cli:bench", report=report):
            file.write(piece)
            most = max(most, resident() - before)
    await made.database.close()
    return report, time.perf_counter() - start, most


def _measure(folder: str) -> None:
    report, seconds, most = asyncio.run(measured(Path(folder), Path(folder) / "papers.zip"))
    megabytes = report.bytes / 1e6
    print(
        f"| {report.people} | {report.papers} | {megabytes:,.0f} | {seconds:.1f} | {megabytes / seconds:.0f} "
        f"| {most:+.1f} | {len(report.faults)} |",
        flush=True,
    )


async def _fill(folder: Path, people: int) -> None:
    await (await filled(folder, people)).database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[50, 500])
    print(
        "| people | papers | MB | seconds | MB/s | MB that it grew | faults |\n|---|---|---|---|---|---|---|",
        flush=True,
    )
    for people in parser.parse_args().people:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_fill(Path(folder), people))
            child = multiprocessing.get_context("spawn").Process(target=_measure, args=(folder,))
            child.start()
            child.join()


if __name__ == "__main__":
    main()
