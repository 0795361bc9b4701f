"""Buttons, links, pictures and seats that have been overtaken: by a new version, by somebody else's verdict, by the end
of the role (AZ2, SES3)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from bot.times import moment
from handlers.review import deciding
from handlers.review.deciding import Decision
from handlers.review.prompts import SETTLES
from handlers.review.queue import Item
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.desks import JPEG, Browser, link
from tests.house import Chat, House, a_house
from tests.journeys.reviewing import in_office_hours, proves, the_clock_strikes
from tests.officers import grant, officer, revoke, who
from tests.security.tools import change, rows
from tests.waiting import CAMPAIGN, paper_waits


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url) as found:
        in_office_hours(found)
        yield found


@dataclass
class Hands:
    """All that Malee holds of one paper of Somchai's: a card with its buttons, a page in a browser, a seat."""

    house: House
    chat: Chat
    totp: pyotp.TOTP
    item: Item
    desk: Browser
    seen: dict[str, Any]
    buttons: dict[str, str]
    picture: str
    page: str

    async def presses(self, verdict: str) -> None:
        """It may have been so long ago that she is asked for her six digits."""
        await self.chat.presses_data(self.buttons[verdict])
        if self.house.kp7.texts("th", "ask.factor") in self.chat.screen.text:
            await proves(self.chat, self.totp)

    async def gets(self) -> list[int]:
        """Status of whatever shows the paper: from the card, on the page, at the desk."""
        item, ticket = f"/console/api/items/{self.item.id}", self.seen["ticket"]
        paths = (
            self.picture, self.page, f"{self.page}/pages/1", f"{self.page}/original", item,
            f"{item}/pages/1?ticket={ticket}", f"{item}/original?ticket={ticket}",
        )  # fmt: skip
        return [(await self.desk.gets(path)).status_code for path in paths]


@pytest.fixture
async def malee(place: House) -> AsyncIterator[Hands]:
    totp = await officer(place, MALEE.national_id)
    chat = await place.somebody()
    await chat.logs_in(MALEE.national_id, MALEE.email)
    item = await paper_waits(place, await who(place, SOMCHAI.national_id))
    heard = len(chat.screens)
    place.clock.forward(seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(place)
    await chat.hears(heard + 1)
    card = chat.sees("prompt.one")
    labels = {"approve": "choice.decide_approve", "return": "choice.decide_return", "open": "act.open_item"}
    buttons = {name: card.data(place.kp7.texts("th", label)) for name, label in labels.items()}
    await chat.presses_data(buttons["open"])
    await proves(chat, totp)
    (page,) = {urlsplit(one["link"]).path for one in chat.sees("ask.review_open")["buttons"] if one.get("link")}
    await chat.taps("choice.review_stop")  # an open question would be asked again as it was
    place.clock.forward(seconds=31)  # for other digits
    async with Browser(place) as desk:
        assert (await desk.posts(page)).status_code == 303
        await desk.enters(await link(place), totp)
        hands = Hands(place, chat, totp, item, desk, await desk.item(item.id), buttons, card["pictures"][0], page)
        assert await hands.gets() == [200] * 7
        yield hands


async def new_version(house: House) -> None:
    """As the owner's sending again leaves it, whatever the way there."""
    await change(
        house, "UPDATE papers SET version = version + 1, submitted_at = :now",
        now=house.clock(),
    )  # fmt: skip


async def test_a_new_version_is_not_what_was_on_the_card(place: House, malee: Hands) -> None:
    await new_version(place)
    for verdict in ("approve", "return", "open"):
        await malee.presses(verdict)
        malee.chat.sees("error.item_changed")
    refused = await malee.desk.judges(malee.seen)
    assert (refused.status_code, refused.json()["message"]) == (409, place.kp7.texts("th", "error.item_changed"))
    assert await malee.gets() == [404, 404, 404, 404, 200, 404, 404]  # the desk shows what there is now
    assert await rows(place, "SELECT 1 FROM verdicts") == []
    again = await malee.desk.item(malee.item.id)
    assert again["seen"] != malee.seen["seen"]
    assert (await malee.desk.judges(again)).status_code == 200


async def test_what_somebody_else_decided_is_told_with_name_and_time(place: House, malee: Hands) -> None:
    await grant(place, ANAN.national_id)
    anan, now = await who(place, ANAN.national_id), place.clock()
    kp7, decision = place.kp7, Decision(malee.item.id, malee.item.seen, "approve")
    async with kp7.database.write() as tx:
        await deciding.decide(tx, kp7.vault, kp7.settings, anan.id, decision, by=f"web:{anan.id}", now=now)
    then = moment(now, kp7.settings.timezone)
    words = kp7.texts("th", "error.item_approved", {"officer": anan.full_name, "day": then.date(), "time": then})
    for verdict in ("approve", "return", "open"):
        await malee.presses(verdict)
        assert words in malee.chat.screen.text
    for wanted, more in (("approve", {}), ("return", {"reason": "blurred"})):
        refused = await malee.desk.judges(malee.seen, wanted, **more)
        assert (refused.status_code, refused.json()["message"]) == (409, words)
    assert await malee.gets() == [404] * 7
    assert [row["officer_id"] for row in await rows(place, "SELECT officer_id FROM verdicts")] == [anan.id]


async def revoked(house: House) -> None:
    await revoke(house, MALEE.national_id)


async def suspended(house: House) -> None:
    await _changes(house, "status = 'suspended'")


async def transferred(house: House) -> None:
    await _changes(house, "organisation_code = 'D0201'")


async def prolonged(house: House) -> None:
    """By somebody who edits rows: then KP7 has not given this role."""
    await change(house, "UPDATE grants SET ends_on = '2099-01-01'")


async def _changes(house: House, what: str) -> None:
    malee = await who(house, MALEE.national_id)
    await change(house, f"UPDATE people SET {what} WHERE id = :id", id=malee.id)


@pytest.mark.parametrize("ends", [revoked, suspended, transferred, prolonged])
async def test_whoever_is_no_officer_any_more_is_powerless_at_once(
    place: House, malee: Hands, ends: Callable[[House], Awaitable[None]]
) -> None:
    """Whatever is open in the chat, in a browser and at the desk."""
    await ends(place)
    assert await malee.gets() == [404] * 4 + [401] * 3
    for path in ("/console", "/console/progress", "/console/api/queue"):
        assert (await malee.desk.gets(path)).status_code == 401
    assert (await malee.desk.judges(malee.seen)).status_code == 401
    number = f"/console/api/items/{malee.item.id}/national-id"
    assert (await malee.desk.posts(number, {"ticket": malee.seen["ticket"]})).status_code == 401
    for path in (f"/console/export/{CAMPAIGN}", "/console/proof"):
        refused = await malee.desk.posts(path, {"code": malee.totp.at(place.clock() // 1000)})
        assert (refused.status_code, b"PK" in refused.content) == (401, False)
    for verdict in ("approve", "return", "open"):
        await malee.chat.presses_data(malee.buttons[verdict])
        malee.chat.sees("error.not_officer")
    await malee.chat.presses_data("go:review")
    assert SOMCHAI.name not in malee.chat.screen.text
    assert await rows(place, "SELECT 1 FROM verdicts") == []


async def test_a_verdict_that_is_being_asked_for_does_not_outlive_the_role(place: House, malee: Hands) -> None:
    """The reason is asked for, the role goes, the reason is given."""
    await malee.presses("return")
    malee.chat.sees("ask.review_reason")
    await revoked(place)
    await malee.chat.taps("reason.blurred")
    malee.chat.sees("error.not_officer")
    assert await rows(place, "SELECT 1 FROM verdicts") == []


async def test_of_two_browsers_that_open_a_paper_at_once_one_has_it(place: House, malee: Hands) -> None:
    await malee.presses("open")
    (page,) = {urlsplit(one["link"]).path for one in malee.chat.sees("ask.review_open")["buttons"] if one.get("link")}
    before = len(await rows(place, "SELECT 1 FROM audit WHERE action = 'paper.seen'"))
    origin = {"origin": place.url}
    browsers = [httpx.AsyncClient(base_url=place.url, headers=origin, timeout=20) for _ in range(8)]
    said = await asyncio.gather(*(browser.post(page) for browser in browsers))
    assert sorted(one.status_code for one in said) == [303] + [404] * 7
    shown = [(await browser.get(f"{page}/pages/1")).content.startswith(JPEG) for browser in browsers]
    assert shown == [one.status_code == 303 for one in said]
    assert len(await rows(place, "SELECT 1 FROM audit WHERE action = 'paper.seen'")) == before + 1
    for browser in browsers:
        await browser.aclose()


async def test_of_two_browsers_that_open_the_desk_at_once_one_sits_there(place: House, malee: Hands) -> None:
    path, code = await link(place), malee.totp.at(place.clock() // 1000 + 30)
    place.clock.forward(seconds=30)
    browsers = [Browser(place) for _ in range(4)]
    said = await asyncio.gather(*(browser.posts(path) for browser in browsers))
    assert sorted(one.status_code for one in said) == [303, 401, 401, 401]
    winner = next(browser for browser, one in zip(browsers, said, strict=True) if one.status_code == 303)
    tries = [browser.posts(f"{path}/code", {"code": code}) for browser in (*browsers, winner)]
    entered = await asyncio.gather(*tries)
    assert sorted(one.status_code for one in entered)[0] == 200
    assert sum(one.status_code == 200 for one in entered) == 1
    seated = await asyncio.gather(*(browser.gets("/console") for browser in browsers))
    assert [one.status_code == 200 for one in seated] == [browser is winner for browser in browsers]
    for browser in browsers:
        await browser.client.aclose()
