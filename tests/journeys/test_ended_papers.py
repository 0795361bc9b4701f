"""What is left when papers have been handed in, or are not asked for any more."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.times import local_date
from handlers.documents import campaigns
from storage.seals import CAMPAIGNS
from tests.cast import SOMCHAI
from tests.house import Chat, a_house
from tests.journeys.papers import answers_family, at_the_list, chooses, finished, sends
from tests.journeys.test_documents import all_but_one, nothing_left_over, pdf, photo
from tests.sealing import sealed
from tests.security.tools import rows


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with a_house(tmp_path) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        yield chat


async def is_closed(chat: Chat) -> int | None:
    kp7 = chat.house.kp7
    async with kp7.database.write() as tx:
        return await campaigns.close(tx, kp7.vault, "c1", by="cli:malee", now=kp7.clock())


async def another_asks_first(chat: Chat) -> None:
    kp7 = chat.house.kp7
    yesterday = (local_date(kp7.clock(), kp7.settings.timezone) - timedelta(days=1)).isoformat()
    async with kp7.database.write() as tx:
        await tx.run(
            "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at) "
            "SELECT 'c2', kind, 'ชุดเร่งด่วน', :day, :day, 14, options, 2 FROM campaigns",
            {"day": yesterday},
        )
        await sealed(tx, kp7.vault, CAMPAIGNS, "c2")
        await tx.run(
            "INSERT INTO listed (campaign_id, person_id, listed_on, due) "
            "SELECT 'c2', person_id, listed_on, :day FROM listed",
            {"day": yesterday},
        )


async def at_the_summary(chat: Chat) -> None:
    await all_but_one(chat)
    await chat.taps("choice.signed_by_hand")
    await chat.taps("choice.submit")
    chat.sees("ask.submit")


async def test_what_other_answers_had_asked_for_goes_drafts_too(chat: Chat) -> None:
    """A highest degree that is that of the appointment after all; and a photo of which no paper was made."""
    await chat.taps("choice.family")
    await answers_family(chat, father="died", degree="higher")
    await finished(chat, "top_degree", ("degree.pdf", pdf("degree")))
    await chat.says("เอกสาร")
    await chooses(chat, "father_death")
    await sends(chat, ("1.jpg", photo("id_card")))
    await chat.says("เอกสาร")
    await chat.taps("choice.family")
    await answers_family(chat)
    await at_the_summary(chat)
    await chat.taps("choice.submit_now")
    chat.sees("documents.submitted")
    assert {row["state"] for row in await rows(chat.house, "SELECT state FROM papers")} == {"submitted", "waiting"}
    assert await rows(chat.house, "SELECT * FROM pages") == []
    await nothing_left_over(chat.house)


async def test_what_was_not_handed_in_goes_when_the_campaign_is_closed(chat: Chat) -> None:
    await finished(chat, "id_card", ("card.pdf", pdf("id_card")))
    chat.sees("ask.certify")
    await chat.says("เอกสาร")
    await chooses(chat, "house")
    await sends(chat, ("1.jpg", photo("house_registration")))
    assert await is_closed(chat) == 1
    assert await is_closed(chat) is None
    assert await rows(chat.house, "SELECT 1 FROM papers") == await rows(chat.house, "SELECT 1 FROM pages") == []
    assert await rows(chat.house, "SELECT 1 FROM files") == []
    await chat.says("เอกสาร")
    chat.sees("documents.none")
    await nothing_left_over(chat.house)


async def test_what_was_handed_in_stays_when_the_campaign_is_closed(chat: Chat) -> None:
    await at_the_summary(chat)
    await chat.taps("choice.submit_now")
    before = await rows(chat.house, "SELECT * FROM papers ORDER BY id")
    assert await is_closed(chat) == 0
    assert await rows(chat.house, "SELECT * FROM papers ORDER BY id") == before
    await nothing_left_over(chat.house)


async def test_whoever_logs_in_hears_by_when_their_papers_are_due_until_they_are_handed_in(chat: Chat) -> None:
    async def comes_back() -> str:
        await chat.taps("menu.logout")
        await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        chat.sees("login.done")
        return chat.screen.text

    await chat.taps("choice.close")
    said = await comes_back()
    assert "รับรองทะเบียนประวัติ\nกำหนดส่ง" in said
    assert "เหลือ 20 วัน" in said
    await chat.taps("menu.documents")
    await at_the_summary(chat)
    await chat.taps("choice.submit_now")
    assert "กำหนดส่ง" not in await comes_back()


async def test_who_answers_anew_after_handing_in_is_told_what_that_does_and_loses_nothing(chat: Chat) -> None:
    await at_the_summary(chat)
    await chat.taps("choice.submit_now")
    await chat.taps("menu.documents")
    chat.sees("ask.checklist_waiting")
    await chat.taps("choice.family")
    chat.sees("documents.family_again", "ask.father")
    await answers_family(chat, father="died")
    chat.sees("documents.family_saved", "ask.checklist")
    await chooses(chat, "father_card")
    chat.sees("ask.kept_waiting")
    await chat.taps("choice.to_list")
    await chooses(chat, "father_death")
    await chat.taps("choice.no_such_paper")
    await chat.taps("choice.ask_waiver")
    chat.sees("ask.checklist_ready")
    await chat.taps("choice.submit")
    await chat.taps("choice.submit_now")
    chat.sees("documents.submitted")
    states = {row["slot"]: row["state"] for row in await rows(chat.house, "SELECT slot, state FROM papers")}
    assert (states["father"], states["father.death"]) == ("waiting", "waiting")


async def test_before_anything_is_handed_in_nothing_is_said_of_it(chat: Chat) -> None:
    await chat.taps("choice.family")
    chat.sees("ask.father")


async def test_closed_between_the_summary_and_yes(chat: Chat) -> None:
    await at_the_summary(chat)
    await is_closed(chat)
    await chat.taps("choice.submit_now")
    chat.sees("documents.none")


async def test_another_campaign_asks_first_between_the_summary_and_yes(chat: Chat) -> None:
    """Nobody is told that the first one is closed: it is not."""
    await at_the_summary(chat)
    await another_asks_first(chat)
    await chat.taps("choice.submit_now")
    chat.sees("error.old_button", "ask.checklist")
    assert "ชุดเร่งด่วน" in chat.screen.text
    states = await rows(chat.house, "SELECT state FROM papers WHERE campaign_id = 'c1'")
    assert {row["state"] for row in states} == {"received", "asked"}
