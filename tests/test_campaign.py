"""`kp7 campaign`, as HR types it."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.thai import format_date
from bot.times import local_date
from handlers.documents import families
from tests.cast import ANAN, SOMCHAI, STRANGER
from tests.command import kp7
from tests.house import House
from tests.journeys.papers import owner
from tests.security.tools import rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return save(tmp_path / "list.csv", (SOMCHAI.national_id, "นายสมชาย ทดสอบ"))


def save(path: Path, *people: tuple[str, str], header: str = "เลขบัตร,ชื่อ-สกุล,หน่วยงาน") -> Path:
    lines = [header, *(f"{id},{name},กองแผนงาน" for id, name in people)]
    path.write_text("\n".join(lines), "utf-8-sig")
    return path


def day(house: House, days: int) -> date:
    return local_date(house.clock(), house.settings.timezone) + timedelta(days)


async def campaign(house: House, *words: object) -> tuple[int, str, str]:
    return await kp7(house, "campaign", *words)


async def begun(house: House, path: Path, *words: object) -> str:
    """→ its id"""
    code, said, complained = await campaign(
        house, "documents", "--list", path, "--due", day(house, 30), *words, "--json"
    )
    assert (code, complained) == (0, "")
    return str(json.loads(said)["campaign"])


async def test_from_the_first_list_to_the_end(house: House, path: Path) -> None:
    due, later = day(house, 30), day(house, 40)
    words = ("documents", "--list", path, "--due", due, "--upstream-due", day(house, 60), "--by", "somsri")
    code, said, complained = await campaign(house, *words, "--dry-run")
    assert (code, complained) == (0, "")
    words_of_day = format_date(due, "en")
    assert said == (f"would add 1 (due {words_of_day}), listed already 0, bad rows 0; nothing was written\n")
    assert (await campaign(house, "list"))[:2] == (0, "There is no campaign.\n")

    code, said, complained = await campaign(house, *words)
    assert (code, complained) == (0, "")
    line, counts = said.splitlines()
    assert counts == f"added 1 (due {words_of_day}), listed already 0, bad rows 0"
    id, _, rest = line.partition("  ")
    assert rest == f"ส่งเอกสารเพื่อรับรองข้อมูลทะเบียนประวัติ: due {due}, upstream {day(house, 60)}"
    assert (await campaign(house, *words))[1].splitlines()[1].startswith("added 0 ")
    assert (await campaign(house, "list"))[1] == f"{line}  1 person\n"

    save(path, (SOMCHAI.national_id, SOMCHAI.name), (ANAN.national_id, ANAN.name))
    code, said, _ = await campaign(house, "documents", "--list", path, "--campaign", id)
    assert (code, said.splitlines()[1]) == (
        0, f"added 1 (due {words_of_day}), listed already 1, bad rows 0"
    )  # fmt: skip
    assert await campaign(house, "due", id, "--due", later) == (0, f"moved to {later}, also for 2 people\n", "")
    assert (await campaign(house, "show", id))[1].splitlines() == [
        line.replace(f"due {due}", f"due {later}", 1),
        f"{later}  นายสมชาย ทดสอบ, กองแผนงานตัวอย่าง: not begun",
        f"{later}  นายอนันต์ สมมติ, กองบริหารทดลอง: not begun",
        "in all 2: complete 0, handed in in part 0, answered 0, not begun 2",
        "certified 0; papers: approved 0, returned 0, waived 0",
    ]
    assert await campaign(house, "close", id) == (0, "closed\n", "")
    assert await campaign(house, "close", id) == (0, "was closed before\n", "")
    assert "  CLOSED  2 people" in (await campaign(house, "list"))[1]
    made = await rows(house, "SELECT actor FROM audit WHERE action = 'campaign.made'")
    assert made == [{"actor": "cli:somsri"}]


async def test_for_scripts(house: House, path: Path) -> None:
    save(path, (SOMCHAI.national_id, SOMCHAI.name), (STRANGER.national_id, STRANGER.name))
    due = str(day(house, 30))
    options = (
        "--one-child",
        "--no-reuse-degree",
        "--late-days",
        7,
        "--name",
        "ชุดทดสอบ",
        "--purpose",
        "ใช้ทดสอบ",
        "--levels",
        2,
    )
    code, said, _ = await campaign(house, "documents", "--list", path, "--due", due, *options, "--json")
    told = json.loads(said)
    [bad] = told.pop("bad")
    assert (code, bad.pop("row"), bad.pop("column"), bad.pop("value")) == (1, 3, "เลขบัตร", "XXXXXXXXXXXXX")
    assert told == {"campaign": told["campaign"], "due": due, "added": 1, "left": 0, "elsewhere": []}
    campaign_told = {
        "id": told["campaign"], "name": "ชุดทดสอบ", "due": due, "upstream_due": due, "late_days": 7,
        "each_child": False, "reuse_degree": False, "purpose": "ใช้ทดสอบ", "levels": 2, "made_on": str(day(house, 0)),
        "closed": False,
    }  # fmt: skip
    assert json.loads((await campaign(house, "list", "--json"))[1]) == [{**campaign_told, "people": 1}]
    [somchai] = await rows(house, "SELECT person_id FROM listed")
    assert json.loads((await campaign(house, "show", told["campaign"], "--json"))[1]) == {
        **campaign_told,
        "stages": {"not_begun": 1, "answered": 0, "part": 0, "complete": 0},
        "people": [
            {"id": somchai["person_id"], "name": "นายสมชาย ทดสอบ", "unit": "กองแผนงานตัวอย่าง",
             "listed_on": str(day(house, 0)), "due": due, "stage": "not_begun", "owed": None,
             "handed_in": 0, "papers": {}, "returned": 0, "approved": 0, "certified": False}
        ],
    }  # fmt: skip


async def test_show_says_who_is_complete(house: House, path: Path) -> None:
    save(path, (SOMCHAI.national_id, SOMCHAI.name), (ANAN.national_id, ANAN.name))
    id = await begun(house, path)
    kp7 = house.kp7
    somchai = await owner(house)
    async with kp7.database.write() as tx:
        await families.save(tx, somchai.id, somchai.key, {"same_degree": 1}, house.clock())
        await tx.many(
            "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, detail, at) "
            "VALUES (:slot, :campaign, :person, :slot, 1, :state, '', '', '', 0)",
            [
                {"slot": slot, "campaign": id, "person": somchai.id, "state": state}
                for slot, state in (("house", "waiting"), ("id_card", "submitted"), ("father", "received"))
            ],
        )
    somchais, anans, counts, _ = (await campaign(house, "show", id))[1].splitlines()[1:]
    assert somchais.endswith(": handed in 2 of 6 (received 1, submitted 1, waiting 1)")
    assert anans.endswith(": not begun")
    assert counts == "in all 2: complete 0, handed in in part 1, answered 0, not begun 1"
    shown = await rows(house, "SELECT subject FROM audit WHERE action = 'campaign.shown'")
    assert {row["subject"] for row in shown} >= {somchai.id}, "their answers were opened"


async def test_numbers_of_each_unit(house: House, path: Path) -> None:
    save(path, (SOMCHAI.national_id, SOMCHAI.name), (ANAN.national_id, ANAN.name))
    id = await begun(house, path)
    code, said, complained = await campaign(house, "numbers", id)
    nothing = "complete 0, papers waiting 0, returned 0, certified 0"
    assert (code, complained, said.splitlines()[1:]) == (0, "", [
        f"D0103  กองแผนงานตัวอย่าง: listed 1, {nothing}",
        f"D0201  กองบริหารทดลอง: listed 1, {nothing}",
        f"in all: listed 2, {nothing}",
    ])  # fmt: skip
    [first, _] = json.loads((await campaign(house, "numbers", id, "--json"))[1])["units"]
    assert first == {
        "unit": "D0103", "name": "กองแผนงานตัวอย่าง", "listed": 1, "complete": 0, "certified": 0, "waiting": 0,
        "returned": 0, "approved": 0,
    }  # fmt: skip


async def test_who_is_asked_by_another_one_is_told_of_before_and_after(house: House, path: Path) -> None:
    first = await begun(house, path, "--name", "ชุดแรก")
    words = ("documents", "--list", path, "--due", day(house, 40), "--name", "ชุดที่สอง")
    for more in (("--dry-run",), ()):
        _, said, _ = await campaign(house, *words, *more)
        assert f"Listed in the open campaign “ชุดแรก” ({first}), too: 1." in said.splitlines()[-1]
    told = json.loads((await campaign(house, *words, "--json"))[1])
    assert told["elsewhere"] == [{"campaign": first, "name": "ชุดแรก", "people": 1}]


async def test_a_list_with_another_header_is_told_what_is_wanted(house: House, path: Path) -> None:
    save(path, (SOMCHAI.national_id, SOMCHAI.name), header="รหัส,ใคร,หน่วยงาน")
    code, said, complained = await campaign(house, "documents", "--list", path, "--due", day(house, 30))
    assert (code, said) == (1, "")
    said = " ".join(complained.split())
    assert "เลขบัตร," in said
    assert "ชื่อ-สกุล," in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("documents", "--due", "2020-01-01"), "--due 2020-01-01 lies in the past."),
        (("documents", "--due", "2099-02-01", "--upstream-due", "2099-01-31"),
         "--due 2099-02-01 is later than --upstream-due 2099-01-31: the office would be late."),
        (("documents", "--due", "2099-02-01", "--levels", "3"), "--levels is a number from 1 to 2."),
        (("documents", "--due", "2099-02-01", "--levels", "0"), "--levels is a number from 1 to 2."),
        (("documents", "--campaign", "nobody"), "There is no campaign 'nobody'. `kp7 campaign list` shows them all."),
        (("show", "nobody"), "There is no campaign 'nobody'. `kp7 campaign list` shows them all."),
        (("numbers", "nobody"), "There is no campaign 'nobody'. `kp7 campaign list` shows them all."),
        (("close", "nobody"), "There is no campaign 'nobody'. `kp7 campaign list` shows them all."),
        (("due", "nobody", "--due", "2099-01-01"),
         "There is no campaign 'nobody'. `kp7 campaign list` shows them all."),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_said_in_a_sentence(
    house: House, path: Path, words: tuple[str, ...], sentence: str
) -> None:
    more = ("--list", path) if words[0] == "documents" else ()
    assert await campaign(house, *words, *more) == (2, "", f"{sentence}\n")
    assert await rows(house, "SELECT * FROM campaigns") == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--due", "2569-12-31"), "write 2026-12-31"),
        (("--due", "31/12/2026"), "is no day, such as 2018-10-01 (CE)"),
        ((), "or to which --campaign the people belong"),
        (("--campaign", "x", "--due", "2099-01-01"), "nothing but --list with it"),
        (("--campaign", "x", "--one-child"), "nothing but --list with it"),
    ],
)
async def test_wrong_use(house: House, path: Path, words: tuple[str, ...], part: str) -> None:
    code, said, complained = await campaign(house, "documents", "--list", path, *words)
    assert (code, said) == (2, "")
    assert part in " ".join(complained.replace("│", " ").split())


async def test_an_id_that_stands_twice_stops_the_file(house: House, path: Path) -> None:
    save(path, (SOMCHAI.national_id, SOMCHAI.name), (SOMCHAI.national_id, SOMCHAI.name))
    code, said, complained = await campaign(house, "documents", "--list", path, "--due", day(house, 30))
    assert (code, said) == (1, "")
    assert "2 = 3" in complained
    assert await rows(house, "SELECT * FROM campaigns") == []


async def test_who_is_listed_may_ask_what_is_kept_and_be_erased(house: House, path: Path) -> None:
    id = await begun(house, path)
    code, said, _ = await kp7(house, "person", "show", SOMCHAI.national_id)
    assert code == 0
    assert f"campaign_id: {id}" in said
    assert (await kp7(house, "person", "erase", "--yes", SOMCHAI.national_id))[0] == 0
    assert await rows(house, "SELECT * FROM listed") == []
    assert (await campaign(house, "show", id))[1].count("\n") == 3, "the campaign, and that there is nobody"


async def test_nothing_is_done_that_cannot_be_written_down(house: House, path: Path) -> None:
    id = await begun(house, path)
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE audit_head SET last = 'forged'")
    save(path, (ANAN.national_id, ANAN.name))
    before = [await rows(house, f"SELECT * FROM {table}") for table in ("campaigns", "listed", "audit")]
    for words in (
        ("documents", "--list", path, "--campaign", id),
        ("documents", "--list", path, "--due", day(house, 9), "--name", "x"),
        ("show", id),
        ("due", id, "--due", day(house, 20)),
        ("close", id),
    ):
        code, said, complained = await campaign(house, *words)
        assert (code, said) == (1, ""), words
        assert complained.startswith("The end of the audit log was tampered with"), words
    assert [await rows(house, f"SELECT * FROM {table}") for table in ("campaigns", "listed", "audit")] == before
