"""What HR decided reaches its owner where they are: in the chat, or by mail, once; a mail has nothing but numbers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from handlers.review import deciding
from handlers.review.deciding import TELL_AFTER, Decision
from handlers.review.rules import Wanted
from tests.cast import ANAN, MALEE, SOMCHAI, Player
from tests.house import Chat, House, LineChat, a_house
from tests.journeys.reviewing import the_clock_strikes
from tests.officers import grant, who
from tests.security.tools import rows
from tests.waiting import paper_waits

UNTOLD = "SELECT 1 FROM verdicts WHERE told_at IS NULL"
LEFT = "SELECT kind, purpose, reason FROM outbox"


@pytest.fixture(params=["web", "line, PostgreSQL"])
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    more: dict[str, Any] = {}
    if "PostgreSQL" in request.param:
        more = {"database_url": request.getfixturevalue("postgres_url")}
    async with a_house(tmp_path, channel=request.param.partition(",")[0], **more) as found:
        await grant(found, MALEE.national_id)
        await grant(found, MALEE.national_id, scope="D02")
        yield found


async def judged(house: House, owner: Player, slot: str, wanted: Wanted, reason: str = "") -> None:
    kp7, malee = house.kp7, await who(house, MALEE.national_id)
    item = await paper_waits(house, await who(house, owner.national_id), slot=slot)
    decision = Decision(item.id, item.seen, wanted, reason)
    async with kp7.database.write() as tx:
        by, now = f"web:{malee.id}", house.clock()
        done = await deciding.decide(tx, kp7.vault, kp7.settings, malee.id, decision, by=by, now=now)
        written = await kp7.outbox.insert(tx, done.entries)
    kp7.outbox.dispatch(written)


async def told_or_not(house: House) -> None:
    """Everything that is due has been done."""
    house.clock.forward(seconds=TELL_AFTER / 1000 + 1)
    await the_clock_strikes(house)
    await settled(house)


async def settled(house: House) -> None:
    async with asyncio.timeout(20):
        while await rows(house, LEFT) or await rows(house, UNTOLD):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def leaves(chat: Chat) -> None:
    """Blocks the bot on LINE; logs out on the web, where there is nothing to block."""
    if isinstance(chat, LineChat):
        assert (await chat.sends(chat.webhooks.unfollow(chat.user))).status_code == 200
    else:
        await chat.taps("menu.logout")


async def test_who_has_left_the_chat_hears_by_mail_how_many_and_later_in_the_chat_which(house: House) -> None:
    somchai = await house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await leaves(somchai)
    heard, mailed = len(somchai.screens), len(house.post.mails)
    await judged(house, SOMCHAI, "id_card", "return", "blurred")
    await judged(house, SOMCHAI, "house", "approve")
    await told_or_not(house)
    mail = await house.post.mail_to(SOMCHAI.email, after=mailed)
    counts = {"approved": 1, "returned": 1, "waived": 0}
    assert mail["subject"] == house.kp7.texts("th", "mail.verdicts.counts.subject")
    assert house.kp7.texts("th", "mail.verdicts.counts.body", counts).strip() in house.post.text(mail)
    for private in ("reason.blurred", "paper.id_card", "paper.house"):
        assert house.kp7.texts("th", private) not in house.post.text(mail)
    assert SOMCHAI.national_id not in house.post.text(mail)
    assert len(house.post.mails) == mailed + 1
    assert len(somchai.screens) == heard

    # another one, once they are back: in the chat, and the old ones are not told again
    if isinstance(somchai, LineChat):
        await somchai.open()
    else:
        house.clock.forward(minutes=2)
        await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    heard, mailed = len(somchai.screens), len(house.post.mails)
    await judged(house, SOMCHAI, "father", "approve")
    await told_or_not(house)
    await somchai.hears(heard + 1)
    told = somchai.sees("verdicts.told", "verdicts.approved")
    assert house.kp7.texts("th", "paper.father_card") in told.text
    assert house.kp7.texts("th", "reason.blurred") not in told.text
    assert len(house.post.mails) == mailed
    assert len(somchai.screens) == heard + 1


async def test_who_never_had_a_chat_hears_by_mail(house: House) -> None:
    mailed = len(house.post.mails)
    await judged(house, SOMCHAI, "id_card", "approve")
    await told_or_not(house)
    mail = await house.post.mail_to(SOMCHAI.email, after=mailed)
    assert mail["subject"] == house.kp7.texts("th", "mail.verdicts.counts.subject")


async def test_who_has_neither_chat_nor_address_keeps_nobody_else_waiting(house: House) -> None:
    """There is no way to tell them: what was decided stands on their list when they come."""
    mailed = len(house.post.mails)
    await judged(house, ANAN, "id_card", "approve")
    await judged(house, SOMCHAI, "id_card", "approve")
    await told_or_not(house)
    assert [mail["to"] for mail in house.post.mails[mailed:]] == [SOMCHAI.email]
    assert [row["state"] for row in await rows(house, "SELECT state FROM papers")] == ["approved"] * 2
