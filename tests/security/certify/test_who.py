"""Papers are signed by one person, in the browser that opened the link first."""

import asyncio
from pathlib import Path

import pytest

from tests.cast import MALEE, SOMCHAI
from tests.house import Chat, House, a_house
from tests.papers import tools
from tests.security.certify.tools import GONE, is_refused_everywhere, jobs_in
from tests.security.tools import change, rows
from tests.signing import BOX, STROKES, Jobs, Phone, hand_in, link


async def test_somchai_signs_what_he_opened(house: House, somchai: Chat, phone: Phone) -> None:
    jobs = Jobs.of(house)
    path = await link(house, SOMCHAI)
    before = await phone.looks(path)
    assert before.status_code == 200
    assert "ลงนามในเครื่องนี้" in before.text
    assert "สมชาย" not in before.text  # nothing of him before the link is bound
    data = await phone.opens(path)
    assert (len(data["sheets"]), data["version"], data["kept"]) == (2, 1, [])
    picture = await phone.page(path, 2)
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "no-store"
    assert 900 < tools.jpeg(picture.content).width <= 1000
    assert (await phone.signs(path, boxes=[BOX, {**BOX, "page": 2, "left": 0.9}])).json() == {}
    entry = await jobs.one()
    assert (entry.purpose, entry.content["slot"], entry.content["version"]) == ("stamp", "entry.transcript", 1)
    assert entry.content["boxes"][0] == BOX
    assert entry.content["boxes"][1]["width"] == pytest.approx(0.1)  # no box leaves its page
    assert entry.content["channel"] == "web"


async def test_the_next_paper_is_signed_with_the_signature_that_is_kept(
    house: House, somchai: Chat, phone: Phone
) -> None:
    jobs = Jobs.of(house)
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    assert (await phone.signs(path)).status_code == 200
    await jobs.one()
    jobs.done.clear()
    await hand_in(house, SOMCHAI, "id_card", tools.card)
    path = await link(house, SOMCHAI, "id_card")
    data = await phone.opens(path)
    assert data["kept"] == [list(map(list, stroke)) for stroke in STROKES]
    assert "หมู่โลหิต" in (await phone.looks(path)).text
    assert (await phone.signs(path, None)).status_code == 200
    assert (await jobs.one()).content["slot"] == "id_card"
    (stored,) = await rows(house, "SELECT strokes FROM signatures")
    assert "320.5" not in stored["strokes"]


async def test_without_a_kept_signature_there_is_none_to_use(house: House, somchai: Chat, phone: Phone) -> None:
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    refused = await phone.signs(path, None)
    assert (refused.status_code, refused.json()["message"]) == (422, "กรุณาลงลายมือชื่อก่อนค่ะ")
    assert (await phone.signs(path)).status_code == 200  # and the link was not used up


async def test_who_only_looks_takes_nothing(house: House, somchai: Chat, phone: Phone, stranger: Phone) -> None:
    """Scanners and previews of links come first."""
    path = await link(house, SOMCHAI)
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        assert (await stranger.client.request(method, path)).status_code in (200, 405)
    assert await rows(house, "SELECT browser FROM page_links") == [{"browser": None}]
    assert not stranger.client.cookies
    await phone.opens(path)


async def test_a_second_browser_gets_what_a_made_up_address_gets(
    house: House, somchai: Chat, phone: Phone, stranger: Phone
) -> None:
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    await is_refused_everywhere(stranger, path)
    assert (await phone.page(path, 1)).status_code == 200  # and took nothing away
    assert await jobs_in(house) == 0


async def test_two_browsers_press_at_once(house: House, somchai: Chat, phone: Phone, stranger: Phone) -> None:
    path = await link(house, SOMCHAI)
    answers = await asyncio.gather(*(each.presses(path) for each in (phone, stranger)))
    assert sorted(answer.status_code for answer in answers) == [303, 404]


async def test_a_link_that_nobody_opened_shows_and_signs_nothing(house: House, somchai: Chat, phone: Phone) -> None:
    path = await link(house, SOMCHAI)
    assert (await phone.page(path, 1)).status_code == 404
    assert (await phone.signs(path)).json()["message"] == GONE
    assert await jobs_in(house) == 0


async def test_somebody_elses_link_does_not_open_with_ones_own(
    house: House, somchai: Chat, phone: Phone, stranger: Phone
) -> None:
    """Malee has a link of her own, open and proved, and knows the address of Somchai's."""
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await hand_in(house, MALEE)
    path, hers = await link(house, SOMCHAI), await link(house, MALEE)
    await phone.opens(path)
    await stranger.opens(hers)
    await is_refused_everywhere(stranger, path)
    # nor with her proof under his name
    (name,), (value,) = phone.client.cookies.keys(), stranger.client.cookies.values()
    stranger.client.cookies.set(name, value)
    assert (await stranger.page(path, 1)).status_code == 404
    assert (await stranger.signs(path)).status_code == 404


async def test_two_papers_are_open_side_by_side(house: House, somchai: Chat, phone: Phone) -> None:
    await hand_in(house, SOMCHAI, "id_card", tools.card)
    one, other = await link(house, SOMCHAI), await link(house, SOMCHAI, "id_card")
    await phone.opens(one)
    await phone.opens(other)
    assert (await phone.page(one, 2)).status_code == 200
    assert (await phone.page(other, 1)).status_code == 200


async def test_a_link_to_another_page_opens_nothing_here(house: House, somchai: Chat, phone: Phone) -> None:
    path = await link(house, SOMCHAI, purpose="factor")
    await is_refused_everywhere(phone, path)
    await change(house, "UPDATE page_links SET purpose = 'certify'")
    await is_refused_everywhere(phone, path)


async def test_of_links_that_nobody_opened_only_the_newest_leads_anywhere(
    house: House, somchai: Chat, phone: Phone
) -> None:
    opened = await link(house, SOMCHAI)
    await phone.opens(opened)
    old, new = await link(house, SOMCHAI), await link(house, SOMCHAI)
    assert GONE in (await phone.looks(old)).text
    assert (await phone.looks(new)).status_code == 200
    assert (await phone.page(opened, 1)).status_code == 200


async def test_an_office_that_takes_no_stamps_opens_nothing(tmp_path: Path) -> None:
    async with a_house(tmp_path, certify_on_phone=False) as house, Phone(house) as phone:
        somchai = await house.somebody()
        await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await hand_in(house, SOMCHAI)
        await is_refused_everywhere(phone, await link(house, SOMCHAI))
