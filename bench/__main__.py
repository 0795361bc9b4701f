"""One run: KP7 and its peers in turn, round after round; medians, ratios, and whether the floors hold.

Exit code: 0 if every floor holds, 1 if one does not, 2 if a subject did something else than hold the conversation.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from bench import talk
from bench.load import Load
from bench.platforms import Wrong
from bench.process import ROOT, SUBJECTS, Running, Subject, cores, pin, running
from bench.report import Figure, Open, Report

WARM_UP = 100  # users before the clock starts
DELAY = 0.1  # seconds until the slow API answers
RATE = 200.0  # events a second, open loop
SYNCS = 500  # before the open loop, and again after it


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options, self._folder = options, folder
        load, self._core = cores()
        pin(load)

    @asynccontextmanager
    async def _playing(self, subject: Subject, delay: float = 0.0) -> AsyncIterator[tuple[Load, Running, Path]]:
        """A fresh, warm server with a load that is connected to it."""
        load = Load(subject.platform, replies=subject.replies, delay=delay)
        with tempfile.TemporaryDirectory(prefix=f"{subject.name}-", dir=self._folder) as name:
            folder = Path(name)
            async with running(subject, await load.listen(), folder, self._core) as server:
                try:
                    await load.connect(server.port, self._options.connections)
                    await load.closed(range(WARM_UP))
                    yield load, server, folder
                finally:
                    await load.close()

    async def closed(self, subject: Subject, delay: float = 0.0) -> Figure:
        count = self._options.users // 10 if subject.name == "b0" else self._options.users  # it would take minutes
        users = range(WARM_UP, WARM_UP + count)
        events = len(users) * talk.STEPS
        async with self._playing(subject, delay) as (load, server, _):
            before = server.cpu()
            played = await load.closed(users)
            cpu = server.cpu() - before
        figure = Figure(
            rate=events / played.seconds,
            cpu=cpu / events * 1e6,
            share=cpu / played.seconds,
            load_cpu=played.cpu / events * 1e6,
            load_share=played.cpu / played.seconds,
            reply_bytes=played.reply_bytes / events,
            pushes=played.pushes,
        )
        _say(f"{subject.title:<36}{figure.rate:8.0f} events/s{'  slow API' if delay else ''}")
        return figure

    async def open(self, subject: Subject) -> Open:
        async with self._playing(subject) as (load, _, folder):
            syncs = fsync_times(folder, SYNCS)
            played = await load.open(arrivals(self._options.seconds))
            syncs += fsync_times(folder, SYNCS)
        return Open(
            len(played.replied),
            *(_quantile(times, q) for times in (played.replied, played.accepted, syncs) for q in (0.5, 0.99)),
        )

    async def run(self, chosen: Sequence[Subject]) -> Report:
        report = Report()
        me = asyncio.current_task()
        assert me
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)  # no server is left behind
        for number in range(self._options.rounds):
            _say(f"round {number + 1} of {self._options.rounds}")
            for subject in chosen:
                if subject.name != "b0":
                    report.closed.setdefault(subject.name, []).append(await self.closed(subject))
            for subject in chosen:
                if subject.name in ("kp7", "b", "b0"):
                    report.slow.setdefault(subject.name, []).append(await self.closed(subject, DELAY))
        for subject in chosen:
            if subject.name == "kp7":
                report.open = await self.open(subject)
        return report


def arrivals(seconds: float) -> list[tuple[float, int]]:
    """(due, user) at random moments (Poisson, the same in every run); a user's own events are about a second apart."""
    chance = random.Random(7)  # noqa: S311
    left = max(1, int(seconds * RATE) // talk.STEPS)  # users
    first, at = WARM_UP, 0.0
    due: list[tuple[float, int]] = []
    while left:
        group = range(first, first + min(int(RATE), left))
        for _ in range(talk.STEPS):
            for user in group:
                at += chance.expovariate(RATE)
                due.append((at, user))
        first += len(group)
        left -= len(group)
    return due


def fsync_times(folder: Path, count: int) -> list[float]:
    """Seconds that writing 4 KiB and waiting for the disk takes: what a commit cannot do without."""
    block, times = os.urandom(4096), []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(count):
            start = time.perf_counter()
            file.write(block)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    return times


def _quantile(values: Sequence[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="KP7 measured beside its peers.")
    parser.add_argument("--users", type=int, default=2000, help="in each closed loop, all at once (2000)")
    parser.add_argument("--rounds", type=int, default=3, help="of all subjects in turn (3)")
    parser.add_argument("--seconds", type=float, default=20, help="of the open loop (20)")
    parser.add_argument("--connections", type=int, default=256, help="kept alive, the same for every subject (256)")
    parser.add_argument("--subjects", default=",".join(s.name for s in SUBJECTS), help="(all)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="on a real disk: databases go there")
    parser.add_argument("--json", type=Path, help="write every figure there")
    return parser.parse_args()


def main() -> int:
    options = _options()
    chosen = [subject for subject in SUBJECTS if subject.name in options.subjects.split(",")]
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            report = runner.run(Bench(options, Path(folder).resolve()).run(chosen))
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    print(report.table())
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=1), encoding="utf-8")
    return 0 if all(holds for _, _, holds in report.verdicts()) else 1


if __name__ == "__main__":
    sys.exit(main())
