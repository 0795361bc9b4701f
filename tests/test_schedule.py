"""What need not be kept goes, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
import structlog

from bot import schedule
from bot.notices import Notices
from bot.outbox import Entry, Outbox
from bot.policy import Policy
from bot.pulse import Pulse
from bot.schedule import Besides, Schedule, Undone, purge
from bot.settings import Settings
from bot.standing import Failing, Standing, together
from bot.text import Texts
from bot.times import DAY, MINUTE, wall_clock
from bot.topic import Kept, Registry, Sweep, Topic, Words
from storage.database import Database, Tx
from storage.ids import new_id
from storage.objects import Unstored
from storage.roster import write_roster
from storage.vault import Key, Vault
from tests.storage.test_roster import SOMCHAI

WHEN = 1_800_000_000_000


async def no_facts(*_: object) -> dict[str, object]:
    return {}


class Archive:
    """A database with a schedule that knows no topic but what it is to `sweep`, and a clock that tests move."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, WHEN
        self.vault = Vault(b"a master key that is used in tests only")
        self.settings = Settings(_env_file=None)
        outbox = Outbox(database, self.vault, self.clock)
        self.besides: dict[str, Besides] = {}
        self.registry = registry = Registry([])
        notices = Notices(database, self.vault, outbox, Texts(), registry, self.clock)
        self.policy = Policy(self.settings, self.clock)
        self.schedule = Schedule(database, outbox, notices, registry, self.policy, self.clock, self.besides)
        self.pulse = Pulse(database, self.vault, self.policy, lambda: self.schedule.standing)

    def clock(self) -> int:
        return self.now

    def sweep(self, *sweeps: Sweep) -> None:
        self.registry.sweeps = Registry([Topic({}, {}, no_facts, lambda _: (), sweeps=sweeps)]).sweeps

    def failing(self) -> Mapping[str, Failing]:
        assert self.schedule.standing
        return self.schedule.standing.failing

    async def run(self, sql: str, **params: object) -> None:
        async with self.database.write() as tx:
            await tx.run(sql, params)

    async def count(self, table: str) -> int:
        async with self.database.read() as tx:
            row = await tx.one(f"SELECT count(*) AS n FROM {table}")
        assert row
        return int(row["n"])

    async def stranger(self) -> tuple[str, Key]:
        """An account of nobody, last seen now."""
        id, (key, wrapped) = new_id(), self.vault.new_key()
        await self.run("INSERT INTO keys VALUES (:id, :wrapped)", id=key.id, wrapped=wrapped)
        await self.run(
            "INSERT INTO accounts (id, channel, external_id, key_id, language, seen_at, created_at) "
            "VALUES (:id, 'toy', :id, :key, 'th', :now, :now)",
            id=id, key=key.id, now=self.now,
        )  # fmt: skip
        return id, key

    async def somchai(self) -> str:
        async with self.database.write() as tx:
            await write_roster(tx, self.vault, [SOMCHAI], 1)
            row = await tx.one("SELECT id FROM people")
        assert row
        return str(row["id"])


@pytest.fixture
async def archive(database_url: str) -> AsyncIterator[Archive]:
    database = await Database.open(database_url)
    await database.migrate()
    yield Archive(database)
    await database.close()


# --- strangers --------------------------------------------------------------------------------------------------------


async def test_a_strangers_account_goes_with_its_key_when_its_days_are_over(archive: Archive) -> None:
    await archive.stranger()
    archive.now += archive.settings.conversation_days * DAY
    _, newer = await archive.stranger()
    await archive.schedule.once()
    assert await archive.count("accounts") == 2, "gone too soon"
    archive.now += 1
    await archive.schedule.once()
    async with archive.database.read() as tx:
        assert [row["key_id"] for row in await tx.all("SELECT key_id FROM accounts")] == [newer.id]
        assert [row["id"] for row in await tx.all("SELECT id FROM keys")] == [newer.id]


SOON = WHEN + 1_000 * DAY
KEEPS = {
    "a person": "UPDATE accounts SET person_id = :person WHERE id = :id",
    "a session": "UPDATE accounts SET session = 'one' WHERE id = :id",
    "a conversation": f"INSERT INTO conversations VALUES (:id, NULL, {SOON}, '')",
    "a message that is shown": f"INSERT INTO chat_messages VALUES ('m', :id, 'k', '', {SOON})",
    "an ID that was typed": f"INSERT INTO typed_ids VALUES (:id, 'i', {SOON})",
    "a code": "INSERT INTO codes (id, account_id, person_id, purpose, address_index, reference, hash, issued_at, "
    f"expires_at) VALUES ('c', :id, :person, 'login', '', '', '', {WHEN}, {SOON})",
    "an open check": "INSERT INTO identity_checks (id, reference, account_id, id_index, key_id, claim, why, asked_at) "
    f"VALUES ('i', 'r', :id, '', 'k', '', '', {WHEN})",
}


@pytest.mark.parametrize("what", KEEPS)
async def test_an_account_with_anything_left_stays(archive: Archive, what: str) -> None:
    person = await archive.somchai()
    id, key = await archive.stranger()
    await archive.stranger()
    # enforced, the references alone would keep it, and the chore would end in an error
    await archive.run(KEEPS[what], **{name: value for name, value in {"id": id, "person": person}.items()
                                      if f":{name}" in KEEPS[what]})  # fmt: skip
    archive.now += 100 * DAY
    assert not await archive.schedule.once()
    assert archive.failing() == {}
    async with archive.database.read() as tx:
        assert [row["id"] for row in await tx.all("SELECT id FROM accounts")] == [id], "its empty neighbour goes"
        assert await tx.one("SELECT 1 FROM keys WHERE id = :id", {"id": key.id})


async def test_an_account_that_something_is_on_its_way_to_stays(archive: Archive) -> None:
    """Its key opens what is to be delivered."""
    id, key = await archive.stranger()
    entry = Entry.make("toy", "notice", {}, key, now=archive.now, account_id=id, expires_at=SOON)
    outbox = Outbox(archive.database, archive.vault, archive.clock)
    async with archive.database.write() as tx:
        await outbox.insert(tx, [entry])
    archive.now += 100 * DAY
    await archive.schedule.once()
    assert await archive.count("accounts") == 1
    assert await archive.count("keys") == 1
    await archive.run("DELETE FROM outbox")
    await archive.schedule.once()
    assert await archive.count("accounts") == 0
    assert await archive.count("keys") == 0


async def test_many_strangers_go_a_chunk_at_a_time(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "CHUNK", 3)
    for _ in range(7):
        await archive.stranger()
    archive.now += 100 * DAY
    assert [await archive.schedule.once() for _ in range(3)] == [True, True, False]
    assert await archive.count("accounts") == 0


# --- what has its time ------------------------------------------------------------------------------------------------

OLD = Kept("attempts", "at", DAY)
OTHERS = Kept("inbox", "received_at", DAY)


async def attempts(archive: Archive, n: int, at: int) -> None:
    async with archive.database.write() as tx:
        await tx.many("INSERT INTO attempts VALUES ('login', :n, :at)", [{"n": str(i), "at": at - i} for i in range(n)])


async def test_it_says_that_there_is_more_as_long_as_there_is(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "CHUNK", 3)
    await attempts(archive, 7, WHEN - 2 * DAY)
    await attempts(archive, 2, WHEN)
    more = []
    for _ in range(3):
        async with archive.database.write() as tx:
            more.append(await purge(tx, [OLD, OTHERS], WHEN))
    assert more == [True, True, False]
    assert await archive.count("attempts") == 2


async def test_a_chore_with_more_to_delete_is_done_again_soon(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "CHUNK", 3)
    await attempts(archive, 4, WHEN - 2 * DAY)
    assert await archive.schedule.once()
    assert not await archive.schedule.once()
    assert await archive.count("attempts") == 0


async def test_to_the_day_and_only_what_may_go(archive: Archive) -> None:
    await attempts(archive, 1, WHEN - DAY)
    async with archive.database.write() as tx:
        await purge(tx, [OLD], WHEN)
        await purge(tx, [replace(OLD, where="kind = 'other'")], WHEN + DAY)
    assert await archive.count("attempts") == 1
    async with archive.database.write() as tx:
        await purge(tx, [OLD], WHEN + 1)
    assert await archive.count("attempts") == 0


async def test_a_purge_deletes_all_of_it_at_once(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "CHUNK", 3)
    await attempts(archive, 8, WHEN - 2 * DAY)
    await attempts(archive, 1, WHEN)
    for _ in range(4):
        await archive.stranger()
    assert await archive.schedule.purge(WHEN) == {}
    assert await archive.count("attempts") == 1
    assert await archive.count("accounts") == 4
    assert await archive.schedule.purge(WHEN + 100 * DAY) == {}
    assert await archive.count("attempts") == 0
    assert await archive.count("accounts") == 0


async def test_what_a_purge_cannot_delete_keeps_nothing_else(archive: Archive) -> None:
    swept: list[int] = []

    async def sweeps() -> bool:
        swept.append(archive.now)
        return len(swept) < 2

    archive.besides["sweeps"] = sweeps
    await attempts(archive, 3, WHEN - 2 * DAY)
    await archive.run("DROP TABLE inbox")  # the first of them
    undone = await archive.schedule.purge(WHEN, "sweeps")
    assert list(undone) == ["purge_inbox"]
    assert "inbox" in undone["purge_inbox"]
    assert await archive.count("attempts") == 0
    assert swept == [WHEN, WHEN], "as long as there is more"


# --- chores that fail -------------------------------------------------------------------------------------------------


async def falls_ill(tx: Tx, now: int) -> dict[str, Words]:
    await tx.run("INSERT INTO attempts VALUES ('login', 'half', :now)", {"now": now})
    raise ZeroDivisionError("somebody's ID")


async def ends_sessions(tx: Tx, now: int) -> dict[str, Words]:
    await tx.run("INSERT INTO attempts VALUES ('login', 'swept', :now)", {"now": now})
    return {}


async def test_a_chore_that_fails_stops_no_other_and_is_told_until_it_heals(archive: Archive) -> None:
    told: list[int] = []

    async def tells() -> None:
        told.append(archive.now)

    archive.sweep(falls_ill, ends_sessions)
    archive.besides["tells"] = tells
    await archive.run("DROP TABLE chat_messages")
    await archive.run("INSERT INTO tallies VALUES ('login', 1, 0, 1)")
    with structlog.testing.capture_logs() as said:
        for _ in range(2):
            assert not await archive.schedule.once()
            archive.now += MINUTE
    assert set(archive.failing()) == {"falls_ill", "purge_chat_messages", "forget_strangers"}
    ill = archive.failing()["falls_ill"]
    assert ill.since == WHEN, "since it began, not since it was last seen"
    assert ill.why.startswith("ZeroDivisionError at schedule.py:")
    assert told == [WHEN, WHEN + MINUTE]
    assert await archive.count("tallies") == 0, "the tables beside it are cleared"
    async with archive.database.read() as tx:
        assert {row["subject"] for row in await tx.all("SELECT subject FROM attempts")} == {"swept"}
    assert [line["chore"] for line in said].count("falls_ill") == 1, "not a line each time"
    assert "somebody" not in str(said)

    archive.sweep(ends_sessions)
    with structlog.testing.capture_logs() as said:
        await archive.schedule.once()
    assert "falls_ill" not in archive.failing()
    assert not [line for line in said if line["event"] == "schedule_failed"]


async def test_a_chore_besides_that_has_more_to_do_is_done_again_soon(archive: Archive) -> None:
    left = 2

    async def sweeps() -> bool:
        nonlocal left
        left -= 1
        return left > 0

    archive.besides["sweeps"] = sweeps
    assert [await archive.schedule.once() for _ in range(2)] == [True, False]


async def test_files_that_are_away_are_said_in_the_words_of_their_store(archive: Archive) -> None:
    async def sweeps() -> bool:
        raise Unstored("/srv/papers: Stale file handle")

    archive.besides["sweeps"] = sweeps
    await archive.schedule.once()
    assert archive.failing()["sweeps"].why == "/srv/papers: Stale file handle"


async def test_a_chore_that_heals_says_so(archive: Archive) -> None:
    well = False

    async def tells() -> None:
        if not well:
            raise Undone("the share is away")

    archive.besides["tells"] = tells
    await archive.schedule.once()
    assert archive.failing() == {"tells": Failing(WHEN, "the share is away")}
    well, archive.now = True, WHEN + MINUTE
    with structlog.testing.capture_logs() as said:
        await archive.schedule.once()
    assert archive.schedule.standing == Standing(WHEN + MINUTE)
    assert said == [{"event": "schedule_healed", "chore": "tells", "seconds": 60, "log_level": "info"}]


async def test_it_is_well_as_long_as_it_comes_through_whole() -> None:
    standing = Standing(WHEN)
    assert standing.is_well(WHEN + 5 * MINUTE)
    assert not standing.is_well(WHEN + 5 * MINUTE + 1)
    assert not Standing(WHEN, {"tells": Failing(WHEN, "away")}).is_well(WHEN)


async def test_how_it_stands_is_told_to_other_processes(archive: Archive) -> None:
    """At once when something begins to fail; of two processes, what fails in either."""
    other = Standing(WHEN - MINUTE, {"tells": Failing(WHEN - 9, "away")})
    beside = Pulse(archive.database, archive.vault, archive.policy, lambda: other)
    web = Pulse(archive.database, archive.vault, archive.policy, lambda: None)

    async def seen() -> Standing | None:
        async with archive.database.read() as tx:
            return await together(tx)

    await web.once()
    assert await seen() is None
    await archive.schedule.once()
    await archive.pulse.once()
    assert await seen() == Standing(WHEN)
    archive.sweep(falls_ill)
    await archive.schedule.once()
    await archive.pulse.once()
    await beside.once()
    found = await seen()
    assert found
    assert (found.whole_at, set(found.failing)) == (WHEN, {"falls_ill", "tells"})


async def test_what_fails_in_two_processes_has_failed_since_the_first_of_them(archive: Archive) -> None:
    for since in (WHEN - 5, WHEN - 9, WHEN - 7):
        standing = Standing(WHEN, {"tells": Failing(since, f"away since {since}")})
        await Pulse(archive.database, archive.vault, archive.policy, lambda said=standing: said).once()  # type: ignore[misc]
    async with archive.database.read() as tx:
        found = await together(tx)
    assert found == Standing(WHEN, {"tells": Failing(WHEN - 9, f"away since {WHEN - 9}")})


async def test_a_process_that_was_killed_is_forgotten_by_those_that_live(archive: Archive) -> None:
    """One row for each process that ever ran would be left, else, for ever."""
    now = wall_clock()
    for id, seen_at in (("killed", now - 61_000), ("living", now - 30_000)):
        await archive.run("INSERT INTO processes (id, reads, seen_at) VALUES (:id, '', :at)", id=id, at=seen_at)
    await archive.pulse.once()
    async with archive.database.read() as tx:
        assert len(found := {row["id"] for row in await tx.all("SELECT id FROM processes")}) == 2
    assert "killed" not in found


async def test_of_two_processes_at_one_chore_the_second_finds_it_done(archive: Archive, database_url: str) -> None:
    there = 0
    met: list[int] = []

    async def tells(tx: Tx, now: int) -> dict[str, Words]:
        """Once, it means: whoever was told before is not told again."""
        nonlocal there
        there += 1
        met.append(there)
        if not await tx.one("SELECT 1 FROM attempts"):
            await asyncio.sleep(0.05)
            await tx.run("INSERT INTO attempts VALUES ('tells', 'x', :now)", {"now": now})
        there -= 1
        return {}

    other = await Database.open(database_url)
    beside = Archive(other)
    for one in (archive, beside):
        one.sweep(tells)
        assert await one.count("attempts") == 0  # connected by now
    await asyncio.gather(archive.schedule.once(), beside.schedule.once())
    await other.close()
    assert met == [1, 1]
    assert await archive.count("attempts") == 1
    assert (archive.failing(), beside.failing()) == ({}, {})
