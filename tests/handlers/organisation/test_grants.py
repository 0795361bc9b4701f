"""Roles that orders give: who may have one, who may sign for it, and how it ends."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import date_rule
from bot.papers.shapes import Reason
from bot.papers.shapes import Refused as Unfit
from bot.times import local_date
from handlers.organisation import authority, grants
from handlers.organisation.authority import grant_mac, officers
from handlers.organisation.grants import BadOrder, Grant, Order, Refused, Wanted
from handlers.organisation.imports import Full, import_roster
from handlers.organisation.roles import Officer
from storage import people
from storage.database import Row
from tests.cast import ANAN, MALEE, PRIYA, SOMCHAI, STRANGER, SUK
from tests.house import SAMPLES, House, a_house
from tests.officers import PDF, enrol, grant, revoke, take_in, who
from tests.security.tools import rows


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url) as house:
        yield house


def today(house: House) -> date:
    return local_date(house.clock(), house.settings.timezone)


def wanted(house: House, signed_by: str = "นายหัวหน้า ส่วนราชการ", **more: Any) -> Wanted:
    order = Order("กม 1/2569", today(house), PDF, signed_by)
    return replace(Wanted("unit_hr", "D01", below=True, order=order, starts_on=today(house)), **more)


async def add(house: House, national_id: str, what: Wanted, take_in: grants.TakeIn = take_in) -> str:
    kp7 = house.kp7
    return await grants.add(
        kp7.database, kp7.vault, kp7.files, take_in, national_id, what,
        by="cli:somsri", clock=house.clock, timezone=house.settings.timezone,
    )  # fmt: skip


async def acting(house: House, national_id: str) -> Officer | None:
    person = await who(house, national_id)
    async with house.kp7.database.read() as tx:
        return await authority.officer(tx, house.kp7.vault, person.id, today(house))


async def every(house: House) -> list[Grant]:
    async with house.kp7.database.write() as tx:
        return await grants.every(tx, house.kp7.vault, today=today(house), by="cli:somsri", now=house.clock())


async def log(house: House, action: str) -> list[Row]:
    return await rows(house, "SELECT actor, subject, detail FROM audit WHERE action = :action", action=action)


async def test_a_grant_from_its_order_to_its_end(house: House) -> None:
    id = await add(house, MALEE.national_id, wanted(house))
    malee = await who(house, MALEE.national_id)
    officer = await acting(house, MALEE.national_id)
    assert officer
    assert officer.units("review") == {"D01", "D0101", "D0102", "D0103", "D0104", "D0105", "D010501"}
    [file] = await rows(house, "SELECT f.* FROM files f JOIN grants g ON g.order_file = f.id")
    assert (file["held"], file["person_id"]) == (1, malee.id)
    assert await house.kp7.files.get(file["id"], malee.key) == PDF
    [row] = await rows(house, "SELECT * FROM grants")
    assert malee.key.open(row["detail"], "grants", id, "detail") == {
        "order_number": "กม 1/2569", "signed_by": "นายหัวหน้า ส่วนราชการ"
    }  # fmt: skip
    assert not any("กม 1" in str(value) or "หัวหน้า" in str(value) for value in row.values())
    [told] = await log(house, "officer.granted")
    assert (told["actor"], told["subject"]) == ("cli:somsri", malee.id)

    with pytest.raises(Refused, match="hold this role already"):
        await add(house, MALEE.national_id, wanted(house, scope="D01", below=False))
    await enrol(house, MALEE.national_id)
    [shown] = await every(house)
    assert (shown.name, shown.scope_name, shown.number) == ("นางมาลี ตัวอย่าง", "กรมตัวอย่าง", "กม 1/2569")
    assert (shown.acts, shown.factor, shown.genuine) == (True, True, True)
    assert [line["subject"] for line in await log(house, "officer.listed")] == [malee.id]

    await _session(house, malee.id)
    await revoke(house, MALEE.national_id)
    assert await acting(house, MALEE.national_id) is None
    assert await rows(house, "SELECT 1 FROM officer_sessions") == []
    [row] = await rows(house, "SELECT * FROM grants")
    assert row["mac"] == grant_mac(house.kp7.vault, row)
    [told] = await log(house, "officer.ended")
    assert (told["subject"], told["detail"]) == (malee.id, f'{{"grant":"{id}","why":"revoked"}}')
    [shown] = await every(house)
    assert (shown.acts, shown.ended_why, shown.genuine) == (False, "revoked", True)
    with pytest.raises(Refused, match="hold no such role"):
        await revoke(house, MALEE.national_id)


async def _session(house: House, person_id: str) -> None:
    async with house.kp7.database.write() as tx:
        await tx.run(
            "INSERT INTO officer_sessions (id, person_id, account_id, session, made_at, proved_at, seen_at, mac) "
            "VALUES ('chat', :person, 'chat', '', 1, 1, 1, '')",
            {"person": person_id},
        )


async def test_one_of_two_is_revoked_and_what_was_edited_counts_for_nothing(house: House) -> None:
    hr = await grant(house, MALEE.national_id)
    admin = await grant(house, MALEE.national_id, "unit_admin", "D02", below=False)
    await revoke(house, MALEE.national_id, admin)
    officer = await acting(house, MALEE.national_id)
    assert officer
    assert [held.id for held in officer.held] == [hr]
    for change in ("ended_at = NULL, ended_why = NULL", "scope = 'M01'", "home = 'D02'", "role = 'unit_hr'"):
        async with house.kp7.database.write() as tx:
            await tx.run(f"UPDATE grants SET {change} WHERE id = :id", {"id": admin})
        officer = await acting(house, MALEE.national_id)
        assert officer
        assert [held.id for held in officer.held] == [hr], change
    shown = {one.id: one for one in await every(house)}
    assert (shown[hr].genuine, shown[admin].genuine) == (True, False)
    await revoke(house, MALEE.national_id, admin)
    assert not {one.id: one for one in await every(house)}[admin].genuine, "ending it has not made it ours"


SIGNERS = {
    "themselves": (MALEE.national_id, "own_order"),
    "themselves by name": ("นางมาลี ตัวอย่าง", "own_order"),
    "somebody with a role": (SOMCHAI.national_id, "passed_on"),
    "by that one's name and office": ("สมชาย ทดสอบ ผู้อำนวยการกองแผนงาน", "signer_ambiguous"),
    "a department's officer of elsewhere": (PRIYA.national_id, "passed_on"),
}


async def test_nobody_passes_a_role_on(house: House) -> None:
    await grant(house, SOMCHAI.national_id, "unit_admin", "D0103", below=False)
    await grant(house, PRIYA.national_id, "department_officer", "D02")
    malee = await who(house, MALEE.national_id)
    for whom, (signer, why) in SIGNERS.items():
        with pytest.raises(Refused):
            await add(house, MALEE.national_id, wanted(house, signer))
        told = (await log(house, "officer.refused"))[-1]
        assert (told["subject"], told["detail"]) == (malee.id, f'{{"why":"{why}"}}'), whom
    assert await acting(house, MALEE.national_id) is None
    assert len(await log(house, "officer.refused")) == len(SIGNERS)

    await revoke(house, PRIYA.national_id)
    await grant(house, PRIYA.national_id, "department_officer", "D01")
    await add(house, MALEE.national_id, wanted(house, PRIYA.national_id))
    assert await acting(house, MALEE.national_id)
    [row] = await rows(house, "SELECT id, detail FROM grants WHERE person_id = :id", id=malee.id)
    signed_by = malee.key.open(row["detail"], "grants", row["id"], "detail")["signed_by"]
    assert signed_by == (await who(house, PRIYA.national_id)).id


async def test_what_cannot_be_is_refused_in_a_sentence(house: House) -> None:
    day = today(house)
    order = wanted(house).order
    for id, what, sentence in (
        (STRANGER.national_id, wanted(house), "Nobody on the roster"),
        (SUK.national_id, wanted(house), "Only who is in active service"),
        (MALEE.national_id, wanted(house, scope="D99"), "no organisation 'D99'"),
        (MALEE.national_id, wanted(house, role="king"), "--role is one of"),
        (MALEE.national_id, wanted(house, ends_on=day - timedelta(1)), "--until"),
        (MALEE.national_id, wanted(house, order=replace(order, day=day + timedelta(1))), "--order-date"),
        (MALEE.national_id, wanted(house, order=replace(order, number="  ")), "--order is one line"),
        (MALEE.national_id, wanted(house, "ก" * 201), "--signed-by is one line"),
        (MALEE.national_id, wanted(house, STRANGER.national_id), "write their name instead"),
        (MALEE.national_id, wanted(house, "1999900000014"), "neither an ID nor a name"),
        (MALEE.national_id, wanted(house, "-"), "neither an ID nor a name"),
    ):
        with pytest.raises(Refused, match=sentence) as refused:
            await add(house, id, what)
        assert refused.value.code == ""

    async def unfit(_: bytes) -> Unfit:
        return Unfit(Reason.LOCKED)

    with pytest.raises(BadOrder) as bad:
        await add(house, MALEE.national_id, wanted(house), unfit)
    assert bad.value.unfit.reason == Reason.LOCKED
    assert await rows(house, "SELECT 1 FROM grants") == []
    assert await rows(house, "SELECT 1 FROM files") == []
    assert await log(house, "officer.refused") == []


async def test_a_role_has_its_days(house: House) -> None:
    day = today(house)
    await add(house, MALEE.national_id, wanted(house, starts_on=day + timedelta(2), ends_on=day + timedelta(3)))
    malee = (await who(house, MALEE.national_id)).id
    for after, acts in ((0, False), (2, True), (3, True), (4, False)):
        async with house.kp7.database.read() as tx:
            found = await officers(tx, house.kp7.vault, [malee], day + timedelta(after))
        assert bool(found) is acts, after
    await add(house, MALEE.national_id, wanted(house, starts_on=day + timedelta(4)))  # the next order follows it


async def test_who_is_transferred_or_leaves_holds_nothing(house: House, tmp_path: Path) -> None:
    for one in (SOMCHAI, MALEE, ANAN):
        await grant(house, one.national_id)
    roster = (SAMPLES / "roster.csv").read_text("utf-8-sig").splitlines(keepends=True)
    before = [line for line in roster if "อนันต์,สมมติ" not in line]  # who is missing in a full roster has left
    for old, new in (("กองแผนงานตัวอย่าง,", "กองคลังตัวอย่าง,"), ("082-000-0002,ปกติ", "082-000-0002,ลา")):
        number = next(n for n, line in enumerate(before) if old in line)
        before[number] = before[number].replace(old, new)
    path = tmp_path / "roster.csv"
    path.write_text("".join(before), "utf-8-sig")
    malee = await who(house, MALEE.national_id)
    await _session(house, malee.id)
    await import_roster(
        house.kp7.database, house.kp7.vault, path, today=today(house), rule=date_rule(house.settings),
        by="cli:somsri", clock=house.clock, full=Full(retire=True),
    )  # fmt: skip
    for one in (SOMCHAI, MALEE, ANAN):
        assert await acting(house, one.national_id) is None
    ended = {one.person_id: one.ended_why for one in await every(house)}
    assert ended == {
        (await who(house, SOMCHAI.national_id)).id: "transferred",
        malee.id: "left",
        (await who(house, ANAN.national_id)).id: "left",
    }
    assert all(one.genuine for one in await every(house))
    assert len(await log(house, "officer.ended")) == 3
    assert await rows(house, "SELECT 1 FROM officer_sessions") == []

    await house.load_samples()  # back where they were: that gives nobody a role back
    for one in (SOMCHAI, MALEE, ANAN):
        assert await acting(house, one.national_id) is None


async def test_a_mailbox_that_came_lately_is_asked_about(house: House) -> None:
    """A colleague who confirmed somebody with an address of their own would set up the second factor in their name."""
    anan = await who(house, ANAN.national_id)
    for source in ("officer", "self"):
        async with house.kp7.database.write() as tx:
            await people.set_email(tx, anan, "anan@example.com", source, today(house), house.clock())
        with pytest.raises(Refused, match="--address-checked"):
            await add(house, ANAN.national_id, wanted(house))
    assert [line["subject"] for line in await log(house, "officer.refused")] == [anan.id] * 2
    await add(house, ANAN.national_id, wanted(house, address_checked=True))
    assert '"address_checked":true' in str((await log(house, "officer.granted"))[-1]["detail"]).replace(" ", "")
    await revoke(house, ANAN.national_id)
    house.clock.forward(days=91)
    await add(house, ANAN.national_id, wanted(house))
    await add(house, MALEE.national_id, wanted(house))  # the roster's own address
