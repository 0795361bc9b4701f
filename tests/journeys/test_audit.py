"""What HR does with other people's data at the command line is written down; what people do with their own is not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import ANAN, MALEE, SOMCHAI, STRANGER
from tests.command import told
from tests.databases import sqlite
from tests.house import SAMPLES, House, a_house
from tests.journeys.test_officer import asks_hr
from tests.security.tools import Lab, rows


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path, card_verifier="officer") as house:
        yield house


async def lines(house: House, *words: str) -> list[tuple[str, str, str | None]]:
    """Of the log: by, action, subject; without the roster that the house came with."""
    code, said = await told(house, "audit", "show", "--json", *words)
    assert code == 0, said
    found = [json.loads(line) for line in said.splitlines()]
    return [(x["actor"], x["action"], x["subject"]) for x in found if x["action"] != "roster.added"]


async def test_looking_confirming_refusing_and_unblocking(office: House) -> None:
    anan, stranger = await office.somebody(), await office.somebody()
    his, theirs = await asks_hr(anan, ANAN), await asks_hr(stranger, STRANGER)
    assert (await told(office, "identity", "list", "--by", "somsri"))[0] == 0
    assert (await told(office, "identity", "refuse", theirs))[0] == 0
    assert (await told(office, "identity", "confirm", his))[0] == 0
    assert (await told(office, "identity", "refuse", his))[0] == 1, "decided: nothing was done"
    assert (await told(office, "identity", "unblock", SOMCHAI.national_id))[0] == 0
    lab = Lab(office, office.settings)
    person, somchai = (await lab.person(ANAN)).id, (await lab.person(SOMCHAI)).id
    assert await lines(office) == [
        ("cli:somsri", "identity.listed", person),
        ("cli:somsri", "identity.listed", None),
        ("cli:malee", "identity.refused", None),
        ("cli:malee", "identity.confirmed", person),
        ("cli:malee", "identity.unblocked", somchai),
    ]
    assert await lines(office, "--person", ANAN.national_id) == [
        ("cli:somsri", "identity.listed", person),
        ("cli:malee", "identity.confirmed", person),
    ]
    assert (await told(office, "audit", "verify"))[0] == 0
    written = json.dumps(await rows(office, "SELECT * FROM audit"), ensure_ascii=False)
    for secret in (ANAN.national_id, STRANGER.national_id, ANAN.name.split()[0], STRANGER.name):
        assert secret not in written


async def test_an_imported_roster_is_a_line_for_each_person_it_changed(office: House) -> None:
    [before] = await rows(office, "SELECT COUNT(*) AS n FROM audit WHERE action = 'roster.added'")
    [people] = await rows(office, "SELECT COUNT(*) AS n FROM people")
    assert before == people
    roster = sqlite(office.kp7.database).path.parent / "roster.csv"
    sample = (SAMPLES / "roster.csv").read_text("utf-8-sig")
    roster.write_text(sample.replace("somchai.t@example.go.th", "somchai.new@example.go.th"), "utf-8")
    somchai = (await Lab(office, office.settings).person(SOMCHAI)).id
    assert (await told(office, "import", "roster", str(roster), "--dry-run"))[0] in (0, 1)
    assert await lines(office) == []
    assert (await told(office, "import", "roster", str(roster)))[0] in (0, 1)
    assert await lines(office) == [("cli:malee", "roster.changed", somchai)]


async def test_ones_own_data_are_ones_own(office: House) -> None:
    malee = await office.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.taps("menu.profile")
    assert await lines(office) == []
