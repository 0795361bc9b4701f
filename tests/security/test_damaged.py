"""What waits for an officer and is damaged, or was edited by somebody who writes the database: it is named, passed by
and decided by nobody, and stops none of the others (AZ2)."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.events import Invalid
from handlers.review import deciding
from handlers.review.deciding import Decision
from handlers.review.judged import judged
from handlers.review.previews import Addresses
from handlers.review.prompts import SETTLES
from samples import make_papers
from storage.files import Files
from storage.vault import Tampered
from tests.cast import MALEE, PRIYA, SOMCHAI
from tests.desks import Browser, sits, waits
from tests.house import House
from tests.journeys.reviewing import in_office_hours, proves, the_clock_strikes
from tests.officers import officer, who
from tests.security.tools import change, person, rows
from tests.waiting import paper_waits

DAMAGE = {
    "a profile of somebody else": "UPDATE people SET profile = (SELECT profile FROM people WHERE id <> :owner LIMIT 1) "
    "WHERE id = :owner",
    "a slot that nobody knows": "UPDATE papers SET slot = 'invented' WHERE id = :id",
    "a detail that does not open": "UPDATE papers SET detail = 'AAAA' WHERE id = :id",
    "a day that is none": "UPDATE people SET appointed_on = 'yesterday' WHERE id = :owner",
    "another file": "UPDATE papers SET file_id = :other WHERE id = :id",
    "other contents": "UPDATE papers SET content_index = 'x' WHERE id = :id",
}


@pytest.fixture
async def malee(house: House) -> AsyncIterator[Browser]:
    async with Browser(house) as browser:
        browser.totp = await sits(house, browser)
        yield browser


async def damage(house: House, how: str, id: str, other: str) -> None:
    """`id`, `other`: of papers; `other` gives its file."""
    values = {
        "id": id,
        "owner": (await rows(house, "SELECT person_id FROM papers WHERE id = :id", id=id))[0]["person_id"],
        "other": (await rows(house, "SELECT file_id FROM papers WHERE id = :id", id=other))[0]["file_id"],
    }
    sql = DAMAGE[how]
    await change(house, sql, **{name: value for name, value in values.items() if f":{name}" in sql})


@pytest.mark.parametrize("how", DAMAGE)
async def test_the_desk_shows_the_others_and_names_the_damaged_one(house: House, malee: Browser, how: str) -> None:
    damaged = await waits(house, PRIYA, "house")
    slots = (
        "house",
        "id_card",
        "father",
        "mother",
        "licence",
        "spouse",
        "entry.degree",
        "entry.transcript",
        "child.1",
    )
    others = [await waits(house, SOMCHAI, slot) for slot in slots]
    seen = (await malee.item(damaged))["seen"]
    await damage(house, how, damaged, others[0])
    listed = (await malee.gets("/console/api/queue")).json()["items"]
    by_id = {row["id"]: row for row in listed}
    assert len(listed) == 10
    assert all(SOMCHAI.name in by_id[id]["name"] for id in others)
    said = house.kp7.texts("th", "desk.unreadable_item")
    if "people" in DAMAGE[how]:
        assert by_id[damaged]["name"] == said
    elif "slot =" in DAMAGE[how]:
        assert by_id[damaged]["title"] == said
    item = await malee.item(damaged)
    assert (item["options"], item["facts"], item["pages"], item["name"]) == ([], [], 0, "")
    assert item["lines"] == [house.kp7.texts("th", "describe.unreadable_why")]
    page = await malee.gets(f"/console/api/items/{damaged}/pages/1?ticket={item['ticket']}")
    original = await malee.gets(f"/console/api/items/{damaged}/original?ticket={item['ticket']}")
    assert (page.status_code, original.status_code) == (404, 404)
    for verdict in ("approve", "return"):
        refused = await malee.judges({"id": damaged, "seen": item["seen"]}, verdict, reason="blurred")
        assert refused.status_code == 409, verdict
        assert refused.json()["message"] == house.kp7.texts("th", "error.item_unreadable")
    assert (await malee.judges({"id": damaged, "seen": seen})).status_code == 409
    assert await rows(house, "SELECT 1 FROM verdicts") == []
    [line] = await rows(house, "SELECT detail FROM audit WHERE action = 'queue.listed'")
    assert all(id in str(line["detail"]) for id in (damaged, *others)), "whose names were shown"
    approved = await malee.judges(await malee.item(others[0]))
    assert approved.status_code == 200, approved.text


async def test_the_queue_in_a_chat_walks_past_it(house: House) -> None:
    in_office_hours(house)
    damaged = await paper_waits(house, await who(house, PRIYA.national_id), ago=9)
    item = await paper_waits(house, await who(house, SOMCHAI.national_id), ago=5)
    totp = await officer(house, MALEE.national_id)
    chat = await house.somebody()
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await change(house, "UPDATE people SET contact = 'AAAA' WHERE id = :id", id=damaged.owner)
    await chat.taps("menu.review")
    await proves(chat, totp)
    chat.sees("describe.unreadable", "describe.unreadable_why")
    assert house.kp7.texts("th", "choice.decide_approve") not in chat.screen.labels
    await chat.taps("choice.review_later")
    assert SOMCHAI.name in chat.screen.text
    await chat.taps("choice.decide_approve")
    chat.sees("review.approved")
    assert [row["paper_id"] for row in await rows(house, "SELECT paper_id FROM verdicts")] == [item.id]


async def test_a_prompt_says_only_that_it_waits(house: House) -> None:
    in_office_hours(house)
    item = await paper_waits(house, await who(house, SOMCHAI.national_id))
    chat = await house.somebody()
    await officer(house, MALEE.national_id)
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await change(house, "UPDATE papers SET slot = 'invented' WHERE id = :id", id=item.id)
    heard = len(chat.screens)
    house.clock.forward(seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(house)
    await chat.hears(heard + 1)
    chat.sees("prompt.digest")
    assert not chat.screen["pictures"]


async def test_no_other_bytes_are_shown(house: House, malee: Browser) -> None:
    """Not those of a file that the row names as stamped, nor others that the store gives for the same one."""
    id = await waits(house, SOMCHAI, "house")
    other = await waits(house, SOMCHAI, "id_card", lambda: make_papers.pdf("id_card"))
    [shown] = await rows(house, "SELECT file_id, content_index FROM papers WHERE id = :id", id=id)
    [swapped] = await rows(house, "SELECT file_id FROM papers WHERE id = :id", id=other)
    await change(house, "UPDATE papers SET stamped_id = :file WHERE id = :id", id=id, file=swapped["file_id"])
    item = await malee.item(id)
    original = await malee.gets(f"/console/api/items/{id}/original?ticket={item['ticket']}")
    key = (await person(house, SOMCHAI)).key
    assert original.content == await house.kp7.files.get(shown["file_id"], key)

    with pytest.raises(Tampered):
        await judged(house.kp7.files, house.kp7.vault, swapped["file_id"], shown["content_index"], key)


async def test_what_the_store_swapped_is_refused(house: House, malee: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    item = await paper_waits(house, await who(house, SOMCHAI.national_id))
    reader = (await person(house, MALEE)).id
    path = Addresses(house.kp7.vault).of(item, 2, reader, house.clock())[0]
    at_desk = await malee.item(item.id)
    ticket = f"ticket={at_desk['ticket']}"

    async def others(_: Files, __: str, ___: object) -> AsyncIterator[bytes]:
        yield make_papers.pdf("degree")

    monkeypatch.setattr(Files, "frames", others)
    assert (await malee.gets(path)).status_code == 503
    assert (await malee.gets(f"/console/api/items/{item.id}/pages/1?{ticket}")).status_code == 409
    assert (await malee.gets(f"/console/api/items/{item.id}/original?{ticket}")).status_code == 409


async def test_nobody_decides_what_was_swapped_since(house: House) -> None:
    await officer(house, MALEE.national_id)
    malee, kp7 = await who(house, MALEE.national_id), house.kp7
    item = await paper_waits(house, await who(house, SOMCHAI.national_id))
    other = await paper_waits(house, await who(house, SOMCHAI.national_id), slot="house")

    async def decides(sql: str, **values: Any) -> str:
        await change(house, sql, id=item.id, **values)
        decision: Callable[[], Decision] = lambda: Decision(item.id, item.seen, "approve")  # noqa: E731
        try:
            async with kp7.database.write() as tx:
                await deciding.decide(
                    tx, kp7.vault, kp7.settings, malee.id, decision(), by=f"web:{malee.id}", now=house.clock()
                )
        except Invalid as wrong:
            return wrong.code
        return "decided"

    [was] = await rows(house, "SELECT file_id FROM papers WHERE id = :id", id=item.id)
    swap = "UPDATE papers SET file_id = (SELECT file_id FROM papers WHERE id = :other) WHERE id = :id"
    assert await decides(swap, other=other.id) == "item_unreadable"
    assert await decides("UPDATE papers SET file_id = :file WHERE id = :id", file=was["file_id"]) == "decided"
