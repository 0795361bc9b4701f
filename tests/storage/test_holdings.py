"""Every table of the schema: is it about people, and how does what stands in it go? A new table must be decided on."""

from typing import Any

from bot.schedule import STRANGERS, purge, retention
from bot.settings import Settings
from bot.topic import Registry
from handlers import topics
from storage import holdings
from storage.database import Database
from storage.holdings import Subject
from storage.people import national_id_index
from storage.roster import write_roster
from storage.vault import Vault
from tests.equipped import equipment
from tests.storage.test_roster import SOMCHAI

VAULT = Vault(b"a master key that is used in tests only")
SETTINGS = Settings(_env_file=None)
REGISTRY = Registry(topics(equipment(SETTINGS, VAULT)))

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
    "ledger_end": "one row",
    "files": "as long as something refers to them; storage/files.py",
    "files_gone": "until their objects are deleted; storage/files.py",
    "policy": "for ever: who decided what, and from when on",
    "campaigns": "for ever: what was asked of whom, and by when",
    "listed": "with the person",
    "families": "with the person",
    "grants": "with the person: verdicts name them",
    "signatures": "with the person",
    "papers": "with the person: they are the record",
    "verdicts": "with the person: who decided what about their papers",
    "prompts": "one row an officer, with the person",
    "pages": "until their paper is submitted or deleted; handlers/documents/drafts.py",
    "second_factors": "with the person, or until an operator resets it",
    "processes": "goes with the process; bot/pulse.py",
}
# Says nothing about any person.
IMPERSONAL = {
    "organisations": "public",
    "migrations": "names of files",
    "tallies": "counts of everybody together",
    "audit_head": "where the log ends",
    "audit_anchors": "how much of it was told to whom",
    "ledger_end": "where the ledger of erasures ends",
    "files_gone": "names of objects whose keys nobody can tell",
    "policy": "the office's rules, and which officer set them",
    "campaigns": "what the office asks for",
    "processes": "programs that run",
}


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


async def test_what_is_kept_for_some_time_can_be_deleted(database: Database) -> None:
    """Its table and column exist: else the first to hear of a misspelt one would be the operator, from `kp7 purge`."""
    for kept in (*retention(SETTINGS), *REGISTRY.kept(SETTINGS)):
        async with database.write() as tx:
            assert not await purge(tx, [kept], 2_000_000_000_000)


MOMENTS = """
SELECT table_name || '.' || column_name AS name, data_type FROM information_schema.columns
WHERE table_schema = current_schema()
AND (column_name IN ('at', 'age') OR column_name LIKE '%!_at' ESCAPE '!' OR column_name LIKE '%!_age' ESCAPE '!')
"""


async def test_every_moment_has_room_for_milliseconds(postgres_url: str) -> None:
    """SQLite takes any number into an INTEGER; on PostgreSQL the first time that is written would be out of range."""
    database = await Database.open(postgres_url)
    await database.migrate()
    async with database.read() as tx:
        types = {row["name"]: row["data_type"] for row in await tx.all(MOMENTS)}
    await database.close()
    assert len(types) > 20
    assert {name: kind for name, kind in types.items() if kind != "bigint"} == {}


async def test_what_each_table_says_about_people_has_been_decided(database: Database) -> None:
    held = {hold.table for hold in REGISTRY.holds}
    tables = set(await columns(database))
    assert tables - held - IMPERSONAL.keys() == set(), "what of these is shown, and goes with a person? see `Holds`"
    assert (held | IMPERSONAL.keys()) - tables == set()
    assert held & IMPERSONAL.keys() == set()


REFERENCES = {
    "sqlite": 'SELECT t.name AS "table", f."from" AS "column", f."table" AS parent FROM sqlite_master t '
    "JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
    "postgresql": 'SELECT c.relname AS "table", a.attname AS "column", p.relname AS parent FROM pg_constraint f '
    "JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class p ON p.oid = f.confrelid "
    "JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) "
    "WHERE f.contype = 'f' AND c.relnamespace = current_schema()::regnamespace",
}
# By these they are found to begin with.
FOUND_BY = {("accounts", "person_id")}


async def forgotten(database: Database) -> set[tuple[str, str]]:
    """Columns that refer to people, chats or keys, by the database itself, and that no `Holds` follows."""
    followed = {(hold.table, column, of) for hold in REGISTRY.holds for column, of in hold.by.items()}
    async with database.read() as tx:
        refer = {(row["table"], row["column"], row["parent"]) for row in await tx.all(REFERENCES[database.kind])}
    held = {one for one in refer if one[2] in ("people", "accounts", "keys")}
    assert ("emails", "person_id", "people") in held
    return {(table, column) for table, column, _ in held - followed} - FOUND_BY


async def test_whatever_refers_to_a_person_a_chat_or_a_key_is_followed(database: Database) -> None:
    assert await forgotten(database) == set(), "what of these goes with a person? see `Holds`"
    async with database.write() as tx:
        await tx.run("CREATE TABLE wishes (id TEXT PRIMARY KEY, of_whom TEXT REFERENCES people (id))")
        await tx.run("CREATE TABLE locks (opened_by TEXT NOT NULL REFERENCES keys (id), here TEXT)")
    assert await forgotten(database) == {("wishes", "of_whom"), ("locks", "opened_by")}


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
        await holdings.delete(tx, REGISTRY.holds, Subject(), 1)
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
        await holdings.delete(tx, REGISTRY.holds, subject, 1)
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
