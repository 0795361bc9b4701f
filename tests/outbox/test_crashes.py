"""What a dead process has left is carried by another one, in order; one that stops lets it arrive."""

import asyncio

import pytest

from bot.outbox import GRACE, LEASE, Carrier, Entry, Undelivered
from bot.times import DAY
from tests.databases import on_a_file
from tests.outbox.post import Post, real_time


async def test_what_a_dead_process_held_may_be_out_already(post: Post) -> None:
    await post.write(post.entry(1))
    post.anew()
    post.now += GRACE
    [entry] = await post.outbox.claim()
    assert entry.unsure


async def test_what_a_crash_left_is_carried_after_a_while_with_the_same_body(post: Post) -> None:
    entry = post.entry(1)
    await post.write(entry)
    post.anew()
    await post.claim()
    assert post.carried == []
    post.now += GRACE
    [claimed] = await post.outbox.claim()
    assert (claimed.id, claimed.content, claimed.body) == (entry.id, entry.content, entry.body)
    post.outbox.lanes.take([claimed])
    await post.quiet()
    assert post.carried == [1]
    assert await post.rows() == []


async def test_what_a_crash_left_goes_in_order(post: Post) -> None:
    for n in range(4):
        await post.write(post.entry(n))
    post.anew()
    post.now += GRACE
    for n in range(4):
        await post.claim()
        assert post.carried == list(range(n + 1))


async def test_two_workers_never_take_the_same_row(post: Post) -> None:
    for n in range(30):
        await post.write(post.entry(n, account=f"account {n}"))
    post.now += GRACE
    claims = await asyncio.gather(*(post.anew().claim() for _ in range(4)))
    taken = [entry.content["n"] for claim in claims for entry in claim]
    assert sorted(taken) == list(range(30))
    assert await post.anew().claim() == []


async def test_a_worker_that_died_with_its_claim_is_followed_by_another(post: Post) -> None:
    await post.write(post.entry(1))
    post.now += GRACE
    assert len(await post.anew().claim()) == 1
    post.anew()
    await post.claim()
    assert post.carried == []
    post.now += LEASE
    await post.claim()
    assert post.carried == [1]


@on_a_file
async def test_who_starts_carries_at_once_what_a_dead_process_was_carrying(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one process a file: whoever held the lease is dead. What waits for its retry goes on waiting."""
    monkeypatch.setattr("bot.outbox.POLL_SECONDS", 0.01)
    post.now = real_time() + 1_000
    post.trouble = [Undelivered("in a minute", wait=LEASE)]
    await post.send(1, account="malee")
    await post.write(post.entry(2))
    post.now += GRACE
    assert [entry.content["n"] for entry in await post.anew().claim()] == [2]
    await post.anew().claim()
    post.anew().start()
    await post.until(lambda: bool(post.carried))
    assert post.carried == [2]
    await post.quiet()
    [row] = await post.rows()
    assert row["due_at"] - post.now > LEASE - 2 * GRACE


async def test_what_was_written_by_a_clock_that_has_been_set_back_is_not_late_by_as_much(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.POLL_SECONDS", 0.01)
    post.now = real_time()  # row ids tell when they were made
    await post.write(post.entry(1), post.entry(2, account="malee", due_at=post.now + DAY))
    post.now -= 90 * DAY
    post.anew().start()
    async with asyncio.timeout(30):
        while max(row["due_at"] for row in await post.rows()) > post.now + DAY:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert post.carried == []
    post.now += GRACE
    await post.until(lambda: bool(post.carried))
    assert post.carried == [1]
    await post.quiet()
    [row] = await post.rows()
    assert row["due_at"] - post.now > DAY - 2 * GRACE, "what is for tomorrow stays for tomorrow"


async def test_stopping_lets_what_is_under_way_arrive(post: Post) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def deliver(entry: Entry) -> None:
        begun.set()
        await gate.wait()
        await post.deliver(entry)

    post.outbox.carriers["chat"] = Carrier(deliver)
    post.outbox.start()
    await post.commit(post.entry(1))
    await begun.wait()
    stopping = asyncio.create_task(post.outbox.stop())
    await asyncio.sleep(0.02)
    assert not stopping.done()
    gate.set()
    await stopping
    assert post.carried == [1]
    assert await post.rows() == []
