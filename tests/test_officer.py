"""`kp7 officer`, as HR types it."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.doctor import officers
from bot.times import local_date
from samples import make_papers
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.command import kp7
from tests.doctor.patients import case, findings
from tests.house import House
from tests.officers import enrol, grant, who
from tests.security.tools import rows
from tests.test_campaign import begun, save


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "order.pdf"
    path.write_bytes(make_papers.pdf("degree"))
    return path


def day(house: House, days: int = 0) -> date:
    return local_date(house.clock(), house.settings.timezone) + timedelta(days)


async def officer(house: House, *words: object, typed: str = "") -> tuple[int, str, str]:
    return await kp7(house, "officer", *words, typed=typed)


def order_words(house: House, order: Path, unit: str = "กรมตัวอย่าง") -> tuple[object, ...]:
    return ("--role", "unit_hr", "--unit", unit, "--order", "กม 7/2569", "--order-date", day(house),
            "--order-file", order, "--signed-by", "นายหัวหน้า ส่วนราชการ", "--by", "somsri")  # fmt: skip


async def test_from_the_order_to_the_end(house: House, order: Path, tmp_path: Path) -> None:
    await begun(house, save(tmp_path / "list.csv", *((one.national_id, one.name) for one in (SOMCHAI, MALEE, ANAN))))
    assert (await officer(house, "list"))[1].splitlines() == [
        "Nobody holds a role.",
        "listed in open campaigns: 3; for 3 of them no officer is responsible",
        *("  กองการเจ้าหน้าที่: 1", "  กองบริหารทดลอง: 1", "  กองแผนงานตัวอย่าง: 1"),
    ]
    words = (*order_words(house, order), "--below", "--until", day(house, 90))
    code, said, complained = await officer(house, "add", *words, typed=f"{MALEE.national_id}\n")
    assert (code, complained) == (0, "")
    id = said.splitlines()[0].removeprefix("granted: ")
    malee = await who(house, MALEE.national_id)
    [row] = await rows(house, "SELECT person_id, order_file FROM grants WHERE id = :id", id=id)
    assert row["person_id"] == malee.id
    assert (await house.kp7.files.get(row["order_file"], malee.key)).startswith(b"%PDF")
    line = f"{id}  นางมาลี ตัวอย่าง, กองการเจ้าหน้าที่: unit_hr of กรมตัวอย่าง and below, order กม 7/2569 of {day(house)}; "
    line += f"{day(house)} to {day(house, 90)}; second factor: "
    assert (await officer(house, "list"))[1].splitlines() == [
        f"{line}NO",
        "listed in open campaigns: 3; for 2 of them no officer is responsible",
        *("  กองการเจ้าหน้าที่: 1", "  กองบริหารทดลอง: 1"),  # she is not her own officer
    ]
    [doubt] = await findings(officers.look, case(tmp_path, master_key=house.settings.master_key))
    assert (doubt.level, doubt.says.split(" who")[0]) == ("warning", "For 2 of 3 people")
    await enrol(house, MALEE.national_id)
    assert (await officer(house, "list"))[1].splitlines()[0] == f"{line}yes"
    assert (await officer(house, "reset-factor", MALEE.national_id))[0] == 0
    assert await rows(house, "SELECT 1 FROM second_factors") == []
    assert (await officer(house, "reset-factor", MALEE.national_id))[0] == 2
    assert await officer(house, "revoke", MALEE.national_id, "--grant", id) == (0, "revoked: 1\n", "")
    assert (await officer(house, "list"))[1].splitlines()[0] == "Nobody holds a role."
    told = json.loads((await officer(house, "list", "--ended", "--json"))[1])
    assert [(one["id"], one["ended_why"], one["acts"]) for one in told["officers"]] == [(id, "revoked", False)]
    assert (told["listed"], [one["people"] for one in told["without_officer"]]) == (3, [1, 1, 1])
    done = await rows(house, "SELECT actor, action FROM audit WHERE action LIKE 'officer.%' AND actor = 'cli:somsri'")
    assert done == [{"actor": "cli:somsri", "action": "officer.granted"}]


async def test_whom_a_transfer_ended_is_told(house: House) -> None:
    await grant(house, MALEE.national_id)
    assert await officer(house, "revoke", MALEE.national_id, "--why", "transferred") == (0, "revoked: 1\n", "")
    assert (await officer(house, "list"))[1].splitlines()[0].endswith(f"; ENDED {day(house)}: transferred")
    house.clock.forward(days=100)  # of this process; the command's own clock stands
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE grants SET ended_at = ended_at - 9000000000")
    [line] = (await officer(house, "list", "--ended"))[1].splitlines()
    assert "NOT WRITTEN BY KP7" in line, "somebody edited it"


@pytest.mark.parametrize(
    ("replaced", "sentence"),
    [
        ({"กรมตัวอย่าง": "กองที่ไม่มี"}, "There is no organisation 'กองที่ไม่มี'."),
        ({"นายหัวหน้า ส่วนราชการ": "มาลี ตัวอย่าง"}, "Nobody signs an order for themselves."),
        ({"นายหัวหน้า ส่วนราชการ": MALEE.national_id}, "Nobody signs an order for themselves."),
    ],
)
async def test_what_cannot_be_is_said_in_a_sentence(
    house: House, order: Path, replaced: dict[str, str], sentence: str
) -> None:
    words = [replaced.get(str(word), word) for word in order_words(house, order)]
    assert await officer(house, "add", MALEE.national_id, *words) == (2, "", f"{sentence}\n")
    assert await rows(house, "SELECT 1 FROM grants") == []


async def test_an_order_that_is_no_pdf(house: House, order: Path) -> None:
    for content, part in ((b"a letter", "only PDF"), (make_papers.BAD["locked.pdf"](), "password")):
        order.write_bytes(content)  # noqa: ASYNC240  a few bytes
        code, said, complained = await officer(house, "add", MALEE.national_id, *order_words(house, order))
        assert (code, said) == (2, "")
        assert complained.startswith("order.pdf: ")
        assert part in complained
    assert await rows(house, "SELECT 1 FROM files") == []


async def test_an_officer_may_ask_what_is_kept_and_be_erased(house: House) -> None:
    id = await grant(house, MALEE.national_id)
    code, said, _ = await kp7(house, "person", "show", MALEE.national_id)
    assert code == 0
    assert id in said
    assert "กม 1/2569" in said
    assert (await kp7(house, "person", "erase", "--yes", MALEE.national_id))[0] == 0
    assert await rows(house, "SELECT 1 FROM grants") == []
