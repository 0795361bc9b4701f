"""Every table of the schema: is it about people, and how does what stands in it go? A new table must be decided on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.policy import Policy
from bot.schedule import STRANGERS, retention
from bot.settings import Settings
from bot.topic import Registry
from handlers import topics
from storage import holdings
from storage.database import Database
from storage.holdings import Subject
from storage.people import national_id_index
from storage.roster import write_roster
from storage.vault import Vault
from tests.storage.test_roster import SOMCHAI

VAULT = Vault(b"a master key that is used in tests only")
SETTINGS = Settings(_env_file=None)
REGISTRY = Registry(topics(VAULT, Policy(SETTINGS, lambda: 0)))

# Not aged by a rule of their own. A table that stands neither here nor in the retention rules has been forgotten.
STAYS = {
    "people": "as long as the roster has them; kp7 person erase",
    "emails": "with the person: the history of addresses is part of the record",
    "accounts": "as long as they are linked; a stranger's goes by bot/schedule.py, forget_strangers",
    "keys": "with the person or the chat they belong to",
    "organisations": "public",
    "migrations": "one row a release",
    "audit": "for ever: it proves what was done, and holds no personal data",
    "audit_head": "one row",
    "audit_anchors": "one row for each place that is told",
    "policy": "for ever: who decided what, and from when on",
    "processes": "goes with the process; bot/pulse.py",
}
# Says nothing about any person.
IMPERSONAL = {
    "organisations": "public",
    "migrations": "names of files",
    "tallies": "counts of everybody together",
    "audit_head": "where the log ends",
    "audit_anchors": "how much of it was told to whom",
    "policy": "the office's rules, and which officer set them",
    "processes": "programs that run",
}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    await database.migrate()
    yield database
    await database.close()


async def columns(database: Database) -> dict[str, set[str]]:
    """Table → its columns, by the database itself."""
    async with database.read() as tx:
        return {table.name: set(table.columns) for table in await database.tables(tx)}


async def test_how_long_each_table_is_kept_has_been_decided(database: Database) -> None:
    aged = {kept.table for kept in (*retention(SETTINGS), *REGISTRY.kept(SETTINGS))}
    tables = set(await columns(database))
    assert tables - aged - STAYS.keys() == set(), "how long are these kept? see `Kept`"
    assert (aged | STAYS.keys()) - tables == set()
    assert aged & STAYS.keys() == set()


async def test_what_each_table_says_about_people_has_been_decided(database: Database) -> None:
    held = {hold.table for hold in REGISTRY.holds}
    tables = set(await columns(database))
    assert tables - held - IMPERSONAL.keys() == set(), "what of these is shown, and goes with a person? see `Holds`"
    assert (held | IMPERSONAL.keys()) - tables == set()
    assert held & IMPERSONAL.keys() == set()


async def test_every_column_that_names_a_person_or_a_chat_is_followed(database: Database) -> None:
    """And what is followed exists: a misspelt column would raise only on the day when somebody must be erased."""
    names = {"person_id": "people", "account_id": "accounts", "id_index": "marks"}
    of: dict[str, dict[str, str]] = {}
    for hold in REGISTRY.holds:
        of.setdefault(hold.table, {}).update(hold.by)
    for table, parts in (await columns(database)).items():
        followed = of.get(table, {})
        own = {"people": {"id_index"}, "accounts": {"person_id"}}.get(table, set())  # found by these to begin with
        assert {n: names[n] for n in names.keys() & parts - own} == {
            n: kind for n, kind in followed.items() if n in names
        }, table
        assert set(followed) <= parts
    for hold in REGISTRY.holds:
        assert set(hold.hidden) <= (await columns(database))[hold.table]


async def test_nobody_is_nobody(database: Database) -> None:
    async with database.write() as tx:
        await write_roster(tx, VAULT, [SOMCHAI], 1)
        assert all(rows == [] for rows in (await holdings.show(tx, VAULT, REGISTRY.holds, Subject())).values())
        await holdings.delete(tx, REGISTRY.holds, Subject())
        assert await tx.one("SELECT 1 FROM people")


async def test_a_record_that_was_tampered_with_can_still_be_shown_and_erased(database: Database) -> None:
    async with database.write() as tx:
        await write_roster(tx, VAULT, [SOMCHAI], 1)
        await tx.run("UPDATE people SET profile = contact")
        await tx.run("UPDATE emails SET address = 'edited'")
        subject = await holdings.find(tx, VAULT, national_id_index(VAULT, SOMCHAI.national_id))
        found: Any = await holdings.show(tx, VAULT, REGISTRY.holds, subject)
        assert found["people"][0]["profile"] == holdings.UNREADABLE
        assert found["people"][0]["contact"]["phone"]
        await holdings.delete(tx, REGISTRY.holds, subject)
        for table in ("people", "emails", "keys"):
            assert await tx.all(f"SELECT * FROM {table}") == []


async def test_what_hangs_on_a_key(database: Database) -> None:
    async with database.write() as tx:
        await write_roster(tx, VAULT, [SOMCHAI], 1)
        key = await tx.one("SELECT id FROM keys")
        assert key
        index = national_id_index(VAULT, SOMCHAI.national_id)
        assert await holdings.behind(tx, VAULT, key["id"]) == await holdings.find(tx, VAULT, index)
        await tx.run("INSERT INTO keys VALUES ('loose', 'x')")
        assert await holdings.behind(tx, VAULT, "loose") == Subject(keys=frozenset({"loose"}))


def test_a_chat_is_not_forgotten_while_something_refers_to_it() -> None:
    """Else deleting it would fail, and with it all sweeping."""
    refer = {hold.table for hold in REGISTRY.holds if "accounts" in hold.by.values() and not hold.stays}
    assert {table for table in refer - {"accounts"} if f"FROM {table} " not in STRANGERS} == set()
