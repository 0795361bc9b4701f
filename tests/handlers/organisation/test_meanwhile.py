"""`kp7 import roster` beside a running server: what HR sees, and what the people who chat notice of it (nothing)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samples.make_roster import make
from tests import command
from tests.house import House, a_house

ROOT = Path(__file__).resolve().parents[3]
PEOPLE = 3_000


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as house:
        yield house


async def kp7(house: House, *words: str) -> tuple[int, str, str]:
    return await command.kp7(house, "import", *words)


async def people(house: House) -> int:
    async with house.kp7.database.read() as tx:
        row = await tx.one("SELECT COUNT(*) AS n FROM people")
    assert row
    return int(row["n"])


async def test_chats_go_on_while_an_import_runs(house: House, tmp_path: Path) -> None:
    """Each event is answered after its own commit: between one chunk of the import and the next. How long that takes is
    measured by the soak, on a machine that does nothing else."""
    roster = tmp_path / "roster.csv"
    make(PEOPLE, roster)
    chat = await house.somebody()
    before = await people(house)
    importing = asyncio.create_task(kp7(house, "roster", str(roster), "--json"))
    half_way: set[int] = set()
    while not importing.done():
        assert (await chat.post({"text": "สวัสดี"})).status_code == 200
        half_way.add(await people(house) - before)
        await asyncio.sleep(0.01)
    code, out, err = await importing
    assert (code, json.loads(out)["added"]) == (0, PEOPLE), err
    assert len(half_way - {0, PEOPLE}) >= 5, f"events were answered only after these many people: {half_way}"


async def test_hr_sees_what_would_change_and_changes_it(house: House, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    text = (ROOT / "samples/roster.csv").read_text("utf-8")
    lines = text.splitlines(keepends=True)
    moved = [line.replace("กองแผนงานตัวอย่าง", "กองคลังตัวอย่าง") if "สมชาย" in line else line for line in lines]
    moved = [line.replace("082-000-0002", "08") if "มาลี" in line else line for line in moved]
    roster.write_text("".join(moved[:-2]), encoding="utf-8")
    how = ("--full", "--retire-missing")
    code, out, err = await kp7(house, "roster", str(roster), "--dry-run", *how)
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "4: โทรศัพท์: A telephone number begins with 0 and has 9 to 10 digits. (XX)",
        "3: changed: สำนัก/กอง",
        "not in the file: ว่าที่ร้อยตรีตั้งใจ ยืมชื่อ, เทศบาลเมืองสมมติ",
        "not in the file: นางปราณี จำลอง, องค์การบริหารส่วนตำบลทดสอบ",
        "2 not in the file, 2 would be retired",
        "0 would be added, 1 changed, 196 left as they are, 1 bad rows; nothing was written",
    ]
    code, out, err = await kp7(house, "roster", str(roster), "--json", *how)
    report = json.loads(out)
    assert (code, err) == (1, "")
    assert {name: report[name] for name in ("added", "changed", "left", "retired")} == {
        "added": 0, "changed": 1, "left": 196, "retired": 2,
    }  # fmt: skip
    assert [bad["row"] for bad in report["bad"]] == [4]
    assert report["changes"] == [{"row": 3, "what": "changed", "columns": ["สำนัก/กอง"]}]
    assert len(report["missing"]) == 2
    again = json.loads((await kp7(house, "roster", str(roster), "--json", *how))[1])
    assert (again["changed"], again["left"], again["missing"]) == (0, 197, [])


async def test_what_is_refused_says_why_and_what_to_do(house: House, tmp_path: Path) -> None:
    sample = (ROOT / "samples/roster.csv").read_text("utf-8").splitlines(keepends=True)
    few, twice = tmp_path / "few.csv", tmp_path / "twice.csv"
    few.write_text("".join(sample[:40]), encoding="utf-8")
    twice.write_text("".join([*sample, sample[5]]), encoding="utf-8")
    refused = await asyncio.gather(
        kp7(house, "roster", str(few), "--retire-missing"),
        kp7(house, "roster", str(few), "--full", "--retire-missing"),
        kp7(house, "roster", str(twice)),
    )
    assert [code for code, _, _ in refused] == [2, 1, 1]
    for (_, out, err), words in zip(refused, ("--full", "--retire-at-most", "rows 6 = 203"), strict=True):
        assert out == ""
        assert words in err
