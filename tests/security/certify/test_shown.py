"""What is shown and signed is the paper that was looked at."""

import asyncio

import pytest

from tests.cast import SOMCHAI
from tests.house import Chat, House
from tests.security.certify.tools import CHANGED, jobs_in
from tests.security.tools import change
from tests.signing import Phone, link, shown


@pytest.mark.parametrize(
    "edit", ["version = 2", "state = 'submitted'", "state = 'asked'", "file_id = NULL", "slot = 'house'"]
)
async def test_a_paper_that_is_another_by_now_is_not_signed(
    house: House, somchai: Chat, phone: Phone, edit: str
) -> None:
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    await change(house, f"UPDATE papers SET {edit}")
    answer = await phone.signs(path)
    assert answer.status_code == 409
    assert CHANGED in answer.json()["message"]
    assert await jobs_in(house) == 0
    if edit != "version = 2":
        page = await phone.looks(path)
        assert (page.status_code, CHANGED in page.text) == (409, True)
        assert (await phone.page(path, 1)).status_code == 409


async def test_a_file_that_is_not_there_is_no_crash(house: House, somchai: Chat, phone: Phone) -> None:
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    await change(house, "UPDATE papers SET file_id = 'gone'")
    assert (await phone.page(path, 1)).status_code == 409


async def test_one_page_at_a_time_for_each_chat(house: House, somchai: Chat, phone: Phone) -> None:
    """Nobody can fill the room in which papers are drawn."""
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    answers = await asyncio.gather(*(phone.page(path, 1) for _ in range(8)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 200
    assert set(codes) <= {200, 503}
    assert 503 in codes
    assert (await phone.page(path, 1)).status_code == 200


async def test_a_name_is_words_and_nothing_else(house: House, somchai: Chat, phone: Phone) -> None:
    malicious = "</script><script>alert(1)</script>"
    async with house.kp7.database.write() as tx:
        row = await tx.one("SELECT p.id, p.profile, k.id AS key_id, k.wrapped FROM papers a JOIN people p "
                           "ON p.id = a.person_id JOIN keys k ON k.id = p.key_id")  # fmt: skip
        assert row is not None
        key = house.kp7.vault.unwrap(row["key_id"], row["wrapped"])
        profile = {**key.open(row["profile"], "people", row["id"], "profile"), "last_name": malicious}
        await tx.run("UPDATE people SET profile = :profile WHERE id = :id",
                     {"id": row["id"], "profile": key.seal(profile, "people", row["id"], "profile")})  # fmt: skip
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    page = await phone.looks(path)
    assert malicious not in page.text
    assert "&lt;script&gt;alert" in page.text
    assert shown(page)["version"] == 1
