"""What must happen after a commit: in order, once if anyhow possible, and never lost."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.outbox import GRACE, LEASE, NEWS, SCREEN, SECRET, Carrier, Entry, Outbox, Undelivered, Written
from bot.times import DAY
from storage import chats
from storage.database import Database, Row, Tx, Unavailable
from storage.vault import Key, Vault
from tests.databases import on_a_file, sqlite

WHEN = 1_800_000_000_000


def real_time() -> int:
    return int(time.time() * 1000)


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

    def entry(self, n: int, *, purpose: str = "notice", account: str = "somchai", **more: Any) -> Entry:
        return Entry.make("chat", purpose, {"n": n}, self.key, now=self.now, account_id=account, **more)

    async def write(self, *entries: Entry) -> Written:
        async with self.database.write() as tx:
            return await self.outbox.insert(tx, entries)

    async def write_in_vain(self, *entries: Entry) -> None:
        """A turn that fails after it has written."""
        with contextlib.suppress(RuntimeError):
            async with self.database.write() as tx:
                await self.outbox.insert(tx, entries)
                raise RuntimeError("the turn fails")

    async def commit(self, *entries: Entry) -> None:
        """As a turn does it."""
        self.outbox.dispatch(await self.write(*entries))

    async def send(self, n: int, **more: Any) -> None:
        await self.commit(self.entry(n, **more))
        await self.quiet()

    async def claim(self) -> None:
        """What the worker does twice a second."""
        self.outbox._take(await self.outbox.claim())
        await self.quiet()

    async def quiet(self) -> None:
        async with asyncio.timeout(5):
            while self.outbox._tasks:
                await asyncio.gather(*self.outbox._tasks, return_exceptions=True)
        with contextlib.suppress(Unavailable):
            await self.outbox._flush()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def rows(self) -> list[Row]:
        async with self.database.read() as tx:
            return await tx.all("SELECT * FROM outbox ORDER BY id")


@pytest.fixture
async def post(database_url: str) -> AsyncIterator[Post]:
    database = await Database.open(database_url)
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
    async with asyncio.timeout(5):
        while not post.carried:
            worker = post.outbox._worker
            assert worker is not None
            assert not worker.done(), "the worker died"
            await asyncio.sleep(0.01)
    assert post.carried == [1]


# --- order ----------------------------------------------------------------------------------------------------------


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
    async with asyncio.timeout(5):
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


# --- a newer screen takes the place of an older one -----------------------------------------------------------------


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
    assert not post.outbox._held
    assert not post.outbox._replaced


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
    assert not post.outbox._held
    assert not post.outbox._replaced


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


# --- what the platform says -----------------------------------------------------------------------------------------


async def test_what_the_platform_puts_off_waits_as_long_as_it_said_and_counts_as_no_attempt(post: Post) -> None:
    post.trouble = [Undelivered("too many messages", wait=7_000)]
    await post.send(1)
    [row] = await post.rows()
    assert (row["attempts"], row["reason"]) == (0, "too many messages")
    assert 7_000 <= row["due_at"] - post.now <= 9_100


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


async def test_what_a_dead_process_held_may_be_out_already(post: Post) -> None:
    await post.write(post.entry(1))
    post.anew()
    post.now += GRACE
    [entry] = await post.outbox.claim()
    assert entry.unsure


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
    assert not post.outbox._held


async def test_a_lane_outlives_an_error_nobody_thought_of(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    postpone = post.outbox._postpone

    async def fails(*_: Any) -> None:
        monkeypatch.setattr(post.outbox, "_postpone", postpone)
        raise ValueError("a page of the database is damaged")

    monkeypatch.setattr(post.outbox, "_postpone", fails)
    post.trouble = [Undelivered("busy")]
    await post.send(1)
    assert not post.outbox._lanes
    post.now += GRACE
    await post.claim()
    assert post.carried == [1]


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


@on_a_file
async def test_what_was_carried_is_deleted_with_the_next_turn(post: Post) -> None:
    await post.commit(post.entry(1))
    await asyncio.gather(*post.outbox._tasks)
    await post.commit(post.entry(2, account="malee"))
    assert len(await post.rows()) == 1


async def test_a_deletion_that_was_rolled_back_is_made_up_for(post: Post) -> None:
    await post.commit(post.entry(1))
    await asyncio.gather(*post.outbox._tasks)
    await post.write_in_vain()
    await post.quiet()
    post.now += GRACE
    await post.claim()
    assert post.carried == [1]
    assert await post.rows() == []


# --- crashes --------------------------------------------------------------------------------------------------------


async def test_what_a_crash_left_is_carried_after_a_while_with_the_same_body(post: Post) -> None:
    entry = post.entry(1)
    await post.write(entry)
    post.anew()
    await post.claim()
    assert post.carried == []
    post.now += GRACE
    [claimed] = await post.outbox.claim()
    assert (claimed.id, claimed.content, claimed.body) == (entry.id, entry.content, entry.body)
    post.outbox._take([claimed])
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
    async with asyncio.timeout(5):
        while max(row["due_at"] for row in await post.rows()) > post.now + DAY:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert post.carried == []
    post.now += GRACE
    await post.until(lambda: bool(post.carried))
    assert post.carried == [1]
    await post.quiet()
    [row] = await post.rows()
    assert row["due_at"] - post.now > DAY - 2 * GRACE, "what is for tomorrow stays for tomorrow"


# --- memory ---------------------------------------------------------------------------------------------------------


async def test_nothing_that_is_done_with_is_remembered(post: Post) -> None:
    """Each event has a row: what stayed in memory would fill it."""
    outbox = post.outbox
    for n in range(5):
        await post.commit(post.entry(n, account=f"account {n}"))
        await asyncio.gather(*outbox._tasks)
        assert set(outbox._held) == outbox._carried, "more than what the next turn deletes"
        assert len(outbox._carried) == 1 or not post.database.alone
    post.trouble = [Undelivered("no", permanent=True), Undelivered("LINE is busy"), RuntimeError("a bug")]
    for n in range(5, 8):
        await post.send(n, account=f"account {n}")
    assert not post.trouble
    for memory in (outbox._carried, outbox._held, outbox._replaced, outbox._lanes, outbox._tasks, outbox._flying):
        assert not memory


async def test_what_was_carried_is_deleted_soon_even_if_no_turn_comes_by(post: Post) -> None:
    await post.commit(post.entry(1))
    await post.until(lambda: post.carried == [1])
    flusher = post.outbox._flusher
    assert flusher
    async with asyncio.timeout(5):
        await flusher  # and it ends: it must not go round for ever
    assert await post.rows() == []
    assert not post.outbox._carried
    assert not post.outbox._held


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


# --- failures -------------------------------------------------------------------------------------------------------


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


# --- stopping -------------------------------------------------------------------------------------------------------


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
