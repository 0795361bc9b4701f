"""The roster comes in again and again; what people told us themselves stays."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from storage.database import Database
from storage.people import Person, by_id, by_index, national_id_index, set_contact, set_email
from storage.roster import Plan, RosterEntry, Written, on_record, retire, write_roster
from storage.vault import Vault

VAULT = Vault(b"a master key that is used in tests only")
SOMCHAI = RosterEntry(
    national_id="1999900000013",
    profile={"title": "นาย", "first_name": "สมชาย", "last_name": "ทดสอบ", "birth_date": "1984-02-05"},
    phone="021234567",
    email="somchai.t@example.go.th",
    email_source="dpis_v5",
    laser_code="JT1000000101",
    organisation_code="",
    unit="กองการเจ้าหน้าที่",
    kind="official",
    status="active",
    appointed_on="2019-01-15",
    transferred_in_on=None,
    retires_on=None,
)
MALEE = replace(SOMCHAI, national_id="1999900000021", profile={**SOMCHAI.profile, "first_name": "มาลี"}, email="")


async def imports(database: Database, *entries: RosterEntry, now: int = 1) -> Written:
    async with database.write() as tx:
        return await write_roster(tx, VAULT, entries, now)


async def person(database: Database, entry: RosterEntry = SOMCHAI) -> Person:
    async with database.read() as tx:
        found = await by_index(tx, VAULT, national_id_index(VAULT, entry.national_id))
    assert found is not None
    return found


async def rows(database: Database, table: str) -> list[dict[str, Any]]:
    async with database.read() as tx:
        return await tx.all(f"SELECT * FROM {table} ORDER BY id")


async def test_a_new_person(database: Database) -> None:
    assert await imports(database, SOMCHAI, MALEE) == Written(added=2)
    somchai = await person(database)
    assert somchai.full_name == "นายสมชาย ทดสอบ"
    assert somchai.profile["national_id"] == SOMCHAI.national_id
    assert somchai.contact == {"phone": "021234567", "fax": ""}
    assert somchai.email is not None
    assert (somchai.email.address, somchai.email.effective_on) == (SOMCHAI.email, date(2019, 1, 15))
    assert (await person(database, MALEE)).email is None


async def test_nothing_personal_stands_in_plain_text(database: Database) -> None:
    await imports(database, SOMCHAI)
    stored = str([await rows(database, table) for table in ("people", "emails", "keys")])
    for secret in (SOMCHAI.national_id, "สมชาย", "ทดสอบ", "1984", "021234567", SOMCHAI.email, SOMCHAI.laser_code):
        assert secret not in stored
    assert SOMCHAI.national_id not in repr(SOMCHAI)
    assert "สมชาย" not in repr(await person(database))


async def test_an_unchanged_row_is_left_alone(database: Database) -> None:
    await imports(database, SOMCHAI, MALEE)
    before = [await rows(database, table) for table in ("people", "emails", "keys")]
    assert await imports(database, MALEE, SOMCHAI, now=2) == Written(left=2)
    assert [await rows(database, table) for table in ("people", "emails", "keys")] == before


async def test_a_changed_row_changes_the_person_and_nobody_else(database: Database) -> None:
    await imports(database, SOMCHAI, MALEE)
    before, malee = await person(database), await person(database, MALEE)
    moved = replace(SOMCHAI, unit="กองคลัง", email="new@example.go.th", phone="029999999")
    assert await imports(database, moved, MALEE, now=2) == Written(changed=1, left=1)
    after = await person(database)
    assert (after.id, after.key.id) == (before.id, before.key.id)
    assert (after.unit, after.contact["phone"]) == ("กองคลัง", "029999999")
    assert after.email is not None
    assert after.email.address == "new@example.go.th"
    assert (await person(database, MALEE)).unit == malee.unit
    replaced = [row["replaced_at"] for row in await rows(database, "emails")]
    assert replaced == [2, None]


@pytest.mark.parametrize("source", ["self", "officer"])
async def test_an_address_of_ones_own_outlives_the_roster(database: Database, source: str) -> None:
    await imports(database, SOMCHAI)
    somchai = await person(database)
    async with database.write() as tx:
        await set_email(tx, somchai, "own@example.com", source, date(2026, 11, 22), 2)
    await imports(database, replace(SOMCHAI, email="roster@example.go.th", unit="กองคลัง"), now=3)
    after = await person(database)
    assert after.unit == "กองคลัง"
    assert after.email is not None
    assert (after.email.address, after.email.source, after.email.added_at) == ("own@example.com", source, 2)


async def test_contact_data_of_ones_own_outlive_the_roster(database: Database) -> None:
    await imports(database, SOMCHAI)
    somchai = await person(database)
    own = {"phone": "0812345678", "fax": "", "own": "1"}
    async with database.write() as tx:
        await set_contact(tx, somchai, own, 2)
    await imports(database, replace(SOMCHAI, phone="029999999"), now=3)
    assert (await person(database)).contact == own


async def test_what_a_chat_saves_while_an_import_is_sealing_is_kept(database: Database) -> None:
    await imports(database, SOMCHAI, MALEE)
    moved = [replace(SOMCHAI, phone="029999999", email="new@example.go.th", unit="กองคลัง"), MALEE]
    async with database.read() as tx:
        plan = Plan(VAULT, moved, await on_record(tx, VAULT, moved))
    assert plan.outcomes[0].fields == ("unit", "phone", "email")
    somchai = await person(database)
    async with database.write() as tx:  # meanwhile
        await set_email(tx, somchai, "own@example.com", "self", date(2026, 11, 22), 2)
        await set_contact(tx, somchai, {"phone": "0812345678", "fax": "", "own": "1"}, 2)
    async with database.write() as tx:
        done = await plan.carry_out(tx, 3)
    assert [(outcome.what, outcome.fields) for outcome in done.outcomes] == [("changed", ("unit",)), ("left", ())]
    after = await person(database)
    assert (after.unit, after.contact["phone"]) == ("กองคลัง", "0812345678")
    assert after.email is not None
    assert after.email.address == "own@example.com"


async def test_two_imports_that_add_the_same_person_at_once(database: Database) -> None:
    """Both have read that nobody is there; the second one finds out, and leaves what the first one sealed."""
    plans = [Plan(VAULT, [SOMCHAI], {}) for _ in range(2)]
    for plan in plans:
        async with database.write() as tx:
            await plan.carry_out(tx, 1)
    assert len(await rows(database, "people")) == len(await rows(database, "keys")) == 1
    assert (await person(database)).full_name == "นายสมชาย ทดสอบ"


async def test_what_the_file_does_not_speak_of_stays(database: Database) -> None:
    await imports(database, replace(SOMCHAI, transferred_in_on="2019-04-01"))
    silent = replace(SOMCHAI, profile={"level": "ชำนาญการ"}, phone=None, transferred_in_on=None)
    assert await imports(database, silent, now=2) == Written(changed=1)
    after = await person(database)
    assert after.profile == {**SOMCHAI.profile, "national_id": SOMCHAI.national_id, "level": "ชำนาญการ"}
    assert (after.contact["phone"], after.transferred_in_on) == ("021234567", date(2019, 4, 1))
    assert await imports(database, replace(SOMCHAI, phone="", transferred_in_on=""), now=3) == Written(changed=1)
    after = await person(database)
    assert (after.contact["phone"], after.transferred_in_on) == ("", None)


async def test_only_those_are_retired_whose_status_is_still_the_same(database: Database) -> None:
    await imports(database, SOMCHAI, MALEE)
    people = await rows(database, "people")
    await imports(database, replace(MALEE, status="retired"), now=2)
    async with database.write() as tx:
        retired = await retire(tx, VAULT, people, 3)
    assert retired == [(await person(database)).id]
    assert [(await person(database, who)).status for who in (SOMCHAI, MALEE)] == ["left", "retired"]
    assert (await rows(database, "people"))[0]["updated_at"] == 3


async def test_a_laser_code_that_a_later_roster_lacks_is_kept(database: Database) -> None:
    await imports(database, SOMCHAI)
    before = (await person(database)).card_hash
    await imports(database, replace(SOMCHAI, laser_code="", unit="กองคลัง"), now=2)
    assert before
    assert (await person(database)).card_hash == before


async def test_equal_laser_codes_of_two_people_do_not_look_equal(database: Database) -> None:
    await imports(database, SOMCHAI, MALEE)
    assert (await person(database)).card_hash != (await person(database, MALEE)).card_hash


async def test_one_person_twice_in_one_file_is_one_person(database: Database) -> None:
    written = await imports(database, SOMCHAI, replace(SOMCHAI, unit="กองคลัง"))
    assert written.added == 1
    assert (await person(database)).unit == "กองคลัง"
    assert len(await rows(database, "people")) == len(await rows(database, "keys")) == 1


async def test_somebody_unknown(database: Database) -> None:
    async with database.read() as tx:
        assert await by_index(tx, VAULT, national_id_index(VAULT, "1101700230708")) is None
        with pytest.raises(KeyError):
            await by_id(tx, VAULT, "nobody")
