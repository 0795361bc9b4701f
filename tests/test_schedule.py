"""What need not be kept goes, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot import schedule
from bot.notices import Notices
from bot.outbox import Entry, Outbox
from bot.policy import Policy
from bot.schedule import Schedule, purge
from bot.settings import Settings
from bot.text import Texts
from bot.times import DAY
from bot.topic import Kept, Registry
from storage.database import Database
from storage.ids import new_id
from storage.roster import write_roster
from storage.vault import Key, Vault
from tests.storage.test_roster import SOMCHAI

WHEN = 1_800_000_000_000


class Archive:
    """A database with a schedule that knows no topic, and a clock that tests move."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, WHEN
        self.vault = Vault(b"a master key that is used in tests only")
        self.settings = Settings(_env_file=None)
        outbox = Outbox(database, self.vault, self.clock)
        registry = Registry([])
        notices = Notices(database, self.vault, outbox, Texts(), registry, self.clock)
        self.schedule = Schedule(database, outbox, notices, registry, Policy(self.settings, self.clock), self.clock)

    def clock(self) -> int:
        return self.now

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
    await archive.schedule.purge(WHEN)
    assert await archive.count("attempts") == 1
    assert await archive.count("accounts") == 4
    await archive.schedule.purge(WHEN + 100 * DAY)
    assert await archive.count("attempts") == 0
    assert await archive.count("accounts") == 0
