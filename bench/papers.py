"""How long papers take: `python -m bench.papers`. Each job in its child, one by one; then through the whole house, from
the webhook that announces a photo until its answer is at LINE."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.papers.room import Papers
from bot.papers.shapes import Bound, Box, Mark, Paper, Photo
from samples import bad_papers, make_papers
from tests.house import a_house
from tests.journeys.papers import at_the_list, chooses, sends

ROUNDS = 5
WAVE = (((0.0, 0.0), (30.0, 20.0), (60.0, -20.0), (90.0, 0.0)),)
MARK = Mark("สำเนาถูกต้อง", ("(นายสมชาย ทดสอบ)", "นักวิเคราะห์นโยบายและแผนชำนาญการ", "วันที่ 1 ตุลาคม 2568"), WAVE)


def resident() -> float:
    """MB of this process."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


async def timed(name: str, job: Callable[[], Awaitable[object]]) -> None:
    took = []
    before, answer = resident(), object()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer = await job()
        took.append(time.perf_counter() - start)
    house = resident() - before
    said = getattr(answer, "reason", "")
    print(
        f"| {name} | {statistics.median(took):.2f} | {max(took):.2f} | {house:+.0f} | {said} |",
        flush=True,
    )


async def main() -> None:
    papers = Papers()
    printed, scan = make_papers.pdf("transcript"), make_papers.scan("transcript")
    jpeg, heic = make_papers.photo("transcript"), make_papers.heic("id_card")
    page = await papers.page(jpeg)
    assert isinstance(page, Photo)
    thick = await papers.bind([page.jpeg] * 50)
    assert isinstance(thick, Bound)
    paper = await papers.take(scan)
    assert isinstance(paper, Paper)
    unpacking, drawing = bad_papers.unpacking_bomb(), bad_papers.drawing_bomb()
    print("| job | s, median | s, most | MB, house | refused |\n|---|---|---|---|---|")
    await timed("take, printed, 2 pages", lambda: papers.take(printed, "ตัวอย่าง"))
    await timed("take, scan, 3 pages", lambda: papers.take(scan, "ตัวอย่าง"))
    await timed("preview", lambda: papers.preview(scan, watermark="ตัวอย่าง"))
    await timed("page, JPEG of 12 megapixels", lambda: papers.page(jpeg))
    await timed("page, HEIC of 12 megapixels", lambda: papers.page(heic))
    await timed("bind, 3 pages", lambda: papers.bind([page.jpeg] * 3))
    await timed("stamp, 3 pages", lambda: papers.stamp(paper.pdf, MARK))
    await timed("stamp, with a black box", lambda: papers.stamp(paper.pdf, MARK, [Box(1, 0.1, 0.1, 0.3, 0.1)]))
    await timed("take, 50 photographed pages", lambda: papers.take(thick.pdf))
    await timed("stamp, 50 photographed pages", lambda: papers.stamp(thick.pdf, MARK))
    await timed("a bomb that unpacks", lambda: papers.take(unpacking))
    await timed("a bomb that draws", lambda: papers.take(drawing))
    await through_the_house("12_megapixels.jpg", jpeg)
    await through_the_house("12_megapixels.heic", heic)


async def through_the_house(name: str, photo: bytes) -> None:
    """Fetched, looked at, sealed, shown."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_house(Path(folder), channel="line") as house:
            chat = await house.somebody()
            await at_the_list(house, chat)
            await chooses(chat, "id_card")
            await timed(f"{name}, through the house", lambda: sends(chat, (name, photo)))


if __name__ == "__main__":
    asyncio.run(main())
