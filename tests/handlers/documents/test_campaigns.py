"""HR starts a campaign: who is listed, until when, and what the file had wrong."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import date

import pytest

from handlers.documents import campaigns, families
from handlers.documents.campaigns import Owed, open_for
from handlers.documents.rules import Family, Options, slots
from storage import audit, keys
from storage.database import Database
from storage.vault import Vault

VAULT = Vault(b"a master key that is used in tests only")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    await database.migrate()
    async with database.write() as tx:
        await audit.begin(tx, VAULT)
    yield database
    await database.close()


async def somebody(database: Database, id: str) -> None:
    async with database.write() as tx:
        key, wrapped = VAULT.new_key()
        await tx.run("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", {"id": key.id, "wrapped": wrapped})
        await tx.run(
            "INSERT INTO people (id, key_id, id_index, profile, contact, unit, kind, status, fingerprint, updated_at) "
            "VALUES (:id, :key, :id, '', '', '', '', 'active', '', 0)",
            {"id": id, "key": key.id},
        )


async def a_campaign(database: Database, id: str, made_at: int = 0, *, closed: bool = False, **due: str) -> None:
    """`due`: person id → their own day."""
    async with database.write() as tx:
        await tx.run(
            "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at, closed_at) "
            "VALUES (:id, 'documents', :id, '2026-12-31', '2026-12-15', 14, '{\"each_child\": false}', :at, :closed)",
            {"id": id, "at": made_at, "closed": 1 if closed else None},
        )
        await tx.many(
            "INSERT INTO listed (campaign_id, person_id, listed_on, due) VALUES (:id, :person, '2026-11-01', :due)",
            [{"id": id, "person": person, "due": day} for person, day in due.items()],
        )


async def test_each_is_asked_by_the_open_campaign_whose_day_is_first(database: Database) -> None:
    for person in ("somchai", "anan", "preeya"):
        await somebody(database, person)
    await a_campaign(database, "later", somchai="2026-12-16", anan="2026-12-15")
    await a_campaign(database, "sooner", made_at=1, somchai="2026-12-15", anan="2026-12-15")
    await a_campaign(database, "over", closed=True, somchai="2026-01-01", preeya="2026-01-01")
    async with database.read() as tx:
        found = await open_for(tx, VAULT, ["somchai", "anan", "preeya", "nobody"])
        assert await open_for(tx, VAULT, []) == {}
    assert {person: owed.campaign_id for person, owed in found.items()} == {"somchai": "sooner", "anan": "later"}
    owed = found["somchai"]
    assert (owed.name, owed.due, owed.options) == ("sooner", date(2026, 12, 15), Options(each_child=False))


async def test_a_day_that_has_passed_still_counts_until_hr_closes(database: Database) -> None:
    await somebody(database, "somchai")
    await a_campaign(database, "overdue", somchai="2026-11-01")
    await a_campaign(database, "next", somchai="2026-12-15")
    async with database.read() as tx:
        assert (await open_for(tx, VAULT, ["somchai"]))["somchai"].campaign_id == "overdue"


ALL = [slot.id for slot in slots(Family(), Options(each_child=False))]


async def answers(database: Database, person: str, family: Family = Family()) -> None:  # noqa: B008 - frozen
    async with database.write() as tx:
        row = await tx.one("SELECT key_id FROM people WHERE id = :id", {"id": person})
        assert row
        key = await keys.by_id(tx, VAULT, row["key_id"])
        assert key
        await families.save(tx, person, key, asdict(family), 1)


async def has(database: Database, campaign: str, person: str, state: str, ids: Sequence[str] = ALL) -> None:
    """These papers, all in this state."""
    async with database.write() as tx:
        await tx.many(
            "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, detail, at, "
            "submitted_at) VALUES (:id, :campaign, :person, :slot, 1, :state, '', '', '', 1, :submitted) "
            "ON CONFLICT (campaign_id, person_id, slot) DO UPDATE SET state = excluded.state",
            [
                {
                    "id": f"{campaign}.{slot}",
                    "campaign": campaign,
                    "person": person,
                    "slot": slot,
                    "state": state,
                    "submitted": None if state == "received" else 1,
                }
                for slot in ids
            ],
        )


async def asked(database: Database) -> Owed:
    async with database.read() as tx:
        return (await open_for(tx, VAULT, ["somchai"]))["somchai"]


@pytest.fixture
async def two(database: Database) -> Database:
    """Two campaigns ask Somchai, who has answered."""
    await somebody(database, "somchai")
    await a_campaign(database, "first", somchai="2026-12-01")
    await a_campaign(database, "second", made_at=1, somchai="2026-12-15")
    await answers(database, "somchai")
    return database


async def test_who_has_handed_in_is_asked_by_the_next_until_a_paper_comes_back(two: Database) -> None:
    await has(two, "first", "somchai", "submitted")
    await has(two, "first", "somchai", "waiting", ["house"])
    assert (await asked(two)).campaign_id == "second"
    await has(two, "second", "somchai", "received")
    assert (await asked(two)).campaign_id == "second", "certified, but not handed in"
    await has(two, "first", "somchai", "returned", ["house"])
    assert (await asked(two)).campaign_id == "first"
    for campaign in ("first", "second"):
        await has(two, campaign, "somchai", "approved")
    found = await asked(two)
    assert (found.campaign_id, found.handed_in) == ("first", True), "all done: it is still there to be looked at"


async def test_who_answers_anew_after_handing_in_owes_what_is_more(two: Database) -> None:
    await has(two, "first", "somchai", "submitted")
    assert (await asked(two)).campaign_id == "second"
    await answers(two, "somchai", Family(father_died=True))
    found = await asked(two)
    assert (found.campaign_id, found.handed_in) == ("first", False)
    await has(two, "first", "somchai", "submitted", ["father.death"])
    assert (await asked(two)).campaign_id == "second"


async def test_what_was_handed_in_elsewhere_is_named_also_when_that_is_closed(two: Database) -> None:
    assert (await asked(two)).before == ()
    await has(two, "first", "somchai", "submitted")
    await has(two, "second", "somchai", "received")
    assert (await asked(two)).before == (("first", len(ALL)),)
    async with two.write() as tx:
        await tx.run("UPDATE campaigns SET closed_at = 1 WHERE id = 'first'")
    assert (await asked(two)).before == (("first", len(ALL)),)
    for nth in range(2, 5):
        await a_campaign(two, f"n{nth}", made_at=nth, somchai="2027-01-01")
        await has(two, f"n{nth}", "somchai", "waived", ["house"])
    assert (await asked(two)).before == (("n2", 1), ("n3", 1), ("n4", 1)), "the newest"


async def test_people_hand_in_while_hr_moves_the_day(postgres_url: str) -> None:
    """Neither waits for the other: each would hold what the other needs next."""
    database = await Database.open(postgres_url)
    try:
        await database.migrate()
        await somebody(database, "somchai")
        await a_campaign(database, "open", somchai="2026-12-15")
        async with asyncio.timeout(10), database.write() as tx:
            assert (await campaigns.get_open(tx, "open", "UTC")).id == "open"
            await has(database, "open", "somchai", "received", ["house"])
    finally:
        await database.close()
