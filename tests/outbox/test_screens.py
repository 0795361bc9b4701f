"""A newer screen takes the place of an older one; news and notices stay."""

import asyncio

from bot.outbox import GRACE, NEWS, SCREEN, Carrier, Entry, Undelivered
from storage import chats
from tests.outbox.post import Post


async def test_a_newer_screen_replaces_one_that_must_wait(post: Post) -> None:
    post.trouble = [Undelivered("LINE is busy")]
    await post.send(1, purpose=SCREEN)
    await post.send(2, purpose=SCREEN)
    assert post.carried == [2], "nobody needs to read a question that is no longer asked"
    assert await post.rows() == []


async def test_a_newer_screen_replaces_one_that_a_crash_left_behind(post: Post) -> None:
    await post.write(post.entry(1, purpose=SCREEN))
    post.anew()
    await post.send(2, purpose=SCREEN)
    post.now += GRACE
    await post.claim()
    assert post.carried == [2]


async def test_a_screen_on_its_way_arrives_and_what_waits_behind_it_is_replaced(post: Post) -> None:
    gate = asyncio.Event()

    async def deliver(entry: Entry) -> None:
        await gate.wait()
        post.carried.append(entry.content["n"])

    post.outbox.carriers["chat"] = Carrier(deliver)
    await post.commit(post.entry(1, purpose=SCREEN))
    await asyncio.sleep(0)  # it is on its way now
    for n in (2, 3, 4):
        await post.commit(post.entry(n, purpose=SCREEN))
    gate.set()
    await post.quiet()
    assert post.carried == [1, 4]
    assert await post.rows() == []
    assert not post.outbox.lanes.held
    assert not post.outbox.lanes.replaced


async def test_a_screen_that_fails_after_it_was_replaced_does_not_come_again(post: Post) -> None:
    gate = asyncio.Event()

    async def deliver(entry: Entry) -> None:
        await gate.wait()
        if entry.content["n"] == 1:
            raise Undelivered("LINE is busy")
        post.carried.append(entry.content["n"])

    post.outbox.carriers["chat"] = Carrier(deliver)
    await post.commit(post.entry(1, purpose=SCREEN))
    await asyncio.sleep(0)
    await post.commit(post.entry(2, purpose=SCREEN))
    gate.set()
    await post.quiet()
    assert post.carried == [2], "it need not wait for one that nobody wants any more"
    post.now += GRACE
    await post.claim()
    assert post.carried == [2]
    assert await post.rows() == []
    assert not post.outbox.lanes.held
    assert not post.outbox.lanes.replaced


async def test_a_replacement_that_was_rolled_back_replaces_nothing(post: Post) -> None:
    gate = asyncio.Event()

    async def deliver(entry: Entry) -> None:
        await gate.wait()
        post.carried.append(entry.content["n"])

    post.outbox.carriers["chat"] = Carrier(deliver, at_once=1)
    await post.commit(post.entry(1, purpose=SCREEN), post.entry(2, purpose=SCREEN, account="malee"))
    await post.write_in_vain(post.entry(3, purpose=SCREEN, account="malee"))
    gate.set()
    await post.quiet()
    assert post.carried == [1, 2]


async def test_what_is_said_only_once_is_never_replaced_but_replaces(post: Post) -> None:
    """ "Saved" must be read, however quickly the next button is pressed; the question before it need not."""
    post.trouble = [Undelivered("LINE is busy")]
    await post.send(1, purpose=SCREEN)
    post.trouble = [Undelivered("LINE is busy")]
    await post.send(2, purpose=NEWS)
    await post.send(3, purpose=SCREEN)
    for _ in range(3):
        post.now += GRACE
        await post.claim()
    assert post.carried == [2, 3]


async def test_a_notice_is_never_replaced(post: Post) -> None:
    post.trouble = [Undelivered("LINE is busy")]
    await post.send(1, lane="chat:somchai:notice")
    await post.send(2, purpose=SCREEN)
    post.now += GRACE
    await post.claim()
    assert post.carried == [2, 1]


async def test_what_was_cancelled_is_not_carried_from_memory(post: Post) -> None:
    """A phone that is cut off while its screens wait behind a slow one."""
    gate = asyncio.Event()

    async def deliver(entry: Entry) -> None:
        await gate.wait()
        post.carried.append(entry.content["n"])

    post.outbox.carriers["chat"] = Carrier(deliver)
    await post.commit(post.entry(1, purpose=NEWS))
    await asyncio.sleep(0)
    await post.commit(post.entry(2, purpose=NEWS))
    async with post.database.write() as tx:
        await chats.forget_unsent(tx, ["somchai"])
        written = await post.outbox.insert(tx, [post.entry(3, purpose=NEWS)])
    post.outbox.dispatch(written)
    gate.set()
    await post.quiet()
    assert post.carried == [1, 3]
    assert not post.outbox.lanes.held
