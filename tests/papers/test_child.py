"""One job, one child: whatever becomes of it, there is an answer, and nothing is left behind."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.papers import process, wire
from bot.papers.process import Workshop
from bot.papers.room import Papers
from bot.papers.shapes import LIMITS, Bound, Box, Limits, Mark, Paper, Photo, Picture, Reason, Refusal, Refused, Stamped
from tests.papers import tools

MIB = 2**20


class Rogue(Workshop):
    """Children that run this instead: `sys.argv[1]` is what the real one would be told last."""

    def __init__(self, code: str, at_once: int = 2, waiting: int = 16, **limits: Any) -> None:
        super().__init__(Limits(**limits), at_once, waiting)
        self.code = code
        self.started: list[float] = []

    def _command(self, name: str) -> list[str]:
        self.started.append(time.monotonic())
        return [sys.executable, "-I", "-S", "-c", self.code, name]


def room(code: str, **how: Any) -> Papers:
    papers = Papers()
    papers._workshop = Rogue(code, **how)
    return papers


def children() -> set[int]:
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture(autouse=True)
def nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    descriptors, offspring = len(os.listdir("/proc/self/fd")), children()
    yield
    assert children() <= offspring
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 2  # an event loop's own, closed later
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.kill(os.getpid(), 11)",
        "raise SystemExit(1)",
        "raise SystemExit",  # says nothing
        "print('hello')",
        "import os; os.write(1, bytes(100))",
        "import os; os.write(1, b'\\0\\0\\0\\2{}')",
        "import os; os.ftruncate(1, 60 << 20)",
        "import os; os.close(0); os.close(1); os.close(2)",
    ],
)
async def test_one_that_dies_or_talks_nonsense_is_an_answer(code: str) -> None:
    assert await room(code).take(tools.house()) == Refused(Reason.UNREADABLE)


async def test_one_that_hangs_is_killed_with_all_its_own(tmp_path: Path) -> None:
    code = f"""
import os, time
if not os.fork():
    open({str(tmp_path / "grandchild")!r}, "w").write(str(os.getpid()))
time.sleep(60)
"""
    assert await room(code, seconds=1.5).take(tools.house()) == Refused(Reason.TOO_MUCH_WORK)
    pid = int((tmp_path / "grandchild").read_text())
    for _ in range(100):  # whoever adopted it may take its time to bury it
        if not alive(pid):
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("it is still there")


async def test_one_that_answers_too_much_is_not_read() -> None:
    with pytest.raises(Refusal) as refusal:
        await Rogue("import os; os.write(1, bytes(100))", answer_bytes=99).run("take", b"")
    assert refusal.value.refused.reason is Reason.UNREADABLE


async def test_one_that_lets_go_of_the_pipe_and_hangs_is_killed_too() -> None:
    code = "import os, time; os.closerange(3, 64); time.sleep(60)"
    assert await room(code).take(tools.house()) == Refused(Reason.UNREADABLE)


async def test_one_that_works_itself_to_death() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(process.ROOT)!r}); from bot.papers import jail; jail.limit(2**29, 1, 1)"
    )
    assert await room(f"{code}\nwhile True: pass").take(tools.house()) == Refused(Reason.TOO_MUCH_WORK)


async def test_who_stops_waiting_stops_the_child() -> None:
    job = asyncio.create_task(room("import time; time.sleep(60)").take(tools.house()))
    async with asyncio.timeout(10):
        while not children():  # noqa: ASYNC110 - nobody tells when a child has begun
            await asyncio.sleep(0.01)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job


async def test_a_child_knows_nothing_of_its_parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MASTER_KEY", "kp7-master-key")
    secret = os.open(tmp_path / "open", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(secret, True)
    code = """
import json, os
words = json.dumps([dict(os.environ), sorted(map(int, os.listdir("/proc/self/fd"))), os.getcwd()])
os.write(1, words.encode())
"""
    try:
        environment, descriptors, folder = __import__("json").loads(await Rogue(code).run("take", b""))
    finally:
        os.close(secret)
    assert sorted(set(environment) - {"LC_CTYPE"}) == ["LC_ALL", "MALLOC_ARENA_MAX"]
    assert len(descriptors) == 5  # 0, 1, 2, the pipe, and the folder that it is reading
    assert secret not in descriptors[:3]
    assert folder == "/"


async def test_only_so_many_at_once_and_first_come_first_served() -> None:
    workshop = Rogue("import time; time.sleep(0.1)", at_once=2)
    await asyncio.gather(*(workshop.run("take", b"") for _ in range(4)))
    first, second, third, fourth = workshop.started
    assert second - first < 0.09 < third - first
    assert fourth - second > 0.09


async def test_more_than_may_wait_are_told_at_once() -> None:
    papers = room("import time; time.sleep(0.1)", at_once=1, waiting=2)
    answers = await asyncio.gather(*(papers.take(tools.house()) for _ in range(5)))
    assert answers[3:] == [Refused(Reason.BUSY, 3, 3)] * 2
    assert answers[0] == Refused(Reason.UNREADABLE)


async def test_a_place_is_free_again_whatever_became_of_the_last_one() -> None:
    workshop = Rogue("raise SystemExit(1)", at_once=1, waiting=0)
    for _ in range(3):
        with pytest.raises(Refusal) as refusal:
            await workshop.run("take", b"")
        assert refusal.value.refused.reason is Reason.UNREADABLE
    assert workshop.inside == 0


async def test_every_job_can_be_done_in_there(apart: Papers) -> None:
    paper = await apart.take(tools.transcript(), "ใช้เพื่อทดสอบ")
    assert isinstance(paper, Paper)
    assert isinstance(await apart.stamp(paper.pdf, Mark("สำเนาถูกต้อง"), [Box(1, 0, 0, 0.5, 0.5)]), Stamped)
    assert isinstance(await apart.preview(paper.pdf, 2, watermark="ใช้เพื่อทดสอบ"), Picture)
    page = await apart.page(tools.photo())
    assert isinstance(page, Photo)
    assert isinstance(await apart.bind([page.jpeg]), Bound)
    assert await apart.take(tools.bad("restricted.pdf")) == Refused(Reason.RESTRICTED)


def memory() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024


@pytest.mark.parametrize("name", ["unpacking_bomb.pdf", "drawing_bomb.pdf", "picture_bomb.pdf"])
async def test_a_bomb_goes_off_elsewhere(apart: Papers, name: str) -> None:
    """FILE1: refused after ten seconds of work, and the house does not grow by 50 MB."""
    bomb = tools.bad(name)
    before, most = memory(), 0
    start = time.monotonic()
    job = asyncio.create_task(apart.take(bomb))
    while not job.done():
        most = max(most, memory())
        await asyncio.sleep(0.01)
    refused = job.result()
    assert isinstance(refused, Refused)
    assert refused.reason in (Reason.TOO_MUCH_WORK, Reason.TOO_MANY_PIXELS)
    assert time.monotonic() - start < LIMITS.seconds + 2
    assert most - before < 50 * MIB


def test_who_stands_back_is_given_the_time() -> None:
    """Fifty photographed pages are three seconds of work, which on busy cores took more than ten by the clock."""
    assert LIMITS.seconds >= 3 * LIMITS.cpu_seconds


async def test_a_bomb_does_not_hold_up_the_house(apart: Papers) -> None:
    job = asyncio.create_task(apart.take(tools.bad("unpacking_bomb.pdf")))
    longest = 0.0
    while not job.done():
        start = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - start)
    assert longest < 0.5


async def test_a_child_with_too_little_memory_says_so() -> None:
    tight = Papers(limits=Limits(memory=48 * MIB))
    refused = await tight.take(tools.house())
    assert isinstance(refused, Refused)
    assert refused.reason in (Reason.TOO_MUCH_WORK, Reason.UNREADABLE)


async def test_without_memfd_too(apart: Papers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    assert isinstance(await apart.take(tools.house()), Paper)


def test_a_message_is_what_was_packed_or_nothing() -> None:
    message = wire.pack({"a": 1}, [b"x", b"", b"yz"])
    assert wire.unpack(message) == ({"a": 1}, [b"x", b"", b"yz"])
    for end in range(len(message)):
        with pytest.raises(wire.Nonsense):
            wire.unpack(message[:end])
    for words in (
        b"[]",
        b"{}",
        b'{"sizes": 1}',
        b'{"sizes": [-1]}',
        b'{"sizes": [true]}',
        b'{"sizes": [1e9]}',
        b"[" * 9999,
    ):
        with pytest.raises(wire.Nonsense):
            wire.unpack(len(words).to_bytes(4, "big") + words)
