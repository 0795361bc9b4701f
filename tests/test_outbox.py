"""What must happen after a commit: in order, once if anyhow possible, and never lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.outbox import GRACE, Carrier, Entry, Outbox, Undelivered
from storage.database import Database, Row
from storage.vault import Key, Vault

WHEN = 1_800_000_000_000


class Post:
    """An outbox on a database of its own, a clock that tests move, and a carrier that does what it is told.

    `trouble`: what the next deliveries raise; `carried`: what arrived.
    """

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, WHEN
        self.vault = Vault(b"a master key that is used in tests only")
        self.key: Key
        self.carried: list[Any] = []
        self.trouble: list[Exception] = []
        self.outbox = self.anew()

    def anew(self) -> Outbox:
        """As after a restart: what was in memory is gone."""
        self.outbox = Outbox(self.database, self.vault, lambda: self.now)
        self.outbox.carriers["chat"] = Carrier(self.deliver)
        return self.outbox

    async def deliver(self, entry: Entry) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.carried.append(entry.content["n"])

    async def make_key(self) -> None:
        self.key, wrapped = self.vault.new_key()
        async with self.database.write() as tx:
            await tx.run("INSERT INTO keys VALUES (:id, :wrapped)", {"id": self.key.id, "wrapped": wrapped})

    async def write(self, n: int, *, purpose: str = "reply", account: str = "somchai", **more: Any) -> Entry:
        entry = Entry.make("chat", purpose, {"n": n}, self.key, now=self.now, account_id=account, **more)
        async with self.database.write() as tx:
            await self.outbox.insert(tx, [entry])
        return entry

    async def send(self, n: int, **more: Any) -> None:
        self.outbox.dispatch([await self.write(n, **more)])
        await self.quiet()

    async def claim(self) -> None:
        """What the worker does twice a second."""
        self.outbox._take(await self.outbox.claim())
        await self.quiet()

    async def quiet(self) -> None:
        async with asyncio.timeout(5):
            while self.outbox._tasks:
                await asyncio.gather(*self.outbox._tasks, return_exceptions=True)

    async def rows(self) -> list[Row]:
        async with self.database.read() as tx:
            return await tx.all("SELECT * FROM outbox ORDER BY id")


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    database = await Database.open(f"sqlite:///{tmp_path / 'kp7.db'}")
    await database.migrate()
    post = Post(database)
    await post.make_key()
    yield post
    await post.outbox.stop()
    await database.close()


async def test_a_newer_message_does_not_overtake_one_that_must_wait(post: Post) -> None:
    post.trouble = [Undelivered("LINE is busy")]
    await post.send(1)
    await post.send(2)
    assert post.carried == []
    for _ in range(3):
        post.now += GRACE + 2_000
        await post.claim()
    assert post.carried == [1, 2]
    assert await post.rows() == []


async def test_a_newer_message_does_not_overtake_what_a_crash_left_behind(post: Post) -> None:
    await post.write(1)
    post.anew()
    await post.send(2)
    for _ in range(3):
        post.now += GRACE
        await post.claim()
    assert post.carried == [1, 2]


async def test_when_even_the_burial_fails_the_lane_goes_on(post: Post) -> None:
    async def fails(_tx: Any, _entry: Entry) -> list[Entry]:
        raise RuntimeError("nobody to tell")

    post.outbox.carriers["chat"] = Carrier(post.deliver, fails)
    post.trouble = [Undelivered("no such account", permanent=True)]
    await post.send(1)
    for n in (2, 3):
        await post.send(n)
    for _ in range(4):
        post.now += 60_000
        await post.claim()
    assert sorted(post.carried) == [1, 2, 3]


@pytest.mark.parametrize("spoil", [lambda wrapped: "x", lambda wrapped: "", lambda wrapped: wrapped[:-4] + "AAAA"])
async def test_a_key_that_does_not_open_is_a_dead_letter_and_stops_no_worker(
    post: Post, spoil: Callable[[str], str]
) -> None:
    await post.write(1)
    async with post.database.write() as tx:
        for row in await tx.all("SELECT * FROM keys"):
            await tx.run("UPDATE keys SET wrapped = :wrapped", {"wrapped": spoil(row["wrapped"])})
    post.now += GRACE
    await post.claim()
    [row] = await post.rows()
    assert row["dead_at"] == post.now
    assert row["reason"] == "its key is gone"


async def test_the_worker_outlives_a_claim_that_fails(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.outbox.POLL_SECONDS", 0.01)
    claim, fail = post.outbox.claim, [ValueError("unforeseen")]

    async def claims() -> list[Entry]:
        if fail:
            raise fail.pop()
        return await claim()

    monkeypatch.setattr(post.outbox, "claim", claims)
    await post.write(1)
    post.now += GRACE
    post.outbox.start()
    async with asyncio.timeout(5):
        while not post.carried:
            worker = post.outbox._worker
            assert worker is not None
            assert not worker.done(), "the worker died"
            await asyncio.sleep(0.01)
    assert post.carried == [1]
