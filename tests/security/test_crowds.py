"""Many at once: checks of strangers, fetches of a picture; and what an officer without a second factor hears."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.papers.room import Papers
from bot.times import local_date
from handlers.organisation import authority
from handlers.review import queue
from handlers.review.previews import Addresses
from handlers.review.prompts import SETTLES
from handlers.review.queue import Item
from tests.cast import MALEE, PRIYA, SOMCHAI
from tests.house import House, a_house
from tests.journeys.reviewing import in_office_hours, the_clock_strikes
from tests.officers import grant, officer, who
from tests.security.tools import change, rows
from tests.waiting import campaign, paper_waits, waits

FLOOD, FETCHES = 100, 50


@pytest.fixture
async def both(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url) as house:
        yield house


async def test_checks_of_strangers_keep_no_paper_back(both: House) -> None:
    """Officers first see what people who are known have sent, then who might be somebody; page after page."""
    kp7, now = both.kp7, both.clock()
    await both.somebody()  # a chat, from which they ask
    await grant(both, MALEE.national_id)
    malee, somchai = await who(both, MALEE.national_id), await who(both, SOMCHAI.national_id)
    async with kp7.database.write() as tx:
        await campaign(tx, kp7.vault)
        flood = [await waits(tx, kp7.vault, somchai, "identity", now - 9_000 + n) for n in range(FLOOD)]
        lock = await waits(tx, kp7.vault, somchai, "lock", now - 10_000)
        known = [
            await waits(tx, kp7.vault, somchai, "paper", now - 100, slot="house"),
            await waits(tx, kp7.vault, somchai, "help", now - 50),
            await waits(tx, kp7.vault, somchai, "waiver", now, slot="id_card"),
        ]
    async with kp7.database.read() as tx:
        found = await authority.officer(tx, kp7.vault, malee.id, local_date(now, both.settings.timezone))
        assert found
        seen: list[Item] = []
        while page := await queue.waiting(tx, kp7.vault, found, after=seen[-1].place if seen else (-1, ""), most=7):
            seen += page
        assert [item.id for item in seen] == [*known, lock, *flood]
        assert sum((await queue.counts(tx, found)).values()) == FLOOD + 4
        (last,) = await queue.waiting(tx, kp7.vault, found, since=now - 60, before=now - 50)
        assert last.kind == "help"


async def test_a_picture_is_drawn_once_and_dies_with_its_paper(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = Papers.preview

    async def counted(self: Papers, pdf: bytes, page: int = 1, *more: object) -> object:
        drawn.append(page)
        return await draw(self, pdf, page, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Papers, "preview", counted)
    item = await paper_waits(house, await who(house, SOMCHAI.national_id))
    for one in (MALEE, PRIYA):
        await grant(house, one.national_id)
    officers = [(await who(house, one.national_id)).id for one in (MALEE, PRIYA)]
    paths = [Addresses(house.kp7.vault).of(item, 1, id, house.clock())[0] for id in officers]
    async with httpx.AsyncClient(base_url=house.url, timeout=60) as line:
        answers = await asyncio.gather(*(line.get(path) for path in paths * (FETCHES // 2)))
        assert {(one.status_code, one.content[:2]) for one in answers} == {(200, b"\xff\xd8")}
        assert drawn == [1]
        fetched = await rows(house, "SELECT actor, subject FROM audit WHERE action = 'paper.pictured'")
        assert sorted(row["actor"] for row in fetched) == sorted(f"picture:{id}" for id in officers)
        assert {row["subject"] for row in fetched} == {item.owner}

        await change(house, "UPDATE papers SET state = 'approved' WHERE id = :id", id=item.id)
        assert {(await line.get(path)).status_code for path in paths} == {404}
    assert drawn == [1]


@pytest.mark.parametrize(("enrolled", "told"), [(True, "prompt.one"), (False, "prompt.digest")])
async def test_without_a_second_factor_one_hears_how_many(house: House, enrolled: bool, told: str) -> None:
    in_office_hours(house)
    await (officer if enrolled else grant)(house, MALEE.national_id)
    chat = await house.somebody()
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await paper_waits(house, await who(house, SOMCHAI.national_id))
    heard = len(chat.screens)
    house.clock.forward(seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(house)
    await chat.hears(heard + 1)
    chat.sees(told)
    assert (SOMCHAI.name in chat.screen.text) is enrolled
    assert bool(chat.screen["pictures"]) is enrolled


async def test_a_factor_that_kp7_did_not_make_is_none(house: House) -> None:
    in_office_hours(house)
    await officer(house, MALEE.national_id)
    await change(house, "UPDATE second_factors SET made_at = made_at + 1")
    chat = await house.somebody()
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await paper_waits(house, await who(house, SOMCHAI.national_id))
    heard = len(chat.screens)
    house.clock.forward(seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(house)
    await chat.hears(heard + 1)
    chat.sees("prompt.digest")
