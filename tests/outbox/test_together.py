"""Several processes, one PostgreSQL: whatever happens, a lane is in one pair of hands, and its messages go in order."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from bot.outbox import GRACE, NEWS, SCREEN, SECRET, Carrier, Entry, Outbox, Undelivered, rows
from storage.database import Database, Tx
from storage.vault import Key, Vault

WHEN = 1_800_000_000_000


class Process:
    """An outbox with a database connection and a memory of its own; `gate` holds up its deliveries."""

    def __init__(self, database: Database, office: "Office", name: str) -> None:
        self.name, self._office, self.database = name, office, database
        self.outbox = Outbox(database, office.vault, lambda: office.now)
        self.outbox.carriers["chat"] = Carrier(self._deliver)
        self.gate = asyncio.Event()
        self.gate.set()
        self.trouble: list[Exception] = []

    async def _deliver(self, entry: Entry) -> None:
        await self.gate.wait()
        if self.trouble:
            raise self.trouble.pop(0)
        self._office.carried.append((self.name, entry.content["n"]))

    async def sends(self, n: object, purpose: str = SCREEN, account: str = "somchai") -> None:
        """As a turn does it; carrying has begun when this returns."""
        entry = Entry.make("chat", purpose, {"n": n}, self._office.key, now=self._office.now, account_id=account)
        async with self.database.write() as tx:
            written = await self.outbox.insert(tx, [entry])
        self.outbox.dispatch(written)
        await asyncio.sleep(0)

    async def claims(self) -> None:
        self.outbox.lanes.take(await self.outbox.claim())
        await asyncio.sleep(0)

    async def rests(self) -> None:
        async with asyncio.timeout(30):
            await self.outbox.lanes.rest()
        await self.outbox._flush()


class Office:
    def __init__(self) -> None:
        self.now = WHEN
        self.vault = Vault(b"a master key that is used in tests only")
        self.key: Key
        self.carried: list[tuple[str, Any]] = []

    @property
    def said(self) -> list[Any]:
        return [n for _, n in self.carried]


@pytest.fixture
async def office(postgres_url: str) -> AsyncIterator[tuple[Office, Process, Process]]:
    office = Office()
    databases = [await Database.open(postgres_url) for _ in range(2)]
    await databases[0].migrate()
    office.key, wrapped = office.vault.new_key()
    async with databases[0].write() as tx:
        await tx.run("INSERT INTO keys VALUES (:id, :wrapped)", {"id": office.key.id, "wrapped": wrapped})
    first, second = (Process(database, office, name) for database, name in zip(databases, "ab", strict=True))
    yield office, first, second
    for process in (first, second):
        process.gate.set()
        await process.outbox.stop()
        await process.database.close()


Together = tuple[Office, Process, Process]


async def test_a_newer_screen_waits_for_one_that_another_process_is_sending(office: Together) -> None:
    house, a, b = office
    a.gate.clear()
    await a.sends(1)
    await b.sends(2)
    await b.claims()
    await b.rests()
    assert house.carried == [], "it would overtake"
    a.gate.set()
    await a.rests()
    await b.claims()
    await b.rests()
    assert house.carried == [("a", 1), ("b", 2)]


async def test_of_screens_that_fell_behind_another_process_only_the_last_is_sent(office: Together) -> None:
    house, a, b = office
    a.gate.clear()
    await a.sends(1)
    for n in (2, 3, 4):
        await b.sends(n)
    a.gate.set()
    await a.rests()
    await b.claims()
    await b.rests()
    assert house.said == [1, 4]


async def test_what_is_said_only_once_is_said_by_whoever_comes_by(office: Together) -> None:
    house, a, b = office
    a.gate.clear()
    await a.sends(1, NEWS)
    await b.sends(2, NEWS)
    await b.sends(3)
    a.gate.set()
    await a.rests()
    for process in (a, b, a):
        await process.claims()
        await process.rests()
    assert house.said == [1, 2, 3]


async def test_a_newer_screen_replaces_one_that_waits_for_its_retry_in_nobodys_hands(office: Together) -> None:
    house, a, b = office
    a.trouble = [Undelivered("LINE is busy")]
    await a.sends(1)
    await a.rests()
    await b.sends(2)
    await b.rests()
    house.now += 60_000
    await a.claims()
    await a.rests()
    assert house.carried == [("b", 2)]


async def test_what_takes_longer_than_the_lease_is_held_on_to(
    office: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.GRACE", 200)
    house, a, b = office
    a.gate.clear()
    await a.sends(1, NEWS)
    a.outbox.start(claims=False)
    for _ in range(20):
        await asyncio.sleep(0.05)
        house.now += 50
        await b.claims()
    assert b.outbox.lanes.held == {}, "it was taken out of the other one's hands"
    a.gate.set()
    await a.rests()
    assert house.carried == [("a", 1)]


async def test_what_a_dead_process_was_sending_is_taken_up_when_its_lease_is_over(office: Together) -> None:
    house, a, b = office
    a.gate.clear()
    await a.sends(1)  # and is never heard of again
    await b.claims()
    assert b.outbox.lanes.held == {}
    house.now += GRACE
    await b.claims()
    await b.rests()
    assert house.carried == [("b", 1)]


async def test_what_waits_too_long_in_memory_is_given_back_untried(office: Together) -> None:
    house, a, b = office
    a.outbox.carriers["chat"] = Carrier(a._deliver, at_once=1)
    a.gate.clear()
    await a.sends(1, account="malee")
    await a.sends(2)  # waits for its turn
    house.now += GRACE - 1_000
    a.gate.set()
    await a.rests()
    assert house.said == [1]
    async with b.database.read() as tx:
        row = await tx.one("SELECT attempts, unsure FROM outbox")
    assert row == {"attempts": 0, "unsure": 0}, "nobody has tried it"
    house.now += GRACE
    await b.claims()
    await b.rests()
    assert house.carried == [("a", 1), ("b", 2)]


async def test_who_has_lost_its_lease_does_not_put_off_what_another_one_carries(office: Together) -> None:
    house, a, b = office
    a.gate.clear()
    a.trouble = [Undelivered("LINE is busy")]
    await a.sends(1, NEWS)
    house.now += GRACE
    b.gate.clear()
    await b.claims()
    a.gate.set()
    await a.rests()  # too late: it is in other hands
    async with a.database.read() as tx:
        row = await tx.one("SELECT attempts, reason FROM outbox")
    assert row == {"attempts": 0, "reason": "being carried"}
    b.gate.set()
    await b.rests()
    assert house.carried == [("b", 1)]


async def test_who_has_lost_its_lease_does_not_bury_what_another_one_carries(office: Together) -> None:
    house, a, b = office

    async def tell(_tx: Tx, entry: Entry) -> list[Entry]:
        return [Entry.make("chat", "notice", {"n": "sorry"}, house.key, now=house.now, account_id=entry.account_id)]

    a.outbox.carriers["chat"] = Carrier(a._deliver, tell)
    a.gate.clear()
    a.trouble = [Undelivered("no such mailbox (550)", permanent=True)]
    await a.sends(1, SECRET)
    await a.sends(2, "notice")
    house.now += GRACE
    b.gate.clear()
    await b.claims()
    a.gate.set()
    await a.rests()  # too late: it is in other hands
    async with a.database.read() as tx:
        row = await tx.one("SELECT dead_at, reason, body <> '' AS whole FROM outbox ORDER BY id LIMIT 1")
    assert row == {"dead_at": None, "reason": "being carried", "whole": True}
    assert house.carried == [], "what stands behind it must not overtake it"
    b.gate.set()
    await b.rests()
    await b.claims()
    await b.rests()
    assert house.carried == [("b", 1), ("b", 2)]


async def test_what_is_newer_but_was_written_first_goes_first(office: Together) -> None:
    """Its id was drawn later, but it had the lane first, and is on its way: what is older waits for it."""
    house, a, b = office
    older = Entry.make("chat", NEWS, {"n": "older"}, house.key, now=house.now, account_id="somchai")
    a.gate.clear()
    await a.sends("newer", NEWS)
    async with b.database.write() as tx:
        written = await b.outbox.insert(tx, [older])
    b.outbox.dispatch(written)
    await b.claims()
    await b.rests()
    assert house.carried == [], "two of one lane at once"
    a.gate.set()
    await a.rests()
    await b.claims()
    await b.rests()
    assert house.carried == [("a", "newer"), ("b", "older")]


async def test_a_worker_that_is_late_gives_the_others_time_to_renew(
    office: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away, for all: no lease could be renewed, and what looks given up is on its way."""
    monkeypatch.setattr("bot.outbox.POLL_SECONDS", 0.001)
    outbox, seconds, claimed_at = office[2].outbox, itertools.chain((0, 0, 1), itertools.count(1 + GRACE // 1_000)), []
    now = 0

    def monotonic() -> float:
        nonlocal now
        now = next(seconds)
        return now

    async def claim() -> list[Entry]:
        claimed_at.append(now)
        return []

    monkeypatch.setattr("bot.outbox.outbox.time", SimpleNamespace(monotonic=monotonic))
    monkeypatch.setattr(outbox, "claim", claim)
    outbox.start()
    async with asyncio.timeout(30):
        while len(claimed_at) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    late = 1 + GRACE // 1_000
    assert claimed_at[:4] == [0, 1, late + GRACE // 1_000, late + GRACE // 1_000 + 1]


async def test_many_rows_and_two_workers_each_row_once_and_in_order(office: Together) -> None:
    house, a, b = office
    entries = [
        Entry.make("chat", "notice", {"n": n}, house.key, now=house.now, account_id=f"account {n % 7}")
        for n in range(70)
    ]
    async with a.database.write() as tx:
        await a.outbox.insert(tx, entries)  # never dispatched: its process is gone
    house.now += GRACE
    async with asyncio.timeout(10):
        while len(house.carried) < len(entries):
            await asyncio.gather(a.claims(), b.claims())
            await asyncio.gather(a.rests(), b.rests())
    assert sorted(house.said) == list(range(70))
    for account in range(7):
        assert [n for n in house.said if n % 7 == account] == list(range(account, 70, 7))


async def test_two_that_write_into_one_lane_do_so_one_after_the_other(office: Together) -> None:
    """Without any account between them, as for mails to one mailbox."""
    house, a, b = office
    for process in (a, b):
        process.gate.clear()
    await asyncio.gather(*(process.sends(n, "notice") for n in range(6) for process in (a, b)))
    assert sum(bool(process.outbox.lanes.held) for process in (a, b)) == 1
    for process in (a, b):
        process.gate.set()
    async with asyncio.timeout(10):
        while len(house.carried) < 12:
            for process in (a, b):
                await process.rests()
                await process.claims()
    assert sorted(house.said) == sorted([*range(6), *range(6)])


async def test_a_renewal_that_fails_in_its_own_way_is_not_the_last(
    office: tuple[Office, Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    post, first, second = office
    monkeypatch.setattr("bot.outbox.GRACE", 200)
    renew, calls = rows.renew, 0

    async def fails_once(tx: Tx, until: Mapping[str, int], due: int) -> set[str]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError("a bug")
        return await renew(tx, until, due)

    monkeypatch.setattr(rows, "renew", fails_once)
    first.gate.clear()
    first.outbox.start(claims=False)
    await first.sends(1)
    post.now += 120
    async with asyncio.timeout(30):
        while calls < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    post.now += 120  # past the first lease
    await asyncio.sleep(0.1)
    await second.claims()
    first.gate.set()
    await first.rests()
    assert post.carried == [("a", 1)]
