"""Whole journeys: staff, officers and owner, with photos and PDFs as they come from a phone, to “certified”."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from handlers.documents.rules import Options
from handlers.review.deciding import TELL_AFTER
from handlers.review.prompts import SETTLES
from samples import make_papers
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.desks import JPEG
from tests.house import Chat, House, a_house
from tests.journeys.papers import CARD, answers_family, chooses, listed, sends, waived
from tests.journeys.reviewing import hands_in, in_office_hours, proves, submits, the_clock_strikes
from tests.officers import enrol, grant, officer
from tests.security.tools import all_said, registers, rows

PUBLIC = "https://kp7.example.go.th"  # LINE takes pictures from nowhere else
HIS = "anan@example.com"


@pytest.fixture(params=["line-th", "web-th", "web-en"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def house(where: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """With two channels, both databases, and officers who may be told every minute."""
    more: dict[str, Any] = {}
    channel = where.partition("-")[0]
    if channel == "line":
        more = {"public_url": PUBLIC, "database_url": request.getfixturevalue("postgres_url")}
    async with a_house(tmp_path, channel=channel, prompt_minutes=1, **more) as found:
        in_office_hours(found)
        yield found


@pytest.fixture
def language(where: str) -> str:
    return where.partition("-")[2]


async def fetched(house: House, pictures: Sequence[str]) -> list[httpx.Response]:
    """As a phone or LINE gets them: from the address alone."""
    async with httpx.AsyncClient(timeout=20) as nobody:
        return [await nobody.get(house.url + urlsplit(picture).path) for picture in pictures]


async def is_told(house: House, chat: Chat, heard: int) -> None:
    house.clock.forward(seconds=TELL_AFTER / 1000 + 1)
    await chat.hears(heard + 1)


async def is_prompted(house: House, chat: Chat) -> None:
    heard = len(chat.screens)
    house.clock.forward(minutes=1, seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(house)
    await chat.hears(heard + 1)


async def waives(chat: Chat, papers: int) -> None:
    for _ in range(papers):
        await chat.taps("choice.waive_approve")
        chat.sees("review.waived")


async def test_from_a_new_chat_to_certified(house: House, language: str) -> None:
    """A photo comes back, is sent again as a PDF, and passes. What one of them sees the othis have done."""
    malee, anan = await house.somebody(language), await house.somebody(language)
    totp = await officer(house, MALEE.national_id, scope="D02")
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await listed(house, ANAN)
    await registers(anan, ANAN, HIS)
    await anan.taps("menu.documents")
    await answers_family(anan)
    await chooses(anan, "id_card")
    await sends(anan, ("1.jpg", make_papers.photo("id_card", (1280, 960))))
    await anan.taps("choice.finish")
    await anan.taps("choice.signed_by_hand")
    await waived(anan, "house", "father_card", "mother_card", "entry_degree", "entry_transcript")
    await submits(anan)

    await is_prompted(house, malee)
    malee.sees("prompt.digest")
    await malee.taps("menu.review")
    await proves(malee, totp)
    malee.sees("ask.review", "describe.pages")
    assert ANAN.name in malee.screen.text
    pictures = [*malee.screen["pictures"]]
    assert [(one.status_code, one.content[:3]) for one in await fetched(house, pictures)] == [(200, JPEG)]
    await malee.taps("choice.decide_return")
    await malee.taps("reason.blurred")
    malee.sees("review.returned", "ask.review")
    await waives(malee, 5)
    malee.sees("review.end")
    assert [one.status_code for one in await fetched(house, pictures)] == [404]

    await is_told(house, anan, len(anan.screens))
    anan.sees("verdicts.told", "verdicts.returned", "verdicts.waived", "reason.blurred")
    await anan.taps("menu.documents")
    await chooses(anan, "id_card")
    anan.sees("ask.kept_returned_why", "reason.blurred")
    await anan.taps("choice.replace")
    await sends(anan, ("card.pdf", CARD))
    await anan.taps("choice.finish")
    await anan.taps("choice.signed_by_hand")
    await anan.taps("choice.to_list")
    await submits(anan)

    await is_prompted(house, malee)  # one thing: a card, to be decided as it lies there
    card = malee.sees("prompt.one", "describe.pages")
    assert ANAN.name in card.text
    assert card["pictures"]
    assert {(one.status_code, one.content[:3]) for one in await fetched(house, card["pictures"])} == {(200, JPEG)}
    await malee.taps("act.open_item")
    malee.sees("ask.review_open")
    await reads(house, malee)
    await malee.presses_data(card.data(house.kp7.texts(malee.language, "choice.decide_approve")))
    malee.sees("review.approved")

    await is_told(house, anan, len(anan.screens))
    anan.sees("verdicts.told", "verdicts.approved", "verdicts.certified")
    await anan.taps("menu.documents")
    anan.sees("ask.checklist_complete")
    heard = len(anan.screens)
    house.clock.forward(minutes=5)
    await the_clock_strikes(house)
    await all_said(house)
    assert len(anan.screens) == heard, "everything once"
    assert await rows(house, "SELECT 1 FROM verdicts WHERE told_at IS NULL") == []
    assert await rows(house, "SELECT 1 FROM outbox WHERE purpose = 'verdicts'") == []


async def reads(house: House, chat: Chat) -> None:
    """The page behind the button, in the officer's own browser."""
    (link,) = {button["link"] for button in chat.screen["buttons"] if button.get("link")}
    path = urlsplit(link).path
    async with httpx.AsyncClient(base_url=house.url, timeout=20) as browser:
        bound = await browser.post(path, headers={"origin": house.settings.address})
        assert bound.status_code == 303
        mine = {"cookie": bound.headers["set-cookie"].partition(";")[0]}
        assert ANAN.name in (await browser.get(path, headers=mine)).text
        assert (await browser.get(f"{path}/pages/1", headers=mine)).content.startswith(JPEG)
    async with httpx.AsyncClient(base_url=house.url, timeout=20) as other:
        assert (await other.get(path)).status_code == 404


@pytest.mark.parametrize("where", ["line-th", "web-en"], indirect=True)
async def test_two_levels_are_two_officers(house: House, language: str) -> None:
    """The owner hears of it when the second has decided; nobody is both."""
    malee, anan, somchai = [await house.somebody(language) for _ in range(3)]
    totp = await officer(house, MALEE.national_id)
    await grant(house, MALEE.national_id, "province_officer")
    await grant(house, ANAN.national_id, "province_officer")
    his = await enrol(house, ANAN.national_id)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await registers(anan, ANAN, HIS)
    await hands_in(house, somchai, Options(levels=2))

    await anan.taps("menu.review")
    await proves(anan, his)
    anan.sees("review.none")  # it is not his yet
    await malee.taps("menu.review")
    await proves(malee, totp)
    malee.sees("ask.review")
    await malee.taps("choice.decide_approve")
    malee.sees("review.approved", "ask.review", "describe.paper2", "describe.same_officer")
    for verdict in ("choice.decide_approve", "choice.decide_return"):
        assert house.kp7.texts(malee.language, verdict) not in malee.screen.labels
    await malee.taps("choice.review_later")
    await waives(malee, 5)
    malee.sees("review.end")

    await is_told(house, somchai, len(somchai.screens))
    told = somchai.sees("verdicts.told", "verdicts.waived")
    for key in ("verdicts.approved", "verdicts.certified"):
        assert house.kp7.texts(malee.language, key, {"n": 1, "papers": "", "name": ""}).split("\n")[0] not in told.text
    (state,) = await rows(house, "SELECT state, level FROM papers WHERE slot = 'id_card'")
    assert (state["state"], state["level"]) == ("submitted", 2)

    await is_prompted(house, anan)
    anan.sees("prompt.one", "describe.paper2")
    await anan.taps("choice.decide_approve")
    anan.sees("review.approved")
    await is_told(house, somchai, len(somchai.screens))
    somchai.sees("verdicts.told", "verdicts.approved", "verdicts.certified")
    given = await rows(house, "SELECT level, officer_id FROM verdicts WHERE slot = 'id_card' ORDER BY level")
    assert [row["level"] for row in given] == [1, 2]
    assert len({row["officer_id"] for row in given}) == 2


@pytest.mark.parametrize("where", ["line-th"], indirect=True)
async def test_what_the_second_level_returns_begins_at_the_first_again(house: House, language: str) -> None:
    malee, anan, somchai = [await house.somebody(language) for _ in range(3)]
    totp = await officer(house, MALEE.national_id)
    await grant(house, ANAN.national_id, "province_officer")
    his = await enrol(house, ANAN.national_id)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await registers(anan, ANAN, HIS)
    await hands_in(house, somchai, Options(levels=2))
    await malee.taps("menu.review")
    await proves(malee, totp)
    await malee.taps("choice.decide_approve")
    await malee.taps("choice.review_stop")
    await anan.taps("menu.review")
    await proves(anan, his)
    await anan.taps("choice.decide_return")
    await anan.taps("reason.blurred")
    anan.sees("review.returned", "review.end")
    await is_told(house, somchai, len(somchai.screens))
    somchai.sees("verdicts.returned", "reason.blurred")
    await somchai.taps("menu.documents")
    await chooses(somchai, "id_card")
    await somchai.taps("choice.replace")
    await sends(somchai, ("card.pdf", CARD))
    await somchai.taps("choice.finish")
    await somchai.taps("choice.signed_by_hand")
    await somchai.taps("choice.to_list")
    await submits(somchai)
    (state,) = await rows(house, "SELECT state, level FROM papers WHERE slot = 'id_card'")
    assert (state["state"], state["level"]) == ("submitted", 1)
    await malee.taps("menu.review")
    await malee.taps("choice.waive_approve")
    assert SOMCHAI.name in malee.screen.text
