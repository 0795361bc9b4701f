"""A link signs once."""

import asyncio
import re
from pathlib import Path

from bot import page_links
from tests.cast import SOMCHAI
from tests.house import Chat, House, a_house
from tests.security.certify.tools import is_refused_everywhere
from tests.signing import Jobs, Phone, hand_in, link


async def test_signed_once(house: House, somchai: Chat, phone: Phone) -> None:
    jobs = Jobs.of(house)
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    proof = dict(phone.client.cookies)
    assert (await phone.signs(path)).status_code == 200
    phone.client.cookies.update(proof)
    await is_refused_everywhere(phone, path)
    await jobs.one()


async def test_who_has_signed_is_told_so_and_nobody_else(
    house: House, somchai: Chat, phone: Phone, stranger: Phone
) -> None:
    """Its cookie is a receipt now, which opens nothing; it fits no other link, and none can be made up."""
    jobs = Jobs.of(house)
    path, other = await link(house, SOMCHAI), "/certify/" + "y" * 43
    await phone.opens(path)
    signed = await phone.signs(path)
    assert re.match(
        r"kp7-certify-[\w-]{16}=web\.th\.[0-9a-f]{64}; HttpOnly; Max-Age=1800; Path=/; SameSite=strict",
        signed.headers["set-cookie"],
    )
    for _ in range(2):
        done = await phone.looks(path)
        assert (done.status_code, done.headers["cache-control"]) == (200, "no-store")
        assert "ปิดหน้านี้แล้วกลับไปที่แชต" in done.text
        assert 'href="/chat"' in done.text
        assert "สมชาย" not in done.text
        for refused in (await phone.presses(path), await phone.page(path, 1), await phone.signs(path)):
            assert refused.status_code == 404
    await is_refused_everywhere(stranger, path)
    (name,), (receipt,) = phone.client.cookies.keys(), phone.client.cookies.values()
    for made_up in (receipt.replace("web", "line"), receipt.replace("th", "en"), receipt[:-1], receipt + ".", "..", ""):
        stranger.client.cookies.set(name, made_up)
        await is_refused_everywhere(stranger, path)
    stranger.client.cookies.clear()
    its_name = f"kp7-certify-{(page_links.id_of(house.kp7.vault, other.rpartition('/')[2]) or '')[:16]}"
    stranger.client.cookies.set(its_name, receipt)
    await is_refused_everywhere(stranger, other)
    await jobs.one()


async def test_of_two_who_sign_at_once_one_does(tmp_path: Path, database_url: str) -> None:
    async with a_house(tmp_path, database_url=database_url, files_url=(tmp_path / "files").as_uri()) as house:
        jobs = Jobs.of(house)
        somchai = await house.somebody()
        await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await hand_in(house, SOMCHAI)
        path = await link(house, SOMCHAI)
        async with Phone(house) as phone:
            await phone.opens(path)
            one, other = [[[0, 0], [500, 100]]], [[[0, 0], [600, 100]]]
            answers = await asyncio.gather(*(phone.signs(path, strokes) for strokes in (one, other, one, other)))
            assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
            won = (one, other, one, other)[[answer.status_code for answer in answers].index(200)]
            await jobs.one()
            again = await link(house, SOMCHAI)
            assert (await phone.opens(again))["kept"] == won
