"""HR's list comes in: real-life rows, each bad one named, none stopping the others, and again without harm."""

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from bot.times import DAY
from handlers.documents import campaigns, families, listing, overview
from handlers.documents.campaigns import Campaign, Refused, Terms
from handlers.documents.listing import Report
from handlers.documents.rules import Family, Options, slots
from handlers.organisation.imports import DateRule, import_roster
from handlers.organisation.refusals import BadFile
from storage import audit
from storage.database import Database
from storage.people import by_index, national_id_index
from storage.vault import Vault
from tests.cast import ANAN, MALEE, PRIYA, RUNG, SOMCHAI, STRANGER, SUK
from tests.house import SAMPLES

VAULT = Vault(b"a master key that is used in tests only")
ZONE = "Asia/Bangkok"
NOON = 1_793_595_600_000  # 2 November 2026 in Bangkok
TERMS = Terms("เอกสารทดสอบ", date(2026, 12, 15), date(2026, 12, 31))
HEADER = ("ลำดับ", "เลขบัตร", "ชื่อ-สกุล", "หน่วยงาน")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """With the sample roster in it."""
    database = await Database.open(database_url)
    await database.migrate()
    async with database.write() as tx:
        await audit.begin(tx, VAULT)
    await import_roster(
        database, VAULT, SAMPLES / "roster.csv", today=date(2026, 11, 1), by="cli:malee", clock=lambda: NOON,
        rule=DateRule(date(2018, 10, 1), transfer_overrides=True),
    )  # fmt: skip
    yield database
    await database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def save(path: Path, *people: Sequence[str], header: Sequence[str] = HEADER, encoding: str = "utf-8-sig") -> Path:
    """`people`: ID and name."""
    rows: Iterable[Sequence[str]] = [header, *((str(n), *person, "กองแผนงาน") for n, person in enumerate(people, 1))]
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


SOMCHAI_S = (SOMCHAI.national_id, "นายสมชาย ทดสอบ")
ANAN_S = (ANAN.national_id, "นายอนันต์ สมมติ")
PRIYA_S = (PRIYA.national_id, "นางสาวปรียา ใจตัวอย่าง")


async def lists(
    database: Database, path: Path, to: Terms | Campaign = TERMS, *, days: int = 0, by: str = "cli:malee", **how: Any
) -> Report:
    """`days`: how many later."""
    return await listing.list_people(
        database, VAULT, path, to, timezone=ZONE, by=by, clock=lambda: NOON + days * DAY, **how
    )


async def listed(database: Database) -> dict[str, str]:
    """ID → own day."""
    found = {}
    async with database.read() as tx:
        for one in (SOMCHAI, MALEE, ANAN, PRIYA, RUNG, SUK):
            person = await by_index(tx, VAULT, national_id_index(VAULT, one.national_id))
            assert person
            if row := await tx.one("SELECT due FROM listed WHERE person_id = :id", {"id": person.id}):
                found[one.national_id] = row["due"]
    return found


async def stored(database: Database) -> list[Any]:
    async with database.read() as tx:
        return [await tx.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("campaigns", "listed", "audit")]


def faults(report: Report) -> list[tuple[int, str, str]]:
    return [(bad.number, bad.column, bad.code) for bad in report.bad]


async def test_who_is_on_the_list_owes_papers(database: Database, path: Path) -> None:
    heard: list[tuple[int, int]] = []
    save(path, SOMCHAI_S, ANAN_S)
    report = await lists(database, path, progress=lambda *done: heard.append(done))
    assert (report.added, report.left, report.bad, report.due) == (2, 0, [], TERMS.due)
    assert heard == [(2, 2)]
    assert await listed(database) == {SOMCHAI.national_id: "2026-12-15", ANAN.national_id: "2026-12-15"}
    async with database.read() as tx:
        [(campaign, people)] = await campaigns.every(tx, ZONE)
    assert (campaign, people) == (report.campaign, 2)
    assert (campaign.terms, campaign.made_on, campaign.closed) == (TERMS, date(2026, 11, 2), False)


async def test_the_same_list_again_changes_nothing(database: Database, path: Path) -> None:
    save(path, SOMCHAI_S, ANAN_S)
    first = await lists(database, path)
    before = await stored(database)
    for dry in (True, False):
        again = await lists(database, path, days=1, dry=dry)
        assert (again.added, again.left, again.campaign) == (0, 2, first.campaign)
    assert await stored(database) == before


async def test_a_preview_touches_nothing(database: Database, path: Path) -> None:
    before = await stored(database)
    report = await lists(database, save(path, SOMCHAI_S, (STRANGER.national_id, STRANGER.name)), dry=True)
    assert (report.campaign, report.added, faults(report)) == (None, 1, [(3, "เลขบัตร", "person_unknown")])
    assert await stored(database) == before


async def test_bad_rows_are_told_and_do_not_stop_good_ones(database: Database, path: Path) -> None:
    save(
        path,
        (STRANGER.national_id, STRANGER.name),
        (SUK.national_id, SUK.name),
        (SOMCHAI.national_id, "นายสมชัย ทดสอบ"),
        ("1999900000014", "นายอนันต์ สมมติ"),
        ("1.9999E+12", "นางสาวปรียา ใจตัวอย่าง"),
        (MALEE.national_id, ""),
        ANAN_S,
    )
    report = await lists(database, path)
    assert faults(report) == [
        (2, "เลขบัตร", "person_unknown"),
        (3, "เลขบัตร", "not_in_service"),
        (4, "ชื่อ-สกุล", "name_differs"),
        (5, "เลขบัตร", "national_id_checksum"),
        (6, "เลขบัตร", "national_id_rounded"),
        (7, "ชื่อ-สกุล", "cell_blank"),
    ]
    assert not any(any(letter.isalnum() and letter != "X" for letter in bad.shown) for bad in report.bad)
    assert await listed(database) == {ANAN.national_id: "2026-12-15"}


async def test_an_id_that_stands_twice_stops_the_whole_file(database: Database, path: Path) -> None:
    before = await stored(database)
    with pytest.raises(BadFile, match="national_id_twice") as refused:
        await lists(database, save(path, SOMCHAI_S, ANAN_S, ("1-9999-00000-01-3", "สมชาย ทดสอบ")))
    assert refused.value.params == {"rows": "2 = 4"}
    assert await stored(database) == before


async def test_a_list_of_nobody_makes_no_campaign(database: Database, path: Path) -> None:
    report = await lists(database, save(path, (STRANGER.national_id, STRANGER.name)))
    assert (report.campaign, report.added) == (None, 0)
    assert (await stored(database))[0] == []


@pytest.mark.parametrize(
    ("header", "somchai", "encoding"),
    [
        (HEADER, ("๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓", "สมชาย  ทดสอบ"), "cp874"),
        (("ที่", "เลขประจำตัวประชาชน", "ชื่อ - นามสกุล", "สังกัด"), ("1999900000013", "นาย สมชาย ทดสอบ"), "utf-8"),
        (("ลำดับ", "เลขบัตรประชาชน", "รายชื่อ", "หน่วยงาน"), ("1999900000013", "นายสมชาย ทดสอบ"), "utf-8-sig"),
        (("ที่", "เลขที่บัตรประชาชน", "คำนำหน้า", "ชื่อ", "สกุล"), ("1999900000013", "นาย", "สมชาย", "ทดสอบ"), "cp874"),
        (("", "PER_CARDNO", "PN_NAME", "PER_NAME", "PER_SURNAME"), ("1999900000013", "นาย", "สมชาย", "ทดสอบ"), "utf-8"),
        (("", "เลขบัตร", "คำนำหน้า", "ชื่อ-สกุล"), ("1999900000013", "นาย", "สมชาย ทดสอบ"), "utf-8-sig"),
    ],
)  # fmt: skip
async def test_lists_as_offices_send_them(
    database: Database, path: Path, header: Sequence[str], somchai: Sequence[str], encoding: str
) -> None:
    report = await lists(database, save(path, somchai, header=(*header, "หมายเหตุ"), encoding=encoding))
    assert (report.added, report.bad) == (1, [])


async def test_a_workbook(database: Database, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "list.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("บัญชีรายชื่อข้าราชการที่ยังไม่ได้รับรอง",))
        sheet.write_row(2, 0, ("เลขบัตร", "ชื่อ-สกุล", "หน่วยงาน"))
        sheet.write_row(3, 0, (int(SOMCHAI.national_id), "นายสมชาย ทดสอบ", "กองแผนงาน"))
    assert (await lists(database, tmp_path / "list.xlsx")).added == 1


async def test_the_roster_itself_will_do(database: Database) -> None:
    report = await lists(database, SAMPLES / "roster.csv")
    assert report.added + len(report.bad) == 200
    assert {bad.code for bad in report.bad} == {"not_in_service"}


async def test_a_file_that_is_no_list(database: Database, path: Path) -> None:
    """It is told what columns may be called, in the words of docs/hr.md too."""
    with pytest.raises(BadFile, match="list_header") as refused:
        await lists(database, save(path, SOMCHAI_S, header=("ลำดับ", "เลขบัตร", "เงินเดือน", "หน่วยงาน")))
    assert "เลขบัตร" in str(refused.value.params["ids"]).split(", ")
    assert "ชื่อ-สกุล" in str(refused.value.params["names"]).split(", ")
    with pytest.raises(BadFile, match="file_empty"):
        await lists(database, save_nothing(path))


def save_nothing(path: Path) -> Path:
    path.write_bytes(b"")
    return path


async def test_who_is_in_another_open_campaign_is_counted(database: Database, path: Path) -> None:
    first = (await lists(database, save(path, SOMCHAI_S, ANAN_S))).campaign
    closed = (await lists(database, path, Terms(**{**vars(TERMS), "name": "ปิดแล้ว"}))).campaign
    assert first
    assert closed
    async with database.write() as tx:
        await campaigns.close(tx, VAULT, closed.id, by="cli:malee", now=NOON)
    assert (await lists(database, path)).elsewhere == {}, "itself does not count"
    save(path, SOMCHAI_S, PRIYA_S)
    second = Terms(**{**vars(TERMS), "name": "อีกชุดหนึ่ง"})
    for dry in (True, False, False):  # and again, when they are listed
        assert (await lists(database, path, second, dry=dry)).elsewhere == {(first.id, TERMS.name): 1}


# --- those who are listed later ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "due"), [(0, "2026-12-15"), (29, "2026-12-15"), (30, "2026-12-16")])
async def test_who_is_listed_later_has_days_of_their_own(database: Database, path: Path, days: int, due: str) -> None:
    """The campaign's day is 43 days away; 14 from the 30th day on are more."""
    campaign = (await lists(database, save(path, SOMCHAI_S))).campaign
    assert campaign
    report = await lists(database, save(path, SOMCHAI_S, ANAN_S), campaign, days=days)
    assert (report.added, report.left, str(report.due)) == (1, 1, due)
    assert await listed(database) == {SOMCHAI.national_id: "2026-12-15", ANAN.national_id: due}


async def test_who_is_on_the_first_list_of_a_short_campaign_has_its_day(database: Database, path: Path) -> None:
    short = Terms("ด่วน", date(2026, 11, 5), date(2026, 11, 5))
    assert (await lists(database, save(path, SOMCHAI_S), short)).due == short.due
    assert await listed(database) == {SOMCHAI.national_id: "2026-11-05"}


async def test_nobody_is_added_to_what_was_closed_meanwhile(database: Database, path: Path) -> None:
    campaign = (await lists(database, save(path, SOMCHAI_S))).campaign
    assert campaign
    async with database.write() as tx:
        assert await campaigns.close(tx, VAULT, campaign.id, by="cli:malee", now=NOON) == 0
        assert await campaigns.close(tx, VAULT, campaign.id, by="cli:malee", now=NOON) is None
    with pytest.raises(Refused, match="closed"):
        await lists(database, save(path, ANAN_S), campaign)
    assert await listed(database) == {SOMCHAI.national_id: "2026-12-15"}
    report = await lists(database, path)  # the name is free again
    assert report.campaign
    assert report.campaign.id != campaign.id


# --- terms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"due": date(2026, 11, 1)}, "--due 2026-11-01 lies in the past."),
        ({"upstream_due": date(2026, 12, 14)}, "--due 2026-12-15 is later than --upstream-due 2026-12-14"),
        ({"late_days": -1}, "--late-days is a number from 0 to 365."),
        ({"late_days": 366}, "--late-days is a number from 0 to 365."),
        ({"name": " "}, "--name is blank."),
        ({"name": "x" * 201}, "--name is one line of at most 200 characters."),
        ({"options": Options(purpose="a\nb")}, "--purpose is one line of at most 200 characters."),
        (
            {"options": Options(purpose="ใช้ที่ 王 №1 เท่านั้น")},
            "--purpose has letters that no mark on a paper can have: 王№",
        ),
    ],
)
async def test_what_no_campaign_can_have(
    database: Database, path: Path, changes: dict[str, Any], sentence: str
) -> None:
    before = await stored(database)
    with pytest.raises(Refused) as refused:
        await lists(database, save(path, SOMCHAI_S), Terms(**{**vars(TERMS), **changes}))
    assert str(refused.value).startswith(sentence)
    assert await stored(database) == before


async def test_the_last_day_may_be_today_and_both_days_one(database: Database, path: Path) -> None:
    today = date(2026, 11, 2)
    assert (await lists(database, save(path, SOMCHAI_S), Terms("วันนี้", today, today, late_days=0))).added == 1


async def test_one_name_is_one_open_campaign(database: Database, path: Path) -> None:
    first = (await lists(database, save(path, SOMCHAI_S))).campaign
    assert first
    for changed in ({"due": date(2026, 12, 1)}, {"late_days": 7}, {"options": Options(each_child=False)}):
        with pytest.raises(Refused, match=first.id):
            await lists(database, save(path, ANAN_S), Terms(**{**vars(TERMS), **changed}))
    other = Terms(**{**vars(TERMS), "name": "อีกชุดหนึ่ง"})
    assert (await lists(database, path, other)).added == 1


# --- another day ------------------------------------------------------------------------------------------------------


async def move(database: Database, campaign: Campaign, due: date, upstream: date | None = None) -> int:
    async with database.write() as tx:
        return await campaigns.move(tx, VAULT, campaign.id, due, upstream, ZONE, by="cli:malee", now=NOON + 35 * DAY)


@pytest.fixture
async def campaign(database: Database, path: Path) -> Campaign:
    """Somchai's day is the campaign's; Anan was listed late (21 December); Preeya was given a day of her own."""
    made = (await lists(database, save(path, SOMCHAI_S, PRIYA_S))).campaign
    assert made
    await lists(database, save(path, ANAN_S), made, days=35)
    async with database.write() as tx:
        await tx.run(
            "UPDATE listed SET due = '2026-12-20' WHERE person_id = (SELECT id FROM people WHERE id_index = :index)",
            {"index": national_id_index(VAULT, PRIYA.national_id)},
        )
    return made


@pytest.mark.parametrize(
    ("due", "moved", "days"),
    [
        (date(2026, 12, 10), 1, ("2026-12-10", "2026-12-21")),  # Anan keeps his fourteen days
        (date(2026, 12, 29), 2, ("2026-12-29", "2026-12-29")),
        (date(2026, 12, 15), 0, ("2026-12-15", "2026-12-21")),
    ],
)
async def test_its_day_moves_with_the_day_of_those_whose_it_was(
    database: Database, campaign: Campaign, due: date, moved: int, days: tuple[str, str]
) -> None:
    assert await move(database, campaign, due) == moved
    ids = (SOMCHAI.national_id, ANAN.national_id, PRIYA.national_id)
    assert await listed(database) == dict(zip(ids, (*days, "2026-12-20"), strict=True))


async def test_a_day_that_cannot_be(database: Database, campaign: Campaign) -> None:
    before = await stored(database)
    for day in (date(2026, 12, 6), date(2027, 1, 1)):  # past; after the office's
        with pytest.raises(Refused):
            await move(database, campaign, day)
    assert await stored(database) == before
    assert await move(database, campaign, date(2027, 1, 1), date(2027, 1, 1)) == 2


# --- what is written down, and who is shown ---------------------------------------------------------------------------


async def test_what_hr_does_stands_in_the_audit_log(database: Database, campaign: Campaign) -> None:
    await move(database, campaign, date(2026, 12, 10))
    shown = [one async for one in overview.standings(database, VAULT, campaign, by="cli:anan", clock=lambda: NOON)]
    async with database.write() as tx:
        await campaigns.close(tx, VAULT, campaign.id, by="cli:malee", now=NOON)
    async with database.read() as tx:
        lines = [row async for row in audit.show(tx) if row["action"].startswith("campaign.")]
    ids = {one.name: one.person_id for one in shown}
    somchai, anan, preeya = ids["นายสมชาย ทดสอบ"], ids["นายอนันต์ สมมติ"], ids["นางสาวปรียา ใจตัวอย่าง"]
    assert [(line["actor"], line["action"], line["subject"]) for line in lines] == [
        ("cli:malee", "campaign.made", None),
        ("cli:malee", "campaign.listed", somchai),
        ("cli:malee", "campaign.listed", preeya),
        ("cli:malee", "campaign.listed", anan),
        ("cli:malee", "campaign.moved", None),
        ("cli:anan", "campaign.shown", somchai),
        ("cli:anan", "campaign.shown", preeya),
        ("cli:anan", "campaign.shown", anan),
        ("cli:malee", "campaign.closed", None),
    ]
    assert all(campaign.id in str(line["detail"]) for line in lines)
    assert not any("สม" in str(line["detail"]) for line in lines)


async def test_who_is_listed_with_how_many_papers_in_which_state(
    database: Database, campaign: Campaign, path: Path
) -> None:
    other = (await lists(database, path, Terms(**{**vars(TERMS), "name": "อีกชุดหนึ่ง"}))).campaign
    assert other
    async with database.write() as tx:
        person = await by_index(tx, VAULT, national_id_index(VAULT, SOMCHAI.national_id))
        assert person
        papers = [
            (campaign, "house", "received"), (campaign, "id_card", "submitted"), (campaign, "father", "submitted"),
            (other, "mother", "submitted"),
        ]  # fmt: skip
        await tx.many(
            "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, detail, at) "
            "VALUES (:slot, :campaign, :person, :slot, 1, :state, '', :key, '', 0)",
            [
                {"campaign": of.id, "person": person.id, "slot": slot, "state": state, "key": person.key.id}
                for of, slot, state in papers
            ],
        )
    found = [one async for one in overview.standings(database, VAULT, campaign, by="cli:malee", clock=lambda: NOON)]
    assert [(one.name, one.unit, str(one.due), one.papers) for one in found] == [
        ("นายสมชาย ทดสอบ", "กองแผนงานตัวอย่าง", "2026-12-15", {"received": 1, "submitted": 2}),
        ("นางสาวปรียา ใจตัวอย่าง", "สำนักพัฒนาตัวอย่าง", "2026-12-20", {}),
        ("นายอนันต์ สมมติ", "กองบริหารทดลอง", "2026-12-21", {}),
    ]
    assert [(one.stage, one.handed_in, one.owed) for one in found] == [
        ("part", 2, None), ("not_begun", 0, None), ("not_begun", 0, None),
    ]  # fmt: skip


async def test_how_much_of_what_is_owed_is_handed_in(database: Database, campaign: Campaign) -> None:
    async def of_somchai() -> tuple[str, int, int | None]:
        found = [one async for one in overview.standings(database, VAULT, campaign, by="cli:malee", clock=lambda: NOON)]
        return found[0].stage, found[0].handed_in, found[0].owed

    async with database.write() as tx:
        person = await by_index(tx, VAULT, national_id_index(VAULT, SOMCHAI.national_id))
        assert person
        await families.save(tx, person.id, person.key, {"same_degree": 1}, NOON)
    assert await of_somchai() == ("answered", 0, 6)
    for nth, slot in enumerate(slots(Family(same_degree=True), Options())[:6], 1):
        async with database.write() as tx:
            await tx.run(
                "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, detail, at) "
                "VALUES (:slot, :campaign, :person, :slot, 1, 'submitted', '', '', '', 0)",
                {"campaign": campaign.id, "person": person.id, "slot": slot.id},
            )
        assert await of_somchai() == ("complete" if nth == 6 else "part", nth, 6)
    async with database.write() as tx:  # answers change: more is owed, and what was handed in stays
        await families.save(tx, person.id, person.key, {"same_degree": 1, "father_died": 1}, NOON)
    assert await of_somchai() == ("part", 6, 7)
