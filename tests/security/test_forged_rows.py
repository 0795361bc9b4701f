"""Somebody writes the database, without MASTER_KEY: whom HR has seen, who belongs where, what was asked and what has
ended is what KP7 wrote. One genuine thing works, and goes on working beside what was forged."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pyotp
import pytest

from bot.doctor import seals as seals_check
from bot.events import Invalid
from bot.times import local_date
from handlers.documents import campaigns
from handlers.identity import checks
from handlers.organisation import authority, factors, grants
from handlers.organisation.imports import DateRule, import_organisations, import_roster
from handlers.organisation.roles import Officer
from handlers.review import deciding, queue
from handlers.review.deciding import Decision
from handlers.review.rules import Wanted
from storage import audit, people, seals
from storage.people import Person
from tests.cast import ANAN, MALEE, PRIYA, SOMCHAI, Player
from tests.command import told
from tests.doctor.patients import case, is_well, the_fault
from tests.house import KEY, SAMPLES, Chat, House, a_house
from tests.journeys.test_officer import asks_hr
from tests.officers import enrol, grant, revoke
from tests.security.factor.page import Browser, link_on
from tests.security.tools import Lab, change, person, rows
from tests.waiting import CAMPAIGN, campaign, paper_waits, waits

FORGED = "row_forged"


@pytest.fixture
async def both(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url, card_verifier="officer") as house:
        yield house


async def at_work(house: House, who: Player = MALEE) -> Officer | None:
    kp7, me = house.kp7, await person(house, who)
    async with kp7.database.read() as tx:
        return await authority.officer(tx, kp7.vault, me.id, local_date(house.clock(), house.settings.timezone))


async def seen(house: House, who: Player = MALEE) -> list[str]:
    """Ids of what waits for them; each is found, too."""
    officer, kp7 = await at_work(house, who), house.kp7
    if officer is None:
        return []
    async with kp7.database.read() as tx:
        found = await queue.waiting(tx, kp7.vault, officer, most=2)
        for item in found:
            assert await queue.find(tx, kp7.vault, officer, item.id) == item
    return [item.id for item in found]


async def decides(house: House, id: str, wanted: Wanted, who: Player = MALEE, seen: str = "") -> str:
    kp7, me = house.kp7, await person(house, who)
    try:
        async with kp7.database.write() as tx:
            officer = await authority.officer(tx, kp7.vault, me.id, local_date(house.clock(), house.settings.timezone))
            item = await queue.find(tx, kp7.vault, officer, id) if officer else None
            decision = Decision(id, item.seen if item else seen, wanted, words="คำตอบ", sure=True)
            done = await deciding.decide(
                tx, kp7.vault, house.settings, me.id, decision, by=f"web:{me.id}", now=house.clock()
            )
            written = await kp7.outbox.insert(tx, done.entries)
    except Invalid as why:
        return why.code
    kp7.outbox.dispatch(written)
    return done.verdict


async def faults(house: House) -> list[str]:
    verifier = audit.Verifier(house.kp7.vault)
    async with house.kp7.database.read() as tx:
        async for _ in verifier.run(tx):
            pass
    return [fault.code for fault in verifier.verdict.faults]


async def named(house: House) -> set[str]:
    """Tables of which `kp7 doctor` would name a row."""
    async with house.kp7.database.read() as tx:
        return {table async for table, _ in seals.forged(tx, house.kp7.vault)}


# --- whom HR has seen -------------------------------------------------------------------------------------------------


async def test_a_verdict_that_hr_did_not_give_lets_nobody_in(both: House, capfd: pytest.CaptureFixture[str]) -> None:
    chat = await both.somebody()
    reference = await asks_hr(chat, ANAN)
    assert await named(both) == set()
    now = "UPDATE identity_checks SET verdict = 'confirmed', decided_by = 'cli:somsri', decided_at = :now"
    await change(both, now, now=both.clock())
    await both.restart()
    assert "พิมพ์อีเมล" not in (await chat.says("สวัสดี")).text
    (row,) = await rows(both, "SELECT account_id FROM identity_checks")
    async with Lab(both, both.settings).desk(row["account_id"]) as context:
        assert await checks.verdict_for(context, reference) == "refused"
    assert FORGED in "".join(capfd.readouterr())
    assert await named(both) == {"identity_checks"}


async def test_what_hr_confirms_goes_to_whoever_asked_and_opens_nothing_else(both: House) -> None:
    """The attacker asks about Anan, Anan asks about himself; whatever is moved to the other, HR sees it no more."""
    attacker, anan = await both.somebody(), await both.somebody()
    await grant(both, MALEE.national_id)
    await grant(both, MALEE.national_id, scope="D02")
    await asks_hr(attacker, ANAN)
    genuine = await asks_hr(anan, ANAN)
    theirs, his = await rows(both, "SELECT * FROM identity_checks ORDER BY asked_at, id")
    assert await seen(both) == [theirs["id"], his["id"]]
    accounts = {row["id"]: row["external_id"] for row in await rows(both, "SELECT * FROM accounts")}

    async def swapped(there: str, here: str) -> None:
        for account, external in (
            (his["account_id"], "aside"),
            (theirs["account_id"], here),
            (his["account_id"], there),
        ):
            await change(both, "UPDATE accounts SET external_id = :to WHERE id = :id", to=external, id=account)

    await swapped(accounts[theirs["account_id"]], accounts[his["account_id"]])
    assert await seen(both) == []
    assert await decides(both, his["id"], "confirm") == "item_gone"
    await swapped(accounts[his["account_id"]], accounts[theirs["account_id"]])

    somchai = (await rows(both, "SELECT id_index FROM people WHERE id = :id", id=(await person(both, SOMCHAI)).id))[0]
    edits: Mapping[str, Mapping[str, object]] = {
        "account_id": {"to": theirs["account_id"], "back": his["account_id"]},
        "id_index": {"to": somchai["id_index"], "back": his["id_index"]},
        "waits": {"to": '["login","login.card","0"]', "back": his["waits"]},
        "claim": {"to": theirs["claim"], "back": his["claim"]},
        "asked_at": {"to": 1, "back": his["asked_at"]},
    }
    for column, values in edits.items():
        edit = f"UPDATE identity_checks SET {column} = :to WHERE id = :id"
        await change(both, edit, to=values["to"], id=his["id"])
        assert await seen(both) == [theirs["id"]], column
        assert await decides(both, his["id"], "confirm") == "item_gone", column
        with pytest.raises(checks.Undecidable, match="unknown"):
            await checks.decide(
                both.kp7.database, both.kp7.vault, both.kp7.outbox, genuine,
                confirmed=True, by="cli:somsri", clock=both.clock,
            )  # fmt: skip
        async with both.kp7.database.write() as tx:
            listed = await checks.list_open(tx, both.kp7.vault, by="cli:somsri", now=both.clock())
        assert genuine not in {one.reference for one in listed}, column
        await change(both, edit, to=values["back"], id=his["id"])

    before, heard = len(attacker.screens), len(anan.screens)
    assert await decides(both, his["id"], "confirm") == "confirmed"
    await anan.hears(heard + 1)
    anan.sees("ask.email")
    assert len(attacker.screens) == before


# --- what was asked ---------------------------------------------------------------------------------------------------

REQUESTS = {
    "for somebody else": "UPDATE requests SET person_id = :other WHERE id = :id",
    "another kind": "UPDATE requests SET kind = 'lock' WHERE id = :id",
    "another chat": "UPDATE requests SET account_id = :chat WHERE id = :id",
    "an older version": "UPDATE requests SET version = 0 WHERE id = :id",
    "nothing to read": "UPDATE requests SET detail = 'x' WHERE id = :id",
}


@pytest.mark.parametrize("what", REQUESTS)
async def test_a_request_that_was_edited_is_not_there(both: House, what: str) -> None:
    kp7, somchai, anan = both.kp7, await person(both, SOMCHAI), await person(both, ANAN)
    await grant(both, MALEE.national_id)
    await both.somebody()
    await both.somebody()
    first, other = await rows(both, "SELECT id FROM accounts ORDER BY created_at, id")
    async with kp7.database.write() as tx:
        forged, genuine = [await waits(tx, kp7.vault, somchai, kind, both.clock()) for kind in ("relink", "help")]
    used = (await rows(both, "SELECT account_id FROM requests WHERE id = :id", id=forged))[0]["account_id"]
    given = {"id": forged, "other": anan.id, "chat": other["id"] if used == first["id"] else first["id"]}
    assert await seen(both) == [forged, genuine]
    await change(both, REQUESTS[what], **{name: value for name, value in given.items() if f":{name}" in REQUESTS[what]})
    assert await seen(both) == [genuine]
    assert await decides(both, forged, "cut_off") == "item_gone"
    assert await decides(both, genuine, "answer") == "answered"
    assert await named(both) == {"requests"}


async def test_an_answer_that_hr_did_not_write_is_not_told(both: House) -> None:
    kp7, somchai = both.kp7, await person(both, SOMCHAI)
    chat = await both.somebody()
    await chat.says("สวัสดี")
    async with kp7.database.write() as tx:
        id = await waits(tx, kp7.vault, somchai, "help", both.clock())
    told = somchai.key.seal({"asked": [], "answer": "โอนเงินมาที่นี่"}, "requests", id, "detail")
    await change(
        both,
        "UPDATE requests SET verdict = 'answered', decided_at = asked_at, officer_id = 'x', detail = :told",
        told=told,
    )
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    assert "โอนเงิน" not in "\n".join(screen.text for screen in chat.screens)


# --- who belongs where ------------------------------------------------------------------------------------------------

MOVES = {
    "the owner": "UPDATE people SET organisation_code = 'D0101' WHERE id = :owner",
    "the owner's unit": "UPDATE organisations SET parent_code = 'D01' WHERE code = :unit",
    "what is above it": "UPDATE organisations SET parent_code = 'D01' WHERE code = :above",
    "the kind of what is above": "UPDATE organisations SET parent_code = 'D01', type = 'division' WHERE code = :above",
    "a unit in between": "INSERT INTO organisations (code, parent_code, type, name_th, name_en, province, district) "
    "VALUES ('X', 'D01', 'division', '', '', '', '')",
}


async def of_another(house: House) -> Person:
    """Somebody in service, two steps below another department."""
    async with house.kp7.database.read() as tx:
        row = await tx.one(
            "SELECT p.id FROM people p JOIN organisations o ON o.code = p.organisation_code "
            "WHERE o.code LIKE 'D02__' AND p.status = 'active' ORDER BY p.id LIMIT 1"
        )
        assert row
        return await people.by_id(tx, house.kp7.vault, row["id"])


@pytest.mark.parametrize("what", MOVES)
async def test_nobodys_reach_grows_by_moving_people_or_units(both: House, what: str) -> None:
    await grant(both, MALEE.national_id)
    owner = await of_another(both)
    theirs = await paper_waits(both, owner)
    mine = await paper_waits(both, await person(both, SOMCHAI))
    assert await seen(both) == [mine.id]
    given = {"owner": owner.id, "unit": owner.organisation_code, "above": owner.organisation_code[:3]}
    await change(both, MOVES[what], **{name: value for name, value in given.items() if f":{name}" in MOVES[what]})
    if what == "a unit in between":
        await change(both, "UPDATE organisations SET parent_code = 'X' WHERE code = :above", above=given["above"])
    assert await seen(both) == [mine.id]
    assert await decides(both, theirs.id, "approve", seen=theirs.seen) == "item_gone"
    assert await decides(both, mine.id, "approve") == "approved"
    assert await named(both) == {"people" if what == "the owner" else "organisations"}


@pytest.mark.parametrize("what", ["status", "organisation_code", "id_index", "mac"])
async def test_who_is_said_to_serve_elsewhere_or_again_holds_no_role(both: House, what: str) -> None:
    await grant(both, MALEE.national_id)
    me = await person(both, MALEE)
    assert await at_work(both)
    (was,) = await rows(both, f"SELECT {what} AS now FROM people WHERE id = :id", id=me.id)
    await change(both, f"UPDATE people SET {what} = 'other' WHERE id = :id", id=me.id)
    async with both.kp7.database.read() as tx:
        today = local_date(both.clock(), both.settings.timezone)
        assert await authority.officer(tx, both.kp7.vault, me.id, today) is None
    await change(both, f"UPDATE people SET {what} = :was WHERE id = :id", was=was["now"], id=me.id)
    assert await at_work(both)


async def test_who_has_left_does_not_come_back_by_a_word_in_the_table(both: House) -> None:
    (gone,) = await rows(both, "SELECT id FROM people WHERE status = 'retired' ORDER BY id LIMIT 1")
    await change(both, "UPDATE people SET status = 'active' WHERE id = :id", id=gone["id"])
    async with both.kp7.database.read() as tx:
        assert (await people.by_id(tx, both.kp7.vault, gone["id"])).status == ""


async def test_the_roster_mends_what_was_edited_and_no_unit_takes_anothers_name(both: House) -> None:
    kp7, somchai = both.kp7, await person(both, SOMCHAI)
    home = somchai.organisation_code
    (unit,) = await rows(both, "SELECT name_th FROM organisations WHERE code = :code", code=home)

    async def roster() -> None:
        await import_roster(
            kp7.database, kp7.vault, SAMPLES / "roster.csv", today=local_date(both.clock(), both.settings.timezone),
            rule=DateRule(both.settings.self_service_before, both.settings.transfer_overrides_date),
            by="cli:somsri", clock=both.clock,
        )  # fmt: skip

    await change(both, "UPDATE people SET organisation_code = 'D02', mac = '' WHERE id = :id", id=somchai.id)
    await roster()
    assert (await person(both, SOMCHAI)).organisation_code == home
    await change(both, "UPDATE people SET mac = '' WHERE id = :id", id=somchai.id)
    await roster()
    assert await named(both) == set()

    await change(both, "UPDATE organisations SET name_th = 'x' WHERE code = :code", code=home)
    await change(both, "UPDATE organisations SET name_th = :name WHERE code = 'D02'", name=unit["name_th"])
    await roster()
    assert (await person(both, SOMCHAI)).organisation_code == ""
    async with kp7.database.read() as tx:
        with pytest.raises(grants.Refused, match="no organisation"):
            await grants.organisation(tx, kp7.vault, unit["name_th"])
    await import_organisations(kp7.database, kp7.vault, SAMPLES / "organisations.csv")
    await roster()
    assert (await person(both, SOMCHAI)).organisation_code == home
    assert await named(both) == set()


async def test_how_many_officers_a_campaign_asks_for_is_not_made_fewer(both: House) -> None:
    kp7 = both.kp7
    await grant(both, MALEE.national_id)
    item = await paper_waits(both, await person(both, SOMCHAI), levels=2)
    await change(both, "UPDATE campaigns SET options = '{\"levels\": 1}'")
    assert await decides(both, item.id, "approve") == "approved"
    assert await rows(both, "SELECT state, level FROM papers") == [{"state": "submitted", "level": 2}]
    async with kp7.database.write() as tx:
        assert await campaigns.levels(tx, kp7.vault, CAMPAIGN) == 2
        await campaign(tx, kp7.vault, 1)
        assert await campaigns.levels(tx, kp7.vault, CAMPAIGN) == 1


# --- what has ended ---------------------------------------------------------------------------------------------------


async def test_a_role_that_has_ended_does_not_come_back_with_its_old_row(both: House) -> None:
    await grant(both, PRIYA.national_id)
    other = await grant(both, MALEE.national_id, scope="D02")
    ended = await grant(both, MALEE.national_id)
    (row,) = await rows(both, "SELECT * FROM grants WHERE id = :id", id=ended)
    await revoke(both, MALEE.national_id, ended)
    assert await faults(both) == []
    await change(
        both, "UPDATE grants SET ended_at = NULL, ended_why = NULL, mac = :mac WHERE id = :id", id=ended, mac=row["mac"]
    )
    officer = await at_work(both)
    assert officer
    assert [held.id for held in officer.held] == [other]
    assert await at_work(both, PRIYA)
    assert await faults(both) == ["put_back"]
    await change(both, "UPDATE audit SET detail = 'x' WHERE action = 'officer.ended'")
    assert "edited" in await faults(both)


async def test_a_grant_and_a_verdict_that_the_log_does_not_know_are_named(both: House) -> None:
    kp7 = both.kp7
    await both.somebody()
    await grant(both, MALEE.national_id)
    somchai = await person(both, SOMCHAI)
    async with kp7.database.write() as tx:
        check, request = [await waits(tx, kp7.vault, somchai, kind, both.clock()) for kind in ("identity", "help")]
    before = {table: (await rows(both, f"SELECT * FROM {table}"))[0] for table in ("identity_checks", "requests")}
    assert await decides(both, check, "refuse") == "refused"
    assert await decides(both, request, "answer") == "answered"
    assert await faults(both) == []
    for table, row in before.items():
        await change(both, f"DELETE FROM {table}")
        names = ", ".join(row)
        await change(both, f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})", **row)
    assert await faults(both) == ["reopened", "reopened"]
    (mine,) = await rows(both, "SELECT * FROM grants")
    copy = {**mine, "id": "another"}
    await change(
        both, f"INSERT INTO grants ({', '.join(copy)}) VALUES ({', '.join(f':{name}' for name in copy)})", **copy
    )
    assert await faults(both) == ["ungranted", "reopened", "reopened"]


# --- the second factor ------------------------------------------------------------------------------------------------


async def sets_up(house: House, malee: Chat) -> int:
    """From the chat to the page, and back. → status of the page"""
    await malee.says("ยกเลิก")
    await malee.says("second factor")
    path = link_on(malee)
    async with Browser(house) as browser:
        totp = await browser.opens(path)
        return (await browser.confirms(path, totp.at(house.clock() // 1000))).status_code


async def test_a_second_factor_that_was_deleted_is_set_up_anew_by_an_operator_only(both: House) -> None:
    kp7 = both.kp7
    await grant(both, MALEE.national_id)
    malee, me = await both.somebody(), await person(both, MALEE)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.says("second factor")
    early = link_on(malee)  # begun before there was one
    assert await sets_up(both, malee) == 200
    assert await faults(both) == []

    await change(both, "DELETE FROM second_factors")
    await malee.says("ยกเลิก")
    await malee.says("second factor")
    malee.sees("error.factor_lost")
    async with Browser(both) as browser:
        assert (await browser.client.get(early)).status_code == 404
        assert (await browser.client.post(early)).status_code == 404
    async with kp7.database.write() as tx:
        assert await factors.begin(tx, kp7.vault, me.id, me.key, both.clock()) is None
    assert await faults(both) == ["factorless"]

    (last,) = await rows(both, "SELECT * FROM audit ORDER BY seq DESC LIMIT 1")
    forged = {**last, "seq": last["seq"] + 1, "action": factors.RESET, "subject": me.id}
    insert = f"INSERT INTO audit ({', '.join(forged)}) VALUES ({', '.join(f':{name}' for name in forged)})"
    await change(both, insert, **forged)
    async with kp7.database.write() as tx:
        assert await factors.begin(tx, kp7.vault, me.id, me.key, both.clock()) is None
    await change(both, "DELETE FROM audit WHERE seq = :seq", seq=forged["seq"])

    await grants.reset_factor(kp7.database, kp7.vault, MALEE.national_id, by="cli:somsri", clock=both.clock)
    both.clock.forward(minutes=1)
    assert await sets_up(both, malee) == 200
    assert await faults(both) == []


async def test_a_factor_that_was_reset_is_not_put_back(both: House) -> None:
    """With the stolen telephone still at hand: alone, and in the place of the one that was set up since."""
    kp7 = both.kp7
    await grant(both, MALEE.national_id)
    me = await person(both, MALEE)

    async def takes(totp: pyotp.TOTP) -> str:
        now = both.clock()
        async with kp7.database.write() as tx:
            found = await factors.enrolled_of(tx, kp7.vault, [me.id])
            try:
                await factors.check(tx, kp7.vault, both.settings, me.id, me.key, totp.at(now // 1000), now)
            except Invalid as why:
                assert not found
                return why.code
            assert found
        return "right"

    async def stands(row: Mapping[str, object] | None) -> None:
        if await rows(both, "SELECT 1 FROM second_factors"):
            await change(both, "DELETE FROM second_factors")
        if row:
            names = ", ".join(row), ", ".join(f":{name}" for name in row)
            await change(both, f"INSERT INTO second_factors ({names[0]}) VALUES ({names[1]})", **row)

    stolen = await enrol(both, MALEE.national_id)
    (old,) = await rows(both, "SELECT * FROM second_factors")
    assert await faults(both) == []
    await grants.reset_factor(kp7.database, kp7.vault, MALEE.national_id, by="cli:somsri", clock=both.clock)
    await stands(old)
    assert await takes(stolen) == "factor_missing"
    assert await faults(both) == ["replaced"]
    await stands(None)
    assert await faults(both) == []

    both.clock.forward(minutes=5)
    own = await enrol(both, MALEE.national_id)
    (new,) = await rows(both, "SELECT * FROM second_factors")
    assert await faults(both) == []
    await stands(old)
    assert await takes(stolen) == "factor_missing"
    assert await faults(both) == ["replaced"]
    assert "reset-factor" in (await told(both, "audit", "verify"))[1]
    await stands(new)
    assert await takes(own) == "right"
    assert await faults(both) == []

    (line,) = await rows(both, "SELECT * FROM audit WHERE action = :reset", reset=factors.RESET)
    await change(both, "UPDATE audit SET action = 'x' WHERE seq = :seq", seq=line["seq"])
    await stands(old)  # the log was edited, too: still another one was set up later
    assert await takes(stolen) == "factor_missing"


async def test_doctor_and_the_command_name_what_is_not_ours(tmp_path: Path, house: House) -> None:
    patient = case(tmp_path, master_key=KEY, database_url=house.settings.database_url)
    assert "written by KP7" in await is_well(seals_check.look, patient)
    somchai = await person(house, SOMCHAI)
    await change(house, "UPDATE people SET status = 'left' WHERE id = :id", id=somchai.id)
    fault = await the_fault(seals_check.look, patient)
    assert somchai.id in fault.says
    assert "สมชาย" not in fault.says
    ended = await grant(house, MALEE.national_id)
    (row,) = await rows(house, "SELECT mac FROM grants")
    await revoke(house, MALEE.national_id)
    await change(house, "UPDATE grants SET ended_at = NULL, ended_why = NULL, mac = :mac", mac=row["mac"])
    code, said = await told(house, "audit", "verify")
    assert code == 1
    assert "stands open" in said
    assert ended not in said
