"""Rows that somebody edited who writes the database, without a key: whatever stands in them, it stops nobody else. What
SQLite takes in any place (bytes, words that are none, infinity), PostgreSQL does not."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from bot.papers.room import Papers
from bot.papers.shapes import Reason, Refused
from handlers.review import describing, prompts
from handlers.review.prompts import SETTLES
from storage.files import Files
from tests.cast import ANAN, MALEE, PRIYA, SOMCHAI
from tests.databases import sqlite
from tests.desks import Browser, chats, link, sits, waits
from tests.house import Chat, House, a_house
from tests.journeys.reviewing import in_office_hours, proves, the_clock_strikes
from tests.officers import grant, officer, who
from tests.security.test_forged_rows import at_work
from tests.security.tools import change, rows
from tests.waiting import campaign, paper_waits
from tests.waiting import waits as asks

NOT_WORDS = "CAST(X'ff' AS TEXT)"
ANYWHERE = {
    "certified": "UPDATE papers SET certified = 'x' WHERE id = :id",
    "submitted_at": "UPDATE papers SET submitted_at = 9000000000000000000 WHERE id = :id",
}
ON_SQLITE = {
    "appointed_on": "UPDATE people SET appointed_on = X'ff00' WHERE id = :owner",
    "unit": "UPDATE people SET unit = X'ff00' WHERE id = :owner",
    "unit, no words": f"UPDATE people SET unit = {NOT_WORDS} WHERE id = :owner",
    "due": "UPDATE listed SET due = X'00' WHERE person_id = :owner",
    "submitted_at, words": "UPDATE papers SET submitted_at = 'x' WHERE id = :id",
    "submitted_at, infinity": "UPDATE papers SET submitted_at = 9e999 WHERE id = :id",
    "submitted_at, half": "UPDATE papers SET submitted_at = submitted_at + 0.5 WHERE id = :id",
}
IDS = {
    "papers": "UPDATE papers SET id = {} WHERE id = :id",
    "people": "UPDATE people SET id = {} WHERE id = :owner",
    "identity_checks": "UPDATE identity_checks SET id = {} WHERE id = :check",
}
CAMPAIGNS = {
    "due": "'x'",
    "upstream_due": "'x'",
    "made_at": "9000000000000000000",
}
CAMPAIGNS_ON_SQLITE = [
    ("due", "X'ff00'"),
    ("upstream_due", "X'ff00'"),
    ("made_at", "'x'"),
    ("made_at", "9e999"),
    ("name", "X'ff00'"),
    ("name", NOT_WORDS),
    ("id", NOT_WORDS),
    ("late_days", "'x'"),
]


@pytest.fixture
async def both(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url) as house:
        yield house


async def edit(house: House, sql: str, **values: object) -> None:
    """As `change`, whatever else names the row."""
    if house.kp7.database.kind != "sqlite":
        await change(house, sql, **values)
        return
    path = sqlite(house.kp7.database).path

    def by_hand() -> None:
        connection = sqlite3.connect(path, isolation_level=None, timeout=20)
        assert connection.execute(sql, values).rowcount > 0
        connection.close()

    await asyncio.to_thread(by_hand)  # the house may be writing


async def edited(house: House, sql: str, id: str) -> None:
    """`sql`: about the paper `id`, its owner or its campaign."""
    (row,) = await rows(house, "SELECT person_id, campaign_id FROM papers WHERE id = :id", id=id)
    values = {"id": id, "owner": row["person_id"], "campaign": row["campaign_id"]}
    await edit(house, sql, **{name: value for name, value in values.items() if f":{name}" in sql})


async def named_and_passed_by(house: House, sql: str) -> None:
    """At the desk and in a chat."""
    in_office_hours(house)
    bad = await waits(house, PRIYA, "house")
    house.clock.forward(seconds=60)
    good = await waits(house, SOMCHAI, "house")
    async with Browser(house) as malee:
        totp = await sits(house, malee)
        await edited(house, sql, bad)
        listed = await malee.gets("/console/api/queue")
        assert listed.status_code == 200, listed.text
        assert {row["id"] for row in listed.json()["items"]} == {bad, good}
        item = await malee.item(bad)
        assert (item["options"], item["facts"], item["pages"]) == ([], [], 0)
        assert item["lines"] == [house.kp7.texts("th", "describe.unreadable_why")]
        assert (await malee.judges(item)).status_code == 409
        assert (await malee.item(good))["options"]
    chat = await chats(house)
    house.clock.forward(seconds=60)
    await chat.taps("menu.review")
    await proves(chat, totp)
    chat.sees("describe.unreadable", "describe.unreadable_why")
    await chat.taps("choice.review_later")
    assert SOMCHAI.name in chat.screen.text


@pytest.mark.parametrize("how", ANYWHERE)
async def test_it_is_named_and_passed_by(both: House, how: str) -> None:
    await named_and_passed_by(both, ANYWHERE[how])


@pytest.mark.parametrize("how", ON_SQLITE)
async def test_bytes_are_named_and_passed_by(house: House, how: str) -> None:
    await named_and_passed_by(house, ON_SQLITE[how])


@pytest.mark.parametrize("value", ["X'ff00'", NOT_WORDS])
@pytest.mark.parametrize("table", IDS)
async def test_an_id_that_is_none_is_left_out(house: House, table: str, value: str) -> None:
    async with Browser(house) as malee:
        await sits(house, malee)
        bad = await waits(house, PRIYA, "house")
        good = await waits(house, SOMCHAI, "house")
        async with house.kp7.database.write() as tx:
            priya = await who(house, PRIYA.national_id)
            check = await asks(tx, house.kp7.vault, priya, "identity", house.clock())
        sql = IDS[table].format(value)
        values = {"id": bad, "owner": priya.id, "check": check}
        await edit(house, sql, **{name: one for name, one in values.items() if f":{name}" in sql})
        listed, waiting = await malee.gets("/console/api/queue"), await malee.gets("/console/api/waiting")
        assert (listed.status_code, waiting.status_code) == (200, 200)
        assert good in [row["id"] for row in listed.json()["items"]]
        assert good in waiting.json()["ids"]
        assert (await malee.item(good))["options"]


async def no_progress_is_lost(house: House, column: str, value: str) -> None:
    async with Browser(house) as malee:
        await sits(house, malee)
        await waits(house, SOMCHAI, "house")
        async with house.kp7.database.write() as tx:
            await campaign(tx, house.kp7.vault)
        (other,) = await rows(house, "SELECT id, name FROM campaigns WHERE id <> 'w1'")
        await edit(house, f"UPDATE campaigns SET {column} = {value} WHERE id = 'w1'")
        shown = await malee.gets(f"/console/progress?campaign={other['id']}")
        assert shown.status_code == 200, shown.text
        assert other["name"] in shown.text
        assert (await malee.gets("/console/progress?campaign=w1")).status_code == 200


@pytest.mark.parametrize("column", CAMPAIGNS)
async def test_a_campaign_hides_no_other_one(both: House, column: str) -> None:
    await no_progress_is_lost(both, column, CAMPAIGNS[column])


@pytest.mark.parametrize(("column", "value"), CAMPAIGNS_ON_SQLITE)
async def test_bytes_in_a_campaign_hide_no_other_one(house: House, column: str, value: str) -> None:
    await no_progress_is_lost(house, column, value)


# --- prompts ----------------------------------------------------------------------------------------------------------


async def two_officers(house: House) -> tuple[Chat, Chat]:
    """Malee and Somchai, for whom the same waits: of Anan's unit."""
    in_office_hours(house)
    found = []
    for one in (MALEE, SOMCHAI):
        await officer(house, one.national_id, scope="D02")
        found.append(await chats(house, one))
    return found[0], found[1]


async def test_officers_hear_that_something_waits_which_cannot_be_shown(both: House) -> None:
    malee, somchai = await two_officers(both)
    item = await paper_waits(both, await who(both, ANAN.national_id))
    await change(both, "UPDATE papers SET certified = 'x' WHERE id = :id", id=item.id)
    heard = [len(chat.screens) for chat in (malee, somchai)]
    both.clock.forward(seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(both)
    for chat, before in zip((malee, somchai), heard, strict=True):
        await chat.hears(before + 1)
        chat.sees("prompt.digest")


async def test_one_officers_failure_stops_no_other(both: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, somchai = await two_officers(both)
    await paper_waits(both, await who(both, ANAN.national_id))
    unlucky = (await who(both, MALEE.national_id)).id
    describe = describing.describe

    async def fails(*given: object) -> object:
        if given[3].person_id == unlucky:  # type: ignore[attr-defined]
            raise RecursionError("what nobody thought of")
        return await describe(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(prompts, "describe", fails)
    heard = len(somchai.screens)
    both.clock.forward(seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(both)
    await somchai.hears(heard + 1)
    somchai.sees("prompt.one")
    assert unlucky not in [row["person_id"] for row in await rows(both, "SELECT person_id FROM prompts")]


# --- the audit log ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("detail", ["[" * 200_000, '{"grant":' * 3_000, '{"grant":"%s"}', "x", "9" * 5_000])
async def test_a_forged_line_ends_no_role(both: House, detail: str) -> None:
    held = await grant(both, MALEE.national_id)
    me = await who(both, MALEE.national_id)
    said = detail.replace("%s", held)
    forged = (
        "INSERT INTO audit (seq, at, actor, action, subject, detail, mac) VALUES (999, 1, 'x', :what, :me, :said, 'x')"
    )
    await change(both, forged, what="officer.ended", me=me.id, said=said)
    found = await at_work(both)
    assert found
    assert [one.id for one in found.held] == [held]


# --- memory -----------------------------------------------------------------------------------------------------------


async def test_nothing_is_read_that_cannot_be_drawn(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the queue for drawing is full."""
    async with Browser(house) as malee:
        await sits(house, malee)
        id = await waits(house, SOMCHAI, "house")
        item = await malee.item(id)
        page = f"/console/api/items/{id}/pages/1?ticket={item['ticket']}"
        read: list[str] = []
        frames = Files.frames

        async def counted(self: Files, file: str, key: object) -> AsyncIterator[bytes]:
            read.append(file)
            async for frame in frames(self, file, key):  # type: ignore[arg-type]
                yield frame

        monkeypatch.setattr(Files, "frames", counted)
        workshop = house.kp7.papers._workshop
        monkeypatch.setattr(workshop, "inside", workshop.most)
        assert (await malee.gets(page)).status_code == 503
        assert read == []
        monkeypatch.setattr(workshop, "inside", 0)
        assert (await malee.gets(page)).status_code == 200
        assert read
        assert workshop.inside == 0


async def test_an_officer_at_two_desks_has_no_more_drawn(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing, done = 0, asyncio.Event()
    three = asyncio.Event()

    async def slow(*_: object) -> Refused:
        nonlocal drawing
        drawing += 1
        if drawing == 3:
            three.set()
        await done.wait()
        return Refused(Reason.UNREADABLE)

    async with Browser(house) as here, Browser(house) as there:
        totp = await sits(house, here)
        house.clock.forward(seconds=60)
        await there.enters(await link(house), totp)
        id = await waits(house, SOMCHAI, "house")
        monkeypatch.setattr(Papers, "preview", slow)

        async def page(browser: Browser) -> Callable[[], Awaitable[httpx.Response]]:
            ticket = (await browser.item(id))["ticket"]
            return lambda: browser.gets(f"/console/api/items/{id}/pages/1?ticket={ticket}")

        a, b = await page(here), await page(there)
        busy = [asyncio.ensure_future(one()) for one in (a, a, b)]
        async with asyncio.timeout(20):
            await three.wait()
        assert (await b()).status_code == 503
        assert drawing == 3
        done.set()
        assert {one.status_code for one in await asyncio.gather(*busy)} == {409}
