"""HR's numbers of each unit, recomputed from what people handed in and what KP7 decided."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from handlers.documents import campaigns
from handlers.documents.campaigns import Campaign
from handlers.documents.rules import Options, slots
from handlers.review import numbers as counting
from handlers.review.numbers import Numbers, certified_people, numbers
from tests.approved import SINGLE, ZONE, Office, office, pdf

OWED = [slot.id for slot in slots(SINGLE, Options()) if not slot.reuses]


@pytest.fixture
async def hr(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """Somchai is through; Preeya's papers stand everywhere; Anan of another unit has done nothing; where Rung works,
    nobody knows."""
    hr = await office(database_url, tmp_path)
    people = [await hr.somebody(name) for name in ("สมชาย", "ปรียา")]
    people += [await hr.somebody("อนันต์", unit="กองอื่น", code="D0201"), await hr.somebody("รุ่ง", unit="ไม่ทราบ", code="")]
    await hr.campaign(*people)
    for id in people[:2]:
        await hr.hands_in(id, {slot: None if slot == "father" else pdf(id, slot) for slot in OWED})
    await hr.decides(people[0], [slot for slot in OWED if slot != "father"], "approved")
    await hr.decides(people[0], "father", "waived")
    await hr.decides(people[1], "id_card", "approved")
    await hr.decides(people[1], "house", "returned")
    yield hr
    await hr.database.close()


async def campaign(hr: Office) -> Campaign:
    async with hr.database.read() as tx:
        return await campaigns.get(tx, "c1", ZONE)


@pytest.mark.parametrize("chunk", [1, 200])
async def test_each_unit_in_numbers(hr: Office, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(counting, "_CHUNK", chunk)
    c1 = await campaign(hr)
    plans = Numbers(
        "D0103", "กองแผนงาน", listed=2, complete=1, certified=1, waiting=4, returned=1, approved=7
    )  # fmt: skip
    other, nowhere = Numbers("D0201", "กองอื่น", listed=1), Numbers("", "ไม่ทราบ", listed=1)
    assert await numbers(hr.database, hr.house.vault, c1) == [plans, other, nowhere]
    assert await numbers(hr.database, hr.house.vault, c1, frozenset({"D0201", "D9"})) == [other]
    assert await certified_people(hr.database, hr.house.vault, c1) == [hr.people[0]]
    assert await certified_people(hr.database, hr.house.vault, c1, frozenset({"D0201"})) == []


async def test_nobody_is_certified_by_editing_a_column(hr: Office) -> None:
    async with hr.database.write() as tx:
        await tx.run("UPDATE papers SET state = 'approved'")
    c1 = await campaign(hr)
    assert await certified_people(hr.database, hr.house.vault, c1) == []  # not even whose waiver became an approval
    assert [unit.certified for unit in await numbers(hr.database, hr.house.vault, c1)] == [0, 0, 0]


async def test_who_owes_more_by_new_answers_is_not_certified_any_more(hr: Office) -> None:
    from handlers.documents import families

    person = await hr.person(hr.people[0])
    async with hr.database.write() as tx:
        await families.save(tx, person.id, person.key, {"same_degree": True, "licence": True}, 1)
    [plans, *_] = await numbers(hr.database, hr.house.vault, await campaign(hr))
    assert (plans.complete, plans.certified) == (0, 0)
