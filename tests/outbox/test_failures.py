"""What the platform says, what fails for now, and what becomes a dead letter."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from bot.outbox import GRACE, SCREEN, SECRET, Carrier, Entry, Undelivered, rows
from bot.times import DAY
from storage.database import Tx, Unavailable
from tests.outbox.post import WHEN, Post


async def test_when_even_the_burial_fails_the_lane_goes_on(post: Post) -> None:
    async def fails(_tx: Any, _entry: Entry) -> list[Entry]:
        raise RuntimeError("nobody to tell")

    post.outbox.carriers["chat"] = Carrier(post.deliver, fails)
    post.trouble = [Undelivered("no such account", permanent=True)]
    with structlog.testing.capture_logs() as said:
        await post.send(1)
    assert {line["event"] for line in said} <= {"burial_failed", "delivery_postponed"}, "it is no dead letter"
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
    await post.write(post.entry(1))
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
    await post.write(post.entry(1))
    post.now += GRACE
    post.outbox.start()
    async with asyncio.timeout(30):
        while not post.carried:
            worker = post.outbox._worker
            assert worker is not None
            assert not worker.done(), "the worker died"
            await asyncio.sleep(0.01)
    assert post.carried == [1]


async def test_what_the_platform_puts_off_waits_as_long_as_it_said_and_counts_as_no_attempt(post: Post) -> None:
    post.trouble = [Undelivered("too many messages", wait=7_000)]
    await post.send(1)
    [row] = await post.rows()
    assert (row["attempts"], row["reason"]) == (0, "too many messages")
    assert 7_000 <= row["due_at"] - post.now <= 9_100


async def test_what_should_be_tried_again_within_a_time_does_not_back_off_beyond_it(post: Post) -> None:
    await post.write(post.entry(1))
    waits = []
    for _ in range(6):
        post.trouble = [Undelivered("no answer", within=4_000)]
        post.now += 60_000
        await post.claim()
        [row] = await post.rows()
        waits.append(row["due_at"] - post.now)
    assert all(wait <= 4_000 for wait in waits)
    assert waits[-1] >= 4_000 * 0.7, "and it still backs off until there"


@pytest.mark.parametrize(
    ("trouble", "unsure"),
    [
        (Undelivered("no answer"), True),
        (Undelivered("nobody listens", untaken=True), False),
        (Undelivered("too many", wait=1_000), False),
    ],
)
async def test_who_claims_a_row_knows_whether_it_may_be_out_already(
    post: Post, trouble: Undelivered, unsure: bool
) -> None:
    seen: list[bool] = []

    async def deliver(entry: Entry) -> None:
        seen.append(entry.unsure)
        raise trouble

    post.outbox.carriers["chat"] = Carrier(deliver)
    await post.send(1)
    post.now += GRACE
    await post.claim()
    assert seen == [False, unsure]


async def test_a_lane_outlives_an_error_nobody_thought_of(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    postpone = post.outbox._postpone

    async def fails(*_: Any) -> None:
        monkeypatch.setattr(post.outbox, "_postpone", postpone)
        raise ValueError("a page of the database is damaged")

    monkeypatch.setattr(post.outbox, "_postpone", fails)
    post.trouble = [Undelivered("busy")]
    await post.send(1)
    assert not post.outbox.lanes._queues
    post.now += GRACE
    await post.claim()
    assert post.carried == [1]


@pytest.mark.parametrize("purpose", ["notice", SCREEN, SECRET])
async def test_what_can_never_be_delivered_is_a_dead_letter_with_its_reason(post: Post, purpose: str) -> None:
    post.trouble = [Undelivered("the address is refused (550)", permanent=True)]
    await post.send(1, purpose=purpose)
    [row] = await post.rows()
    assert (row["reason"], row["dead_at"]) == ("the address is refused (550)", WHEN)
    assert (row["body"] == "") == (purpose == SECRET)
    await post.send(2)
    assert post.carried == [2], "a dead letter blocks nobody"
    post.now += 2 * DAY
    await post.claim()
    assert post.carried == [2], "a dead letter stays dead"


async def test_what_follows_a_dead_letter_is_written_with_it(post: Post) -> None:
    async def tell(_tx: Tx, entry: Entry) -> list[Entry]:
        return [Entry.make("sorry", "notice", {"n": -1}, post.key, now=post.now, account_id=entry.account_id)]

    post.outbox.carriers["chat"] = Carrier(post.deliver, tell)
    post.outbox.carriers["sorry"] = Carrier(post.deliver)
    post.trouble = [Undelivered("no", permanent=True)]
    await post.send(1)
    assert post.carried == [-1]


@pytest.mark.parametrize(
    "meanwhile",
    ["DELETE FROM outbox", "UPDATE outbox SET dead_at = 1, reason = 'its key is gone'"],
    ids=["nobody wants it any more", "dead already"],
)
async def test_nobody_is_told_of_what_was_done_with_while_it_was_on_its_way(post: Post, meanwhile: str) -> None:
    """Another code was asked for, or the flow was cancelled, while the mail server thought."""
    gate = asyncio.Event()

    async def deliver(_entry: Entry) -> None:
        await gate.wait()
        raise Undelivered("no such mailbox (550)", permanent=True)

    async def tell(_tx: Tx, entry: Entry) -> list[Entry]:
        return [Entry.make("sorry", "notice", {"n": -1}, post.key, now=post.now, account_id=entry.account_id)]

    post.outbox.carriers |= {"chat": Carrier(deliver, tell), "sorry": Carrier(post.deliver)}
    await post.commit(post.entry(1, purpose=SECRET))
    await asyncio.sleep(0)
    async with post.database.write() as tx:
        await tx.run(meanwhile)
    before = await post.rows()
    with structlog.testing.capture_logs() as said:
        gate.set()
        await post.quiet()
    assert post.carried == []
    assert await post.rows() == before
    assert said == []


@pytest.mark.parametrize(
    "trouble", [Undelivered("greylisted (450)"), RuntimeError("a bug in the carrier"), Unavailable("locked")]
)
async def test_what_fails_for_now_comes_again_and_is_carried_once(post: Post, trouble: Exception) -> None:
    post.trouble = [trouble]
    await post.send(1)
    assert post.carried == []
    [row] = await post.rows()
    assert row["dead_at"] is None
    assert "bug in the carrier" not in str(row["reason"]), "an exception's words may hold what a person wrote"
    post.now += GRACE
    await post.claim()
    assert post.carried == [1]
    assert await post.rows() == []


async def test_each_failure_waits_longer(post: Post) -> None:
    await post.write(post.entry(1, expires_at=WHEN + 100 * DAY))
    waits = []
    post.now += GRACE
    for _ in range(6):
        post.trouble = [Undelivered("still down")]
        await post.claim()
        [row] = await post.rows()
        waits.append(row["due_at"] - post.now)
        post.now = row["due_at"]
    assert [row["attempts"] for row in await post.rows()] == [6]
    assert all(0.7 * 1_000 * 2**n - 1 <= wait <= 1.3 * 1_000 * 2**n for n, wait in enumerate(waits))
    for _ in range(6):
        post.trouble = [Undelivered("still down")]
        await post.claim()
        [row] = await post.rows()
        assert row["due_at"] - post.now < 60_000
        post.now = row["due_at"]


async def test_what_is_too_late_to_be_of_use_is_not_delivered(post: Post) -> None:
    await post.write(post.entry(1, purpose=SECRET, expires_at=WHEN + 300_000))
    post.now += 300_000
    await post.claim()
    assert post.carried == []
    [row] = await post.rows()
    assert "expired" in row["reason"]
    assert row["body"] == ""


async def test_a_key_that_was_destroyed_leaves_a_dead_letter(post: Post) -> None:
    await post.write(post.entry(1))
    async with post.database.write() as tx:
        await tx.run("DELETE FROM keys")
    post.now += GRACE
    await post.claim()
    [row] = await post.rows()
    assert (post.carried, row["reason"]) == ([], "its key is gone")


async def test_a_row_that_was_edited_is_not_delivered(post: Post) -> None:
    first, second = post.entry(1), post.entry(2, account="malee")
    await post.write(first, second)
    async with post.database.write() as tx:
        await tx.run("UPDATE outbox SET body = :body WHERE id = :id", {"body": first.body, "id": second.id})
    post.now += GRACE
    await post.claim()
    assert post.carried == [1]
    assert [row["id"] for row in await post.rows()] == [second.id]


async def test_a_deletion_that_fails_in_its_own_way_is_tried_again_by_itself(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that stays could be carried again by another process."""
    monkeypatch.setattr("bot.outbox.POLL_SECONDS", 0)
    delete, calls = rows.delete, 0

    async def fails_once(tx: Tx, carried: frozenset[str], *, alone: bool) -> frozenset[str]:
        nonlocal calls
        calls += bool(carried)
        if calls == 1 and carried:
            raise ZeroDivisionError("a bug")
        return await delete(tx, carried, alone=alone)

    monkeypatch.setattr(rows, "delete", fails_once)
    with structlog.testing.capture_logs() as said:
        await post.commit(post.entry(1))
        await post.until(lambda: post.carried == [1] and not post.outbox.lanes.carried)
        await post.until(lambda: calls == 2)
    assert await post.rows() == []
    assert [line["event"] for line in said] == ["flush_failed"]
    assert "a bug" not in str(said)
