"""What is carried is deleted soon and then forgotten, and nobody has more in hand than fits into a lease."""

import asyncio

import pytest

from bot.outbox import GRACE, NEWS, Carrier, Entry, Undelivered
from storage import chats
from tests.databases import on_a_file, sqlite
from tests.outbox.post import Post


@on_a_file
async def test_what_was_carried_is_deleted_with_the_next_turn(post: Post) -> None:
    await post.commit(post.entry(1))
    await post.outbox.lanes.rest()
    await post.commit(post.entry(2, account="malee"))
    assert len(await post.rows()) == 1


async def test_a_deletion_that_was_rolled_back_is_made_up_for(post: Post) -> None:
    await post.commit(post.entry(1))
    await post.outbox.lanes.rest()
    await post.write_in_vain()
    await post.quiet()
    post.now += GRACE
    await post.claim()
    assert post.carried == [1]
    assert await post.rows() == []


async def test_nothing_that_is_done_with_is_remembered(post: Post) -> None:
    """Each event has a row: what stayed in memory would fill it."""
    outbox = post.outbox
    for n in range(5):
        await post.commit(post.entry(n, account=f"account {n}"))
        await outbox.lanes.rest()
        assert set(outbox.lanes.held) == outbox.lanes.carried, "more than what the next turn deletes"
        assert len(outbox.lanes.carried) == 1 or not post.database.alone
    post.trouble = [Undelivered("no", permanent=True), Undelivered("LINE is busy"), RuntimeError("a bug")]
    for n in range(5, 8):
        await post.send(n, account=f"account {n}")
    assert not post.trouble
    for memory in (
        outbox.lanes.carried,
        outbox.lanes.held,
        outbox.lanes.replaced,
        outbox.lanes._queues,
        outbox.lanes._tasks,
        outbox._leases._until,
    ):
        assert not memory


async def test_what_is_cancelled_once_it_has_arrived_is_not_remembered_either(post: Post) -> None:
    await post.commit(post.entry(1, purpose=NEWS))
    await post.outbox.lanes.rest()
    async with post.database.write() as tx:
        await chats.forget_unsent(tx, ["somchai"])
        written = await post.outbox.insert(tx, [])
    post.outbox.dispatch(written)
    await post.quiet()
    assert not post.outbox.lanes.held
    assert not post.outbox.lanes.replaced


async def test_what_was_carried_is_deleted_soon_even_if_no_turn_comes_by(post: Post) -> None:
    await post.commit(post.entry(1))
    await post.until(lambda: post.carried == [1])
    flusher = post.outbox._flusher
    assert flusher
    async with asyncio.timeout(30):
        await flusher  # and it ends: it must not go round for ever
    assert await post.rows() == []
    assert not post.outbox.lanes.carried
    assert not post.outbox.lanes.held


async def test_who_has_enough_in_hand_claims_no_more(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is claimed but lies here longer than its lease could go out twice."""
    for name, value in {"HELD_MOST": 2, "AT_ONCE": 1, "POLL_SECONDS": 0.01}.items():
        monkeypatch.setattr(f"bot.outbox.{name}", value)
    gate, under_way = asyncio.Event(), 0

    async def deliver(entry: Entry) -> None:
        nonlocal under_way
        under_way += 1
        await gate.wait()
        post.carried.append(entry.content["n"])

    await post.write(*(post.entry(n, account=f"account {n}") for n in range(6)))
    post.now += GRACE
    post.anew().carriers["chat"] = Carrier(deliver)
    post.outbox.start()
    await post.until(lambda: under_way == 2)
    await asyncio.sleep(0.1)  # ten polls that must not take any
    claimed = [row for row in await post.rows() if row["reason"]]
    assert (len(claimed), under_way) == (2, 2)
    gate.set()
    await post.until(lambda: len(post.carried) == 6)


@on_a_file
async def test_what_was_carried_while_the_database_was_away_is_kept_until_it_is_back(post: Post) -> None:
    async def deliver(entry: Entry) -> None:
        await post.deliver(entry)
        await sqlite(post.database)._writer.execute("PRAGMA query_only=ON")

    post.outbox.carriers["chat"] = Carrier(deliver)
    await post.send(1)
    assert post.carried == [1]
    assert len(await post.rows()) == 1
    await sqlite(post.database)._writer.execute("PRAGMA query_only=OFF")
    post.outbox.carriers["chat"] = Carrier(post.deliver)
    post.now += GRACE
    await post.claim()
    assert await post.rows() == []
