"""One account's messages go in order, accounts side by side, and what is for later holds up nobody."""

import asyncio

from bot.outbox import GRACE, LEASE, Carrier, Entry, Undelivered
from bot.times import DAY
from tests.outbox.post import WHEN, Post


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
    await post.write(post.entry(1))
    post.anew()
    await post.send(2)
    for _ in range(3):
        post.now += GRACE
        await post.claim()
    assert post.carried == [1, 2]


async def test_a_newer_message_does_not_overtake_one_that_waits_long_for_its_retry(post: Post) -> None:
    """Longer than a lease: "later" alone would be taken for another day's."""
    post.trouble = [Undelivered("LINE is busy"), Undelivered("LINE says: in five minutes", wait=5 * LEASE)]
    await post.send(1)
    post.now += GRACE
    await post.claim()
    await post.send(2)
    await post.write(post.entry(3))
    assert post.carried == []
    post.now += GRACE
    await post.claim()
    assert post.carried == [], "claimed past one that waits"
    post.now += 10 * LEASE
    for _ in range(3):
        await post.claim()
    assert post.carried == [1, 2, 3]


async def test_what_comes_while_its_lane_is_busy_follows_at_once(post: Post) -> None:
    """What this process has in its hands is no reason to leave the next one to the worker."""
    gate = asyncio.Event()

    async def deliver(entry: Entry) -> None:
        await gate.wait()
        post.carried.append(entry.content["n"])

    post.outbox.carriers["chat"] = Carrier(deliver)
    await post.commit(post.entry(1))
    await asyncio.sleep(0)
    assert not (await post.write()).behind
    await post.commit(post.entry(2))
    gate.set()
    await post.quiet()
    assert post.carried == [1, 2]


async def test_one_accounts_messages_go_in_order(post: Post) -> None:
    await post.commit(*(post.entry(n) for n in range(10)))
    for n in range(10, 20):
        await post.commit(post.entry(n))
    await post.quiet()
    assert post.carried == list(range(20))
    assert await post.rows() == []


async def test_one_slow_account_holds_up_nobody_else(post: Post) -> None:
    gate, third = asyncio.Event(), asyncio.Event()

    async def deliver(entry: Entry) -> None:
        if entry.account_id == "slow":
            await gate.wait()
        post.carried.append((entry.account_id, entry.content["n"]))
        if len(post.carried) == 3:
            third.set()

    post.outbox.carriers["chat"] = Carrier(deliver)
    await post.commit(*(post.entry(n, account=account) for n in range(3) for account in ("slow", "quick")))
    async with asyncio.timeout(30):
        await third.wait()
    assert post.carried == [("quick", 0), ("quick", 1), ("quick", 2)]
    gate.set()
    await post.quiet()
    assert post.carried[3:] == [("slow", 0), ("slow", 1), ("slow", 2)]


async def test_a_newer_message_does_not_overtake_one_that_fails_while_it_is_written(post: Post) -> None:
    gate = asyncio.Event()

    async def deliver(entry: Entry) -> None:
        if not gate.is_set():
            await gate.wait()
            raise Undelivered("LINE is busy")
        post.carried.append(entry.content["n"])

    post.outbox.carriers["chat"] = Carrier(deliver)
    await post.commit(post.entry(1))
    second = post.entry(2)
    async with post.database.write() as tx:
        written = await post.outbox.insert(tx, [second])
        gate.set()
        await asyncio.sleep(0.01)
    post.outbox.dispatch(written)
    await post.quiet()
    for _ in range(3):
        post.now += GRACE + 2_000
        await post.claim()
    assert post.carried == [1, 2]


async def test_one_kind_asks_the_other_side_for_so_many_at_once(post: Post) -> None:
    now, most = 0, 0

    async def deliver(_entry: Entry) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    post.outbox.carriers["chat"] = Carrier(deliver, at_once=3)
    await post.commit(*(post.entry(n, account=f"account {n}") for n in range(20)))
    await post.quiet()
    assert most == 3


async def test_what_is_for_later_is_carried_later(post: Post) -> None:
    await post.send(1, due_at=WHEN + DAY, account="later")
    await post.claim()
    assert post.carried == []
    post.now += DAY
    await post.claim()
    assert post.carried == [1]


async def test_what_is_for_another_day_holds_up_nothing(post: Post) -> None:
    await post.send(1, due_at=WHEN + 5 * DAY)
    await post.send(2)
    post.now += GRACE
    await post.claim()
    assert post.carried == [2]
    post.now = WHEN + 5 * DAY
    await post.claim()
    assert post.carried == [2, 1]
